/* Where the old numbers still stand: files that nobody rewrites, and the config's own words. What
 * is hidden in the final image counts for nothing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "fix/documents.h"
#include "oci/json.h"

#define DIGITS	   3 /* as inventory/mention.h has it */
#define LIST_SHOWN 4

/* Files of which something is to be said beside their ids, in one note each. */
struct list {
	struct buf text;
	size_t count;
};

static int list_add(struct list *l, const struct inv_mentions *m, uint32_t line)
{
	int r = 0;

	if (l->count++ >= LIST_SHOWN)
		return 0;
	if (buf_append_str(&l->text, l->count > 1 ? ", /" : "/") < 0 ||
	    text_escape(&l->text, m->path, m->path_len) < 0)
		return -ERR_NOMEM;
	if (line)
		r = buf_printf(&l->text, " line %" PRIu32, line);
	return r;
}

static void list_say(const struct list *l, const struct fix_plan *p, const char *words)
{
	if (l->count > LIST_SHOWN)
		notes_add(p->opts->notes, "%s: %s and %zu further", words, buf_str(&l->text),
			  l->count - LIST_SHOWN);
	else if (l->count)
		notes_add(p->opts->notes, "%s: %s", words, buf_str(&l->text));
}

struct lists {
	struct list undecided, unread, denied, more;
};

static int add(struct fix_plan *p, const struct fix_mention *m, const char *place, size_t n,
	       struct error *err)
{
	struct fix_mention *to = &p->mentions[p->mention_count];

	for (size_t i = 0; i < p->mention_count; i++) {
		const struct fix_mention *x = &p->mentions[i];

		if (x->line == m->line && x->old == m->old && x->is_gid == m->is_gid &&
		    x->in_config == m->in_config && x->place_len == n &&
		    memcmp(x->place, place, n) == 0)
			return 0;
	}
	if (p->mention_count == FIX_MENTIONS_MAX) {
		p->mentions_more = true;
		return 0;
	}
	*to = *m;
	to->place = strndup(place, n);
	to->place_len = n;
	if (!to->place)
		return err_nomem(err);
	p->mention_count++;
	return 0;
}

static bool any_moves(const struct fix_plan *p, const struct inv_mentions *m)
{
	uint32_t to;

	for (size_t i = 0; i < m->count; i++)
		if (fix_renumber(p, m->ids[i].is_gid, m->ids[i].id, &to))
			return true;
	return false;
}

/* Whether the file is to be seen in one of the images that have the blob; *layer is where. */
static int is_visible(const struct fix_plan *p, size_t blob, const struct inv_mentions *m,
		      size_t *layer, bool *out, struct error *err)
{
	const struct inv_entry e = {
		.kind = INV_REG, .index = m->index, .path = m->path, .path_len = m->path_len
	};
	enum visible visible;
	long by_layer;

	*out = false;
	for (size_t i = 0; i < p->image_count; i++)
		for (size_t k = 0; k < p->images[i].image->layer_count; k++) {
			int r;

			if (p->images[i].blobs[k] != blob)
				continue;
			r = image_visibility(p->images[i].image, k, &e, &visible, &by_layer, err);
			if (r < 0)
				return r;
			*layer = k;
			*out = visible == VISIBLE;
			if (*out)
				return 0;
		}
	return 0;
}

static int file(struct fix_plan *p, size_t blob, const struct inv_mentions *m, struct lists *lists,
		struct error *err)
{
	struct fix_mention f = { 0 };
	bool seen;
	int r;

	if (!m->flags && !any_moves(p, m))
		return 0;
	r = is_visible(p, blob, m, &f.layer, &seen, err);
	if (r < 0 || !seen)
		return r;
	for (size_t i = 0; i < m->count && r == 0; i++) {
		f.line = m->ids[i].line;
		f.is_gid = m->ids[i].is_gid;
		f.old = m->ids[i].id;
		if (fix_renumber(p, f.is_gid, f.old, &f.new))
			r = add(p, &f, m->path, m->path_len, err);
	}
	if (r < 0)
		return r;
	if ((m->flags & INV_MENTIONS_UNDECIDED && list_add(&lists->undecided, m, m->line) < 0) ||
	    (m->flags & INV_MENTIONS_UNREAD && list_add(&lists->unread, m, 0) < 0) ||
	    (m->flags & INV_MENTIONS_DENIED && list_add(&lists->denied, m, 0) < 0) ||
	    (m->flags & INV_MENTIONS_MORE && list_add(&lists->more, m, 0) < 0))
		return err_nomem(err);
	return 0;
}

static bool is_part_of_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Numbers that stand alone: in a config nothing tells an id from a port. */
static int words(struct fix_plan *p, const char *place, const char *s, struct error *err)
{
	struct fix_mention m = { .in_config = true };
	int r = 0;

	for (size_t i = 0; s[i] && r == 0;) {
		size_t n = strspn(s + i, "0123456789");

		if (!n || (i && is_part_of_word(s[i - 1])) || is_part_of_word(s[i + n]) ||
		    n < DIGITS || !num_i64(s + i, n, &m.old)) {
			i += n ? n : 1;
			continue;
		}
		i += n;
		m.is_gid = false;
		if (!fix_renumber(p, false, m.old, &m.new)) {
			m.is_gid = true;
			if (!fix_renumber(p, true, m.old, &m.new))
				continue;
		}
		r = add(p, &m, place, strlen(place), err);
	}
	return r;
}

/* "Env PATH": the variable is named, the value is not. */
static int named(struct fix_plan *p, const char *kind, const char *name, size_t n, const char *s,
		 struct error *err)
{
	_cleanup_(buf_freep) struct buf place = { 0 };

	if (buf_printf(&place, "%s ", kind) < 0 || buf_append(&place, name, n) < 0)
		return err_nomem(err);
	return words(p, buf_str(&place), s, err);
}

static int array(struct fix_plan *p, json_t *obj, const char *key, const char *place, bool env,
		 struct error *err)
{
	json_t *list = NULL;
	int r = oci_json_array(obj, key, &list, err);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (!s)
			continue;
		r = env ? named(p, place, s, strcspn(s, "="), s + strcspn(s, "="), err)
			: words(p, place, s, err);
	}
	return r;
}

static int config(struct fix_plan *p, const struct source_image *s, struct error *err)
{
	static const struct {
		const char *key;
		bool env;
	} rows[] = {
		{ "Entrypoint", false }, { "Cmd", false }, { "Env", true }, { "OnBuild", false }
	};
	json_t *inner = NULL, *part = NULL, *value;
	const char *key;
	int r = s->config.json ? oci_json_object(s->config.json, "config", &inner, err) : 0;

	if (r < 0 || !inner)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		r = array(p, inner, rows[i].key, rows[i].key, rows[i].env, err);
	if (r == 0)
		r = oci_json_object(inner, "Healthcheck", &part, err);
	if (r == 0 && part)
		r = array(p, part, "Test", "Healthcheck", false, err);
	part = NULL;
	if (r == 0)
		r = oci_json_object(inner, "Labels", &part, err);
	json_object_foreach(part, key, value)
	{
		if (r < 0 || strcmp(key, FIX_LABEL) == 0 || !json_is_string(value))
			continue;
		r = named(p, "label", key, strlen(key), json_string_value(value), err);
	}
	return r;
}

static int files(struct fix_plan *p, size_t blob, struct lists *lists, struct error *err)
{
	const struct fix_blob *b = &p->blobs[blob];
	const struct layer_inventory *inv = b->inventory;
	int r = 0;

	if (!inv->mentions_known)
		notes_add(p->opts->notes,
			  "layer %zu: its files were not read, so what scripts and units in it say "
			  "of ids is not known",
			  b->layer);
	if (inv->mentions_cut)
		notes_add(p->opts->notes,
			  "layer %zu: its scripts and units say more of ids than limit mentions "
			  "lets pass",
			  b->layer);
	for (size_t i = 0; i < inv->mention_count && r == 0; i++)
		r = file(p, blob, &inv->mentions[i], lists, err);
	return r;
}

static bool moves(const struct fix_side *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->ids[i].why != FIX_STAYS)
			return true;
	return false;
}

int fix_mentions(struct fix_plan *p, struct error *err)
{
	struct lists l = { 0 };
	int r = 0;

	if (!p->changed || (!moves(&p->ids.uid) && !moves(&p->ids.gid)))
		return 0;
	for (size_t i = 0; i < p->blob_count && r == 0; i++)
		r = files(p, i, &l, err);
	for (size_t i = 0; i < p->image_count && r == 0; i++)
		r = config(p, p->images[i].image->source, err);
	if (r == 0) {
		list_say(&l.undecided, p, "an owner out of a variable or a program, not decided");
		list_say(&l.unread, p, "too large to look for ids in it (limit script-size)");
		list_say(&l.denied, p, "not looked at for ids in it, permission denied");
		list_say(&l.more, p, "mentions more ids than were kept");
	}
	buf_free(&l.undecided.text);
	buf_free(&l.unread.text);
	buf_free(&l.denied.text);
	buf_free(&l.more.text);
	return r;
}
