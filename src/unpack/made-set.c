#include <string.h>

#include "unpack/internal.h"

static uint64_t hash_of(const char *path, size_t n)
{
	uint64_t h = inv_path_hash(path, n);

	return h ? h : 1;
}

static void put(uint64_t *slots, size_t cap, uint64_t h)
{
	size_t i = h & (cap - 1);

	while (slots[i] && slots[i] != h)
		i = (i + 1) & (cap - 1);
	slots[i] = h;
}

static int grow(struct made_set *s, struct error *err)
{
	size_t cap = s->cap ? 2 * s->cap : 1024;
	uint64_t *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return err_nomem(err);
	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i])
			put(slots, cap, s->slots[i]);
	free(s->slots);
	s->slots = slots;
	s->cap = cap;
	return 0;
}

bool made_set_has(const struct made_set *s, const char *path, size_t n)
{
	uint64_t h = hash_of(path, n);

	if (!s->cap)
		return false;
	for (size_t i = h & (s->cap - 1); s->slots[i]; i = (i + 1) & (s->cap - 1))
		if (s->slots[i] == h)
			return true;
	return false;
}

int made_set_add(struct made_set *s, const char *path, size_t n, struct error *err)
{
	if (2 * s->count >= s->cap) {
		int r = grow(s, err);

		if (r < 0)
			return r;
	}
	if (!made_set_has(s, path, n)) {
		put(s->slots, s->cap, hash_of(path, n));
		s->count++;
	}
	return 0;
}
