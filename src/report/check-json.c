/* A check as JSON, schema uidfit/check/1: written as it is told, findings one after the other.
 */
#include <string.h>

#include "oci/descriptor.h"
#include "report/check-text.h"
#include "report/print.h"
#include "report/words.h"

struct json {
	struct jsonw *w;
	struct check *c;
};

static const char *or_null(const char *s)
{
	return s && s[0] ? s : NULL;
}

static void bool_or_null(struct jsonw *w, const char *key, bool value, bool known)
{
	if (known)
		jsonw_bool(w, key, value);
	else
		jsonw_null(w, key);
}

static void u64_or_null(struct jsonw *w, const char *key, uint64_t value, bool known)
{
	if (known)
		jsonw_u64(w, key, value);
	else
		jsonw_null(w, key);
}

static void effects(struct jsonw *w, const struct check_target *t)
{
	jsonw_open(w, "effects", '[');
	for (size_t i = 0; i < t->effect_count; i++) {
		const struct check_effect *e = &t->effects[i];

		jsonw_open(w, NULL, '{');
		jsonw_str(w, "rule", rule_name(e->rule));
		jsonw_str(w, "stage", stage_name(e->stage));
		jsonw_str(w, "outcome", outcome_name(e->outcome));
		jsonw_u64(w, "count", e->count);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static int target(struct jsonw *w, const struct check_target *t, bool complete, struct error *err)
{
	_cleanup_(buf_freep) struct buf range = { 0 };

	if (print_range(&range, t->use) < 0)
		return err_nomem(err);
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "name", t->use->name);
	bool_or_null(w, "fits", t->fits, !t->unknown);
	jsonw_str(w, "range", buf_str(&range));
	jsonw_bool(w, "range_changeable", t->use->target->range_changeable);
	effects(w, t);
	jsonw_open(w, "engine_errors", '[');
	for (size_t i = 0; i < t->error_count; i++) {
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "when", t->errors[i].message->when);
		jsonw_str(w, "line", t->errors[i].line);
		jsonw_close(w);
	}
	jsonw_close(w);
	if (t->first_layer >= 0 && t->first_path) {
		jsonw_open(w, "stops_at", '{');
		jsonw_i64(w, "layer", t->first_layer);
		if (jsonw_path(w, t->first_path, strlen(t->first_path)) < 0)
			return err_nomem(err);
		jsonw_close(w);
	} else {
		jsonw_null(w, "stops_at");
	}
	jsonw_str(w, "undecided", t->undecided);
	if (t->size) {
		u64_or_null(w, "map_size", t->size, complete);
		u64_or_null(w, "map_needed", t->need ? t->need : t->size, complete);
	}
	jsonw_close(w);
	return 0;
}

static void layer(struct json *j, size_t i)
{
	const struct image_layer *l = &j->c->image->layers[i];
	const struct source_layer *s = l->source;
	const char *diff_id = or_null(s->diff_id.text);
	bool seen = !l->unread || l->inventory->cut; /* or what of it was looked at */

	jsonw_open(j->w, NULL, '{');
	jsonw_u64(j->w, "index", i);
	jsonw_str(j->w, "digest", or_null(s->digest.text));
	jsonw_str(j->w, "diff_id", diff_id ? diff_id : or_null(l->inventory->diff_id.text));
	jsonw_str(j->w, "media_type", or_null(s->media_type));
	u64_or_null(j->w, "size", image_layer_size(l), image_layer_size(l) != SOURCE_SIZE_UNKNOWN);
	jsonw_str(j->w, "created_by", or_null(l->created_by));
	u64_or_null(j->w, "entries", l->inventory->entries, seen);
	u64_or_null(j->w, "findings", j->c->layer_findings[i], seen);
	jsonw_str(j->w, "verified", inv_verified_name(l->verified));
	jsonw_bool(j->w, "cached", l->cached);
	jsonw_bool(j->w, "unread", l->unread);
	jsonw_close(j->w);
}

static void finding_targets(struct json *j, const struct finding *f)
{
	jsonw_open(j->w, "targets", '[');
	for (size_t i = 0; i < j->c->target_count; i++) {
		if (!(f->targets >> i & 1))
			continue;
		jsonw_open(j->w, NULL, '{');
		jsonw_str(j->w, "name", j->c->targets[i].use->name);
		jsonw_bool(j->w, "uid_fits", f->uid_fits >> i & 1);
		jsonw_bool(j->w, "gid_fits", f->gid_fits >> i & 1);
		jsonw_close(j->w);
	}
	jsonw_close(j->w);
}

static int finding_entry(struct jsonw *w, const struct inv_entry *e)
{
	char mode[8];
	int r = jsonw_path(w, e->path, e->path_len);

	if (r < 0)
		return r;
	snprintf(mode, sizeof(mode), "%04o", e->mode & 07777u);
	jsonw_str(w, "type", inv_kind_name(e->kind));
	jsonw_str(w, "mode", mode);
	jsonw_u64(w, "size", e->size);
	if (e->link_len)
		jsonw_text(w, "link", e->link, e->link_len);
	return 0;
}

static int finding(struct json *j, const struct finding *f, struct error *err)
{
	struct jsonw *w = j->w;
	bool in_layer = f->layer >= 0 && (size_t)f->layer < j->c->image->layer_count;
	int r = 0;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "rule", rule_name(f->rule));
	jsonw_str(w, "level", level_name(f->level));
	if (in_layer)
		jsonw_i64(w, "layer", f->layer);
	else
		jsonw_null(w, "layer");
	if (f->entry) {
		r = finding_entry(w, f->entry);
	} else if (f->path) {
		r = jsonw_path(w, f->path, strlen(f->path));
	} else {
		jsonw_null(w, "path");
	}
	if (r < 0)
		return err_nomem(err);
	if (!f->entry) {
		jsonw_null(w, "type");
		jsonw_null(w, "mode");
	}
	if (f->has_uid)
		jsonw_i64(w, "uid", f->uid);
	else
		jsonw_null(w, "uid");
	if (f->has_gid)
		jsonw_i64(w, "gid", f->gid);
	else
		jsonw_null(w, "gid");
	jsonw_str(w, "visibility",
		  f->entry && !f->visible_unknown ? visible_name(f->visible) : NULL);
	if (f->by_layer >= 0)
		jsonw_i64(w, "by_layer", f->by_layer);
	else
		jsonw_null(w, "by_layer");
	jsonw_str(w, "created_by",
		  in_layer ? or_null(j->c->image->layers[f->layer].created_by) : NULL);
	finding_targets(j, f);
	jsonw_str(w, "subject", f->subject);
	jsonw_bool(w, "security", f->security);
	jsonw_close(w);
	return print_check(w->out, err);
}

static int each_finding(void *ctx, const struct finding *f, struct error *err)
{
	return finding(ctx, f, err);
}

int check_json_finding(struct jsonw *w, struct check *c, const struct finding *f, struct error *err)
{
	struct json j = { .w = w, .c = c };

	return finding(&j, f, err);
}

static void user_groups(struct json *j)
{
	const struct exec_user *u = &j->c->user.user;

	if (j->c->user.gid_unknown) {
		jsonw_null(j->w, "groups");
		return;
	}
	jsonw_open(j->w, "groups", '[');
	for (size_t i = 0; i < u->group_count; i++)
		jsonw_i64(j->w, NULL, u->groups[i]);
	jsonw_close(j->w);
}

static void user(struct json *j)
{
	const struct exec_user *u = &j->c->user.user;
	const struct source_image *s = j->c->image->source;
	struct jsonw *w = j->w;

	if (!s->has_config && !j->c->opts->user) {
		jsonw_null(w, "user");
		return;
	}
	jsonw_open(w, "user", '{');
	jsonw_str(w, "config", s->has_config ? s->config.user : NULL);
	jsonw_str(w, "asked", j->c->opts->user);
	if (u->error) {
		jsonw_null(w, "uid");
		jsonw_null(w, "gid");
	} else {
		jsonw_i64(w, "uid", u->uid);
		if (j->c->user.gid_unknown)
			jsonw_null(w, "gid");
		else
			jsonw_i64(w, "gid", u->gid);
	}
	user_groups(j);
	jsonw_open(w, "fits", '{');
	for (size_t i = 0; i < j->c->target_count; i++) {
		bool fits = j->c->user.fits >> i & 1;

		bool_or_null(w, j->c->targets[i].use->name, fits,
			     !u->error && !(fits && j->c->user.gid_unknown));
	}
	jsonw_close(w);
	jsonw_str(w, "error", u->error);
	jsonw_close(w);
}

static int note(struct jsonw *w, const char *before, const char *words, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };

	if (buf_printf(&text, "%s%s", before, words) < 0)
		return err_nomem(err);
	jsonw_str(w, NULL, buf_str(&text));
	return 0;
}

static int notes_json(struct jsonw *w, const struct check *c, const struct notes *notes,
		      struct error *err)
{
	char dropped[40];
	int r = 0;

	jsonw_open(w, "notes", '[');
	for (size_t i = 0; i < notes_count(notes); i++)
		jsonw_str(w, NULL, notes_get(notes, i));
	if (notes_dropped(notes)) {
		snprintf(dropped, sizeof(dropped), "%zu", notes_dropped(notes));
		r = note(w, "notes left out: ", dropped, err);
	}
	if (c->image->no_steps && r >= 0)
		r = note(w, NOTE_NO_STEPS, c->image->no_steps, err);
	for (int groups = 0; groups < 2 && r >= 0 && !c->image->unread; groups++) {
		_cleanup_(buf_freep) struct buf why = { 0 };

		if (words_unread(&why, &c->accounts, groups) < 0)
			r = err_nomem(err);
		else if (why.len)
			jsonw_str(w, NULL, buf_str(&why));
	}
	jsonw_close(w);
	return r;
}

static void causes(struct jsonw *w, const struct check *c)
{
	jsonw_open(w, "causes", '[');
	for (size_t i = 0; i < c->cause_count; i++) {
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "user", c->causes[i].user);
		jsonw_i64(w, "uid", c->causes[i].uid);
		jsonw_u64(w, "first_layer", c->causes[i].user_layer);
		jsonw_u64(w, "entries", c->causes[i].entries);
		jsonw_u64(w, "layers", c->causes[i].layers);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static int image_members(struct jsonw *w, const char *ref_text, struct check *c,
			 const struct notes *notes, struct error *err)
{
	struct json j = { .w = w, .c = c };
	const struct source_image *s = c->image->source;
	char platform[100];
	int r = 0;

	platform_print(&s->platform, platform);
	jsonw_str(w, "image", ref_text);
	jsonw_str(w, "name", or_null(s->name));
	jsonw_str(w, "platform", or_null(platform));
	jsonw_str(w, "digest", or_null(s->digest.text));
	jsonw_bool(w, "fits", c->fits);
	jsonw_bool(w, "complete", !c->image->unread);
	jsonw_open(w, "targets", '[');
	for (size_t i = 0; i < c->target_count && r >= 0; i++)
		r = target(w, &c->targets[i], !c->image->unread, err);
	if (r < 0)
		return r;
	jsonw_close(w);
	jsonw_open(w, "layers", '[');
	for (size_t i = 0; i < c->image->layer_count; i++)
		layer(&j, i);
	jsonw_close(w);
	user(&j);
	causes(w, c);
	r = notes_json(w, c, notes, err);
	if (r < 0)
		return r;
	jsonw_open(w, "findings", '[');
	r = check_each(c, each_finding, &j, err);
	if (r < 0)
		return r;
	jsonw_close(w);
	return 0;
}

void check_json_failed(struct jsonw *w, const char *ref_text, const struct error *why)
{
	static const char *const empty[] = { "targets", "layers", "findings" };

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "image", ref_text);
	jsonw_null(w, "platform");
	jsonw_null(w, "digest");
	jsonw_null(w, "fits");
	jsonw_null(w, "complete");
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		jsonw_open(w, empty[i], '[');
		jsonw_close(w);
	}
	jsonw_null(w, "user");
	jsonw_error(w, why);
	jsonw_close(w);
}

int check_json_image(struct jsonw *w, const char *ref_text, struct check *c,
		     const struct notes *notes, struct error *err)
{
	unsigned depth = w->depth;
	int r;

	jsonw_open(w, NULL, '{');
	r = image_members(w, ref_text, c, notes, err);
	if (r < 0) {
		/* What was told stays true; the document stays JSON and says that it is not all. */
		jsonw_unwind(w, depth + 1);
		jsonw_error(w, err);
		jsonw_close(w);
		return r;
	}
	jsonw_close(w);
	return print_check(w->out, err);
}
