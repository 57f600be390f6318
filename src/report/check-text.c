/* A check as a person reads it: the verdict first, then the layers, the engine's own words, what to
 * do.
 */
#include "report/check-text.h"

#include <inttypes.h>
#include <string.h>

#include "report/fold-text.h"
#include "report/lsmode.h"
#include "report/print.h"
#include "report/words.h"

#define CONFIG_SHOWN 3 /* USER's and accounts' findings in the verdict's line */

struct text {
	const struct report_options *opts;
	FILE *out;
	const char *ref;
	struct check *c;
	const struct summary *s;
};

enum answer { FITS, FITS_NOT, NOT_KNOWN };

static enum answer answer_of(const struct check_target *t)
{
	return t->unknown ? NOT_KNOWN : t->fits ? FITS : FITS_NOT;
}

/* "docker (0-65535), circleci (0-65535)" of those with that answer. */
static int target_list(struct buf *out, const struct check *c, enum answer answer)
{
	const char *sep = "";
	int r = 0;

	for (size_t i = 0; i < c->target_count && r >= 0; i++) {
		if (answer_of(&c->targets[i]) != answer)
			continue;
		r = buf_printf(out, "%s%s", sep, c->targets[i].use->name);
		if (r >= 0 && c->target_count == 1) {
			r = buf_append_str(out, " (");
			if (r >= 0)
				r = print_range(out, c->targets[i].use);
			if (r >= 0)
				r = buf_append_str(out, ")");
		}
		sep = ", ";
	}
	return r;
}

static int count_words(struct buf *out, const struct summary *s)
{
	int r = 0;

	if (s->entries)
		r = buf_printf(out, "%" PRIu64 " %s in %zu %s", s->entries,
			       plural(s->entries, "entry", "entries"), s->layers_hit,
			       plural(s->layers_hit, "layer", "layers"));
	for (size_t i = 0; i < s->config_count && i < CONFIG_SHOWN && r >= 0; i++)
		r = buf_printf(out, "%s%s", out->len ? "; " : "", buf_str(&s->config[i]));
	if (r >= 0 && s->config_count > CONFIG_SHOWN)
		r = buf_printf(out, "; and %" PRIu64 " more such (--all lists each)",
			       s->config_count - CONFIG_SHOWN + s->config_lost);
	if (r >= 0 && !out->len && s->note_entries)
		r = buf_printf(out, "%" PRIu64 " %s with a note", s->note_entries,
			       plural(s->note_entries, "entry", "entries"));
	else if (r >= 0 && !out->len && s->config_note_count)
		r = buf_append_str(out, "accounts with a note");
	return r;
}

/* "; 2 of 3 layers were not looked at (--fail-fast)" */
static void unread(const struct text *t)
{
	const struct image *img = t->c->image;
	size_t cut = 0, not ;

	for (size_t i = 0; i < img->layer_count; i++)
		cut += img->layers[i].unread && img->layers[i].inventory->cut;
	not = img->unread - cut;
	if (!img->unread)
		return;
	fprintf(t->out, "; %zu of %zu %s %s %s", not ? not : cut, img->layer_count,
		plural(img->layer_count, "layer", "layers"), plural(not ? not : cut, "was", "were"),
		not ? "not looked at" : "looked at in part");
	if (not &&cut)
		fprintf(t->out, ", %zu in part", cut);
	fputs(" (--fail-fast)", t->out);
}

static int verdict(struct text *t, struct error *err)
{
	_cleanup_(buf_freep) struct buf bad = { 0 }, good = { 0 }, open = { 0 }, count = { 0 };
	struct check *c = t->c;
	size_t entries = 0;

	if (target_list(&bad, c, FITS_NOT) < 0 || target_list(&good, c, FITS) < 0 ||
	    target_list(&open, c, NOT_KNOWN) < 0 || count_words(&count, t->s) < 0)
		return err_nomem(err);
	for (size_t i = 0; i < c->image->layer_count; i++)
		entries += c->image->layers[i].inventory->entries;
	print_name(t->out, t->ref, strlen(t->ref), SIZE_MAX);
	fputs(": ", t->out);
	if (bad.len) {
		print_styled(t->opts, STYLE_BAD, "does not fit %s", buf_str(&bad));
		fprintf(t->out, ": %s", buf_str(&count));
	}
	if (good.len)
		print_styled(t->opts, STYLE_GOOD, "%sfits %s", bad.len ? "; " : "", buf_str(&good));
	if (!bad.len && (t->s->entries || t->s->config_count))
		fprintf(t->out, ", but: %s", buf_str(&count));
	else if (!bad.len)
		fprintf(t->out, ": %zu %s in %zu %s looked at", entries,
			plural(entries, "entry", "entries"), c->image->layer_count,
			plural(c->image->layer_count, "layer", "layers"));
	if (open.len)
		fprintf(t->out, "; not known for %s", buf_str(&open));
	unread(t);
	fputc('\n', t->out);
	return 0;
}

static int table(struct text *t, struct error *err)
{
	size_t name_width = 6, range_width = 5;

	if (t->c->target_count < 2)
		return 0;
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			fprintf(t->out, "\n  %-*s  %-*s  %s\n", (int)name_width, "target",
				(int)range_width, "range", "verdict");
		for (size_t i = 0; i < t->c->target_count; i++) {
			_cleanup_(buf_freep) struct buf range = { 0 }, words = { 0 };
			const struct check_target *target = &t->c->targets[i];

			if (print_range(&range, target->use) < 0 ||
			    words_verdict(&words, target) < 0)
				return err_nomem(err);
			name_width = MAX(name_width, strlen(target->use->name));
			range_width = MAX(range_width, range.len);
			if (!pass)
				continue;
			fprintf(t->out, "  %-*s  %-*s  ", (int)name_width, target->use->name,
				(int)range_width, buf_str(&range));
			print_styled(t->opts,
				     target->unknown ? STYLE_DIM
				     : target->fits  ? STYLE_GOOD
						     : STYLE_BAD,
				     "%s\n", buf_str(&words));
		}
	}
	return 0;
}

static int layers(struct text *t, struct error *err)
{
	struct fold_text_lines lines = { t->opts, t->c, -1 };
	int r = 0;

	if (t->opts->all)
		return check_each(t->c, fold_text_line, &lines, err);
	for (size_t i = 0; i < t->s->layer_count && r >= 0; i++) {
		if (!t->s->layers[i])
			continue;
		r = fold_text_layer(t->opts, t->c->image, i, err);
		if (r >= 0)
			r = fold_text(t->opts, t->c, t->s->layers[i], "    ", err);
	}
	return r;
}

/* True where both stop at the same entry with the same words: targets often share an engine. */
static bool same_words(const struct check_target *a, const struct check_target *b)
{
	if (a->error_count != b->error_count || a->first_layer != b->first_layer ||
	    a->first_index != b->first_index)
		return false;
	for (size_t i = 0; i < a->error_count; i++)
		if (strcmp(a->errors[i].message->when, b->errors[i].message->when) != 0 ||
		    strcmp(a->errors[i].line, b->errors[i].line) != 0)
			return false;
	return true;
}

/* The names of target i and of those behind it with the same words; false where an earlier one has
 * told it. */
static bool stoppers(struct text *t, size_t i)
{
	const struct check *c = t->c;

	for (size_t k = 0; k < i; k++)
		if (same_words(&c->targets[k], &c->targets[i]))
			return false;
	fputc('\n', t->out);
	print_styled(t->opts, STYLE_BOLD, "  %s", c->targets[i].use->name);
	for (size_t k = i + 1; k < c->target_count; k++)
		if (same_words(&c->targets[i], &c->targets[k]))
			print_styled(t->opts, STYLE_BOLD, ", %s", c->targets[k].use->name);
	return true;
}

static int engine_words(struct text *t, struct error *err)
{
	for (size_t i = 0; i < t->c->target_count; i++) {
		const struct check_target *target = &t->c->targets[i];
		_cleanup_(buf_freep) struct buf path = { 0 };

		if ((!target->error_count && target->first_layer < 0) || !stoppers(t, i))
			continue;
		if (target->first_layer >= 0 && target->first_path) {
			if (ls_path(&path, target->first_path, strlen(target->first_path)) < 0)
				return err_nomem(err);
			fprintf(t->out, ": stops at layer %ld, %s", target->first_layer,
				buf_str(&path));
		} else {
			fputs(": stops", t->out);
		}
		fprintf(t->out, "%s\n", target->error_count ? ", with the words" : "");
		for (size_t k = 0; k < target->error_count; k++) {
			const struct check_engine_error *e = &target->errors[k];

			fprintf(t->out, "    %s: %s\n", e->message->when, e->line);
		}
	}
	return 0;
}

static void causes(struct text *t)
{
	for (size_t i = 0; i < t->c->cause_count; i++) {
		const struct check_cause *cause = &t->c->causes[i];

		fputs("\n  cause: USER ", t->out);
		print_name(t->out, cause->user, strlen(cause->user), 80);
		fprintf(t->out,
			", set before layer %zu, made %" PRIu64 " %s in %zu %s (uid %" PRId64 ")\n",
			cause->user_layer, cause->entries,
			plural(cause->entries, "entry", "entries"), cause->layers,
			plural(cause->layers, "layer", "layers"), cause->uid);
	}
}

static void undecided(struct text *t, size_t i)
{
	const struct check_target *all = t->c->targets;
	size_t n = t->c->target_count;

	if (!all[i].undecided)
		return;
	for (size_t k = 0; k < i; k++)
		if (all[k].undecided && strcmp(all[k].undecided, all[i].undecided) == 0)
			return;
	fprintf(t->out, "  note: %s", all[i].use->name);
	for (size_t k = i + 1; k < n; k++)
		if (all[k].undecided && strcmp(all[k].undecided, all[i].undecided) == 0)
			fprintf(t->out, ", %s", all[k].use->name);
	fprintf(t->out, ": not decided: %s\n", all[i].undecided);
}

/* A tar or a folder that is no image yet has nothing to verify. */
static bool layer_has_digest(const struct image_layer *layer)
{
	return layer->source->digest.text[0] || layer->source->diff_id.text[0];
}

/* Each once: what the inventory, the source and the config leave in doubt. */
static int remarks(struct text *t, const struct notes *notes, struct error *err)
{
	struct image *img = t->c->image;
	size_t unverified = 0, cached = 0, tables = 0;

	for (size_t i = 0; i < img->layer_count; i++) {
		cached += img->layers[i].cached;
		tables += img->layers[i].verified == INV_VERIFIED_TOC;
	}
	for (size_t i = 0; i < img->layer_count; i++)
		unverified += img->layers[i].verified == INV_VERIFIED_NONE &&
			      !img->layers[i].unread && layer_has_digest(&img->layers[i]);
	for (size_t i = 0; i < t->c->target_count; i++)
		undecided(t, i);
	if (t->s->layers_hit && img->no_steps)
		fprintf(t->out, "  note: " NOTE_NO_STEPS "%s\n", img->no_steps);
	if (t->c->user.user.error) {
		fputs("  note: USER was not judged: ", t->out);
		print_name(t->out, t->c->user.user.error, strlen(t->c->user.user.error), 200);
		fputc('\n', t->out);
	}
	if (t->s->visible_unknown)
		fputs("  note: whether these entries are removed or replaced later is not known\n",
		      t->out);
	for (int groups = 0; groups < 2 && !img->unread; groups++) {
		_cleanup_(buf_freep) struct buf why = { 0 };

		if (words_unread(&why, &t->c->accounts, groups) < 0)
			return err_nomem(err);
		if (why.len)
			fprintf(t->out, "  note: %s\n", buf_str(&why));
	}
	for (size_t i = 0; i < notes_count(notes); i++) {
		fputs("  note: ", t->out);
		print_told(t->out, notes_get(notes, i));
		fputc('\n', t->out);
	}
	if (notes_dropped(notes))
		fprintf(t->out, "  note: and %zu more such notes\n", notes_dropped(notes));
	if (cached)
		fprintf(t->out, "  note: %zu %s known from an earlier run; --no-cache reads %s\n",
			cached, plural(cached, "layer is", "layers are"),
			plural(cached, "it", "them"));
	if (tables)
		fprintf(t->out,
			"  note: of %zu %s only the table of contents was read; --verify reads "
			"all\n",
			tables, plural(tables, "layer", "layers"));
	if (unverified)
		fprintf(t->out,
			"  note: bodies were skipped, so the digests of %zu %s were not verified; "
			"--verify reads all\n",
			unverified, plural(unverified, "layer", "layers"));
	return 0;
}

static int notes_text(struct text *t, const struct notes *notes, struct error *err)
{
	const struct summary *s = t->s;
	int r = 0;

	if (!t->opts->all) {
		r = fold_text(t->opts, t->c, &s->notes, "  ", err);
		for (size_t i = 0; i < s->config_note_count; i++)
			fprintf(t->out, "  note: %s\n", buf_str(&s->config_notes[i]));
		if (s->config_notes_lost)
			fprintf(t->out,
				"  note: and %" PRIu64 " more accounts (--all lists each)\n",
				s->config_notes_lost);
	}
	return r < 0 ? r : remarks(t, notes, err);
}

int check_text_image(const struct report_options *opts, const char *ref_text, struct check *c,
		     const struct notes *notes, struct error *err)
{
	_cleanup_(summary_freep) struct summary s = { 0 };
	struct text t = { .opts = opts, .out = opts->out, .ref = ref_text, .c = c, .s = &s };
	int r = summary_make(&s, c, err);

	if (r < 0)
		return r;
	r = verdict(&t, err);
	if (r < 0 || opts->quiet)
		return r < 0 ? r : print_check(opts->out, err);
	r = table(&t, err);
	if (r >= 0)
		r = layers(&t, err);
	if (r >= 0)
		r = engine_words(&t, err);
	if (r < 0)
		return r;
	causes(&t);
	r = check_text_advice(opts, c, &s, err);
	if (s.entries || s.config_count || c->target_count > 1)
		fputc('\n', opts->out);
	if (r >= 0)
		r = notes_text(&t, notes, err);
	return r < 0 ? r : print_check(opts->out, err);
}
