/* uidfit/diff/1.
 */
#include "base/macro.h"
#include "report/check-text.h"
#include "report/diff.h"
#include "report/print.h"

struct json {
	struct jsonw w;
	const struct diff_told *told;
	struct check *c; /* whose findings are told */
};

static const char *const side_names[] = { [DIFF_OLD] = "old", [DIFF_NEW] = "new" };

static const char *or_null(const char *s)
{
	return s && s[0] ? s : NULL;
}

static int examples(struct json *j, const struct diff_place *list, size_t count,
		    const struct image *img, struct error *err)
{
	struct jsonw *w = &j->w;

	jsonw_open(w, "examples", '[');
	for (size_t i = 0; i < count; i++) {
		jsonw_open(w, NULL, '{');
		if (jsonw_path(w, list[i].path, list[i].path_len) < 0)
			return err_nomem(err);
		jsonw_u64(w, "layer", list[i].layer);
		jsonw_bool(w, "visible", list[i].visible);
		jsonw_str(w, "created_by", or_null(img->layers[list[i].layer].created_by));
		jsonw_close(w);
	}
	jsonw_close(w);
	return 0;
}

static int owner(struct json *j, const struct diff_owner *o, struct error *err)
{
	struct jsonw *w = &j->w;
	enum diff_owner_state state = diff_owner_state(o);

	if (state == DIFF_KEPT)
		return 0;
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "state", diff_owner_state_name(state));
	jsonw_i64(w, "uid", o->uid);
	jsonw_i64(w, "gid", o->gid);
	for (int side = 0; side < 2; side++) {
		const struct diff_count *c = &o->of[side];
		int r;

		jsonw_open(w, side_names[side], '{');
		jsonw_u64(w, "visible", c->visible);
		jsonw_u64(w, "hidden", c->hidden);
		r = examples(j, c->examples, c->example_count, j->told->diff->of[side]->image, err);
		if (r < 0)
			return r;
		jsonw_close(w);
	}
	jsonw_close(w);
	return print_check(w->out, err);
}

static int changes(struct json *j, struct error *err)
{
	const struct diff *d = j->told->diff;
	struct jsonw *w = &j->w;

	jsonw_u64(w, "changed_entries", d->changed);
	jsonw_open(w, "changed", '[');
	for (size_t i = 0; i < d->change_count; i++) {
		const struct diff_change *c = &d->changes[i];
		int r;

		jsonw_open(w, NULL, '{');
		for (int side = 0; side < 2; side++) {
			jsonw_open(w, side_names[side], '{');
			jsonw_i64(w, "uid", c->uid[side]);
			jsonw_i64(w, "gid", c->gid[side]);
			jsonw_close(w);
		}
		jsonw_u64(w, "entries", c->entries);
		r = examples(j, c->examples, c->example_count, d->of[DIFF_NEW]->image, err);
		if (r < 0)
			return r;
		jsonw_close(w);
	}
	jsonw_close(w);
	jsonw_u64(w, "changed_entries_not_listed", d->changes_lost);
	return 0;
}

static void levels(struct jsonw *w, const char *key, const uint64_t counts[LEVEL_ERROR + 1])
{
	jsonw_open(w, key, '{');
	for (int level = LEVEL_ERROR; level >= LEVEL_NOTE; level--)
		jsonw_u64(w, level_name((enum level)level), counts[level]);
	jsonw_close(w);
}

static int targets(struct json *j, struct error *err)
{
	const struct diff *d = j->told->diff;
	struct jsonw *w = &j->w;

	jsonw_open(w, "targets", '[');
	for (size_t i = 0; i < d->of[DIFF_NEW]->target_count; i++) {
		_cleanup_(buf_freep) struct buf range = { 0 };
		const struct target_use *use = d->of[DIFF_NEW]->targets[i].use;

		if (print_range(&range, use) < 0)
			return err_nomem(err);
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "name", use->name);
		jsonw_str(w, "range", buf_str(&range));
		jsonw_open(w, "fits", '{');
		for (int side = 0; side < 2; side++)
			jsonw_bool(w, side_names[side], d->of[side]->targets[i].fits);
		jsonw_close(w);
		levels(w, "came", d->targets[i].came);
		levels(w, "went", d->targets[i].went);
		jsonw_close(w);
	}
	jsonw_close(w);
	return 0;
}

static void user(struct json *j)
{
	const struct diff *d = j->told->diff;
	struct jsonw *w = &j->w;

	jsonw_open(w, "user", '{');
	jsonw_bool(w, "changed", d->user_changed);
	for (int side = 0; side < 2; side++) {
		const struct exec_user *u = &d->of[side]->user.user;

		jsonw_open(w, side_names[side], '{');
		jsonw_str(w, "config", u->text);
		if (u->error) {
			jsonw_null(w, "uid");
			jsonw_null(w, "gid");
		} else {
			jsonw_i64(w, "uid", u->uid);
			jsonw_i64(w, "gid", u->gid);
		}
		jsonw_str(w, "error", u->error);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static int finding(void *ctx, const struct finding *f, struct error *err)
{
	struct json *j = ctx;

	return check_json_finding(&j->w, j->c, f, err);
}

static int findings(struct json *j, enum diff_side side, struct error *err)
{
	int r;

	j->c = j->told->diff->of[side];
	jsonw_open(&j->w, side == DIFF_NEW ? "findings_came" : "findings_went", '[');
	r = diff_each(j->told->diff, side, finding, j, err);
	jsonw_close(&j->w);
	return r;
}

static void image(struct json *j, enum diff_side side)
{
	const struct source_image *s = j->told->diff->of[side]->image->source;
	struct jsonw *w = &j->w;
	char platform[100];

	platform_print(&s->platform, platform);
	jsonw_open(w, side_names[side], '{');
	jsonw_str(w, "image", j->told->names[side]);
	jsonw_str(w, "name", or_null(s->name));
	jsonw_str(w, "platform", or_null(platform));
	jsonw_str(w, "digest", or_null(s->digest.text));
	jsonw_u64(w, "layers", j->told->diff->of[side]->image->layer_count);
	jsonw_open(w, "notes", '[');
	for (size_t i = 0; i < notes_count(j->told->notes[side]); i++)
		jsonw_str(w, NULL, notes_get(j->told->notes[side], i));
	jsonw_close(w);
	jsonw_close(w);
}

static int members(struct json *j, struct error *err)
{
	const struct diff *d = j->told->diff;
	int r;

	image(j, DIFF_OLD);
	image(j, DIFF_NEW);
	jsonw_bool(&j->w, "worse", d->worse);
	r = targets(j, err);
	if (r < 0)
		return r;
	user(j);
	jsonw_open(&j->w, "owners", '[');
	for (size_t i = 0; i < d->owner_count && r >= 0; i++)
		r = owner(j, &d->owners[i], err);
	if (r < 0)
		return r;
	jsonw_close(&j->w);
	r = changes(j, err);
	if (r >= 0)
		r = findings(j, DIFF_NEW, err);
	if (r >= 0)
		r = findings(j, DIFF_OLD, err);
	return r;
}

static int end(struct jsonw *w, const struct error *why, struct error *err)
{
	jsonw_unwind(w, 1);
	if (why)
		jsonw_error(w, why);
	jsonw_close(w);
	fputc('\n', w->out);
	fflush(w->out);
	return print_check(w->out, err);
}

int diff_json(const struct report_options *opts, const struct diff_told *told, struct error *err)
{
	struct json j = { .w = { .out = opts->out }, .told = told };
	struct error why;
	int r;

	jsonw_open(&j.w, NULL, '{');
	jsonw_str(&j.w, "schema", "uidfit/diff/1");
	r = members(&j, err);
	if (r >= 0)
		return end(&j.w, NULL, err);
	why = *err;
	(void)!end(&j.w, &why, err);
	*err = why;
	return r;
}

int diff_report_failed(const struct report_options *opts, const char *const names[2],
		       const struct error *why, struct error *err)
{
	struct jsonw w = { .out = opts->out };

	if (opts->format != REPORT_JSON)
		return 0;
	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/diff/1");
	for (int side = 0; side < 2; side++) {
		jsonw_open(&w, side_names[side], '{');
		jsonw_str(&w, "image", names[side]);
		jsonw_close(&w);
	}
	return end(&w, why, err);
}
