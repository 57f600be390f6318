/* uidfit/explain/1: design.md, section 2; further keys behind those. */
#include <string.h>

#include "report/explain.h"
#include "report/json-writer.h"
#include "report/print.h"

static const char *or_null(const char *s)
{
	return s && s[0] ? s : NULL;
}

static void number(struct jsonw *w, const char *key, bool known, int64_t v)
{
	if (known)
		jsonw_i64(w, key, v);
	else
		jsonw_null(w, key);
}

static void bytes(struct jsonw *w, const char *key, const char *s)
{
	if (s)
		jsonw_text(w, key, s, strlen(s));
	else
		jsonw_null(w, key);
}

static void advice(struct jsonw *w, const struct explain_match *m, const char *key, bool avoid)
{
	jsonw_open(w, key, '[');
	for (size_t i = 0; i < m->advice_count; i++)
		if (m->advice[i].avoid == avoid)
			bytes(w, NULL, m->advice[i].text);
	jsonw_close(w);
}

static void readings(struct jsonw *w, const struct explain_match *m)
{
	jsonw_open(w, "readings", '[');
	for (size_t i = 0; i < m->reading_count; i++) {
		const struct explain_found *f = &m->readings[i];

		if (!f->says)
			continue;
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "name", explain_reading_name(f->reading));
		jsonw_i64(w, "id", f->id);
		bytes(w, "says", f->says);
		bytes(w, "why", f->why);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static void entry(struct jsonw *w, const struct explain_entry *e)
{
	jsonw_open(w, NULL, '{');
	jsonw_u64(w, "layer", e->layer);
	/* -ERR_NOMEM leaves the path out; the writer's own state stays whole. */
	if (jsonw_path(w, e->path, strlen(e->path)) < 0)
		jsonw_null(w, "path");
	jsonw_str(w, "type", inv_kind_name(e->kind));
	jsonw_i64(w, "mode", e->mode);
	jsonw_i64(w, "uid", e->uid);
	jsonw_i64(w, "gid", e->gid);
	jsonw_str(w, "visibility", visible_name(e->visible));
	number(w, "by_layer", e->by_layer >= 0, e->by_layer);
	bytes(w, "created_by", e->created_by);
	jsonw_close(w);
}

static void join(struct jsonw *w, const struct explain_join *j)
{
	static const char *const made[] = {
		[MADE_BY_ENTRY] = "entry",     [MADE_BY_USER] = "user", [MADE_BY_GROUP] = "group",
		[MADE_BY_NOTHING] = "nothing", [MADE_MAYBE] = "maybe",
	};

	if (!j) {
		jsonw_null(w, "image");
		return;
	}
	jsonw_open(w, "image", '{');
	bytes(w, "image", j->image);
	jsonw_str(w, "made_by", made[j->made]);
	bytes(w, "says", j->says);
	jsonw_u64(w, "entries_like_it", j->entries_like_it);
	jsonw_open(w, "entries", '[');
	for (size_t i = 0; i < j->entry_count; i++)
		entry(w, &j->entries[i]);
	jsonw_close(w);
	jsonw_close(w);
}

static void match(struct jsonw *w, const struct explain_match *m)
{
	const struct explain_entry *e =
		m->join && m->join->made == MADE_BY_ENTRY && m->join->entry_count
			? &m->join->entries[0]
			: NULL;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "family", m->message ? explain_message_name(m->message) : "id");
	jsonw_str(w, "engine", m->engine ? explain_engine_name(m->engine) : NULL);
	jsonw_str(w, "versions", or_null(m->versions));
	jsonw_str(w, "cause", explain_cause_name(m->cause));
	jsonw_str(w, "blame", explain_blame_name(m->blame));
	number(w, "id", m->has_id, m->id);
	jsonw_str(w, "id_kind", explain_kind_name(m->kind));
	number(w, "uid", m->has_uid, m->uid);
	number(w, "gid", m->has_gid, m->gid);
	bytes(w, "path", m->path);
	number(w, "layer", m->layer >= 0, m->layer);
	bytes(w, "layer_digest", m->digest ? m->digest : m->diff_id);
	advice(w, m, "advice", false);
	advice(w, m, "avoid", true);
	bytes(w, "says", m->says);
	jsonw_str(w, "hides", or_null(m->hides));
	jsonw_str(w, "layer_id", or_null(m->layer_id));
	readings(w, m);
	jsonw_open(w, "wrappers", '[');
	for (size_t i = 0; i < m->wrapper_count; i++)
		jsonw_str(w, NULL, explain_message_name(m->wrappers[i]));
	jsonw_close(w);
	jsonw_str(w, "platform", m->platform ? m->platform->name : NULL);
	bytes(w, "text", m->text);
	number(w, "line", m->line > 0, (int64_t)m->line);
	jsonw_u64(w, "count", m->count);
	jsonw_bool(w, "follows", m->follows);
	jsonw_str(w, "created_by", e ? e->created_by : NULL);
	join(w, m->join);
	jsonw_str(w, "source", m->message ? explain_message_source(m->message) : NULL);
	jsonw_str(w, "evidence",
		  m->message ? evidence_name(explain_message_evidence(m->message)) : NULL);
	jsonw_close(w);
}

int explain_json(const struct report_options *opts, const struct explain *x, struct error *err)
{
	struct jsonw w = { .out = opts->out };

	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/explain/1");
	jsonw_open(&w, "matches", '[');
	for (size_t i = 0; i < x->match_count; i++)
		match(&w, &x->matches[i]);
	jsonw_close(&w);
	jsonw_u64(&w, "dropped", x->dropped);
	jsonw_close(&w);
	fputc('\n', opts->out);
	return print_check(opts->out, err);
}
