#include "inventory/record.h"

#include <inttypes.h>
#include <string.h>

/* Bits of a record's first byte above the kind. */
enum {
	HEAD_KIND = 0x0f,
	HEAD_OWNER = 1 << 4, /* the owner is not that of the record before */
	HEAD_SIZE = 1 << 5,
	HEAD_FLAGS = 1 << 6,
	HEAD_NAME = 1 << 7,
};

_Static_assert(INV_KIND_COUNT <= HEAD_KIND + 1, "a kind has four bits");

uint8_t *varint_put(uint8_t *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*w++ = (uint8_t)(v | 0x80);
	*w++ = (uint8_t)v;
	return w;
}

const uint8_t *varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	uint64_t out = 0;

	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		uint64_t bits = *p & 0x7f;

		if (shift == 63 && bits > 1)
			return NULL;
		out |= bits << shift;
		if (!(*p++ & 0x80)) {
			*v = out;
			return p;
		}
	}
	return NULL;
}

static bool has_link(enum inv_kind kind)
{
	return kind == INV_SYMLINK || kind == INV_HARDLINK;
}

/* A string with its length before and a NUL behind, so that a reader may borrow it as text. */
static uint8_t *string_put(uint8_t *w, const char *s, size_t n)
{
	w = varint_put(w, n);
	if (n)
		memcpy(w, s, n);
	w[n] = '\0';
	return w + n + 1;
}

static const uint8_t *string_get(const uint8_t *p, const uint8_t *end, const char **s, size_t *n)
{
	uint64_t len;

	p = varint_get(p, end, &len);
	if (!p || len >= (uint64_t)(end - p) || p[len] || memchr(p, '\0', len))
		return NULL;
	*s = (const char *)p;
	*n = (size_t)len;
	return p + len + 1;
}

static size_t shared_prefix(const struct buf *a, const char *b, size_t n)
{
	size_t max = MIN(a->len, n), i = 0;

	while (i < max && a->data[i] == (uint8_t)b[i])
		i++;
	return i;
}

/* The front-coded path; leaves it in st. */
static uint8_t *path_put(uint8_t *w, struct inv_state *st, const struct inv_entry *e)
{
	size_t shared = shared_prefix(&st->path, e->path, e->path_len);
	size_t rest = e->path_len - shared;

	w = varint_put(w, shared);
	w = varint_put(w, rest);
	memcpy(w, e->path + shared, rest);
	memcpy(st->path.data + shared, e->path + shared, rest);
	st->path.len = e->path_len;
	return w + rest;
}

static uint8_t *record_body(uint8_t *w, struct inv_state *st, const struct inv_entry *e)
{
	unsigned head = e->kind | (e->owner != st->owner ? HEAD_OWNER : 0u) |
			(e->size ? HEAD_SIZE : 0u) | (e->flags ? HEAD_FLAGS : 0u) |
			(e->name ? HEAD_NAME : 0u);

	*w++ = (uint8_t)head;
	w = varint_put(w, e->mode);
	if (head & HEAD_OWNER)
		w = varint_put(w, e->owner);
	if (head & HEAD_SIZE)
		w = varint_put(w, e->size);
	if (head & HEAD_FLAGS)
		w = varint_put(w, e->flags);
	w = varint_put(w, (e->header_offset - st->offset) / RECORD_UNIT);
	w = path_put(w, st, e);
	if (head & HEAD_NAME)
		w = string_put(w, e->name, e->name_len);
	if (has_link(e->kind))
		w = string_put(w, e->link, e->link_len);
	if (e->flags & INV_HAS_ACL_IDS) {
		w = varint_put(w, e->acl_count);
		for (size_t i = 0; i < e->acl_count; i++)
			w = varint_put(w, (uint64_t)e->acl[i].id << 1 | e->acl[i].is_gid);
	}
	if (e->flags & INV_CAP_ROOTID)
		w = varint_put(w, e->cap_rootid);
	st->owner = e->owner;
	st->offset = e->header_offset;
	return w;
}

int record_encode(struct buf *out, struct inv_state *st, const struct inv_entry *e,
		  struct error *err)
{
	size_t max = 128 + e->path_len + e->name_len + e->link_len + e->acl_count * 5, len, prefix;
	uint8_t *start, *end, length[10];

	if (memchr(e->path, '\0', e->path_len) || (e->name && memchr(e->name, '\0', e->name_len)) ||
	    (e->link_len && memchr(e->link, '\0', e->link_len)))
		return err_fail(err, ERR_BAD_INPUT, 0, "entry at %" PRIu64 ": a NUL in its name",
				e->header_offset);
	if (e->header_offset < st->offset || (e->header_offset - st->offset) % RECORD_UNIT)
		return err_fail(err, ERR_BUG, 0, "entry at %" PRIu64 " behind one at %" PRIu64,
				e->header_offset, st->offset);
	if (max > RECORD_MAX || e->acl_count > RECORD_ACL_MAX)
		return err_fail(err, ERR_LIMIT, 0, "entry at %" PRIu64 ": names of %zu bytes",
				e->header_offset, max);
	buf_clear(out);
	if (buf_reserve(out, max + RECORD_PREFIX_MAX) < 0 ||
	    (e->path_len >= st->path.cap && buf_reserve(&st->path, e->path_len) < 0))
		return err_nomem(err);
	start = out->data + RECORD_PREFIX_MAX;
	end = record_body(start, st, e);
	len = (size_t)(end - start);
	prefix = (size_t)(varint_put(length, len) - length);
	memmove(out->data + prefix, start, len);
	memcpy(out->data, length, prefix);
	out->len = prefix + len;
	return 0;
}

static const uint8_t *path_get(const uint8_t *p, const uint8_t *end, struct inv_state *st)
{
	uint64_t shared, rest;

	p = varint_get(p, end, &shared);
	if (!p)
		return NULL;
	p = varint_get(p, end, &rest);
	if (!p || shared > st->path.len || rest > (uint64_t)(end - p))
		return NULL;
	st->path.len = (size_t)shared;
	if (buf_append(&st->path, p, (size_t)rest) < 0)
		return NULL;
	return p + rest;
}

static const uint8_t *acl_get(const uint8_t *p, const uint8_t *end, struct inv_entry *e,
			      struct inv_acl_id **acl, size_t *cap)
{
	uint64_t count, v;

	p = varint_get(p, end, &count);
	if (!p || !count || count > RECORD_ACL_MAX || count > (uint64_t)(end - p))
		return NULL;
	if (count > *cap) {
		struct inv_acl_id *grown = realloc(*acl, (size_t)count * sizeof(*grown));

		if (!grown)
			return NULL;
		*acl = grown;
		*cap = (size_t)count;
	}
	for (size_t i = 0; i < count; i++) {
		p = varint_get(p, end, &v);
		if (!p || v >> 1 > UINT32_MAX)
			return NULL;
		(*acl)[i] = (struct inv_acl_id){ .id = (uint32_t)(v >> 1), .is_gid = v & 1 };
	}
	e->acl = *acl;
	e->acl_count = (size_t)count;
	return p;
}

/* The numbers before the path. */
static const uint8_t *numbers_get(const uint8_t *p, const uint8_t *end, struct inv_entry *e,
				  struct inv_state *st, unsigned head)
{
	uint64_t mode, owner = st->owner, flags = 0, units, step;

	p = varint_get(p, end, &mode);
	if (p && head & HEAD_OWNER)
		p = varint_get(p, end, &owner);
	if (p && head & HEAD_SIZE)
		p = varint_get(p, end, &e->size);
	if (p && head & HEAD_FLAGS)
		p = varint_get(p, end, &flags);
	if (p)
		p = varint_get(p, end, &units);
	if (!p || mode > 07777 || owner > UINT32_MAX || flags > INV_FLAGS_ALL ||
	    __builtin_mul_overflow(units, RECORD_UNIT, &step) ||
	    __builtin_add_overflow(st->offset, step, &st->offset))
		return NULL;
	e->mode = (unsigned)mode;
	e->owner = st->owner = (uint32_t)owner;
	e->flags = (unsigned)flags;
	e->header_offset = st->offset;
	return p;
}

const char *record_decode(struct inv_entry *e, struct inv_state *st, struct inv_acl_id **acl,
			  size_t *acl_cap, const uint8_t *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = bytes + n;
	unsigned head = n ? *p++ : HEAD_KIND;
	uint64_t rootid;

	*e = (struct inv_entry){ .kind = head & HEAD_KIND, .link = "" };
	if (e->kind >= INV_KIND_COUNT)
		return "its kind";
	p = numbers_get(p, end, e, st, head);
	if (!p)
		return "a number";
	p = path_get(p, end, st);
	if (!p)
		return "its path";
	e->path = buf_str(&st->path);
	e->path_len = st->path.len;
	if (head & HEAD_NAME)
		p = string_get(p, end, &e->name, &e->name_len);
	if (p && has_link(e->kind))
		p = string_get(p, end, &e->link, &e->link_len);
	if (!p)
		return "its name or link";
	if (e->flags & INV_HAS_ACL_IDS)
		p = acl_get(p, end, e, acl, acl_cap);
	if (p && e->flags & INV_CAP_ROOTID) {
		p = varint_get(p, end, &rootid);
		if (p && rootid > UINT32_MAX)
			p = NULL;
		e->cap_rootid = p ? (uint32_t)rootid : 0;
	}
	return !p ? "an id" : p != end ? "its length" : NULL;
}
