/* A Dockerfile: a tree whose places hold, findings on its lines and a patch that reads again, or a
 * message. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lint/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(const struct dockerfile *d, const struct docker_text *t)
{
	for (size_t i = 0; i < t->len; i++)
		require(docker_source(t, i) < d->len && d->bytes[docker_source(t, i)] == t->s[i]);
}

static void check(const struct lint *l)
{
	const struct dockerfile *d = l->d;

	for (size_t i = 0; i < d->count; i++) {
		const struct docker_instruction *in = &d->list[i];

		require(in->line > 0 && in->line <= in->end_line && in->end_line <= d->lines);
		check_text(d, &in->text);
		for (size_t k = 0; k < in->heredoc_count; k++)
			check_text(d, &in->heredocs[k].body);
	}
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_finding *f = &l->list[i];

		require(f->line > 0 && f->line <= f->end_line && f->end_line <= d->lines);
		require(text_is_utf8(f->message, strlen(f->message)));
		for (size_t k = 0; k < f->edit_count; k++)
			require(f->edits[k].start <= f->edits[k].end && f->edits[k].end <= d->len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = limits_default();
	struct target_use *uses = NULL;
	struct lint_options opts = { .limits = &limits };
	struct buf text = { 0 }, diff = { 0 };
	struct error err = { 0 };
	struct lint *l = NULL;
	bool changed = false;

	require(target_parse_list(&uses, &opts.use_count, "docker,kubernetes", &err) == 0);
	opts.uses = uses;
	if (lint_run(&l, "Dockerfile", (const char *)data, size, &opts, &err) == 0) {
		check(l);
		require(lint_mend(&text, l, &changed, &err) == 0);
		require(lint_diff(&diff, l, &text, &err) == 0);
	} else {
		require(err.msg[0] && text_is_utf8(err.msg, strlen(err.msg)) && !l);
	}
	lint_free(l);
	buf_free(&text);
	buf_free(&diff);
	target_uses_free(uses, opts.use_count);
	return 0;
}
