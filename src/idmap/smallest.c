#include "idmap/smallest.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"

/* Between ranges[at] and ranges[at + 1]. */
struct hole {
	uint32_t width;
	uint32_t at;
};

/* The widest first; of two alike the lower, so that the same set gives the same map. */
static int widest_first(const void *a, const void *b)
{
	const struct hole *x = a, *y = b;

	if (x->width != y->width)
		return x->width > y->width ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int lowest_first(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t digits(uint32_t v)
{
	size_t n = 1;

	while (v >= 10)
		v /= 10, n++;
	return n;
}

size_t idmap_text_size(const struct idmap *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++)
		n += digits(m->extents[i].container) + digits(m->extents[i].host) +
		     digits(m->extents[i].count) + 3;
	return n;
}

uint64_t idmap_size(const struct idmap *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->count; i++)
		n += m->extents[i].count;
	return n;
}

/* 0, 1 where the host has no such ids. */
static int put(struct idmap *out, uint64_t first, uint64_t last, uint64_t *host,
	       const struct smallest_rule *rule, struct error *err)
{
	uint64_t count = last - first + 1;
	struct idmap_extent e = { (uint32_t)first, (uint32_t)*host, (uint32_t)count };

	if (*host + count > ID_INVALID)
		return 1;
	if (rule->own && rule->own_host >= *host && rule->own_host < *host + count)
		return 1;
	*host += count;
	return idmap_add(out, e, err);
}

/* The map that goes around the first n of holes (n < set->count). skip_zero: id 0 has its extent
 * already. */
static int lay_out(struct idmap *out, const struct idset *set, const struct hole *holes, size_t n,
		   const struct smallest_rule *rule, struct error *err)
{
	uint32_t cuts[IDMAP_EXTENTS_MAX];
	uint64_t host = rule->first_host;
	size_t from = 0;
	int r = 0;

	out->has_host = true;
	if (rule->own)
		r = idmap_add(out, (struct idmap_extent){ 0, rule->own_host, 1 }, err);
	for (size_t i = 0; i < n; i++)
		cuts[i] = holes[i].at;
	qsort(cuts, n, sizeof(*cuts), lowest_first);
	for (size_t i = 0; i <= n && set->count && r == 0; i++) {
		size_t to = i < n ? cuts[i] : set->count - 1;

		r = put(out, set->ranges[from].first, set->ranges[to].last, &host, rule, err);
		from = to + 1;
	}
	return r;
}

static struct hole *find_holes(const struct idset *set, struct error *err)
{
	struct hole *holes = reallocarray(NULL, set->count + 1, sizeof(*holes));

	if (!holes) {
		err_nomem(err);
		return NULL;
	}
	for (size_t i = 0; i + 1 < set->count; i++)
		holes[i] = (struct hole){ set->ranges[i + 1].first - set->ranges[i].last - 1,
					  (uint32_t)i };
	if (set->count > 1)
		qsort(holes, set->count - 1, sizeof(*holes), widest_first);
	return holes;
}

/* Fewer extents are tried until the text is short enough. */
static int search(struct idmap *out, const struct idset *set, size_t extents,
		  const struct smallest_rule *rule, struct error *err)
{
	_cleanup_(freep) struct hole *holes = find_holes(set, err);
	size_t n = set->count ? MIN(set->count, extents) : 1;
	int r = 1;

	if (!holes)
		return -(int)ERR_NOMEM;
	while (n--) {
		r = lay_out(out, set, holes, n, rule, err);
		if (r < 0 ||
		    (r == 0 && (!rule->text_max || idmap_text_size(out) <= rule->text_max)))
			break;
		/* More ids with fewer extents: where the host has not enough, it stays so. */
		idmap_free(out);
		if (r == 1)
			break;
		r = 1;
	}
	return r;
}

int idmap_smallest(struct idmap *out, const struct idset *ids, const struct smallest_rule *rule,
		   struct error *err)
{
	_cleanup_(idset_freep) struct idset rest = { 0 };
	size_t extents = MIN(rule->extents_max, (size_t)IDMAP_EXTENTS_MAX);
	int r = 0;

	if (!ids->count || !extents)
		return 1;
	if (!rule->own)
		r = search(out, ids, extents, rule, err);
	else {
		for (size_t i = 0; i < ids->count && r == 0; i++)
			if (ids->ranges[i].last)
				r = idset_add(&rest, MAX(ids->ranges[i].first, 1u),
					      ids->ranges[i].last, err);
		if (r == 0 && rest.count && extents < 2)
			return 1;
		idset_tidy(&rest);
		if (r == 0)
			r = search(out, &rest, extents - 1, rule, err);
	}
	if (r)
		idmap_free(out);
	return r;
}
