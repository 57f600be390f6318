/* libyaml's events into a tree. Aliases are copied, so that a tree is a tree and what they cost is
 * counted. */
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "kubernetes/value.h"

struct anchor {
	char *name;
	const struct kube_value *value;
	bool open; /* its value is not yet whole */
};

struct parser {
	yaml_parser_t yaml;
	const char *what;
	const struct limits *limits;
	uint64_t values;
	struct anchor anchors[KUBE_ANCHORS_MAX];
	size_t anchor_count;
	struct error *err;
};

static void value_free(struct kube_value *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		value_free(v->items[i]);
	free(v->items);
	free(v->key);
	free(v->text);
	free(v);
}
DEFINE_CLEANUP(struct kube_value, value_free)

static int bad(struct parser *p, size_t line, const char *why)
{
	return err_fail(p->err, ERR_BAD_INPUT, 0, "%s line %zu: %s", p->what, line, why);
}

static int value_new(struct parser *p, enum kube_value_kind kind, size_t line,
		     struct kube_value **out)
{
	struct kube_value *v;

	if (++p->values > p->limits->v[LIMIT_YAML_VALUES])
		return limit_passed(p->limits, LIMIT_YAML_VALUES, p->what, p->err);
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_nomem(p->err);
	v->kind = kind;
	v->line = line;
	*out = v;
	return 0;
}

static int push(struct parser *p, struct kube_value *v, struct kube_value *item)
{
	if (v->count == v->cap) {
		size_t cap = v->cap ? 2 * v->cap : 4;
		struct kube_value **items =
			reallocarray(v->items, cap, sizeof(struct kube_value *));

		if (!items)
			return err_nomem(p->err);
		v->items = items;
		v->cap = cap;
	}
	v->items[v->count++] = item;
	return 0;
}

static int copy(struct parser *p, const struct kube_value *v, unsigned depth,
		struct kube_value **out)
{
	_cleanup_(value_freep) struct kube_value *c = NULL;
	int r;

	if (depth > p->limits->v[LIMIT_YAML_DEPTH])
		return limit_passed(p->limits, LIMIT_YAML_DEPTH, p->what, p->err);
	r = value_new(p, v->kind, v->line, &c);
	if (r < 0)
		return r;
	c->plain = v->plain;
	c->key = v->key ? strdup(v->key) : NULL;
	c->text = v->text ? strdup(v->text) : NULL;
	if (!c->key != !v->key || !c->text != !v->text)
		return err_nomem(p->err);
	for (size_t i = 0; i < v->count; i++) {
		struct kube_value *item = NULL;

		r = copy(p, v->items[i], depth + 1, &item);
		if (r >= 0 && (r = push(p, c, item)) < 0)
			value_free(item);
		if (r < 0)
			return r;
	}
	*out = STEAL(c);
	return 0;
}

/* Opens an anchor, where the event has one: the index of it, or -1. */
static int anchor_open(struct parser *p, const yaml_char_t *name, size_t line, long *at)
{
	struct anchor *a = &p->anchors[p->anchor_count];

	*at = -1;
	if (!name)
		return 0;
	if (p->anchor_count == KUBE_ANCHORS_MAX)
		return bad(p, line, "too many anchors");
	a->name = strdup((const char *)name);
	if (!a->name)
		return err_nomem(p->err);
	a->open = true;
	*at = (long)p->anchor_count++;
	return 0;
}

static void anchor_close(struct parser *p, long at, const struct kube_value *v)
{
	if (at < 0)
		return;
	p->anchors[at].value = v;
	p->anchors[at].open = false;
}

static void anchors_forget(struct parser *p)
{
	while (p->anchor_count)
		free(p->anchors[--p->anchor_count].name);
}

static int alias(struct parser *p, const yaml_char_t *name, size_t line, unsigned depth,
		 struct kube_value **out)
{
	for (size_t i = p->anchor_count; i-- > 0;) {
		const struct anchor *a = &p->anchors[i];
		int r;

		if (strcmp(a->name, (const char *)name) != 0)
			continue;
		if (a->open)
			return bad(p, line, "an alias inside its own anchor");
		r = copy(p, a->value, depth, out);
		if (r < 0)
			return r;
		free((*out)->key);
		(*out)->key = NULL;
		return 0;
	}
	return bad(p, line, "an alias to no anchor");
}

static int next(struct parser *p, yaml_event_t *e)
{
	if (yaml_parser_parse(&p->yaml, e))
		return 0;
	if (p->yaml.error == YAML_MEMORY_ERROR)
		return err_nomem(p->err);
	return bad(p, p->yaml.problem_mark.line + 1,
		   p->yaml.problem ? p->yaml.problem : "it is no YAML");
}

static int scalar(struct parser *p, const yaml_event_t *e, size_t line, struct kube_value **out)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t n = e->data.scalar.length;
	_cleanup_(value_freep) struct kube_value *v = NULL;
	int r;

	if (memchr(text, '\0', n))
		return bad(p, line, "a NUL in a value");
	r = value_new(p, KUBE_SCALAR, line, &v);
	if (r < 0)
		return r;
	v->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !e->data.scalar.tag;
	v->text = strndup(text, n);
	if (!v->text)
		return err_nomem(p->err);
	*out = STEAL(v);
	return 0;
}

static int node(struct parser *p, yaml_event_t *e, unsigned depth, struct kube_value **out);

static int sequence(struct parser *p, unsigned depth, struct kube_value *v)
{
	for (;;) {
		struct kube_value *item = NULL;
		yaml_event_t e;
		bool end;
		int r = next(p, &e);

		if (r < 0)
			return r;
		end = e.type == YAML_SEQUENCE_END_EVENT;
		r = end ? 0 : node(p, &e, depth + 1, &item);
		yaml_event_delete(&e);
		if (!end && r >= 0 && (r = push(p, v, item)) < 0)
			value_free(item);
		if (end || r < 0)
			return r;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct kube_value *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static int refuse_twice(struct parser *p, const struct kube_value *v)
{
	_cleanup_(freep) const struct kube_value **sorted = NULL;
	char shown[80];

	if (v->count < 2)
		return 0;
	sorted = calloc(v->count, sizeof(const struct kube_value *));
	if (!sorted)
		return err_nomem(p->err);
	memcpy(sorted, v->items, v->count * sizeof(*sorted));
	qsort(sorted, v->count, sizeof(*sorted), by_key);
	for (size_t i = 1; i < v->count; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			return err_fail(p->err, ERR_BAD_INPUT, 0,
					"%s line %zu: the key %s stands twice", p->what,
					MAX(sorted[i - 1]->line, sorted[i]->line),
					err_text(shown, sizeof(shown), sorted[i]->key,
						 strlen(sorted[i]->key)));
	return 0;
}

static bool has_key(const struct kube_value *v, const char *key)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->items[i]->key, key) == 0)
			return true;
	return false;
}

/* The members of from that v has not, with a count that cannot run away: what is merged is copied.
 */
static int merge_one(struct parser *p, struct kube_value *v, const struct kube_value *from,
		     unsigned depth)
{
	if (from->kind != KUBE_MAP)
		return bad(p, from->line, "<< merges maps");
	/* Each is looked for in the others: a map of usual size. */
	if (v->count + from->count > KUBE_ANCHORS_MAX)
		return bad(p, from->line, "<< merges too much");
	for (size_t i = 0; i < from->count; i++) {
		struct kube_value *item = NULL;
		int r;

		if (has_key(v, from->items[i]->key))
			continue;
		r = copy(p, from->items[i], depth, &item);
		if (r >= 0 && (r = push(p, v, item)) < 0)
			value_free(item);
		if (r < 0)
			return r;
	}
	return 0;
}

static int merge(struct parser *p, struct kube_value *v, unsigned depth)
{
	const struct kube_value *from = NULL;
	int r = 0;

	for (size_t i = 0; i < v->count && !from; i++)
		if (strcmp(v->items[i]->key, "<<") == 0)
			from = v->items[i];
	if (!from)
		return 0;
	if (from->kind != KUBE_SEQUENCE)
		return merge_one(p, v, from, depth + 1);
	for (size_t i = 0; i < from->count && r >= 0; i++)
		r = merge_one(p, v, from->items[i], depth + 1);
	return r;
}

static int member(struct parser *p, const yaml_event_t *key, unsigned depth, struct kube_value *v)
{
	size_t line = key->start_mark.line + 1;
	_cleanup_(value_freep) struct kube_value *item = NULL;
	yaml_event_t e;
	int r;

	if (key->type != YAML_SCALAR_EVENT)
		return bad(p, line, "a key that is no text");
	if (memchr(key->data.scalar.value, '\0', key->data.scalar.length))
		return bad(p, line, "a NUL in a key");
	r = next(p, &e);
	if (r < 0)
		return r;
	r = node(p, &e, depth + 1, &item);
	yaml_event_delete(&e);
	if (r < 0)
		return r;
	item->key = strndup((const char *)key->data.scalar.value, key->data.scalar.length);
	if (!item->key)
		return err_nomem(p->err);
	r = push(p, v, item);
	if (r >= 0)
		(void)STEAL(item);
	return r;
}

static int map(struct parser *p, unsigned depth, struct kube_value *v)
{
	for (;;) {
		yaml_event_t e;
		bool end;
		int r = next(p, &e);

		if (r < 0)
			return r;
		end = e.type == YAML_MAPPING_END_EVENT;
		r = end ? refuse_twice(p, v) : member(p, &e, depth, v);
		yaml_event_delete(&e);
		if (r < 0)
			return r;
		if (end)
			return merge(p, v, depth);
	}
}

/* The value that begins with e; depth of the document's own is 1. */
static int node(struct parser *p, yaml_event_t *e, unsigned depth, struct kube_value **out)
{
	size_t line = e->start_mark.line + 1;
	_cleanup_(value_freep) struct kube_value *v = NULL;
	long anchor = -1;
	int r;

	if (depth > p->limits->v[LIMIT_YAML_DEPTH])
		return limit_passed(p->limits, LIMIT_YAML_DEPTH, p->what, p->err);
	switch ((int)e->type) {
	case YAML_ALIAS_EVENT:
		return alias(p, e->data.alias.anchor, line, depth, out);
	case YAML_SCALAR_EVENT:
		r = anchor_open(p, e->data.scalar.anchor, line, &anchor);
		if (r >= 0)
			r = scalar(p, e, line, &v);
		break;
	case YAML_SEQUENCE_START_EVENT:
		r = anchor_open(p, e->data.sequence_start.anchor, line, &anchor);
		if (r >= 0)
			r = value_new(p, KUBE_SEQUENCE, line, &v);
		if (r >= 0)
			r = sequence(p, depth, v);
		break;
	case YAML_MAPPING_START_EVENT:
		r = anchor_open(p, e->data.mapping_start.anchor, line, &anchor);
		if (r >= 0)
			r = value_new(p, KUBE_MAP, line, &v);
		if (r >= 0)
			r = map(p, depth, v);
		break;
	default:
		return bad(p, line, "it is no YAML");
	}
	if (r < 0)
		return r;
	anchor_close(p, anchor, v);
	*out = STEAL(v);
	return 0;
}

static int keep(struct parser *p, struct kube_documents *d, struct kube_value *v)
{
	struct kube_value **list;

	if (kube_is_null(v)) {
		value_free(v);
		return 0;
	}
	if (d->count == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 4;

		list = reallocarray(d->list, cap, sizeof(struct kube_value *));
		if (!list) {
			value_free(v);
			return err_nomem(p->err);
		}
		d->list = list;
		d->cap = cap;
	}
	d->list[d->count++] = v;
	return 0;
}

static int documents(struct parser *p, struct kube_documents *out)
{
	for (;;) {
		struct kube_value *v = NULL;
		yaml_event_t e;
		bool end, begins;
		int r = next(p, &e);

		if (r < 0)
			return r;
		end = e.type == YAML_STREAM_END_EVENT;
		begins = e.type != YAML_STREAM_START_EVENT && e.type != YAML_DOCUMENT_START_EVENT &&
			 e.type != YAML_DOCUMENT_END_EVENT && !end;
		r = begins ? node(p, &e, 1, &v) : 0;
		yaml_event_delete(&e);
		if (r >= 0 && begins)
			r = keep(p, out, v);
		anchors_forget(p);
		if (end || r < 0)
			return r;
	}
}

int kube_parse(struct kube_documents *out, const char *text, size_t n, const char *what,
	       const struct limits *limits, struct error *err)
{
	struct parser *p;
	int r;

	*out = (struct kube_documents){ 0 };
	if (n > limits->v[LIMIT_YAML_SIZE])
		return limit_passed(limits, LIMIT_YAML_SIZE, what, err);
	p = calloc(1, sizeof(*p));
	if (!p || !yaml_parser_initialize(&p->yaml)) {
		free(p);
		return err_nomem(err);
	}
	p->what = what;
	p->limits = limits;
	p->err = err;
	yaml_parser_set_input_string(&p->yaml, (const unsigned char *)text, n);
	r = documents(p, out);
	anchors_forget(p);
	yaml_parser_delete(&p->yaml);
	free(p);
	if (r < 0)
		kube_documents_free(out);
	return r;
}

void kube_documents_free(struct kube_documents *d)
{
	for (size_t i = 0; i < d->count; i++)
		value_free(d->list[i]);
	free(d->list);
	*d = (struct kube_documents){ 0 };
}
