#include "idmap/idset.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"

void idset_free(struct idset *s)
{
	free(s->ranges);
	*s = (struct idset){ 0 };
}

static int by_first(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void idset_tidy(struct idset *s)
{
	size_t kept = 0;

	if (s->sorted == s->count)
		return;
	qsort(s->ranges, s->count, sizeof(*s->ranges), by_first);
	for (size_t i = 0; i < s->count; i++) {
		struct id_range *last = kept ? &s->ranges[kept - 1] : NULL;

		if (last && s->ranges[i].first <= (uint64_t)last->last + 1)
			last->last = MAX(last->last, s->ranges[i].last);
		else
			s->ranges[kept++] = s->ranges[i];
	}
	s->count = s->sorted = kept;
}

/* Owners come in any order and again with every layer: room is made by tidying before memory is
 * asked for, so that a set costs what is in it. */
static int make_room(struct idset *s, struct error *err)
{
	struct id_range *ranges;
	size_t cap;

	idset_tidy(s);
	if (s->count < s->cap / 2)
		return 0;
	if (s->count >= IDSET_RANGES_MAX)
		return err_fail(err, ERR_LIMIT, 0, "more than %u separate ranges of ids",
				IDSET_RANGES_MAX);
	cap = s->cap ? s->cap * 2 : 64;
	ranges = reallocarray(s->ranges, cap, sizeof(*ranges));
	if (!ranges)
		return err_nomem(err);
	s->ranges = ranges;
	s->cap = cap;
	return 0;
}

int idset_add(struct idset *s, uint32_t first, uint32_t last, struct error *err)
{
	if (first > last || last == ID_INVALID)
		return err_fail(err, ERR_USAGE, 0, "%u-%u is no range of ids", first, last);
	if (s->count == s->cap) {
		int r = make_room(s, err);

		if (r < 0)
			return r;
	}
	s->ranges[s->count++] = (struct id_range){ first, last };
	return 0;
}

int idset_add_set(struct idset *s, const struct idset *other, struct error *err)
{
	for (size_t i = 0; i < other->count; i++) {
		int r = idset_add(s, other->ranges[i].first, other->ranges[i].last, err);

		if (r < 0)
			return r;
	}
	return 0;
}

uint64_t idset_size(const struct idset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += (uint64_t)s->ranges[i].last - s->ranges[i].first + 1;
	return n;
}

bool idset_highest(const struct idset *s, uint32_t *id)
{
	if (!s->count)
		return false;
	*id = s->ranges[s->count - 1].last;
	return true;
}

bool idset_has(const struct idset *s, uint32_t id)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->ranges[middle].last < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->count && s->ranges[low].first <= id;
}
