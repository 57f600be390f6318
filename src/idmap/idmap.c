#include "idmap/idmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/num.h"

/* One more than the highest id: an extent ends here at the latest, so that no id is ID_INVALID. */
#define IDS_END ((uint64_t)ID_INVALID)

/* A stretch of an extent, counted from its first id. */
struct span {
	uint64_t from, to;
};

void idmap_free(struct idmap *m)
{
	free(m->extents);
	*m = (struct idmap){ 0 };
}

void idmap_pair_free(struct idmap_pair *p)
{
	idmap_free(&p->uid);
	idmap_free(&p->gid);
}

static struct span common(uint32_t first, uint32_t count, uint32_t other, uint32_t other_count)
{
	uint64_t from = MAX(first, other);
	uint64_t to = MIN((uint64_t)first + count, (uint64_t)other + other_count);

	return from < to ? (struct span){ from - first, to - first } : (struct span){ 0, 0 };
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return common(a, a_count, b, b_count).to != 0;
}

static int check(const struct idmap *m, const struct idmap_extent *e, struct error *err)
{
	if (!e->count)
		return err_fail(err, ERR_USAGE, 0, "the extent at %" PRIu32 " holds no id",
				e->container);
	if ((uint64_t)e->container + e->count > IDS_END)
		return err_fail(err, ERR_USAGE, 0,
				"%" PRIu32 " ids from %" PRIu32
				" on pass the highest id, 4294967294",
				e->count, e->container);
	if (m->has_host && (uint64_t)e->host + e->count > IDS_END)
		return err_fail(err, ERR_USAGE, 0,
				"%" PRIu32 " host ids from %" PRIu32
				" on pass the highest id, 4294967294",
				e->count, e->host);
	for (size_t i = 0; i < m->count; i++) {
		const struct idmap_extent *x = &m->extents[i];

		if (overlaps(x->container, x->count, e->container, e->count))
			return err_fail(err, ERR_USAGE, 0,
					"container id %" PRIu32 " is mapped twice",
					MAX(x->container, e->container));
		if (m->has_host && overlaps(x->host, x->count, e->host, e->count))
			return err_fail(err, ERR_USAGE, 0, "host id %" PRIu32 " is mapped twice",
					MAX(x->host, e->host));
	}
	return 0;
}

static bool continues(const struct idmap *m, const struct idmap_extent *a,
		      const struct idmap_extent *b)
{
	return a->container + a->count == b->container &&
	       (!m->has_host || a->host + a->count == b->host);
}

static void drop(struct idmap *m, size_t at)
{
	m->count--;
	memmove(&m->extents[at], &m->extents[at + 1], (m->count - at) * sizeof(*m->extents));
}

static int insert(struct idmap *m, size_t at, struct idmap_extent e, struct error *err)
{
	struct idmap_extent *p;

	if (m->count >= IDMAP_EXTENTS_MAX)
		return err_fail(err, ERR_USAGE, 0,
				"a map of more than %d extents (the kernel's limit)",
				IDMAP_EXTENTS_MAX);
	p = reallocarray(m->extents, m->count + 1, sizeof(*p));
	if (!p)
		return err_nomem(err);
	m->extents = p;
	memmove(&p[at + 1], &p[at], (m->count - at) * sizeof(*p));
	p[at] = e;
	m->count++;
	return 0;
}

int idmap_add(struct idmap *m, struct idmap_extent e, struct error *err)
{
	size_t at = 0;
	int r;

	if (!m->has_host)
		e.host = 0;
	r = check(m, &e, err);
	if (r < 0)
		return r;
	while (at < m->count && m->extents[at].container < e.container)
		at++;
	if (at && continues(m, &m->extents[at - 1], &e)) {
		m->extents[at - 1].count += e.count;
		if (at < m->count && continues(m, &m->extents[at - 1], &m->extents[at])) {
			m->extents[at - 1].count += m->extents[at].count;
			drop(m, at);
		}
		return 0;
	}
	if (at < m->count && continues(m, &e, &m->extents[at])) {
		e.count += m->extents[at].count;
		m->extents[at] = e;
		return 0;
	}
	return insert(m, at, e, err);
}

/* Adds to m what of x lies outside both spans. */
static int add_rest(struct idmap *m, struct idmap_extent x, struct span a, struct span b,
		    struct error *err)
{
	struct span ends[3] = { a.from <= b.from ? a : b,
				a.from <= b.from ? b : a,
				{ x.count, x.count } };
	uint64_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (ends[i].from > at) {
			struct idmap_extent piece = { x.container + (uint32_t)at,
						      x.host + (uint32_t)at,
						      (uint32_t)(ends[i].from - at) };
			int r = idmap_add(m, piece, err);

			if (r < 0)
				return r;
		}
		at = MAX(at, ends[i].to);
	}
	return 0;
}

int idmap_replace(struct idmap *m, struct idmap_extent e, struct error *err)
{
	struct idmap result = { .has_host = m->has_host };
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++) {
		struct idmap_extent x = m->extents[i];
		struct span inside = common(x.container, x.count, e.container, e.count);
		struct span outside = { 0, 0 };

		if (m->has_host)
			outside = common(x.host, x.count, e.host, e.count);
		r = add_rest(&result, x, inside, outside, err);
	}
	if (r == 0)
		r = idmap_add(&result, e, err);
	if (r < 0) {
		idmap_free(&result);
		return r;
	}
	idmap_free(m);
	*m = result;
	return 0;
}

int idmap_copy(struct idmap *out, const struct idmap *m, struct error *err)
{
	struct idmap copy = { .count = m->count, .has_host = m->has_host };

	if (m->count) {
		copy.extents = reallocarray(NULL, m->count, sizeof(*copy.extents));
		if (!copy.extents)
			return err_nomem(err);
		memcpy(copy.extents, m->extents, m->count * sizeof(*copy.extents));
	}
	*out = copy;
	return 0;
}

bool idmap_lookup(const struct idmap *m, int64_t id, uint32_t *host)
{
	size_t low = 0, high = m->count;

	if (id < 0 || id >= (int64_t)ID_INVALID)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct idmap_extent *x = &m->extents[middle];

		if (id < x->container) {
			high = middle;
		} else if (id - x->container >= x->count) {
			low = middle + 1;
		} else {
			if (host && m->has_host)
				*host = x->host + (uint32_t)(id - x->container);
			return true;
		}
	}
	return false;
}

bool idmap_root_host(const struct idmap *m, uint32_t *host)
{
	return m->has_host && idmap_lookup(m, 0, host);
}

int idmap_print_ranges(const struct idmap *m, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < m->count;) {
		uint64_t first = m->extents[i].container, end = first;
		int r;

		while (i < m->count && m->extents[i].container == end)
			end += m->extents[i++].count;
		if (end - first == 1)
			r = buf_printf(out, "%s%" PRIu64, comma, first);
		else
			r = buf_printf(out, "%s%" PRIu64 "-%" PRIu64, comma, first, end - 1);
		if (r < 0)
			return r;
		comma = ", ";
	}
	return 0;
}

int idmap_identity(struct idmap *out, const struct idmap *m, struct error *err)
{
	struct idmap map = { .has_host = true };
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++) {
		struct idmap_extent e = m->extents[i];

		e.host = e.container;
		r = idmap_add(&map, e, err);
	}
	if (r < 0)
		idmap_free(&map);
	else
		*out = map;
	return r;
}

bool idmap_same(const struct idmap *a, const struct idmap *b)
{
	bool host = a->has_host && b->has_host;

	if (a->count != b->count || a->has_host != b->has_host)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct idmap_extent *x = &a->extents[i], *y = &b->extents[i];

		if (x->container != y->container || x->count != y->count ||
		    (host && x->host != y->host))
			return false;
	}
	return true;
}
