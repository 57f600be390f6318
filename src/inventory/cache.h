/* What each layer holds, kept between runs: inventories by digest, independent of any map, in one
 * SQLite file (XDG_CACHE_HOME/uidfit/layers.db, else ~/.cache). A cache is an aid, never an
 * authority: damaged, full, locked or forbidden it costs a note at most, never the run.
 *
 * It is used by whoever owns it: the folder is made 0700; a file or folder that another user owns
 * or can write (root included as reader) is left alone, with a note. docs/cache.md tells the rules.
 */
#pragma once

#include "inventory/layer.h"

struct inventory_cache;

#define CACHE_SIZE (256u << 20) /* bytes kept; what was used longest ago goes first */
#define CACHE_VALUE_MAX                                                                            \
	(16u << 20) /* bytes of one inventory, compressed; a larger one is not kept */

/* What names an inventory. */
struct cache_key {
	const struct oci_digest *digest; /* of the blob as stored */
	/* Of the table of contents that was read in the blob's place, or NULL where the blob was:
	 * another manifest may name another table for the same blob. */
	const struct oci_digest *toc;
};

/* folder NULL: as above. *out is NULL where memory is short or no folder is known. Nothing is
 * opened or made before the first call below. limits and notes (may be NULL) are borrowed. size is
 * that of all inventories, 0: CACHE_SIZE. */
void inventory_cache_open(struct inventory_cache **out, const char *folder, uint64_t size,
			  const struct limits *limits, struct notes *notes);
void inventory_cache_close(struct inventory_cache *c); /* NULL does nothing */
DEFINE_CLEANUP(struct inventory_cache, inventory_cache_close)

/* The inventory of that name as this version of the program, under these limits, has read it, at
 * least as well as `least` (INV_VERIFIED_FULL > BLOB > TOC): 0 with *out (owned by the caller) and
 * *verified, 1 where there is none. spool_memory as in struct layer_build. Any thread; c may be
 * NULL (1). What does not decode, or whose sum does not hold, is removed and counts as none. */
int inventory_cache_get(struct inventory_cache *c, const struct cache_key *key,
			enum inv_verified least, size_t spool_memory, struct layer_inventory **out,
			enum inv_verified *verified);

/* Keeps it, where its own bytes prove that it is what key names (FULL, BLOB with that blob digest;
 * TOC with key.toc), unless one as good is there. A store's word (INV_VERIFIED_STORE) is not kept:
 * another store may say otherwise of the same digest. c may be NULL. */
void inventory_cache_put(struct inventory_cache *c, const struct cache_key *key,
			 enum inv_verified verified, const struct layer_inventory *inv);
