#include "dockerfile/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define BLOCK_SIZE ((size_t)64 << 10)
#define ALIGN	   16u

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (!b || b->size - b->used < n) {
		size_t size = MAX(n, BLOCK_SIZE);

		b = calloc(1, sizeof(*b) + size);
		if (!b)
			return NULL;
		b->size = size;
		b->next = a->blocks;
		a->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	return p;
}

char *arena_copy(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (p && n)
		memcpy(p, s, n);
	return p;
}

void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t element)
{
	size_t more;
	void *p;

	if (count < *cap)
		return list;
	if (*cap > SIZE_MAX / 4 / element)
		return NULL;
	more = *cap ? *cap * 2 : 4;
	p = arena_alloc(a, more * element);
	if (!p)
		return NULL;
	if (count)
		memcpy(p, list, count * element);
	*cap = more;
	return p;
}
