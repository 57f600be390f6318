/* The engine's own words about the first thing that stops it. */
#include "target/check-internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* What the placeholders stand for. */
struct words {
	int64_t id, uid, gid;
	bool is_gid, whiteout;
	bool absolute; /* the header's name begins with a slash */
	const char *path;
	uint64_t need, max;
};

static int fill_path(struct buf *out, const struct words *w, bool entry)
{
	const char *slash = strrchr(w->path, '/');
	size_t parent = slash ? (size_t)(slash + 1 - w->path) : 0;
	/* AUFS's own names are whiteouts of what stands behind the prefix. */
	bool strip = w->whiteout && !strncmp(w->path + parent, ".wh.", 4);
	int r = 0;

	if (entry && !w->absolute && !*w->path)
		return buf_append_str(out, ".");
	if (!entry || w->absolute)
		r = buf_append_str(out, "/");
	if (r >= 0 && strip)
		r = text_escape(out, w->path, parent);
	if (r >= 0)
		r = text_escape(out, w->path + (strip ? parent + 4 : 0),
				strlen(w->path) - (strip ? parent + 4 : 0));
	return r;
}

static int fill(struct buf *out, const struct words *w, const char *name, size_t n)
{
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = {
		{ "id", w->id },   { "sid", (int32_t)(uint32_t)w->id }, { "uid", w->uid },
		{ "gid", w->gid }, { "need", (int64_t)w->need },	{ "max", (int64_t)w->max },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strlen(numbers[i].name) == n && !memcmp(numbers[i].name, name, n))
			return buf_printf(out, "%" PRId64, numbers[i].value);
	if (n == 5 && !memcmp(name, "chown", n))
		return buf_append_str(out, w->whiteout ? "chown" : "lchown");
	if (n == 4 && !memcmp(name, "kind", n))
		return buf_append_str(out, w->is_gid ? "gid" : "uid");
	return fill_path(out, w, n == 5 && !memcmp(name, "entry", n));
}

/* compile.py has checked the placeholders. */
static int render(struct buf *out, const char *text, const struct words *w)
{
	int r = 0;

	while (r >= 0 && *text) {
		size_t plain = strcspn(text, "{");
		const char *close;

		r = buf_append(out, text, plain);
		text += plain;
		close = strchr(text, '}');
		if (r < 0 || !close)
			break;
		r = fill(out, w, text + 1, (size_t)(close - text - 1));
		text = close + 1;
	}
	return r;
}

static int add(struct check_target *t, const struct engine_message *m, const struct words *w,
	       struct error *err)
{
	_cleanup_(buf_freep) struct buf line = { 0 };
	struct check_engine_error *more;

	if (render(&line, m->text, w) < 0)
		return err_nomem(err);
	/* Two things that fail may give the same line. */
	for (size_t i = 0; i < t->error_count; i++)
		if (!strcmp(t->errors[i].line, buf_str(&line)) &&
		    !strcmp(t->errors[i].message->when, m->when))
			return 0;
	more = reallocarray(t->errors, t->error_count + 1, sizeof *more);
	if (!more)
		return err_nomem(err);
	t->errors = more;
	more[t->error_count++] = (struct check_engine_error){ m, (char *)STEAL(line.data) };
	return 0;
}

static bool has_rule(const struct engine *e, const char *rule)
{
	for (size_t i = 0; i < e->message_count; i++)
		if (!strcmp(e->messages[i].rule, rule))
			return true;
	return false;
}

static int add_all(struct check_target *t, const char *rule, const struct words *w,
		   struct error *err)
{
	const struct engine *e = t->use->target->engine;
	int r = 0;

	for (size_t i = 0; i < e->message_count && !r; i++)
		if (!strcmp(e->messages[i].rule, rule) &&
		    engine_message_applies(&e->messages[i], t->use->version))
			r = add(t, &e->messages[i], w, err);
	return r;
}

static int entry_words(const struct check *c, size_t i, struct check_target *t, struct error *err)
{
	const struct judge *j = c->judge;
	const struct engine *e = t->use->target->engine;
	const char *rule = j->first_rule[i];
	struct words w = {
		.uid = j->first_uid[i],
		.gid = j->first_gid[i],
		.is_gid = !j->first_uid_out[i],
		.path = t->first_path,
		.absolute = j->first_is_absolute[i],
		.whiteout = !strcmp(rule, "whiteout"),
	};

	w.id = w.is_gid ? w.gid : w.uid;
	if (!strcmp(rule, "whiteout") && !has_rule(e, rule))
		rule = "owner";
	return add_all(t, rule, &w, err);
}

/* What of USER fails, as the rules of messages name it. */
enum { FAILS_UID = 1, FAILS_GID = 2, FAILS_GROUP = 4 };
static const struct {
	const char *rule;
	unsigned bit;
} user_rules[] = {
	{ "user-uid", FAILS_UID },
	{ "user-gid", FAILS_GID },
	{ "group", FAILS_GROUP },
};

/* True where one of the rules named in unless fails too: the engine says that instead. */
static bool said_instead(const char *unless, unsigned fails)
{
	for (size_t i = 0; i < ARRAY_SIZE(user_rules); i++) {
		const char *at = strstr(unless, user_rules[i].rule);

		if (at && fails & user_rules[i].bit)
			return true;
	}
	return false;
}

static int user_words(const struct check *c, size_t i, struct check_target *t, struct error *err)
{
	const struct engine *e = t->use->target->engine;
	const struct check_user *u = &c->user;
	struct words none = { .path = "" };
	bool uid = !(u->uid_fits >> i & 1), gid = !(u->gid_fits >> i & 1);
	bool group = !(u->group_fits >> i & 1);
	unsigned fails =
		(uid ? FAILS_UID : 0u) | (gid ? FAILS_GID : 0u) | (group ? FAILS_GROUP : 0u);

	if (u->user.error)
		return fails ? add_all(t, "user-range", &none, err) : 0;
	for (size_t k = 0; k < e->message_count; k++) {
		const struct engine_message *m = &e->messages[k];
		struct words w = { .uid = u->user.uid, .gid = u->user.gid, .path = "" };

		for (size_t n = 0; n < ARRAY_SIZE(user_rules); n++) {
			int r;

			if (strcmp(m->rule, user_rules[n].rule) || !(fails & user_rules[n].bit) ||
			    said_instead(m->unless, fails) ||
			    !engine_message_applies(m, t->use->version))
				continue;
			w.is_gid = user_rules[n].bit != FAILS_UID;
			w.id = w.is_gid ? w.gid : w.uid;
			r = add(t, m, &w, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* What an engine stops at first may lie in a layer that was not looked at. */
static bool first_is_known(const struct check *c, size_t i)
{
	long first = c->targets[i].first_layer;

	if (!c->image->unread)
		return true;
	if (c->judge->visible_only >> i & 1 || first < 0)
		return false;
	for (long k = 0; k < first; k++)
		if (c->image->layers[k].unread)
			return false;
	return true;
}

static void forget_first(struct check_target *t)
{
	free(STEAL(t->first_path));
	t->first_layer = -1;
}

int words_make(struct check *c, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < c->target_count && !r; i++) {
		struct check_target *t = &c->targets[i];
		struct words size = { .path = "", .need = t->need };

		if (!first_is_known(c, i)) {
			forget_first(t);
			continue;
		}
		if (t->first_path)
			r = entry_words(c, i, t, err);
		else if (t->need) {
			size.max = (uint64_t)t->use->target->max_size;
			r = add_all(t, "size", &size, err);
		} else if (t->use->target->engine->user_outcome == OUTCOME_ERROR)
			r = user_words(c, i, t, err);
	}
	return r;
}
