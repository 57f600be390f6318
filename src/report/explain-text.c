/* A message explained, as a person reads it: the cause in one sentence first, then what is known,
 * then what to do. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report/explain.h"
#include "report/finding.h"
#include "report/lsmode.h"
#include "report/print.h"

#define TEXT_SHOWN_MAX 400
#define STEP_SHOWN_MAX 100
#define WIDTH	       100
#define INDENT	       12

struct text {
	const struct report_options *opts;
	FILE *out;
	const struct explain_match *m;
};

static void label(struct text *t, const char *name)
{
	fputs("  ", t->out);
	print_styled(t->opts, STYLE_BOLD, "%s", name);
	fprintf(t->out, "%*s", (int)(INDENT - 2 - strlen(name)), "");
}

/* Words of s, which may hold what a log held, broken at blanks and indented; begins at column `at`.
 */
static void wrapped(FILE *out, const char *s, size_t at, size_t indent)
{
	size_t column = at;

	while (*s) {
		size_t n = strcspn(s, " ");

		if (column > indent && column + 1 + n > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > at) {
			fputc(' ', out);
			column++;
		}
		print_name(out, s, n, SIZE_MAX);
		column += n;
		at = indent;
		s += n;
		while (*s == ' ')
			s++;
	}
	fputc('\n', out);
}

static void row(struct text *t, const char *name, const char *s)
{
	if (!s || !s[0])
		return;
	label(t, name);
	wrapped(t->out, s, INDENT, INDENT);
}

static const char *const blame_words[BLAME_COUNT] = {
	[BLAME_IMAGE] = "the image",
	[BLAME_HOST] = "the host, not the image",
	[BLAME_ENGINE] = "the engine, not the image",
	[BLAME_COMMAND] = "the command, not the image",
	[BLAME_BUILD] = "the build",
	[BLAME_UNKNOWN] = "cannot be told from the message alone",
};

static void heading(struct text *t, size_t i, size_t count)
{
	const struct explain_match *m = t->m;

	if (i)
		fputc('\n', t->out);
	if (count > 1)
		print_styled(t->opts, STYLE_DIM, "%zu of %zu  ", i + 1, count);
	print_name(t->out, m->text, strlen(m->text), TEXT_SHOWN_MAX);
	fputc('\n', t->out);
	if (m->line > 1 || m->count > 1) {
		fprintf(t->out, "  (line %" PRIu64, m->line);
		if (m->count > 1)
			fprintf(t->out, ", %" PRIu64 " times", m->count);
		fputs(")\n", t->out);
	}
	fputc('\n', t->out);
}

static int engine(struct text *t, struct error *err)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	const struct explain_match *m = t->m;
	int r;

	if (!m->engine)
		return 0;
	r = buf_printf(&b, "%s%s%s", explain_engine_title(m->engine), m->versions[0] ? ", " : "",
		       m->versions);
	if (r < 0)
		return err_nomem(err);
	row(t, "engine", buf_str(&b));
	return 0;
}

static int ids(struct buf *b, const struct explain_match *m)
{
	int r = 0;

	if (m->has_uid)
		r = buf_printf(b, "uid %" PRId64 ", ", m->uid);
	if (m->has_gid && r >= 0)
		r = buf_printf(b, "gid %" PRId64 ", ", m->gid);
	if (m->has_id && !m->has_uid && r >= 0) {
		r = m->message ? 0 : buf_printf(b, "id %" PRId64 ", ", m->id);
		if (m->message)
			r = m->kind == EXPLAIN_UID ? buf_printf(b, "uid %" PRId64 ", ", m->id)
			    : m->kind == EXPLAIN_GID
				    ? buf_printf(b, "gid %" PRId64 ", ", m->id)
				    : buf_printf(b, "id %" PRId64 " (uid or gid is not said), ",
						 m->id);
	}
	return r;
}

static int known(struct text *t, struct error *err)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	const struct explain_match *m = t->m;
	const char *digest = m->digest ? m->digest : m->diff_id;
	int r = ids(&b, m);

	if (r >= 0 && m->path)
		r = buf_printf(&b, "path %s, ", m->path);
	if (r >= 0 && digest)
		r = buf_printf(&b, "layer %.19s..., ", digest);
	if (r >= 0 && !digest && m->layer_id[0])
		r = buf_printf(&b, "layer %.12s by the pull's log, ", m->layer_id);
	if (r >= 0 && m->layer >= 0)
		r = buf_printf(&b, "layer %ld (the base is 0), ", m->layer);
	if (r >= 0 && m->name)
		r = buf_printf(&b, "name %s, ", m->name);
	if (r < 0)
		return err_nomem(err);
	if (b.len < 2)
		return 0;
	b.data[b.len - 2] = '\0';
	row(t, "known", buf_str(&b));
	return 0;
}

static void readings(struct text *t)
{
	const struct explain_match *m = t->m;
	size_t n = 0;

	for (size_t i = 0; i < m->reading_count; i++) {
		const struct explain_found *f = &m->readings[i];

		if (!f->says)
			continue;
		if (n++)
			fprintf(t->out, "%*s", INDENT, "");
		else
			label(t, "number");
		wrapped(t->out, f->says, INDENT, INDENT);
		if (f->why) {
			fprintf(t->out, "%*s", INDENT + 2, "");
			wrapped(t->out, f->why, INDENT + 2, INDENT + 2);
		}
	}
}

static bool same_place(const struct explain_entry *a, const struct explain_entry *b)
{
	return a->layer == b->layer && a->visible == b->visible && a->by_layer == b->by_layer;
}

static int place(struct text *t, const struct explain_entry *e, struct error *err)
{
	_cleanup_(buf_freep) struct buf step = { 0 };

	if (print_step(&step, e->created_by, STEP_SHOWN_MAX) < 0)
		return err_nomem(err);
	fprintf(t->out, "%*slayer %zu%s%s", INDENT, "", e->layer, step.len ? ", " : "",
		buf_str(&step));
	if (e->visible != VISIBLE && e->by_layer >= 0)
		fprintf(t->out, "; %s by layer %ld, so no find in the finished image shows it",
			visible_name(e->visible), e->by_layer);
	fputc('\n', t->out);
	return 0;
}

static void entry(struct text *t, const struct explain_entry *e)
{
	char mode[11];

	ls_mode(mode, e->kind, e->mode);
	fprintf(t->out, "%*s%s %" PRId64 ":%" PRId64 " /", INDENT + 2, "", mode, e->uid, e->gid);
	print_name(t->out, e->path, strlen(e->path), SIZE_MAX);
	fputc('\n', t->out);
}

static int join(struct text *t, struct error *err)
{
	const struct explain_join *j = t->m->join;
	int r = 0;

	if (!j)
		return 0;
	row(t, "image", j->says);
	for (size_t i = 0; i < j->entry_count && r >= 0; i++) {
		if (!i || !same_place(&j->entries[i - 1], &j->entries[i]))
			r = place(t, &j->entries[i], err);
		entry(t, &j->entries[i]);
	}
	if (j->entries_like_it > j->entry_count)
		fprintf(t->out, "%*s... and %" PRIu64 " more like it\n", INDENT + 2, "",
			j->entries_like_it - j->entry_count);
	return r;
}

static void advice(struct text *t, const char *title, bool avoid)
{
	const struct explain_match *m = t->m;
	unsigned n = 0;

	for (size_t i = 0; i < m->advice_count; i++) {
		if (m->advice[i].avoid != avoid)
			continue;
		if (!n) {
			fputc('\n', t->out);
			print_styled(t->opts, STYLE_BOLD, "  %s\n", title);
		}
		fprintf(t->out, "    %u. ", ++n);
		wrapped(t->out, m->advice[i].text, 7, 7);
	}
}

static int one(struct text *t, size_t i, size_t count, struct error *err)
{
	const struct explain_match *m = t->m;
	int r;

	heading(t, i, count);
	row(t, "cause", m->says);
	if (m->follows) {
		row(t, "", "It only repeats what another line tells.");
		return 0;
	}
	row(t, "to blame", blame_words[m->blame]);
	r = engine(t, err);
	if (r >= 0)
		r = known(t, err);
	if (r < 0)
		return r;
	row(t, "not said", m->hides);
	readings(t);
	if (m->platform)
		row(t, "where", m->platform->title);
	r = join(t, err);
	advice(t, "What to do", false);
	advice(t, "What not to do", true);
	return r;
}

static void nothing(const struct report_options *opts, const struct explain *x, const char *asked)
{
	FILE *out = opts->out;

	fputs("Nothing in it is a message about ids that is known here", out);
	if (x->lines > 1)
		fprintf(out, " (%" PRIu64 " lines read)", x->lines);
	fputs(".\n", out);
	if (asked)
		fprintf(out, "%s\n", asked);
	if (!opts->quiet)
		fputs("Is the line whole? The part that matters names an id, or lchown, newuidmap, "
		      "subuid or a map.\nFor an image at hand: uidfit check IMAGE\n",
		      out);
}

int explain_text(const struct report_options *opts, const struct explain *x, const char *asked,
		 struct error *err)
{
	int r = 0;

	if (!x->match_count)
		nothing(opts, x, asked);
	for (size_t i = 0; i < x->match_count && r >= 0; i++) {
		struct text t = { .opts = opts, .out = opts->out, .m = &x->matches[i] };

		if (opts->quiet) {
			fprintf(opts->out, "%s (%s): ", explain_cause_name(t.m->cause),
				explain_blame_name(t.m->blame));
			print_name(opts->out, t.m->says, strlen(t.m->says), SIZE_MAX);
			fputc('\n', opts->out);
			continue;
		}
		r = one(&t, i, x->match_count, err);
	}
	if (x->dropped)
		fprintf(opts->out, "\n... and %" PRIu64 " more messages\n", x->dropped);
	return r < 0 ? r : print_check(opts->out, err);
}

int explain_report(const struct report_options *opts, const struct explain *x, const char *asked,
		   const char *log, struct error *err)
{
	if (report_is_findings(opts->format))
		return explain_findings(opts, x, log, err);
	return opts->format == REPORT_JSON ? explain_json(opts, x, err)
					   : explain_text(opts, x, asked, err);
}
