#include "run/way.h"

#define FIRST_CHOSEN 100000u /* where login.defs(5) begins with subordinate ids, SUB_UID_MIN */

void way_free(struct way *w)
{
	idmap_pair_free(&w->owners);
	idmap_pair_free(&w->space);
}

static int pair_to_itself(struct idmap_pair *out, const struct idmap_pair *m, struct error *err)
{
	int r = idmap_identity(&out->uid, &m->uid, err);

	return r < 0 ? r : idmap_identity(&out->gid, &m->gid, err);
}

static int pair_copy(struct idmap_pair *out, const struct idmap_pair *m, struct error *err)
{
	int r = idmap_copy(&out->uid, &m->uid, err);

	return r < 0 ? r : idmap_copy(&out->gid, &m->gid, err);
}

/* What of have lies in the container ids of range. */
static int cut(struct idmap *out, const struct idmap *have, const struct idmap *range,
	       bool *narrowed, struct error *err)
{
	uint64_t kept = 0, asked = 0;

	out->has_host = true;
	for (size_t i = 0; i < range->count; i++) {
		uint64_t from = range->extents[i].container, to = from + range->extents[i].count;

		asked += to - from;
		for (size_t j = 0; j < have->count; j++) {
			const struct idmap_extent *h = &have->extents[j];
			uint64_t a = MAX(from, (uint64_t)h->container),
				 b = MIN(to, (uint64_t)h->container + h->count);
			int r;

			if (a >= b)
				continue;
			kept += b - a;
			r = idmap_add(out,
				      (struct idmap_extent){
					      .container = (uint32_t)a,
					      .host = (uint32_t)(h->host + (a - h->container)),
					      .count = (uint32_t)(b - a) },
				      err);
			if (r < 0)
				return r;
		}
	}
	*narrowed |= kept < asked;
	return 0;
}

static int cut_pair(struct idmap_pair *out, const struct idmap_pair *have,
		    const struct idmap_pair *range, bool *narrowed, struct error *err)
{
	int r = cut(&out->uid, &have->uid, &range->uid, narrowed, err);

	return r < 0 ? r : cut(&out->gid, &have->gid, &range->gid, narrowed, err);
}

/* The first host id of m that have does not hold; false where it holds all. have's side: its host
 * ids, or its container ids for what this process itself can name. */
static bool foreign(const struct idmap *m, const struct idmap *have, bool container_side,
		    uint32_t *id)
{
	for (size_t i = 0; i < m->count; i++) {
		uint64_t at = m->extents[i].host, end = at + m->extents[i].count;

		while (at < end) {
			uint64_t next = at;

			for (size_t j = 0; j < have->count; j++) {
				const struct idmap_extent *h = &have->extents[j];
				uint64_t first = container_side ? h->container : h->host;

				if (at >= first && at < first + h->count)
					next = MAX(next, first + h->count);
			}
			if (next == at) {
				*id = (uint32_t)at;
				return true;
			}
			at = next;
		}
	}
	return false;
}

static int check_own(const struct idmap_pair *m, const struct idmap_pair *have, bool container_side,
		     const char *whose, struct error *err)
{
	uint32_t id;
	bool gid = !foreign(&m->uid, &have->uid, container_side, &id);

	if (gid && !foreign(&m->gid, &have->gid, container_side, &id))
		return 0;
	return err_fail(err, ERR_DENIED, 0,
			"the map names the %s %u of the host, which is %s (uidfit host says which "
			"ids there are; root of the host may take any)",
			gid ? "group" : "user", id, whose);
}

/* Root's choice: behind every stretch that somebody has. */
static int choose(struct idmap *out, const struct idmap *range, const struct subid_file *file,
		  struct error *err)
{
	uint64_t first = FIRST_CHOSEN;
	int r = 0;

	for (size_t i = 0; i < file->count; i++)
		if (file->lines[i].bad == SUBID_GOOD)
			first = MAX(first, (uint64_t)file->lines[i].span.start +
						   file->lines[i].span.count);
	out->has_host = true;
	for (size_t i = 0; r == 0 && i < range->count; i++) {
		struct idmap_extent e = range->extents[i];

		if (first + e.count > UINT32_MAX)
			return err_fail(err, ERR_LIMIT, 0,
					"no %u ids of the host are left behind those of %s; --map "
					"0:HOST:SIZE names some",
					e.count, file->path);
		e.host = (uint32_t)first;
		first += e.count;
		r = idmap_add(out, e, err);
	}
	return r;
}

static int as_root(struct way *w, const struct target_use *use, const struct host *h, bool keep,
		   struct error *err)
{
	const struct idmap_pair *m = &use->map;
	_cleanup_(idmap_pair_freep) struct idmap_pair docker = { 0 };
	int r;

	w->kind = WAY_HOST;
	if (m->uid.has_host && m->gid.has_host) {
		r = pair_copy(&w->space, m, err);
	} else if (keep) {
		r = pair_to_itself(&w->space, m, err);
	} else {
		r = host_docker_map(&docker, h, err);
		w->chosen = r == 1;
		if (r == 0) {
			r = cut_pair(&w->space, &docker, m, &w->narrowed, err);
		} else if (r == 1) {
			r = choose(&w->space.uid, &m->uid, &h->subid[SUBID_UID], err);
			if (r == 0)
				r = choose(&w->space.gid, &m->gid, &h->subid[SUBID_GID], err);
		}
	}
	return r < 0 ? r : pair_copy(&w->owners, &w->space, err);
}

/* Root of a namespace. A map that names ids which this namespace has is one for a namespace within;
 * else the ids are those that are here. */
static int as_root_inside(struct way *w, const struct target_use *use, const struct host *h,
			  bool keep, struct error *err)
{
	const struct idmap_pair *own = &h->process.map, *m = &use->map;
	bool given = m->uid.has_host && m->gid.has_host;
	int r;

	if (given && !(idmap_same(&m->uid, &own->uid) && idmap_same(&m->gid, &own->gid))) {
		r = check_own(m, own, true, "not in this user namespace", err);
		return r < 0 ? r : as_root(w, use, h, keep, err);
	}
	w->kind = WAY_INSIDE;
	r = cut_pair(&w->space, own, m, &w->narrowed, err);
	return r < 0 ? r : pair_to_itself(&w->owners, &w->space, err);
}

static bool is_single(const struct idmap *m)
{
	return m->count == 1 && m->extents[0].count == 1;
}

static int as_user(struct way *w, const struct target_use *use, const struct host *h,
		   struct error *err)
{
	const struct idmap_pair *m = &use->map;
	_cleanup_(idmap_pair_freep) struct idmap_pair have = { 0 };
	const struct idmap_extent self_uid = { .host = h->user.uid, .count = 1 },
				  self_gid = { .host = h->user.gid, .count = 1 };
	int r = host_rootless_map(&have, h, err);

	w->kind = r == 1 ? WAY_ALONE : WAY_HELPERS;
	if (r == 1) {
		have.uid.has_host = have.gid.has_host = true;
		r = idmap_add(&have.uid, self_uid, err);
		if (r == 0)
			r = idmap_add(&have.gid, self_gid, err);
	}
	if (r == 0 && m->uid.has_host && m->gid.has_host) {
		r = check_own(m, &have, false, "not this user's", err);
		if (r == 0)
			r = pair_copy(&w->space, m, err);
	} else if (r == 0) {
		r = cut_pair(&w->space, &have, m, &w->narrowed, err);
	}
	/* The own id alone needs no helper. */
	if (r == 0 && is_single(&w->space.uid) && is_single(&w->space.gid) &&
	    w->space.uid.extents[0].host == h->user.uid &&
	    w->space.gid.extents[0].host == h->user.gid)
		w->kind = WAY_ALONE;
	return r < 0 ? r : pair_to_itself(&w->owners, &w->space, err);
}

/* The kernel asks it of who makes the namespace, and every runtime of its root. */
static int check_root(const struct way *w, struct error *err)
{
	uint32_t id;

	if (idmap_lookup(&w->space.uid, 0, &id) && idmap_lookup(&w->space.gid, 0, &id))
		return 0;
	return err_fail(err, ERR_USAGE, 0,
			"the map has no container root: 0 is not in it, for users and for groups");
}

int way_find(struct way *out, const struct target_use *use, const struct host *h, bool keep,
	     struct error *err)
{
	struct way w = { 0 };
	int r;

	if (h->process.uid)
		r = as_user(&w, use, h, err);
	else
		r = h->process.nested ? as_root_inside(&w, use, h, keep, err)
				      : as_root(&w, use, h, keep, err);
	if (r == 0 && w.kind != WAY_HOST)
		r = check_root(&w, err);
	w.single =
		r == 0 && w.kind != WAY_HOST && is_single(&w.space.uid) && is_single(&w.space.gid);
	if (r < 0)
		way_free(&w);
	else
		*out = w;
	return r;
}
