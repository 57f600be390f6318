/* GitHub's workflow commands: a line a finding on standard output, which the runner turns into an
 * annotation. Sources: actions/toolkit packages/core/src/command.ts, escapeData and escapeProperty
 * (2026-11); the runner shows ten of each level a step, so that more than a few are of no use.
 */
#include <inttypes.h>

#include "report/finding-internal.h"

#define ANNOTATIONS_MAX 50

/* What would end the command, or begin another one. */
static void put_escaped(FILE *out, const char *s, bool property)
{
	for (; *s; s++)
		if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ',')))
			fprintf(out, "%%%02X", (unsigned char)*s);
		else
			fputc(*s, out);
}

static void put_command(struct finding_writer *w, const struct report_finding *f, const char *text)
{
	static const char *const commands[] = {
		[LEVEL_NOTE] = "notice", [LEVEL_WARNING] = "warning", [LEVEL_ERROR] = "error"
	};
	FILE *out = w->out;

	fprintf(out, "::%s ", commands[f->level]);
	if (f->file) {
		fputs("file=", out);
		put_escaped(out, f->file, true);
		fprintf(out, ",line=%zu,endLine=%zu,", f->line ? f->line : 1,
			f->line ? MAX(f->line, f->end_line) : 1);
	}
	fputs("title=", out);
	put_escaped(out, f->rule, true);
	fputs("::", out);
	if (!f->file && f->image) {
		put_escaped(out, f->image, false);
		fputs(": ", out);
	}
	put_escaped(out, text, false);
	fputc('\n', out);
}

static int add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	_cleanup_(buf_freep) struct buf sentence = { 0 };

	if (w->kept++ >= ANNOTATIONS_MAX)
		return 0;
	if (finding_sentence(&sentence, f) < 0)
		return err_nomem(err);
	put_command(w, f, buf_str(&sentence));
	return 0;
}

static int done(struct finding_writer *w, const char *input, bool fits, _unused_ struct error *err)
{
	put_escaped(w->out, input, false);
	fprintf(w->out, ": %s", finding_verdict(w, fits));
	if (w->kept > ANNOTATIONS_MAX)
		fprintf(w->out, " (%" PRIu64 " more findings than the %d above)",
			w->kept - ANNOTATIONS_MAX, ANNOTATIONS_MAX);
	fputc('\n', w->out);
	return 0;
}

static int failed(struct finding_writer *w, const char *input, const struct error *why,
		  _unused_ struct error *err)
{
	const struct report_finding f = {
		.rule = "not-looked-at", .level = LEVEL_ERROR, .image = input, .layer = -1
	};

	put_command(w, &f, why->msg);
	return 0;
}

static int note(struct finding_writer *w, const char *input, const char *text,
		_unused_ struct error *err)
{
	put_escaped(w->out, input, false);
	fputs(": note: ", w->out);
	put_escaped(w->out, text, false);
	fputc('\n', w->out);
	return 0;
}

const struct finding_ops finding_github = {
	.add = add, .done = done, .failed = failed, .note = note
};
