/* Walks layers from the top down for a few paths at once. A handful of questions an image do not
 * pay for an index.
 */
#include "inventory/lookup.h"

#include <string.h>

#include "inventory/path.h"

/* What one layer says about one path. */
struct sight {
	bool decided;
	bool entry, implied; /* here itself, or something in it */
	bool hidden;	     /* what lower layers hold there is removed */
	uint64_t nondirs;    /* bit d: the ancestor of d components is no directory */
};

void node_done(struct node *n)
{
	free(n->path);
	free(n->link);
}

static bool is_entry(enum inv_kind k)
{
	return k != INV_WHITEOUT && k != INV_OPAQUE && k != INV_AUFS_META && k != INV_GLOBAL;
}

static unsigned depth(const char *path, size_t n)
{
	unsigned d = n != 0;

	for (size_t i = 0; i < n; i++)
		d += path[i] == '/';
	return MIN(d, 63u);
}

static int see_itself(struct sight *s, struct node *n, size_t layer, const struct inv_entry *e,
		      struct error *err)
{
	char *link = NULL;

	if (e->kind == INV_WHITEOUT)
		s->hidden = true;
	if (e->kind == INV_OPAQUE)
		s->implied = true;
	if (!is_entry(e->kind))
		return 0;
	if (e->link_len) {
		link = strndup(e->link, e->link_len);
		if (!link)
			return err_nomem(err);
	}
	free(n->link);
	n->link = link;
	n->link_len = e->link_len;
	n->kind = e->kind;
	n->layer = layer;
	n->index = e->index;
	s->entry = true;
	return 0;
}

static void see_ancestor(struct sight *s, const struct inv_entry *e)
{
	uint64_t bit = 1ull << depth(e->path, e->path_len);

	if (e->kind == INV_WHITEOUT || e->kind == INV_OPAQUE) {
		s->hidden = true;
	} else if (e->kind == INV_DIR || e->kind == INV_ROOT) {
		s->nondirs &= ~bit;
	} else if (is_entry(e->kind)) {
		/* What the layer put there before is gone too. */
		s->nondirs |= bit;
		s->entry = s->implied = false;
	}
}

static int see(struct sight *s, struct node *n, size_t layer, const struct inv_entry *e,
	       struct error *err)
{
	if (e->path_len == n->path_len && memcmp(e->path, n->path, n->path_len) == 0)
		return see_itself(s, n, layer, e, err);
	if (path_is_below(n->path, n->path_len, e->path, e->path_len))
		see_ancestor(s, e);
	else if (path_is_below(e->path, e->path_len, n->path, n->path_len))
		s->implied |= e->kind != INV_AUFS_META && e->kind != INV_GLOBAL;
	return 0;
}

/* At the end of a layer. True once the path is decided. */
static bool decide(struct sight *s, struct node *n, size_t layer)
{
	if (s->entry) {
		n->exists = true;
	} else if (s->implied) {
		n->exists = true;
		n->kind = INV_DIR;
		n->layer = layer;
	}
	s->decided = n->exists || s->hidden || s->nondirs;
	s->entry = s->implied = s->hidden = false;
	s->nondirs = 0;
	return s->decided;
}

static int see_layer(const struct image *img, size_t layer, uint64_t before, struct sight *sights,
		     struct node *nodes, size_t count, struct error *err)
{
	struct inv_iter it;
	struct inv_entry e;
	int r;

	inv_iter_init(&it, img->layers[layer].inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0 && e.index < before)
		for (size_t i = 0; i < count && r == 0; i++)
			if (!sights[i].decided)
				r = see(&sights[i], &nodes[i], layer, &e, err);
	inv_iter_done(&it);
	return r < 0 ? r : 0;
}

int lookup_nodes(const struct image *img, size_t top, uint64_t index, struct node *nodes,
		 size_t count, struct error *err)
{
	struct sight sights[LOOKUP_BATCH] = { 0 };
	size_t open = count;

	if (count > LOOKUP_BATCH)
		return err_fail(err, ERR_BUG, 0, "%zu paths in one look-up", count);
	for (size_t layer = top + (index != 0); open && layer-- > 0;) {
		int r = see_layer(img, layer, layer == top ? index : UINT64_MAX, sights, nodes,
				  count, err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++)
			if (!sights[i].decided && decide(&sights[i], &nodes[i], layer))
				open--;
	}
	return 0;
}
