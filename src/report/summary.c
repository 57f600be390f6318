#include "report/summary.h"

#include <stdlib.h>
#include <string.h>

#include "report/words.h"

struct gather {
	struct summary *s;
	struct check *check;
	long last_layer; /* of the entry counted last */
	uint64_t last_index;
};

static void add_ids(struct summary *s, const struct finding *f)
{
	if (f->has_uid && (f->uid_fits & f->targets) != f->targets)
		s->max_id = MAX(s->max_id, f->uid);
	if (f->has_gid && (f->gid_fits & f->targets) != f->targets)
		s->max_id = MAX(s->max_id, f->gid);
}

static int add_config(struct gather *g, const struct finding *f, struct error *err)
{
	struct summary *s = g->s;
	bool note = f->level == LEVEL_NOTE;
	size_t *count = note ? &s->config_note_count : &s->config_count;
	struct buf *lines = note ? s->config_notes : s->config;

	if (!note)
		*(f->rule == RULE_PASSWD_OUTSIDE_MAP ? &s->accounts : &s->user_outside) = true;
	if (!note)
		add_ids(s, f);
	if (*count == SUMMARY_CONFIG_LINES) {
		(*(note ? &s->config_notes_lost : &s->config_lost))++;
		return 0;
	}
	return words_config(&lines[(*count)++], g->check, f) < 0 ? err_nomem(err) : 0;
}

static void add_facts(struct gather *g, const struct finding *f)
{
	struct summary *s = g->s;
	bool seen = g->last_layer == f->layer && g->last_index == f->entry->index;

	s->owners |= words_rule_is_owner(f->rule);
	s->acl |= f->rule == RULE_ACL_OUTSIDE_MAP || f->rule == RULE_ACL_INVALID;
	s->visible_unknown |= f->visible_unknown;
	s->sparse_log |= f->rule == RULE_OVERSIZED_SPARSE_LOG;
	add_ids(s, f);
	if (seen)
		return;
	s->entries++;
	g->last_layer = f->layer;
	g->last_index = f->entry->index;
	if (f->visible == VISIBLE || f->by_layer == f->layer || f->by_layer < 0)
		return;
	s->removed += f->visible == REMOVED;
	s->replaced += f->visible == REPLACED;
	if (s->hidden_by < 0) {
		s->hidden_layer = f->layer;
		s->hidden_by = f->by_layer;
		s->hidden_removes = f->visible == REMOVED;
	}
}

static int gather_one(void *ctx, const struct finding *f, struct error *err)
{
	struct gather *g = ctx;
	struct summary *s = g->s;

	if (!f->entry || f->layer < 0 || (size_t)f->layer >= s->layer_count)
		return add_config(g, f, err);
	if (f->level == LEVEL_NOTE) {
		s->note_entries++;
		return fold_add(&s->notes, f, err);
	}
	add_facts(g, f);
	if (!s->layers[f->layer]) {
		s->layers[f->layer] = calloc(1, sizeof(struct fold));
		if (!s->layers[f->layer])
			return err_nomem(err);
		s->layers_hit++;
	}
	return fold_add(s->layers[f->layer], f, err);
}

int summary_make_of(struct summary *out, struct check *c, summary_each *each, void *ctx,
		    struct error *err)
{
	struct gather g = { .s = out, .check = c, .last_layer = -1 };
	int r;

	*out = (struct summary){ .hidden_layer = -1, .hidden_by = -1 };
	out->layers = calloc(c->image->layer_count + 1, sizeof(*out->layers));
	if (!out->layers)
		return err_nomem(err);
	out->layer_count = c->image->layer_count;
	r = each(ctx, gather_one, &g, err);
	if (r < 0)
		summary_free(out);
	return r;
}

static int each_of_check(void *ctx, check_finding_fn *fn, void *fn_ctx, struct error *err)
{
	return check_each(ctx, fn, fn_ctx, err);
}

int summary_make(struct summary *out, struct check *c, struct error *err)
{
	return summary_make_of(out, c, each_of_check, c, err);
}

void summary_free(struct summary *s)
{
	for (size_t i = 0; s->layers && i < s->layer_count; i++) {
		if (s->layers[i])
			fold_free(s->layers[i]);
		free(s->layers[i]);
	}
	free(s->layers);
	fold_free(&s->notes);
	for (size_t i = 0; i < SUMMARY_CONFIG_LINES; i++) {
		buf_free(&s->config[i]);
		buf_free(&s->config_notes[i]);
	}
	*s = (struct summary){ 0 };
}
