/* Memory that lives as long as one Dockerfile: many small pieces, released at once.
 */
#pragma once

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *blocks;
};

void arena_free(struct arena *a);

/* n zeroed bytes, aligned for anything; NULL where memory is short. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy with a NUL behind; NULL where memory is short. */
char *arena_copy(struct arena *a, const char *s, size_t n);

/* Room for one more element of so many bytes behind count: the list, moved where it was full, or
 * NULL. */
void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t element);
