/* What each layer holds, kept between runs: inventories by digest, independent of any map, in one
 * SQLite file (XDG_CACHE_HOME/uidfit/layers.db, else ~/.cache). A cache is an aid, never an
 * authority: damaged, full, locked or forbidden it costs a note at most, never the run.
 *
 * It is used by whoever owns it: the folder is made 0700; a file or folder that another user owns
 * or can write (root included as reader) is left alone, with a note.
 */
#pragma once

#include "inventory/layer.h"

struct inventory_cache;

#define CACHE_SIZE (256u << 20) /* bytes kept; what was used longest ago goes first */

/* *out is NULL where there can be none (a note says why). path NULL: as above. */
void inventory_cache_open(struct inventory_cache **out, const char *path,
			  const struct limits *limits, struct notes *notes);
void inventory_cache_close(struct inventory_cache *c); /* NULL does nothing */
DEFINE_CLEANUP(struct inventory_cache, inventory_cache_close)

/* The inventory of the layer with that digest (of the blob as stored; of a store's layer the
 * diff_id), read at least as well as `least` (INV_VERIFIED_FULL > BLOB > STORE > TOC): 0 with *out
 * and *verified, 1 where there is none. Any thread; c may be NULL (1). What does not decode is
 * removed and counts as none. */
int inventory_cache_get(struct inventory_cache *c, const struct oci_digest *digest,
			enum inv_verified least, struct layer_inventory **out,
			enum inv_verified *verified);

/* Keeps it, unless nothing vouches for it (INV_VERIFIED_NONE) or a better one is there. */
void inventory_cache_put(struct inventory_cache *c, const struct oci_digest *digest,
			 enum inv_verified verified, const struct layer_inventory *inv);
