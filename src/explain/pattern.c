#define PCRE2_CODE_UNIT_WIDTH 8
#include "explain/pattern.h"

#include <pcre2.h>
#include <string.h>

#include "base/macro.h"

#define MATCH_LIMIT	300000 /* steps: a row takes some hundred on a line of its own */
#define DEPTH_LIMIT	2000
#define HEAP_LIMIT	(8 * 1024) /* KiB */
#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX	(512 * 1024)

static const char *const group_names[GROUP_COUNT] = {
	[GROUP_ID] = "id",     [GROUP_UID] = "uid",	  [GROUP_GID] = "gid",
	[GROUP_PATH] = "path", [GROUP_DIGEST] = "digest", [GROUP_DIFFID] = "diffid",
	[GROUP_KIND] = "kind", [GROUP_RUNE] = "rune",	  [GROUP_SIZE] = "size",
	[GROUP_FROM] = "from", [GROUP_NAME] = "name",	  [GROUP_REST] = "rest",
};

struct pattern {
	pcre2_code *code;
	int numbers[GROUP_COUNT]; /* 0: the row has no such group */
};

struct patterns {
	struct pattern *rows;
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
};

int patterns_new(struct patterns **out, struct error *err)
{
	_cleanup_(patterns_freep) struct patterns *p = calloc(1, sizeof(*p));

	if (!p)
		return err_nomem(err);
	p->rows = calloc(explain_message_count, sizeof(*p->rows));
	p->context = pcre2_match_context_create(NULL);
	p->data = pcre2_match_data_create(32, NULL);
	if (!p->rows || !p->context || !p->data)
		return err_nomem(err);
	pcre2_set_match_limit(p->context, MATCH_LIMIT);
	pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(p->context, HEAP_LIMIT);
	/* NULL where PCRE2 has no JIT: the interpreter runs then. */
	p->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (p->stack)
		pcre2_jit_stack_assign(p->context, NULL, p->stack);
	*out = STEAL(p);
	return 0;
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->rows && i < explain_message_count; i++)
		pcre2_code_free(p->rows[i].code);
	free(p->rows);
	pcre2_jit_stack_free(p->stack);
	pcre2_match_data_free(p->data);
	pcre2_match_context_free(p->context);
	free(p);
}

static int compile(struct pattern *row, const struct explain_message *m, struct error *err)
{
	int code;
	PCRE2_SIZE at;

	row->code = pcre2_compile((PCRE2_SPTR)m->regex, PCRE2_ZERO_TERMINATED,
				  PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &code,
				  &at, NULL);
	if (!row->code) {
		char why[120] = "";

		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return err_fail(err, ERR_BUG, 0, "message %s, regex at %zu: %s", m->name, at, why);
	}
	for (size_t g = 0; g < GROUP_COUNT; g++) {
		int n = pcre2_substring_number_from_name(row->code, (PCRE2_SPTR)group_names[g]);

		row->numbers[g] = n > 0 ? n : 0;
	}
	/* Without a JIT this fails, and nothing is lost but speed. */
	(void)pcre2_jit_compile(row->code, PCRE2_JIT_COMPLETE);
	return 0;
}

static struct pattern_span span_of(const char *text, const PCRE2_SIZE *v, int group, int count)
{
	if (group >= count || v[2 * group] == PCRE2_UNSET)
		return (struct pattern_span){ 0 };
	return (struct pattern_span){ text + v[2 * group], v[2 * group + 1] - v[2 * group] };
}

int pattern_search(struct patterns *p, size_t i, const char *text, size_t len, size_t start,
		   struct pattern_match *out, struct error *err)
{
	struct pattern *row = &p->rows[i];
	const PCRE2_SIZE *v;
	int r = row->code ? 0 : compile(row, &explain_messages[i], err);

	if (r < 0)
		return r;
	r = pcre2_match(row->code, (PCRE2_SPTR)text, len, start, 0, p->data, p->context);
	/* No match, or a text made to take long: it is no message either way. */
	if (r <= 0)
		return 1;
	v = pcre2_get_ovector_pointer(p->data);
	*out = (struct pattern_match){ .all = span_of(text, v, 0, r) };
	for (size_t g = 0; g < GROUP_COUNT; g++)
		if (row->numbers[g])
			out->groups[g] = span_of(text, v, row->numbers[g], r);
	return 0;
}
