#include "tar/patch.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tar/number.h"
#include "tar/pax.h"
#include "tar/reader-impl.h"
#include "tar/xattr.h"

#define XATTR_PREFIX "SCHILY.xattr."

enum { CAP_V2_SIZE = 20, CAP_REVISION_V2 = 0x02, CAP_REVISION_AT = 3 };

/* What the extended headers said of the numbers that the header block has too. */
struct said {
	bool uid, gid, size;
	int64_t old_uid, old_gid, old_size;
};

struct record {
	const uint8_t *bytes; /* the whole record */
	size_t n;
	const char *key;
	size_t key_len;
	const uint8_t *value;
	size_t value_len;
};

static bool is_padding(uint8_t c)
{
	return c == 0 || c == ' ';
}

/* Octal digits up to the padding that stands behind them now; false where they are too few. */
static bool put_octal(uint8_t *field, size_t n, uint64_t v)
{
	size_t tail = 0, digits;
	uint8_t lead = field[0] == ' ' ? ' ' : '0';

	while (tail < n && is_padding(field[n - 1 - tail]))
		tail++;
	if (tail == n) {
		tail = 1;
		lead = '0';
	}
	digits = n - tail;
	if (digits < 21 && v >> (3 * digits)) {
		/* Left-aligned digits may use the padding but for its last byte. */
		if (tail < 2 || v >> (3 * (n - 1)))
			return false;
		digits = n - 1;
	}
	for (size_t i = digits; i-- > 0; v >>= 3)
		field[i] = v || i + 1 == digits ? (uint8_t)('0' + (v & 7)) : lead;
	return true;
}

void tar_put_number(uint8_t *field, size_t n, uint64_t v)
{
	if (!(field[0] & 0x80) && put_octal(field, n, v))
		return;
	for (size_t i = n; i-- > 1; v >>= 8)
		field[i] = (uint8_t)v;
	field[0] = 0x80;
}

void tar_put_sum(uint8_t block[TAR_BLOCK])
{
	uint64_t sum = HEADER_SUM_LEN * ' ';

	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (i < HEADER_SUM || i >= HEADER_SUM + HEADER_SUM_LEN)
			sum += block[i];
	tar_put_number(block + HEADER_SUM, HEADER_SUM_LEN, sum);
}

/* As pax_parse splits it, which has taken these bytes before. */
static bool split_record(const uint8_t *p, size_t n, struct record *r)
{
	const uint8_t *blank = memchr(p, ' ', n), *eq;
	int64_t len;

	if (!blank || !tar_pax_number((const char *)p, (size_t)(blank - p), &len) ||
	    len <= blank - p + 1 || (uint64_t)len > n)
		return false;
	eq = memchr(blank, '=', (size_t)len - (size_t)(blank - p));
	if (!eq || eq + 1 > p + len - 1)
		return false;
	*r = (struct record){
		.bytes = p,
		.n = (size_t)len,
		.key = (const char *)blank + 1,
		.key_len = (size_t)(eq - blank - 1),
		.value = eq + 1,
		.value_len = (size_t)(p + len - 1 - (eq + 1)),
	};
	return true;
}

static bool is_key(const struct record *r, enum pax_key key)
{
	const char *name = pax_key_name(key);

	return r->key_len == strlen(name) && memcmp(r->key, name, r->key_len) == 0;
}

/* The record with another value, its length counted anew where the value's has changed. */
static int put_record(struct buf *out, const struct record *r, const void *value, size_t n)
{
	size_t body = 1 + r->key_len + 1 + n + 1, len = body, digits;
	char head[24];

	if (n == r->value_len) {
		size_t before = (size_t)(r->value - r->bytes);

		if (buf_append(out, r->bytes, before) < 0 || buf_append(out, value, n) < 0)
			return -ERR_NOMEM;
		return buf_append(out, "\n", 1);
	}
	do {
		digits = (size_t)snprintf(head, sizeof(head), "%zu", len);
		len = body + digits;
	} while ((size_t)snprintf(head, sizeof(head), "%zu", len) != digits);
	if (buf_append_str(out, head) < 0 || buf_append(out, " ", 1) < 0 ||
	    buf_append(out, r->key, r->key_len) < 0 || buf_append(out, "=", 1) < 0 ||
	    buf_append(out, value, n) < 0)
		return -ERR_NOMEM;
	return buf_append(out, "\n", 1);
}

/* Leading zeros keep the record as long as it was, and with it the place of all that follows. */
static int put_decimal(struct buf *out, const struct record *r, uint64_t v)
{
	char text[24];
	size_t n = (size_t)snprintf(text, sizeof(text), "%0*" PRIu64,
				    (int)MIN(r->value_len, sizeof(text) - 2), v);

	return put_record(out, r, text, n);
}

static int put_acl(struct buf *out, const struct record *r, const struct tar_patch *p)
{
	_cleanup_(freep) uint8_t *value = malloc(r->value_len + 1);
	_cleanup_(freep) struct acl_id *ids = calloc(r->value_len / 8 + 1, sizeof(*ids));
	size_t count;

	if (!value || !ids)
		return -ERR_NOMEM;
	memcpy(value, r->value, r->value_len);
	if (!acl_ids(value, r->value_len, ids, r->value_len / 8 + 1, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t to;

		if (!p->acl(p->ctx, ids[i].id, ids[i].is_gid, &to))
			continue;
		to = htole32(to);
		memcpy(value + ids[i].offset, &to, sizeof(to));
	}
	return put_record(out, r, value, r->value_len);
}

static int put_capability(struct buf *out, const struct record *r, const struct tar_patch *p)
{
	uint8_t value[CAP_V2_SIZE];
	uint32_t rootid;

	if (capability_rootid(r->value, r->value_len, &rootid) != 1 || !p->rootid(p->ctx, rootid))
		return buf_append(out, r->bytes, r->n);
	memcpy(value, r->value, sizeof(value));
	value[CAP_REVISION_AT] = CAP_REVISION_V2;
	return put_record(out, r, value, sizeof(value));
}

static int patch_number(struct buf *out, const struct record *r, bool set, uint64_t v, bool *said,
			int64_t *old)
{
	*said = false;
	if (!r->value_len) /* the header's field counts again */
		return buf_append(out, r->bytes, r->n);
	*said = tar_pax_number((const char *)r->value, r->value_len, old);
	if (!set || !*said || (uint64_t)*old == v)
		return buf_append(out, r->bytes, r->n);
	return put_decimal(out, r, v);
}

static int patch_record(struct buf *out, const struct record *r, const struct tar_patch *p,
			struct said *said)
{
	static const size_t prefix = sizeof(XATTR_PREFIX) - 1;

	if (is_key(r, PAX_UID))
		return patch_number(out, r, p->set_uid, p->uid, &said->uid, &said->old_uid);
	if (is_key(r, PAX_GID))
		return patch_number(out, r, p->set_gid, p->gid, &said->gid, &said->old_gid);
	if (is_key(r, PAX_SIZE))
		return patch_number(out, r, p->set_size, p->size, &said->size, &said->old_size);
	if (r->value_len &&
	    ((p->set_uid && is_key(r, PAX_UNAME)) || (p->set_gid && is_key(r, PAX_GNAME))))
		return 0;
	if (r->key_len > prefix && memcmp(r->key, XATTR_PREFIX, prefix) == 0) {
		if (p->acl && xattr_is_acl(r->key + prefix, r->key_len - prefix))
			return put_acl(out, r, p);
		if (p->rootid && xattr_is_capability(r->key + prefix, r->key_len - prefix))
			return put_capability(out, r, p);
	}
	return buf_append(out, r->bytes, r->n);
}

static int not_read(struct error *err)
{
	return err_fail(err, ERR_BUG, 0, "headers that no reader has taken");
}

/* An extended header and its records. */
static int patch_records(struct buf *out, const uint8_t *block, size_t size,
			 const struct tar_patch *p, struct said *said, struct error *err)
{
	_cleanup_(buf_freep) struct buf body = { 0 };
	const uint8_t *records = block + TAR_BLOCK;
	static const uint8_t zeros[TAR_BLOCK];
	uint8_t header[TAR_BLOCK];
	struct record r;

	*said = (struct said){ 0 }; /* the last extended header counts, whole */
	for (size_t at = 0; at < size; at += r.n) {
		if (!split_record(records + at, size - at, &r))
			return not_read(err);
		if (patch_record(&body, &r, p, said) < 0)
			return err_nomem(err);
	}
	memcpy(header, block, TAR_BLOCK);
	if (body.len != size) {
		tar_put_number(header + tar_fields[FIELD_SIZE].at, tar_fields[FIELD_SIZE].len,
			       body.len);
		tar_put_sum(header);
	}
	if (buf_append(out, header, TAR_BLOCK) < 0 ||
	    (body.len && buf_append(out, body.data, body.len) < 0) ||
	    buf_append(out, zeros, tar_padding(body.len)) < 0)
		return err_nomem(err);
	return 0;
}

/* A field that an extended header overrides changes only where it says the same; one that says v
 * keeps its bytes. */
static void patch_field(uint8_t *block, enum tar_field field, bool set, uint64_t v, bool said,
			int64_t old)
{
	uint8_t *at = block + tar_fields[field].at;
	int64_t is;
	bool reads = tar_number(at, tar_fields[field].len, &is);

	if (set && !(reads && (uint64_t)is == v) && (!said || (reads && is == old)))
		tar_put_number(at, tar_fields[field].len, v);
}

static int patch_header(struct buf *out, const uint8_t *bytes, const struct tar_patch *p,
			const struct said *said, struct error *err)
{
	const struct tar_field_row *mode = &tar_fields[FIELD_MODE];
	uint8_t block[TAR_BLOCK];
	int64_t v;

	memcpy(block, bytes, TAR_BLOCK);
	patch_field(block, FIELD_UID, p->set_uid, p->uid, said->uid, said->old_uid);
	patch_field(block, FIELD_GID, p->set_gid, p->gid, said->gid, said->old_gid);
	patch_field(block, FIELD_SIZE, p->set_size, p->size, said->size, said->old_size);
	if (tar_number(block + mode->at, mode->len, &v) && (uint64_t)v & p->clear_mode)
		/* Below zero (base-256) it has bits that no reader takes. */
		tar_put_number(block + mode->at, mode->len,
			       (v < 0 ? (uint64_t)v & 07777 : (uint64_t)v) &
				       ~(uint64_t)p->clear_mode);
	if (tar_block_dialect(block) != TAR_V7) {
		if (p->set_uid)
			memset(block + HEADER_UNAME, 0, HEADER_OWNER_LEN);
		if (p->set_gid)
			memset(block + HEADER_GNAME, 0, HEADER_OWNER_LEN);
	}
	if (memcmp(block, bytes, TAR_BLOCK) != 0)
		tar_put_sum(block);
	return buf_append(out, block, TAR_BLOCK) < 0 ? err_nomem(err) : 0;
}

int tar_patch_entry(struct buf *out, const uint8_t *bytes, size_t n, const struct tar_patch *patch,
		    struct error *err)
{
	struct said said = { 0 };
	size_t at = 0;

	if (n < TAR_BLOCK || n % TAR_BLOCK)
		return not_read(err);
	while (at < n - TAR_BLOCK) {
		const uint8_t *block = bytes + at;
		size_t left = n - TAR_BLOCK - at, whole;
		int64_t size;
		int r;

		if (!tar_number(block + tar_fields[FIELD_SIZE].at, tar_fields[FIELD_SIZE].len,
				&size) ||
		    size < 0 || (uint64_t)size > left)
			return not_read(err);
		whole = TAR_BLOCK + (size_t)size + tar_padding((uint64_t)size);
		if (whole > left)
			return not_read(err);
		r = block[HEADER_FLAG] == 'x'
			    ? patch_records(out, block, (size_t)size, patch, &said, err)
		    : buf_append(out, block, whole) < 0 ? err_nomem(err)
							: 0;
		if (r < 0)
			return r;
		at += whole;
	}
	return patch_header(out, bytes + at, patch, &said, err);
}
