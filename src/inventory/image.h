/* An image looked at: its layers' inventories beside its config, and the merged file system that
 * they give: visibility of each entry, accounts (passwd, group), steps.
 */
#pragma once

#include "base/progress.h"
#include "inventory/cache.h"
#include "source/source.h"

struct image_layer {
	const struct source_layer *source;
	const struct layer_inventory *inventory; /* shared between layers with the same blob */
	enum inv_verified verified;		 /* of a cached one: when it was read */
	bool cached;				 /* nothing was read: the cache had it */
	/* Not looked at (image_options.enough): inventory is inv_nothing, or what came before the
	 * entry that was enough, marked cut. */
	bool unread;
	const char *created_by; /* raw step, or NULL */
};

/* Of the blob as stored; a short way does not see it. SOURCE_SIZE_UNKNOWN of some that are unread.
 */
static inline uint64_t image_layer_size(const struct image_layer *l)
{
	return l->unread || l->verified == INV_VERIFIED_TOC ? l->source->size
							    : l->inventory->blob_size;
}

struct image {
	const struct source_image *source;
	struct image_layer *layers;
	size_t layer_count;
	size_t unread;		       /* layers of these */
	const char *no_steps;	       /* why no layer has a step, or NULL */
	const struct limits *limits;   /* borrowed; NULL: the table's own figures */
	struct visibility *visibility; /* made on first use */
	struct lookups *lookups;       /* what image_file found before */
};

/* Releases what was made on use; the image may be asked again. */
void image_forget(struct image *img);

struct image_options {
	const struct limits *limits;
	struct notes *notes;
	bool verify;
	/* Layers may be told by what stands for them (source_layer_headers), unless verify: the
	 * answer is the same, what it rests on is not. */
	bool short_ways;
	unsigned threads; /* 0: one a core */
	/* Borrowed, or NULL. Asked for layers that a digest names, unless verify; told of those
	 * that a digest has proved (docs/cache.md). */
	struct inventory_cache *cache;
	struct progress *progress; /* borrowed, or NULL */
	/* Whether the image's other layers need not be looked at any more: asked of each image
	 * before its first layer (layer and inventory NULL), then of each of its layers once that
	 * is read, from any thread and of several at once. May be NULL: everything is read. Where
	 * it is given, the smallest layers are read first, after those that the cache has. Not
	 * asked of a one-pass source: which layers an image has stands at its end. */
	bool (*enough)(void *ctx, const struct source_image *image,
		       const struct source_layer *layer, const struct layer_inventory *inventory);
	/* The same of one entry, wherever it stands; a large layer is read no further behind it.
	 * enough says yes of every layer that has it. May be NULL. */
	bool (*enough_at)(void *ctx, const struct source_image *image,
			  const struct inv_entry *entry);
	void *enough_ctx;
};

/* All images of a source, their layers read in parallel, the largest first; a blob that several
 * layers or images share is read once. For a one-pass source the scan happens here. The set borrows
 * the source. Notes: media type against bytes, tar without end marker, PAX global ids. Errors name
 * image, layer (index and digest), entry, offset. ERR_DIGEST where a digest, size or diff_id does
 * not hold. A tar without its end marker whose digest was not verified is read again whole. */
struct image_set {
	struct image *images;
	size_t count;
	struct layer_inventory **inventories; /* owned, one a blob */
	size_t inventory_count;
};
int image_set_load(struct image_set *out, struct source *source, const struct image_options *opts,
		   struct error *err) _must_check_;
void image_set_free(struct image_set *s);

/* Whether image_visibility knows all that decides about this layer's entries. */
bool image_visibility_known(const struct image *img, size_t layer);

enum visible { VISIBLE, REPLACED, REMOVED };
const char *visible_name(enum visible v);

/* Whether the entry of that layer is still there in the final image, and if not, which layer hides
 * it (*by_layer, else -1): the lowest layer above that replaces it (an entry of the same path, or a
 * non-directory in place of an ancestor) or removes it (a whiteout of it or of an ancestor, an
 * opaque marker on an ancestor); within its own layer, a later entry of the same path replaces it.
 * So does a later non-directory in place of an ancestor. Whiteouts, AUFS metadata and global
 * headers are never in the image: REMOVED by their own layer. A whiteout does not hide what its own
 * layer holds. One thread at a time may ask an image. */
int image_visibility(struct image *img, size_t layer, const struct inv_entry *entry,
		     enum visible *visible, long *by_layer, struct error *err) _must_check_;

/* A file of the merged image, symlinks resolved inside the root (at most 40), whiteouts obeyed.
 * *out is NULL where it does not exist; *why (static text, may be NULL) tells where it exists but
 * its bytes were not kept. */
int image_file(struct image *img, const char *path, const struct inv_file **out, size_t *layer,
	       const char **why, struct error *err) _must_check_;
