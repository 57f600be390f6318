/* An inventory as a row of the cache has it: its serial form, compressed where that pays, and a sum
 * over it and over what it is said to be. Private to this folder.
 */
#pragma once

#include "inventory/cache.h"
#include "stream/digest.h"

#define CACHE_READING_MAX 600

/* How layers are read: the program's version, the form's, and every limit that may change what
 * reading a layer gives. Rows of another reading are not asked. */
void cache_reading(char out[CACHE_READING_MAX], const struct limits *limits);

/* Bytes of inv in out (replaced): 0, 1 where they would be too many, or an error. */
int cache_value_pack(struct buf *out, const struct layer_inventory *inv,
		     struct error *err) _must_check_;
/* ERR_BAD_INPUT and the like where the bytes are no inventory. */
int cache_value_unpack(struct layer_inventory **out, const void *bytes, size_t n,
		       const struct limits *limits, size_t spool_memory,
		       struct error *err) _must_check_;

/* SHA-256 of the row: hex. 0 or ERR_NOMEM. */
int cache_value_sum(char hex[DIGEST_HEX_MAX + 1], const struct cache_key *key, const char *reading,
		    enum inv_verified verified, const void *bytes, size_t n) _must_check_;
