/* Hardlinks follow their target: both headers name one inode, and engines apply the owner of
 * whichever comes last.
 */
#include <stdlib.h>

#include "fix/plan.h"
#include "inventory/path.h"

/* A path that a hardlink names, and what its header will say. */
struct link_target {
	uint64_t hash;
	bool known, changed;
	uint32_t uid, gid;
	unsigned clear_mode;
};

struct link_targets {
	struct link_target *v;
	size_t count, cap;
	struct buf path;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct link_target *)a)->hash,
		 y = ((const struct link_target *)b)->hash;

	return x < y ? -1 : x > y;
}

static struct link_target *find(const struct link_targets *t, uint64_t hash)
{
	const struct link_target key = { .hash = hash };

	return t->count ? bsearch(&key, t->v, t->count, sizeof(*t->v), compare) : NULL;
}

static int hash_link(struct link_targets *t, const struct inv_entry *e, uint64_t *hash,
		     struct error *err)
{
	bool escapes;

	if (path_clean(&t->path, e->link, e->link_len, &escapes) < 0)
		return err_nomem(err);
	*hash = inv_path_hash(buf_str(&t->path), t->path.len);
	return 0;
}

static int add(struct link_targets *t, uint64_t hash, struct error *err)
{
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct link_target *grown = reallocarray(t->v, cap, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		t->v = grown;
		t->cap = cap;
	}
	t->v[t->count++] = (struct link_target){ .hash = hash };
	return 0;
}

static void tidy(struct link_targets *t)
{
	size_t kept = 0;

	if (t->count)
		qsort(t->v, t->count, sizeof(*t->v), compare);
	for (size_t i = 0; i < t->count; i++)
		if (!kept || t->v[kept - 1].hash != t->v[i].hash)
			t->v[kept++] = t->v[i];
	t->count = kept;
}

static int add_link(struct fix_blob *b, const struct inv_entry *e, const struct link_target *t,
		    struct error *err)
{
	struct fix_link *links = b->links;

	/* Grows by doubling: a power of two is full. */
	if (!(b->link_count & (b->link_count - 1))) {
		size_t cap = b->link_count ? b->link_count * 2 : 1;

		links = reallocarray(b->links, cap, sizeof(*links));
		if (!links)
			return err_nomem(err);
		b->links = links;
	}
	links[b->link_count++] = (struct fix_link){ .index = e->index,
						    .uid = t->uid,
						    .gid = t->gid,
						    .clear_mode = t->clear_mode & e->mode };
	return 0;
}

static int walk_entry(const struct fix_plan *p, struct fix_blob *b, struct link_targets *t,
		      const struct inv_entry *e, struct error *err)
{
	struct link_target *own = find(t, inv_path_hash(e->path, e->path_len)), *to = NULL;
	struct fix_change c;
	struct link_target end;
	int r = 0;

	end.changed = fix_change_of(p, e->kind, e->mode, e->uid, e->gid, &c);
	end.known = (c.uid || (e->uid >= 0 && e->uid <= UINT32_MAX)) &&
		    (c.gid || (e->gid >= 0 && e->gid <= UINT32_MAX));
	end.uid = c.uid ? c.new_uid : (uint32_t)e->uid;
	end.gid = c.gid ? c.new_gid : (uint32_t)e->gid;
	end.clear_mode = c.clear_mode;
	if (e->kind == INV_HARDLINK) {
		uint64_t hash;

		r = hash_link(t, e, &hash, err);
		to = r == 0 ? find(t, hash) : NULL;
	}
	if (to && to->known && (to->changed || end.changed)) {
		if (to->uid != end.uid || to->gid != end.gid || to->clear_mode != end.clear_mode)
			r = add_link(b, e, to, err);
		end = *to;
	}
	if (own) {
		end.hash = own->hash;
		*own = end;
	}
	return r;
}

static int walk(const struct fix_plan *p, struct fix_blob *b, struct link_targets *t, bool collect,
		struct error *err)
{
	struct inv_entry e;
	struct inv_iter it;
	uint64_t hash;
	int r;

	inv_iter_init(&it, b->inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		if (!collect)
			r = walk_entry(p, b, t, &e, err);
		else if (e.kind == INV_HARDLINK && (r = hash_link(t, &e, &hash, err)) == 0)
			r = add(t, hash, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return MIN(r, 0);
}

int fix_links(struct fix_plan *p, struct fix_blob *b, struct error *err)
{
	struct link_targets t = { 0 };
	int r;

	if (!b->inventory->kinds[INV_HARDLINK])
		return 0;
	r = walk(p, b, &t, true, err);
	tidy(&t);
	if (r == 0)
		r = walk(p, b, &t, false, err);
	free(t.v);
	buf_free(&t.path);
	return r;
}
