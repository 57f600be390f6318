#include "report/fold-text.h"

#include <inttypes.h>

#include "report/lsmode.h"
#include "report/print.h"
#include "report/words.h"

#define STEP_SHOWN_MAX 100

struct text {
	const struct report_options *opts;
	FILE *out;
	const struct check *c;
};

enum style fold_text_style(enum level l)
{
	return l == LEVEL_ERROR ? STYLE_BAD : l == LEVEL_WARNING ? STYLE_WARN : STYLE_DIM;
}

int fold_text_layer(const struct report_options *opts, const struct image *img, size_t i,
		    struct error *err)
{
	const struct image_layer *layer = &img->layers[i];
	_cleanup_(buf_freep) struct buf step = { 0 };
	char digest[16], size[16];

	print_digest(digest, layer_digest(layer));
	print_size(size, image_layer_size(layer));
	if (print_step(&step, layer->created_by, STEP_SHOWN_MAX) < 0)
		return err_nomem(err);
	fputc('\n', opts->out);
	print_styled(opts, STYLE_BOLD, "  layer %zu", i);
	fprintf(opts->out, "  %s%s%s%s%s\n", digest, digest[0] ? "  " : "", size,
		step.len ? "  " : "", buf_str(&step));
	return 0;
}

static void group_owner(FILE *out, const struct fold_key *key)
{
	if (words_rule_is_owner(key->rule) && key->has_uid && key->has_gid)
		fprintf(out, ", owner %" PRId64 ":%" PRId64, key->uid, key->gid);
}

/* Notes of all layers stand together, so each says whose it is. */
static void note_layer(struct text *t, const struct fold_key *key)
{
	if (key->level == LEVEL_NOTE)
		fprintf(t->out, " layer %ld:", key->layer);
}

static int group(struct text *t, const struct fold_group *g, const char *indent, struct error *err)
{
	_cleanup_(buf_freep) struct buf reason = { 0 }, dir = { 0 };

	if (words_reason(&reason, t->c, &g->key) < 0 || ls_path(&dir, g->dir, g->dir_len) < 0)
		return err_nomem(err);
	if (g->count > FOLD_LINES || (g->key.level == LEVEL_NOTE && g->count > 1)) {
		fprintf(t->out, "%s", indent);
		print_styled(t->opts, fold_text_style(g->key.level),
			     "%s:", level_name(g->key.level));
		note_layer(t, &g->key);
		fprintf(t->out, " %" PRIu64 " entries under %s", g->count, buf_str(&dir));
		group_owner(t->out, &g->key);
		fprintf(t->out, ": %s\n", buf_str(&reason));
		if (g->key.level == LEVEL_NOTE)
			return 0;
		fprintf(t->out, "%s  %s\n", indent, buf_str(&g->lines[0]));
		fprintf(t->out, "%s  ... and %" PRIu64 " more\n", indent, g->count - 1);
		return 0;
	}
	for (size_t i = 0; i < FOLD_LINES && g->lines[i].len; i++) {
		fprintf(t->out, "%s", indent);
		print_styled(t->opts, fold_text_style(g->key.level),
			     "%s:", level_name(g->key.level));
		note_layer(t, &g->key);
		fprintf(t->out, " %s  (%s)\n", buf_str(&g->lines[i]), buf_str(&reason));
	}
	return 0;
}

int fold_text(const struct report_options *opts, const struct check *c, const struct fold *fold,
	      const char *indent, struct error *err)
{
	struct text t = { .opts = opts, .out = opts->out, .c = c };
	int r;

	for (int level = LEVEL_ERROR; level >= LEVEL_NOTE; level--)
		for (size_t i = 0; i < fold->count; i++) {
			if (fold->groups[i].key.level != (enum level)level)
				continue;
			r = group(&t, &fold->groups[i], indent, err);
			if (r < 0)
				return r;
		}
	if (fold->lost)
		fprintf(t.out,
			"%s... and %" PRIu64
			" more %s of other owners or kinds (--all lists each)\n",
			indent, fold->lost, plural(fold->lost, "entry", "entries"));
	return 0;
}

int fold_text_line(void *ctx, const struct finding *f, struct error *err)
{
	_cleanup_(buf_freep) struct buf line = { 0 }, reason = { 0 };
	struct fold_key key = fold_key_of(f);
	struct fold_text_lines *t = ctx;
	FILE *out = t->opts->out;

	if (!f->entry) {
		if (words_config(&line, t->c, f) < 0)
			return err_nomem(err);
		fputs("\n  ", out);
		print_styled(t->opts, fold_text_style(f->level), "%s:", level_name(f->level));
		fprintf(out, " %s\n", buf_str(&line));
		return print_check(out, err);
	}
	if (ls_line(&line, f->entry) < 0 || words_reason(&reason, t->c, &key) < 0)
		return err_nomem(err);
	if (f->layer != t->layer) {
		int r = fold_text_layer(t->opts, t->c->image, (size_t)f->layer, err);

		if (r < 0)
			return r;
		t->layer = f->layer;
	}
	fputs("    ", out);
	print_styled(t->opts, fold_text_style(f->level), "%s:", level_name(f->level));
	fprintf(out, " %s  (%s)\n", buf_str(&line), buf_str(&reason));
	return print_check(out, err);
}
