/* A diff as a person reads it: the verdict, owners, changes, then the findings as check shows them.
 */
#include <inttypes.h>
#include <string.h>

#include "report/diff.h"
#include "report/fold-text.h"
#include "report/lsmode.h"
#include "report/summary.h"
#include "report/words.h"

#define ROWS_SHOWN 20 /* owners of a kind, pairs of a change */
#define STEP_SHOWN 60

struct text {
	const struct report_options *opts;
	FILE *out;
	const struct diff_told *told;
	struct diff *d;
};

static void name(FILE *out, const char *text)
{
	print_name(out, text, strlen(text), SIZE_MAX);
}

/* "2 errors, 1 note"; "none" of nothing. */
static int levels(struct buf *out, const uint64_t counts[LEVEL_ERROR + 1])
{
	size_t start = out->len;
	int r = 0;

	for (int level = LEVEL_ERROR; level >= LEVEL_NOTE && r >= 0; level--)
		if (counts[level])
			r = buf_printf(out, "%s%" PRIu64 " %s%s", out->len > start ? ", " : "",
				       counts[level], level_name((enum level)level),
				       counts[level] == 1 ? "" : "s");
	return r < 0 || out->len > start ? r : buf_append_str(out, "none");
}

static int targets(struct text *t, struct error *err)
{
	const struct diff *d = t->d;

	for (size_t i = 0; i < d->of[DIFF_NEW]->target_count; i++) {
		_cleanup_(buf_freep) struct buf range = { 0 }, came = { 0 }, went = { 0 };
		const struct check_target *old = &d->of[DIFF_OLD]->targets[i];
		const struct check_target *new = &d->of[DIFF_NEW]->targets[i];
		const struct diff_target *counts = &d->targets[i];

		if (print_range(&range, new->use) < 0 || levels(&came, counts->came) < 0 ||
		    levels(&went, counts->went) < 0)
			return err_nomem(err);
		fprintf(t->out, "  %s (%s): ", new->use->name, buf_str(&range));
		print_styled(t->opts, new->fits ? STYLE_GOOD : STYLE_BAD, "%s",
			     new->fits ? "fits" : "does not fit");
		fprintf(t->out, "%s; new findings: %s; gone: %s\n",
			old->fits == new->fits ? ", as before"
			: new->fits	       ? ", did not before"
					       : ", did before",
			buf_str(&came), buf_str(&went));
	}
	return 0;
}

static int place(struct text *t, const struct image *img, const struct diff_place *p,
		 bool with_layer, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 }, step = { 0 };

	if (ls_path(&path, p->path, p->path_len) < 0 ||
	    print_step(&step, img->layers[p->layer].created_by, STEP_SHOWN) < 0)
		return err_nomem(err);
	fprintf(t->out, "      %s", buf_str(&path));
	if (with_layer)
		fprintf(t->out, "  (layer %zu%s%s%s)", p->layer, step.len ? ", " : "",
			buf_str(&step), p->visible ? "" : "; not in the merged image");
	fputc('\n', t->out);
	return 0;
}

static int owner(struct text *t, const struct diff_owner *o, enum diff_side side, struct error *err)
{
	const struct diff_count *c = &o->of[side];
	int r = 0;

	fprintf(t->out, "    %" PRId64 ":%" PRId64 "  %" PRIu64 " %s", o->uid, o->gid,
		c->visible + c->hidden, plural(c->visible + c->hidden, "entry", "entries"));
	if (c->hidden)
		fprintf(t->out, ", %" PRIu64 " of them hidden in layers", c->hidden);
	fputc('\n', t->out);
	for (size_t i = 0; i < c->example_count && r >= 0; i++)
		r = place(t, t->d->of[side]->image, &c->examples[i], true, err);
	return r;
}

static int owners(struct text *t, struct error *err)
{
	static const struct {
		enum diff_owner_state state;
		enum diff_side side; /* whose counts and paths are shown */
		const char *words;
	} kinds[] = {
		{ DIFF_GAINED, DIFF_NEW, "new owners" },
		{ DIFF_SURFACED, DIFF_NEW, "owners now visible, so far hidden in layers" },
		{ DIFF_SUNK, DIFF_NEW, "owners now only hidden in layers, so far visible" },
		{ DIFF_GONE, DIFF_OLD, "owners that are gone" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		uint64_t count = t->d->states[kinds[k].state], shown = 0;

		if (!count)
			continue;
		fputc('\n', t->out);
		print_styled(t->opts, STYLE_BOLD, "  %s: %" PRIu64 "\n", kinds[k].words, count);
		for (size_t i = 0; i < t->d->owner_count; i++) {
			const struct diff_owner *o = &t->d->owners[i];
			int r;

			if (diff_owner_state(o) != kinds[k].state)
				continue;
			if (shown++ == ROWS_SHOWN && !t->opts->all)
				break;
			r = owner(t, o, kinds[k].side, err);
			if (r < 0)
				return r;
		}
		if (shown > ROWS_SHOWN && !t->opts->all)
			fprintf(t->out, "    ... and %" PRIu64 " more (--all lists each)\n",
				count - ROWS_SHOWN);
	}
	return 0;
}

static int changes(struct text *t, struct error *err)
{
	const struct diff *d = t->d;
	uint64_t shown = 0;

	if (!d->changed)
		return 0;
	fputc('\n', t->out);
	print_styled(t->opts, STYLE_BOLD, "  entries of another owner: %" PRIu64 "\n", d->changed);
	for (size_t i = 0; i < d->change_count && (i < ROWS_SHOWN || t->opts->all); i++) {
		const struct diff_change *c = &d->changes[i];
		int r = 0;

		shown += c->entries;
		fprintf(t->out,
			"    %" PRId64 ":%" PRId64 " -> %" PRId64 ":%" PRId64 "  %" PRIu64 " %s\n",
			c->uid[DIFF_OLD], c->gid[DIFF_OLD], c->uid[DIFF_NEW], c->gid[DIFF_NEW],
			c->entries, plural(c->entries, "entry", "entries"));
		for (size_t k = 0; k < c->example_count && r >= 0; k++)
			r = place(t, d->of[DIFF_NEW]->image, &c->examples[k], true, err);
		if (r < 0)
			return r;
	}
	if (d->changed > shown)
		fprintf(t->out, "    ... and %" PRIu64 " %s of other owners\n", d->changed - shown,
			plural(d->changed - shown, "entry", "entries"));
	return 0;
}

static void user(struct text *t)
{
	if (!t->d->user_changed)
		return;
	fputc('\n', t->out);
	print_styled(t->opts, STYLE_BOLD, "  USER changed\n");
	for (int side = 0; side < 2; side++) {
		const struct exec_user *u = &t->d->of[side]->user.user;

		fputs(side == DIFF_OLD ? "    from " : "    to ", t->out);
		name(t->out, u->text && u->text[0] ? u->text : "none, so root");
		if (u->error) {
			fputs(" (", t->out);
			print_name(t->out, u->error, strlen(u->error), 200);
			fputs(")\n", t->out);
		} else {
			fprintf(t->out, " (%" PRId64 ":%" PRId64 ")\n", u->uid, u->gid);
		}
	}
}

struct side {
	struct diff *d;
	enum diff_side which;
};

static int each(void *ctx, check_finding_fn *fn, void *fn_ctx, struct error *err)
{
	const struct side *s = ctx;

	return diff_each(s->d, s->which, fn, fn_ctx, err);
}

static void config(struct text *t, const struct buf *lines, size_t count, uint64_t lost,
		   const char *level)
{
	for (size_t i = 0; i < count; i++)
		fprintf(t->out, "    %s%s\n", level, buf_str(&lines[i]));
	if (lost)
		fprintf(t->out, "    ... and %" PRIu64 " more such\n", lost);
}

static int findings(struct text *t, enum diff_side which, struct error *err)
{
	const uint64_t *counts = which == DIFF_NEW ? t->d->came : t->d->went;
	struct check *c = t->d->of[which];
	struct side side = { t->d, which };
	struct fold_text_lines lines = { t->opts, c, -1 };
	_cleanup_(summary_freep) struct summary s = { 0 };
	int r;

	if (!counts[LEVEL_ERROR] && !counts[LEVEL_WARNING] && !counts[LEVEL_NOTE])
		return 0;
	fputc('\n', t->out);
	print_styled(t->opts, STYLE_BOLD, "  findings that %s\n",
		     which == DIFF_NEW ? "are new" : "are gone");
	if (t->opts->all)
		return diff_each(t->d, which, fold_text_line, &lines, err);
	r = summary_make_of(&s, c, each, &side, err);
	if (r < 0)
		return r;
	config(t, s.config, s.config_count, s.config_lost, "");
	config(t, s.config_notes, s.config_note_count, s.config_notes_lost, "note: ");
	for (size_t i = 0; i < s.layer_count && r >= 0; i++) {
		if (!s.layers[i])
			continue;
		r = fold_text_layer(t->opts, c->image, i, err);
		if (r >= 0)
			r = fold_text(t->opts, c, s.layers[i], "    ", err);
	}
	return r < 0 ? r : fold_text(t->opts, c, &s.notes, "    ", err);
}

static void notes(struct text *t)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < notes_count(t->told->notes[side]); i++) {
			fputs("  note: ", t->out);
			name(t->out, t->told->names[side]);
			fputs(": ", t->out);
			print_told(t->out, notes_get(t->told->notes[side], i));
			fputc('\n', t->out);
		}
}

static void verdict(struct text *t)
{
	const struct diff *d = t->d;
	uint64_t gained = d->states[DIFF_GAINED], gone = d->states[DIFF_GONE];

	name(t->out, t->told->names[DIFF_NEW]);
	fputs(" against ", t->out);
	name(t->out, t->told->names[DIFF_OLD]);
	fprintf(t->out,
		": %" PRIu64 " new %s, %" PRIu64 " gone; %" PRIu64 " %s of another owner%s; ",
		gained, plural(gained, "owner", "owners"), gone, d->changed,
		plural(d->changed, "entry", "entries"), d->user_changed ? "; USER changed" : "");
	print_styled(t->opts, d->worse ? STYLE_BAD : STYLE_GOOD, "%s\n",
		     d->worse ? "findings that it did not have" : "nothing that fits less");
}

int diff_text(const struct report_options *opts, const struct diff_told *told, struct error *err)
{
	struct text t = { .opts = opts, .out = opts->out, .told = told, .d = told->diff };
	int r = 0;

	verdict(&t);
	if (opts->quiet)
		return print_check(opts->out, err);
	r = targets(&t, err);
	if (r >= 0)
		r = owners(&t, err);
	if (r >= 0)
		r = changes(&t, err);
	if (r < 0)
		return r;
	user(&t);
	r = findings(&t, DIFF_NEW, err);
	if (r >= 0)
		r = findings(&t, DIFF_OLD, err);
	if (r < 0)
		return r;
	notes(&t);
	return print_check(opts->out, err);
}

int diff_report(const struct report_options *opts, const struct diff_told *told, struct error *err)
{
	return opts->format == REPORT_JSON ? diff_json(opts, told, err)
					   : diff_text(opts, told, err);
}
