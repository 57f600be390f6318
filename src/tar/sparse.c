#include "tar/sparse.h"

#include <inttypes.h>
#include <string.h>

#include "tar/header.h"
#include "tar/number.h"

enum {
	NUMBER_LEN = 12, /* of an offset or a length in a type S header */
	EXTENT_LEN = 2 * NUMBER_LEN,
	HEADER_EXTENTS = 4,
	BLOCK_EXTENTS = 21,
};

struct map {
	const struct limits *limits;
	struct sparse_map *kept;
	int64_t size; /* of the file */
	int64_t end;  /* of the last extent */
	uint64_t count;
};

static int bad_map(struct error *err, const char *what)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "sparse map: %s", what);
}

static int keep(struct sparse_map *s, uint64_t offset, uint64_t len, struct error *err)
{
	if (!s->keep || !len)
		return 0;
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct tar_extent *v = reallocarray(s->v, cap, sizeof(*v));

		if (!v)
			return err_nomem(err);
		s->v = v;
		s->cap = cap;
	}
	s->v[s->count++] = (struct tar_extent){ offset, len };
	return 0;
}

/* In order, without overlap, within the file (Go: validateSparseEntries). */
static int map_add(struct map *m, int64_t offset, int64_t len, struct error *err)
{
	int64_t end;

	if (m->count++ >= m->limits->v[LIMIT_TAR_SPARSE])
		return limit_passed(m->limits, LIMIT_TAR_SPARSE, "sparse map", err);
	if (offset < m->end || len < 0 || __builtin_add_overflow(offset, len, &end) ||
	    end > m->size)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"sparse map: extent %" PRIu64 " (offset %" PRId64
				", length %" PRId64
				") is out of order or outside of the file of %" PRId64 " bytes",
				m->count, offset, len, m->size);
	m->end = end;
	return keep(m->kept, (uint64_t)offset, (uint64_t)len, err);
}

static bool value_is(const struct pax_value *v, const char *s)
{
	return v->n == strlen(s) && memcmp(v->s, s, v->n) == 0;
}

static bool is_1_0(const struct pax *p)
{
	return value_is(&p->v[PAX_SPARSE_MAJOR], "1") && value_is(&p->v[PAX_SPARSE_MINOR], "0");
}

bool sparse_in_records(const struct pax *p)
{
	const struct pax_value *major = &p->v[PAX_SPARSE_MAJOR], *minor = &p->v[PAX_SPARSE_MINOR];

	if (!major->n && !minor->n) /* 0.0 and 0.1 as first written */
		return p->v[PAX_SPARSE_MAP].n > 0;
	if (is_1_0(p))
		return true;
	return value_is(major, "0") && (value_is(minor, "0") || value_is(minor, "1"));
}

/* A number of a 0.1 map, up to its comma. */
static int map_number(const char **s, const char *end, int64_t *out, struct error *err)
{
	const char *comma = *s < end ? memchr(*s, ',', (size_t)(end - *s)) : NULL;
	const char *stop = comma ? comma : end;

	if (!tar_pax_number(*s, (size_t)(stop - *s), out))
		return bad_map(err, "it holds what is no number");
	*s = comma ? comma + 1 : NULL;
	return 0;
}

static int read_0_1(struct map *m, const struct pax *p, struct error *err)
{
	const struct pax_value *v = &p->v[PAX_SPARSE_MAP], *blocks = &p->v[PAX_SPARSE_NUMBLOCKS];
	const char *s = v->n ? v->s : NULL, *end = v->n ? v->s + v->n : NULL;
	int64_t said;

	if (!tar_pax_number(blocks->n ? blocks->s : "", blocks->n, &said) || said < 0)
		return bad_map(err, "GNU.sparse.numblocks is no number");
	while (s) {
		int64_t offset = 0, len = 0;
		int r = map_number(&s, end, &offset, err);

		if (r < 0)
			return r;
		if (!s)
			return bad_map(err, "its last extent has no length");
		r = map_number(&s, end, &len, err);
		if (r < 0)
			return r;
		r = map_add(m, offset, len, err);
		if (r < 0)
			return r;
	}
	if (m->count != (uint64_t)said)
		return bad_map(err, "GNU.sparse.numblocks is not the number of its extents");
	return 0;
}

/* A 1.0 map arrives in blocks: the count, then offset and length of each extent, a number a line.
 */
struct lines {
	struct map *map;
	int64_t said;	/* extents; -1 until the first line is read */
	int64_t offset; /* of the extent whose length comes next */
	bool have_offset;
	char text[24]; /* the line so far; leading zeros, which Go takes without end, are dropped */
	size_t n;
	bool sign;
};

static bool lines_done(const struct lines *l)
{
	return l->said >= 0 && l->map->count == (uint64_t)l->said;
}

static int end_line(struct lines *l, struct error *err)
{
	int64_t v;

	if (!tar_pax_number(l->text, l->n, &v))
		return bad_map(err, "it holds what is no number");
	l->n = 0;
	l->sign = false;
	if (l->said < 0) {
		if (v < 0)
			return bad_map(err, "its number of extents is negative");
		if ((uint64_t)v > l->map->limits->v[LIMIT_TAR_SPARSE])
			return limit_passed(l->map->limits, LIMIT_TAR_SPARSE, "sparse map", err);
		l->said = v;
		return 0;
	}
	l->have_offset = !l->have_offset;
	if (!l->have_offset)
		return map_add(l->map, l->offset, v, err);
	l->offset = v;
	return 0;
}

static int add_char(struct lines *l, char c, struct error *err)
{
	if (c == '\n')
		return end_line(l, err);
	if (l->n == 0 && (c == '-' || c == '+'))
		l->sign = true;
	else if (l->n == l->sign + 1u && l->text[l->sign] == '0' && c >= '0' && c <= '9')
		l->n--;
	if (l->n == sizeof(l->text))
		return bad_map(err, "it holds what is no number");
	l->text[l->n++] = c;
	return 0;
}

static int read_1_0(struct map *m, struct cursor *cursor, uint64_t *body, struct error *err)
{
	struct lines l = { .map = m, .said = -1 };

	while (!lines_done(&l)) {
		const uint8_t *bytes;
		size_t got;
		int r;

		if (*body < TAR_BLOCK)
			return bad_map(err, "it is longer than the body");
		r = cursor_peek(cursor, TAR_BLOCK, &bytes, &got, err);
		if (r < 0)
			return r;
		if (got < TAR_BLOCK)
			return err_fail(err, ERR_TRUNCATED, 0,
					"the stream ends at %" PRIu64 ", inside its sparse map",
					cursor->offset + got);
		for (size_t i = 0; i < TAR_BLOCK && !lines_done(&l); i++) {
			r = add_char(&l, (char)bytes[i], err);
			if (r < 0)
				return r;
		}
		cursor_advance(cursor, TAR_BLOCK);
		*body -= TAR_BLOCK;
	}
	return 0;
}

int sparse_from_records(const struct pax *p, struct cursor *cursor, uint64_t *body, int64_t *size,
			const struct limits *limits, struct sparse_map *kept, struct error *err)
{
	const struct pax_value *real = &p->v[PAX_SPARSE_SIZE];
	struct map m = { .limits = limits, .kept = kept };

	kept->count = 0;
	if (!real->n)
		real = &p->v[PAX_SPARSE_REALSIZE];
	if (real->n && !tar_pax_number(real->s, real->n, size))
		return bad_map(err, "the file's real size is no number");
	if (*size < 0)
		return bad_map(err, "the file's real size is negative");
	m.size = *size;
	return is_1_0(p) ? read_1_0(&m, cursor, body, err) : read_0_1(&m, p, err);
}

/* Extents of one block; the first that begins with a NUL ends them. */
static int add_extents(struct map *m, const uint8_t *at, size_t max, struct error *err)
{
	for (size_t i = 0; i < max && at[0]; i++, at += EXTENT_LEN) {
		int64_t offset, len;
		int r;

		if (!tar_number(at, NUMBER_LEN, &offset) ||
		    !tar_number(at + NUMBER_LEN, NUMBER_LEN, &len))
			return bad_map(err, "it holds what is no number");
		r = map_add(m, offset, len, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int sparse_from_header(const uint8_t *gnu, struct cursor *cursor, int64_t *size,
		       const struct limits *limits, struct sparse_map *kept, struct error *err)
{
	bool more = gnu[HEADER_EXTENTS * EXTENT_LEN];
	struct map m = { .limits = limits, .kept = kept };
	int r;

	kept->count = 0;
	if (!tar_number(gnu + HEADER_EXTENTS * EXTENT_LEN + 1, NUMBER_LEN, size) || *size < 0)
		return bad_map(err, "the file's real size is no number");
	m.size = *size;
	r = add_extents(&m, gnu, HEADER_EXTENTS, err);
	while (r == 0 && more) {
		const uint8_t *bytes;
		size_t got;

		r = cursor_peek(cursor, TAR_BLOCK, &bytes, &got, err);
		if (r < 0)
			return r;
		if (got < TAR_BLOCK)
			return err_fail(err, ERR_TRUNCATED, 0,
					"the stream ends at %" PRIu64 ", inside its sparse map",
					cursor->offset + got);
		r = add_extents(&m, bytes, BLOCK_EXTENTS, err);
		more = bytes[BLOCK_EXTENTS * EXTENT_LEN];
		cursor_advance(cursor, TAR_BLOCK);
	}
	return r;
}
