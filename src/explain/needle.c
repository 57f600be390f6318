#include "explain/needle.h"

#include <ctype.h>
#include <string.h>

#include "base/macro.h"

#define NONE UINT16_MAX

/* A row whose needle ends at a node; several hang together. */
struct ending {
	uint16_t row, next;
	uint16_t length;
};

struct needles {
	uint8_t classes[256]; /* of each byte; 0: in no needle, CLASS_BLANK: skipped */
	unsigned class_count;
	uint16_t *go;	   /* nodes x classes */
	uint16_t *end;	   /* first ending at a node, or NONE */
	uint16_t *suffix;  /* the longest proper suffix that is a node */
	uint16_t *shorter; /* nearest suffix with an ending, 0: none */
	size_t node_count;
	struct ending *endings;
	size_t ending_count;
};

#define CLASS_BLANK 255

static void name_classes(struct needles *n)
{
	n->class_count = 1;
	for (size_t i = 0; i < explain_message_count; i++)
		for (const char *const *t = explain_messages[i].needles; *t; t++)
			for (const char *p = *t; *p; p++)
				if (!n->classes[(uint8_t)*p])
					n->classes[(uint8_t)*p] = (uint8_t)n->class_count++;
	for (int c = 0; c < 256; c++)
		if (isupper(c))
			n->classes[c] = n->classes[tolower(c)];
	n->classes[' '] = n->classes['\t'] = CLASS_BLANK;
}

static uint16_t *edge(const struct needles *n, size_t node, unsigned class)
{
	return &n->go[node * n->class_count + class];
}

static void add_needle(struct needles *n, size_t row, const char *text)
{
	size_t node = 0;

	for (const char *p = text; *p; p++) {
		uint16_t *to = edge(n, node, n->classes[(uint8_t)*p]);

		if (*to == NONE)
			*to = (uint16_t)n->node_count++;
		node = *to;
	}
	n->endings[n->ending_count] =
		(struct ending){ (uint16_t)row, n->end[node], (uint16_t)strlen(text) };
	n->end[node] = (uint16_t)n->ending_count++;
}

/* Breadth first: a node's suffix is done before the node. */
static int link_suffixes(struct needles *n)
{
	uint16_t *queue = calloc(n->node_count, sizeof(*queue));
	size_t head = 0, tail = 0;

	if (!queue)
		return -ERR_NOMEM;
	queue[tail++] = 0;
	while (head < tail) {
		uint16_t node = queue[head++], suffix = n->suffix[node];

		n->shorter[node] =
			n->end[suffix] != NONE && suffix != node ? suffix : n->shorter[suffix];
		for (unsigned c = 0; c < n->class_count; c++) {
			uint16_t *to = edge(n, node, c);

			if (*to == NONE) {
				*to = node ? *edge(n, suffix, c) : 0;
			} else {
				n->suffix[*to] = node ? *edge(n, suffix, c) : 0;
				queue[tail++] = *to;
			}
		}
	}
	free(queue);
	return 0;
}

int needles_new(struct needles **out, struct error *err)
{
	_cleanup_(needles_freep) struct needles *n = calloc(1, sizeof(*n));
	size_t nodes = 1, count = 0;

	if (!n)
		return err_nomem(err);
	for (size_t i = 0; i < explain_message_count; i++)
		for (const char *const *t = explain_messages[i].needles; *t; t++, count++)
			nodes += strlen(*t);
	if (nodes >= NONE || count >= NONE || explain_message_count > NEEDLE_ROWS_MAX)
		return err_fail(err, ERR_BUG, 0, "messages: more needles than numbers for them");
	name_classes(n);
	n->go = malloc(nodes * n->class_count * sizeof(*n->go));
	n->end = malloc(nodes * sizeof(*n->end));
	n->suffix = calloc(nodes, sizeof(*n->suffix));
	n->shorter = calloc(nodes, sizeof(*n->shorter));
	n->endings = calloc(count + 1, sizeof(*n->endings));
	if (!n->go || !n->end || !n->suffix || !n->shorter || !n->endings)
		return err_nomem(err);
	memset(n->go, 0xff, nodes * n->class_count * sizeof(*n->go));
	memset(n->end, 0xff, nodes * sizeof(*n->end));
	n->node_count = 1;
	for (size_t i = 0; i < explain_message_count; i++)
		for (const char *const *t = explain_messages[i].needles; *t; t++)
			add_needle(n, i, *t);
	if (link_suffixes(n) < 0)
		return err_nomem(err);
	*out = STEAL(n);
	return 0;
}

void needles_free(struct needles *n)
{
	if (!n)
		return;
	free(n->go);
	free(n->end);
	free(n->suffix);
	free(n->shorter);
	free(n->endings);
	free(n);
}

static void tell(const struct needles *n, size_t node, uint64_t seen, struct needle_rows *rows,
		 uint64_t *first)
{
	if (n->end[node] == NONE)
		node = n->shorter[node];
	for (; node; node = n->shorter[node])
		for (uint16_t e = n->end[node]; e != NONE; e = n->endings[e].next) {
			const struct ending *x = &n->endings[e];

			rows->bits[x->row / 64] |= UINT64_C(1) << x->row % 64;
			*first = MIN(*first, seen - x->length);
		}
}

void needles_search(const struct needles *n, struct needle_state *state, const char *text,
		    size_t len, struct needle_rows *rows, uint64_t *first)
{
	unsigned node = state->node;
	uint64_t seen = state->seen;

	*first = UINT64_MAX;
	for (size_t i = 0; i < len; i++) {
		uint8_t class = n->classes[(uint8_t)text[i]];

		if (class == CLASS_BLANK)
			continue;
		seen++;
		node = n->go[node * n->class_count + class];
		if (n->end[node] != NONE || n->shorter[node])
			tell(n, node, seen, rows, first);
	}
	state->node = node;
	state->seen = seen;
}
