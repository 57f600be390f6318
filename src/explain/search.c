#include "explain/search.h"

#include <inttypes.h>
#include <string.h>

#define LOG_LARGE (UINT64_C(64) << 20)

static bool is_outside(int64_t id)
{
	return id < 0 || id > SEARCH_USUAL_LAST;
}

/* The path of the message is that of the image, or one of the host with the image's at its end, or
 * its last name. */
static bool path_fits(const char *path, const struct inv_entry *e)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	while (len && *path == '/')
		path++, len--;
	if (len == e->path_len && !memcmp(path, e->path, len))
		return true;
	if (!e->path_len || !len)
		return false;
	if (len > e->path_len)
		return path[len - e->path_len - 1] == '/' &&
		       !memcmp(path + len - e->path_len, e->path, e->path_len);
	return !memchr(path, '/', len) && e->path[e->path_len - len - 1] == '/' &&
	       !memcmp(e->path + e->path_len - len, path, len);
}

static bool begins_with(int64_t id, int64_t digits)
{
	char a[24], b[24];
	int n = snprintf(a, sizeof(a), "%" PRId64, digits);

	return snprintf(b, sizeof(b), "%" PRId64, id) > n && !memcmp(a, b, (size_t)n);
}

static bool same_id(int64_t entry, int64_t id)
{
	/* crun prints 32-bit ids with a sign. */
	return entry == id || (id < 0 && id >= INT32_MIN && entry == (int64_t)(uint32_t)id);
}

static bool owner_fits(const struct search *s, int64_t uid, int64_t gid)
{
	const struct explain_match *m = s->m;

	switch (s->by) {
	case SEARCH_IDS:
		if (m->has_uid && m->has_gid)
			return same_id(uid, m->uid) && same_id(gid, m->gid);
		return (m->kind != EXPLAIN_GID && same_id(uid, m->id)) ||
		       (m->kind != EXPLAIN_UID && same_id(gid, m->id));
	case SEARCH_ID:
		return same_id(uid, s->id) || same_id(gid, s->id);
	case SEARCH_PREFIX:
		return begins_with(uid, s->id) || begins_with(gid, s->id);
	case SEARCH_OUTSIDE:
		return is_outside(uid) || is_outside(gid);
	default:
		return true;
	}
}

static bool xattr_fits(const struct inv_entry *e)
{
	if (e->flags & (INV_ACL_INVALID | INV_ACL_MISPLACED | INV_CAP_INVALID))
		return true;
	for (size_t i = 0; i < e->acl_count; i++)
		if (is_outside(e->acl[i].id))
			return true;
	return e->flags & INV_CAP_ROOTID && is_outside(e->cap_rootid);
}

static bool is_log(const struct inv_entry *e)
{
	static const char *const names[] = { "var/log/lastlog", "var/log/faillog",
					     "var/log/tallylog" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == e->path_len && !memcmp(names[i], e->path, e->path_len))
			return e->size >= LOG_LARGE || e->flags & INV_SPARSE;
	return false;
}

static bool entry_fits(const struct search *s, const struct inv_entry *e)
{
	if (e->kind == INV_GLOBAL || (s->with_path && s->m->path && !path_fits(s->m->path, e)))
		return false;
	if (s->by == SEARCH_XATTR)
		return xattr_fits(e);
	if (s->by == SEARCH_LOG)
		return is_log(e);
	if (s->engine && s->engine->owners[e->kind] == OWNER_SKIPPED && s->by != SEARCH_PATH)
		return false;
	return owner_fits(s, e->uid, e->gid);
}

static int keep(struct image *img, size_t layer, const struct inv_entry *e,
		struct explain_join *out, struct error *err)
{
	struct explain_entry *x = &out->entries[out->entry_count];
	const char *step = img->layers[layer].created_by;
	int r;

	*x = (struct explain_entry){
		.layer = layer,
		.kind = e->kind,
		.mode = e->mode,
		.uid = e->uid,
		.gid = e->gid,
		.size = e->size,
		.by_layer = -1,
	};
	r = image_visibility(img, layer, e, &x->visible, &x->by_layer, err);
	if (r < 0)
		return r;
	x->path = strndup(e->path, e->path_len);
	x->created_by = step ? strdup(step) : NULL;
	out->entry_count++;
	return x->path && (!step || x->created_by) ? 0 : err_nomem(err);
}

/* Most layers have no such owner: their records are not read. */
static bool layer_may_fit(const struct search *s, const struct layer_inventory *inv)
{
	switch (s->by) {
	case SEARCH_XATTR:
		return inv->flags_seen & (INV_ACL_INVALID | INV_ACL_MISPLACED | INV_CAP_INVALID |
					  INV_HAS_ACL_IDS | INV_CAP_ROOTID);
	case SEARCH_LOG:
	case SEARCH_PATH:
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < inv->owner_count; i++)
		if (owner_fits(s, inv->owners[i].uid, inv->owners[i].gid))
			return true;
	return false;
}

static int search_layer(const struct search *s, struct image *img, size_t layer,
			struct explain_join *out, struct error *err)
{
	struct inv_iter it;
	struct inv_entry e;
	int r;

	inv_iter_init(&it, img->layers[layer].inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		if (!entry_fits(s, &e))
			continue;
		out->entries_like_it++;
		if (out->entry_count < EXPLAIN_ENTRIES_MAX)
			r = keep(img, layer, &e, out, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return r < 0 ? r : 0;
}

int search_image(const struct search *s, struct image *img, struct explain_join *out,
		 struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < img->layer_count && r >= 0; i++)
		if ((s->layer < 0 || (size_t)s->layer == i) &&
		    layer_may_fit(s, img->layers[i].inventory))
			r = search_layer(s, img, i, out, err);
	return r < 0 ? r : 0;
}
