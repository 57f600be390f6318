/* Markdown (GitHub's and GitLab's) for a pull request: a heading and a table an input.
 */
#include <inttypes.h>
#include <string.h>

#include "report/finding-internal.h"

#define ROWS_MAX 50 /* of an input: who reads it is a person */

/* What Markdown or HTML would take for its own, in a table's cell. */
static int put_cell(struct buf *out, const char *s)
{
	static const char marks[] = "\\`*_{}[]<>()#+-!|~&@:";
	int r = 0;

	for (; *s && r == 0; s++)
		if (*s == '<' || *s == '>' || *s == '&' || *s == '|' || *s == '@')
			r = buf_printf(out, "&#%d;", *s);
		else
			r = buf_printf(out, "%s%c",
				       strchr(marks, *s) && !strchr("-:()", *s) ? "\\" : "",
				       *s == '\n' || *s == '\r' ? ' ' : *s);
	return r;
}

static int add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	_cleanup_(buf_freep) struct buf sentence = { 0 };
	struct buf *b = &w->input;
	int r;

	if (w->kept++ >= ROWS_MAX)
		return 0;
	r = finding_sentence(&sentence, f);
	if (r == 0)
		r = buf_printf(b, "| %s | %s | ", level_name(f->level), f->rule);
	if (r == 0 && f->file)
		r = put_cell(b, f->file);
	if (r == 0 && f->file)
		r = buf_printf(b, " line %zu: ", f->line);
	if (r == 0)
		r = put_cell(b, buf_str(&sentence));
	if (r == 0)
		r = buf_append_str(b, " |\n");
	return r < 0 ? err_nomem(err) : 0;
}

static int heading(struct finding_writer *w, const char *input, const char *verdict,
		   struct error *err)
{
	_cleanup_(buf_freep) struct buf name = { 0 };

	if (put_cell(&name, input) < 0)
		return err_nomem(err);
	fprintf(w->out, "%s### uidfit %s: %s: %s\n\n", w->inputs || w->any_failed ? "\n" : "",
		w->about.verb, buf_str(&name), verdict);
	return 0;
}

static int done(struct finding_writer *w, const char *input, bool fits, struct error *err)
{
	int r = heading(w, input, finding_verdict(w, fits), err);

	if (r < 0 || !w->kept)
		return r;
	fputs("| level | rule | what |\n|---|---|---|\n", w->out);
	fwrite(buf_str(&w->input), 1, w->input.len, w->out);
	if (w->kept > ROWS_MAX)
		fprintf(w->out, "\n… and %" PRIu64 " more findings.\n", w->kept - ROWS_MAX);
	return 0;
}

static int failed(struct finding_writer *w, const char *input, const struct error *why,
		  struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = heading(w, input, "could not be looked at", err);

	if (r < 0)
		return r;
	if (put_cell(&text, why->msg) < 0)
		return err_nomem(err);
	fprintf(w->out, "%s\n", buf_str(&text));
	return 0;
}

const struct finding_ops finding_markdown = { .add = add, .done = done, .failed = failed };
