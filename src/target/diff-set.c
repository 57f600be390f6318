#include "target/diff-set.h"

#include <string.h>

#include "target/diff.h"

int diff_set_init(struct diff_set *s, uint64_t n, struct error *err)
{
	size_t slots = 16, wanted = (size_t)MIN(n, (uint64_t)DIFF_SET_ENTRIES);

	/* Parts are never quite even; with twice the room they need not be. */
	while (slots < 2 * wanted)
		slots *= 2;
	*s = (struct diff_set){ .slots = slots, .parts = n / DIFF_SET_ENTRIES + 1 };
	s->part = s->parts; /* diff_set_next makes it the first */
	s->hashes = calloc(slots, sizeof(*s->hashes));
	s->values = calloc(slots, sizeof(*s->values));
	if (s->hashes && s->values && s->parts <= UINT32_MAX)
		return 0;
	diff_set_free(s);
	return err_nomem(err);
}

bool diff_set_next(struct diff_set *s)
{
	s->part = s->part == s->parts ? 0 : s->part + 1;
	if (s->part == s->parts)
		return false;
	memset(s->values, 0, s->slots * sizeof(*s->values));
	s->used = 0;
	return true;
}

void diff_set_free(struct diff_set *s)
{
	free(s->hashes);
	free(s->values);
	*s = (struct diff_set){ 0 };
}

/* The upper half says which part, the lower which slot. */
bool diff_set_holds(const struct diff_set *s, uint64_t hash)
{
	return (hash >> 32) * s->parts >> 32 == s->part;
}

static size_t slot_of(const struct diff_set *s, uint64_t hash)
{
	size_t i = (size_t)hash & (s->slots - 1);

	while (s->values[i] && s->hashes[i] != hash)
		i = (i + 1) & (s->slots - 1);
	return i;
}

int diff_set_put(struct diff_set *s, uint64_t hash, uint32_t value, struct error *err)
{
	size_t i = slot_of(s, hash);

	if (!s->values[i]) {
		/* One stays empty: a search ends there. */
		if (s->used + 1 == s->slots)
			return err_fail(err, ERR_BUG, 0, "the set of hashes is full");
		s->used++;
		s->hashes[i] = hash;
	}
	s->values[i] |= value;
	return 0;
}

uint32_t diff_set_get(const struct diff_set *s, uint64_t hash)
{
	size_t i = slot_of(s, hash);

	return s->values[i];
}
