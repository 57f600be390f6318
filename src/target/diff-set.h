/* Hashes with a number each, as many as fit at once. Private to this folder.
 *
 * Of n things with hashes, diff_set_parts(n) rounds are made; in round i those count whose hash
 * diff_set_holds. Two different things with one hash are taken for one: a chance of nothing under a
 * keyed hash of 64 bits.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct diff_set {
	uint64_t *hashes;
	uint32_t *values; /* 0: empty */
	size_t slots;	  /* a power of two */
	size_t used;
	uint64_t parts, part; /* of the hashes: how many, and the one in hand */
};

/* For n things. ERR_NOMEM. */
int diff_set_init(struct diff_set *s, uint64_t n, struct error *err) _must_check_;
/* Empties it for the next part; false behind the last. */
bool diff_set_next(struct diff_set *s);
void diff_set_free(struct diff_set *s);

/* Whether the hash is of the part in hand. */
bool diff_set_holds(const struct diff_set *s, uint64_t hash);
/* Ors value (not 0) to what stands there. ERR_BUG where it is full: more than n things. */
int diff_set_put(struct diff_set *s, uint64_t hash, uint32_t value, struct error *err) _must_check_;
/* 0 where there is none. */
uint32_t diff_set_get(const struct diff_set *s, uint64_t hash);
