/* A set of ids, kept as ranges: what an image needs, before anybody has laid a map over it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct id_range {
	uint32_t first, last; /* both in the range; last <= 2^32-2 */
};

/* Zero-initialised is empty. */
struct idset {
	struct id_range
		*ranges; /* sorted, with a hole between any two, once idset_tidy() has run */
	size_t count, cap;
	size_t sorted; /* ranges in order so far */
};

void idset_free(struct idset *s);
static inline void idset_freep(struct idset *s)
{
	idset_free(s);
}

/* Adds first to last; the same id may come any number of times. -ERR_USAGE where last is below
 * first or above 2^32-2; -ERR_LIMIT past IDSET_RANGES_MAX ranges that do not touch. */
#define IDSET_RANGES_MAX (4u << 20) /* 32 MiB; a layer has a million distinct owners at most */
int idset_add(struct idset *s, uint32_t first, uint32_t last, struct error *err) _must_check_;
int idset_add_set(struct idset *s, const struct idset *other, struct error *err) _must_check_;

/* Sorts and joins; what reads ranges calls this first. */
void idset_tidy(struct idset *s);

/* Of a tidy set: how many ids, the highest (false where it is empty), whether id is one of them. */
uint64_t idset_size(const struct idset *s);
bool idset_highest(const struct idset *s, uint32_t *id);
bool idset_has(const struct idset *s, uint32_t id);
