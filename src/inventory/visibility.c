/* Whether an entry is still there in the final image.
 *
 * One table for the layers from the lowest that was asked about upwards: a slot of 16 bytes for
 * each path of each layer, found by the path's hash. Slots lie in the order of (hash, layer), each
 * as near as free room allows behind the place that its hash gives, so that a look-up reads one run
 * of memory and ends at the first greater hash. Seven eighths of the table are filled at most. It
 * trusts the keyed 64-bit hash: paths themselves are not kept.
 *
 * Ancestors are looked up once a directory, as the entries of one directory stand together in a
 * layer.
 */
#include "inventory/visibility.h"

#include <string.h>
#include <sys/mman.h>

#include "inventory/path.h"

enum {
	HAS_ENTRY = 1 << 0,
	LAST_NONDIR = 1 << 1, /* the last entry of this path is no directory */
	HAS_WHITEOUT = 1 << 2,
	HAS_OPAQUE = 1 << 3,
};

#define TABLE_ALIGN (2u << 20)

struct slot {
	uint64_t hash;
	uint32_t last; /* index of the last entry of this path in its layer */
	uint16_t layer;
	uint16_t what; /* 0: empty */
};

/* What a directory's ancestors and itself do to what stands in it. */
struct cover {
	size_t layer;	     /* lowest layer above that hides, or SIZE_MAX */
	bool replaced;	     /* by a non-directory; else removed */
	uint64_t own_before; /* entries of the own layer below this index are replaced by a later
				non-directory */
};

struct visibility {
	struct slot *slots;
	uint64_t places;   /* that a hash can give; below 2^32 */
	size_t slot_count; /* places and what spills over the last */
	size_t from;	   /* lowest layer in the table */

	struct buf parent;   /* the directory that cover is about */
	size_t parent_layer; /* SIZE_MAX: none */
	struct cover cover;
};

const char *visible_name(enum visible v)
{
	static const char *const names[] = {
		[VISIBLE] = "visible", [REPLACED] = "replaced", [REMOVED] = "removed"
	};

	return names[v];
}

void visibility_free(struct visibility *v)
{
	if (!v)
		return;
	free(v->slots);
	buf_free(&v->parent);
	free(v);
}

static size_t place_of(const struct visibility *v, uint64_t hash)
{
	return (size_t)((hash >> 32) * v->places >> 32);
}

static unsigned what_of(enum inv_kind kind)
{
	static const uint8_t what[INV_KIND_COUNT] = {
		[INV_REG] = HAS_ENTRY | LAST_NONDIR,
		[INV_DIR] = HAS_ENTRY,
		[INV_SYMLINK] = HAS_ENTRY | LAST_NONDIR,
		[INV_HARDLINK] = HAS_ENTRY | LAST_NONDIR,
		[INV_CHR] = HAS_ENTRY | LAST_NONDIR,
		[INV_BLK] = HAS_ENTRY | LAST_NONDIR,
		[INV_FIFO] = HAS_ENTRY | LAST_NONDIR,
		[INV_WHITEOUT] = HAS_WHITEOUT,
		[INV_OPAQUE] = HAS_OPAQUE,
		[INV_AUFS_META] = 0,
		[INV_ROOT] = HAS_ENTRY,
		[INV_GLOBAL] = 0,
		[INV_OTHER] = HAS_ENTRY | LAST_NONDIR,
	};

	return what[kind];
}

static bool before(const struct slot *s, uint64_t hash, size_t layer)
{
	return s->what && (s->hash < hash || (s->hash == hash && s->layer < layer));
}

/* False where the run past the last place is full: a chance of nothing under a keyed hash. */
static bool insert(struct visibility *v, size_t layer, const struct inv_entry *e, unsigned what)
{
	uint64_t hash = inv_path_hash(e->path, e->path_len);
	struct slot *s = &v->slots[place_of(v, hash)], *end = v->slots + v->slot_count, *hole;

	while (s < end && before(s, hash, layer))
		s++;
	if (s < end && s->what && s->hash == hash && s->layer == layer) {
		if (what & HAS_ENTRY) {
			s->what &= (uint16_t)~LAST_NONDIR;
			s->last = (uint32_t)e->index;
		}
		s->what |= (uint16_t)what;
		return true;
	}
	for (hole = s; hole < end && hole->what; hole++)
		;
	if (hole == end)
		return false;
	memmove(s + 1, s, (size_t)(hole - s) * sizeof(*s));
	*s = (struct slot){ hash, (uint32_t)e->index, (uint16_t)layer, (uint16_t)what };
	return true;
}

static int insert_layer(struct visibility *v, const struct image *img, size_t layer,
			struct error *err)
{
	struct inv_iter it;
	struct inv_entry e;
	int r;

	inv_iter_init(&it, img->layers[layer].inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		unsigned what = what_of(e.kind);

		if (!what || insert(v, layer, &e, what))
			continue;
		r = err_fail(err, ERR_BUG, 0, "the table of paths spilled over");
		break;
	}
	inv_iter_done(&it);
	return r < 0 ? r : 0;
}

/* Room for every entry from that layer upwards. */
static int table_new(struct visibility **out, const struct image *img, size_t from,
		     struct error *err)
{
	struct visibility *v;
	uint64_t entries = 0;
	size_t bytes;

	if (img->layer_count > UINT16_MAX)
		return err_fail(err, ERR_LIMIT, 0, "more than %d layers", UINT16_MAX);
	for (size_t i = from; i < img->layer_count; i++)
		entries += MIN(img->layers[i].inventory->entries, (uint64_t)UINT32_MAX);
	if (entries > UINT32_MAX / 2)
		return err_fail(err, ERR_LIMIT, 0, "more than 2^31 entries in one image");
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_nomem(err);
	v->from = from;
	v->parent_layer = SIZE_MAX;
	v->places = entries + entries / 7 + 8;
	v->slot_count = (size_t)(v->places + v->places / 256 + 4096);
	bytes = v->slot_count * sizeof(*v->slots);
	v->slots =
		aligned_alloc(TABLE_ALIGN, (bytes + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN);
	if (!v->slots) {
		free(v);
		return err_nomem(err);
	}
	/* Look-ups go anywhere in the table; with huge pages each costs one miss, not two. */
	(void)madvise(v->slots, bytes, MADV_HUGEPAGE);
	memset(v->slots, 0, bytes);
	*out = v;
	return 0;
}

/* Layers are asked in ascending order, so the first question makes the whole table. */
static int table_for(struct image *img, size_t layer, struct error *err)
{
	struct visibility *v = NULL;
	int r;

	if (img->visibility && img->visibility->from <= layer)
		return 0;
	visibility_free(img->visibility);
	img->visibility = NULL;
	r = table_new(&v, img, layer, err);
	for (size_t i = layer; r == 0 && i < img->layer_count; i++)
		r = insert_layer(v, img, i, err);
	if (r < 0)
		visibility_free(v);
	else
		img->visibility = v;
	return r;
}

/* First slot of that path at or above layer, or one that is empty or of another path. */
static const struct slot *first_slot(const struct visibility *v, uint64_t hash, size_t layer)
{
	const struct slot *s = &v->slots[place_of(v, hash)], *end = v->slots + v->slot_count;
	static const struct slot none;

	while (s < end && before(s, hash, layer))
		s++;
	return s < end && s->what && s->hash == hash ? s : &none;
}

static bool goes_on(const struct visibility *v, const struct slot *s, uint64_t hash)
{
	return s >= v->slots && s < v->slots + v->slot_count && s->what && s->hash == hash;
}

static void cover_by(const struct visibility *v, const char *dir, size_t n, size_t layer,
		     struct cover *c)
{
	uint64_t hash = inv_path_hash(dir, n);
	const struct slot *s = first_slot(v, hash, layer);

	if (goes_on(v, s, hash) && s->layer == layer) {
		if (s->what & LAST_NONDIR)
			c->own_before = MAX(c->own_before, (uint64_t)s->last);
		s++;
	}
	for (; goes_on(v, s, hash) && s->layer <= c->layer; s++) {
		bool replaced = s->what & LAST_NONDIR;

		if (!replaced && !(s->what & (HAS_WHITEOUT | HAS_OPAQUE)))
			continue;
		c->replaced = replaced || (s->layer == c->layer && c->replaced);
		c->layer = s->layer;
		break;
	}
}

/* The cover of the directory that path stands in, kept for the next entry. */
static int cover_of(struct visibility *v, const char *path, size_t n, size_t layer,
		    struct error *err)
{
	size_t parent = path_parent(path, n);

	if (v->parent_layer == layer && v->parent.len == parent &&
	    memcmp(v->parent.data, path, parent) == 0)
		return 0;
	v->parent_layer = SIZE_MAX;
	buf_clear(&v->parent);
	if (buf_append(&v->parent, path, parent) < 0)
		return err_nomem(err);
	v->cover = (struct cover){ .layer = SIZE_MAX };
	for (size_t dir = parent;; dir = path_parent(path, dir)) {
		cover_by(v, path, dir, layer, &v->cover);
		if (!dir)
			break;
	}
	v->parent_layer = layer;
	return 0;
}

static void found(enum visible *visible, long *by_layer, enum visible what, size_t layer)
{
	*visible = what;
	*by_layer = (long)layer;
}

int image_visibility(struct image *img, size_t layer, const struct inv_entry *entry,
		     enum visible *visible, long *by_layer, struct error *err)
{
	struct cover none = { .layer = SIZE_MAX }, *cover = &none;
	const struct visibility *v;
	const struct slot *s;
	uint64_t hash;
	int r;

	*visible = VISIBLE;
	*by_layer = -1;
	if (!(what_of(entry->kind) & HAS_ENTRY)) {
		found(visible, by_layer, REMOVED, layer);
		return 0;
	}
	r = table_for(img, layer, err);
	if (r == 0 && entry->path_len) {
		r = cover_of(img->visibility, entry->path, entry->path_len, layer, err);
		cover = &img->visibility->cover;
	}
	if (r < 0)
		return r;
	v = img->visibility;
	hash = inv_path_hash(entry->path, entry->path_len);
	s = first_slot(v, hash, layer);
	if (goes_on(v, s, hash) && s->layer == layer) {
		if (s->last > entry->index || cover->own_before > entry->index) {
			found(visible, by_layer, REPLACED, layer);
			return 0;
		}
		s++;
	}
	while (goes_on(v, s, hash) && !(s->what & (HAS_ENTRY | HAS_WHITEOUT)))
		s++;
	if (goes_on(v, s, hash) && s->layer < cover->layer)
		found(visible, by_layer, s->what & HAS_ENTRY ? REPLACED : REMOVED, s->layer);
	else if (goes_on(v, s, hash) && s->layer == cover->layer && s->what & HAS_ENTRY)
		found(visible, by_layer, REPLACED, s->layer);
	else if (cover->layer != SIZE_MAX)
		found(visible, by_layer, cover->replaced ? REPLACED : REMOVED, cover->layer);
	return 0;
}
