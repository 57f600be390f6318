/* uidfit/suggest/1.
 */
#include "report/json-writer.h"
#include "report/print.h"
#include "report/suggest.h"

static int need_members(struct jsonw *w, const struct need *n, struct error *err)
{
	jsonw_i64(w, "id", n->id);
	jsonw_str(w, "from", need_origin_name(n->origin));
	jsonw_str(w, "image", n->image);
	if (n->layer >= 0)
		jsonw_i64(w, "layer", n->layer);
	else
		jsonw_null(w, "layer");
	jsonw_str(w, "subject", n->subject);
	if (!n->path)
		jsonw_null(w, "path");
	else if (jsonw_path(w, n->path, n->path_len) < 0)
		return err_nomem(err);
	return 0;
}

static int need_object(struct jsonw *w, const char *key, const struct need *n, struct error *err)
{
	int r;

	jsonw_open(w, key, '{');
	r = need_members(w, n, err);
	jsonw_close(w);
	return r;
}

static int side(struct jsonw *w, const char *key, const struct need_side *s, struct error *err)
{
	int r = 0;

	jsonw_open(w, key, '{');
	jsonw_u64(w, "ids", idset_size(&s->ids));
	if (s->any)
		r = need_object(w, "highest", &s->highest, err);
	jsonw_open(w, "ranges", '[');
	for (size_t i = 0; i < s->ids.count; i++) {
		jsonw_open(w, NULL, '[');
		jsonw_u64(w, NULL, s->ids.ranges[i].first);
		jsonw_u64(w, NULL, s->ids.ranges[i].last);
		jsonw_close(w);
	}
	jsonw_close(w);
	jsonw_open(w, "unmappable", '[');
	for (size_t i = 0; i < s->beyond_count && r >= 0; i++)
		r = need_object(w, NULL, &s->beyond[i], err);
	jsonw_close(w);
	jsonw_bool(w, "unmappable_more", s->beyond_more);
	jsonw_close(w);
	return r;
}

static int line(void *ctx, const char *where, const char *text, struct error *err)
{
	struct jsonw *w = ctx;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "where", where);
	jsonw_str(w, "line", text);
	jsonw_close(w);
	return print_check(w->out, err);
}

static int suggestion(struct jsonw *w, const struct suggestion *s, struct error *err)
{
	bool possible = s->why == SUGGEST_POSSIBLE;
	int r;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "name", s->row->name);
	jsonw_str(w, "title", s->row->title);
	jsonw_bool(w, "possible", possible);
	jsonw_str(w, "reason", possible ? NULL : suggest_why_text(s));
	jsonw_u64(w, "uids", s->uids);
	jsonw_u64(w, "gids", s->gids);
	jsonw_bool(w, "usual", s->usual);
	jsonw_bool(w, "beyond_useradd", s->vast);
	if (s->row->form == SUGGEST_KUBELET)
		jsonw_u64(w, "pods", s->pods);
	jsonw_map(w, "uid_map", &s->map.uid);
	jsonw_map(w, "gid_map", &s->map.gid);
	jsonw_open(w, "lines", '[');
	r = suggest_lines(s, line, w, err);
	jsonw_close(w);
	jsonw_str(w, "limit", s->row->limit[0] ? s->row->limit : NULL);
	jsonw_str(w, "source", s->row->source);
	jsonw_close(w);
	return r;
}

static void images(struct jsonw *w, const struct suggest_result *result)
{
	jsonw_open(w, "images", '[');
	for (size_t i = 0; i < result->image_count; i++) {
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "image", result->images[i].label);
		if (result->images[i].failed)
			jsonw_error(w, &result->images[i].why);
		jsonw_close(w);
	}
	jsonw_close(w);
}

/* Targets whose range nobody can change, and whether it holds what is needed. */
static void fixed(struct jsonw *w, const struct suggest_result *result)
{
	size_t count;
	const struct target *all = target_all(&count);

	jsonw_open(w, "fixed", '[');
	for (size_t i = 0; i < count; i++) {
		if (all[i].range_changeable)
			continue;
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "name", all[i].name);
		jsonw_bool(w, "holds", suggest_target_holds(&all[i], result));
		jsonw_close(w);
	}
	jsonw_close(w);
}

int suggest_report_json(const struct report_options *opts, const struct suggest_result *result,
			struct error *err)
{
	struct jsonw w = { .out = opts->out };
	int r;

	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/suggest/1");
	images(&w, result);
	r = side(&w, "uid", &result->needs->uid, err);
	if (r >= 0)
		r = side(&w, "gid", &result->needs->gid, err);
	jsonw_str(&w, "user_unknown", result->needs->no_user);
	jsonw_open(&w, "proposals", '[');
	for (size_t i = 0; i < result->suggestion_count && r >= 0; i++)
		r = suggestion(&w, &result->suggestions[i], err);
	jsonw_close(&w);
	fixed(&w, result);
	jsonw_unwind(&w, 0);
	fputc('\n', opts->out);
	return r < 0 ? r : print_check(opts->out, err);
}
