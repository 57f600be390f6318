#include "tar/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tar/reader.h"

/* ustar, pax(1): offset and length of each field. */
enum {
	F_NAME = 0,
	F_NAME_LEN = 100,
	F_MODE = 100,
	F_UID = 108,
	F_GID = 116,
	F_ID_LEN = 8,
	F_SIZE = 124,
	F_MTIME = 136,
	F_LONG_LEN = 12,
	F_SUM = 148,
	F_TYPE = 156,
	F_LINK = 157,
	F_LINK_LEN = 100,
	F_MAGIC = 257,
	F_MAJOR = 329,
	F_MINOR = 337,
};

int tar_write_record(struct buf *out, const char *key, const void *value, size_t n)
{
	size_t body = strlen(key) + n + 3; /* ' ', '=', '\n' */
	size_t total = body + 1, digits;
	int r;

	/* The length counts its own digits. */
	for (;;) {
		char text[32];

		digits = (size_t)snprintf(text, sizeof(text), "%zu", total);
		if (total == body + digits)
			break;
		total = body + digits;
	}
	r = buf_printf(out, "%zu %s=", total, key);
	if (r == 0)
		r = buf_append(out, value, n);
	return r ? r : buf_append_str(out, "\n");
}

static int record_number(struct buf *out, const char *key, int64_t v)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRId64, v);

	return tar_write_record(out, key, text, (size_t)n);
}

/* Octal and a NUL; false where it does not fit. */
static bool octal(uint8_t *field, size_t len, uint64_t v)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%0*" PRIo64, (int)len - 1, v);

	if ((size_t)n >= len)
		return false;
	memcpy(field, text, (size_t)n + 1);
	return true;
}

static int number(uint8_t *h, size_t at, size_t len, int64_t v, struct buf *pax, const char *key)
{
	if (v >= 0 && octal(h + at, len, (uint64_t)v))
		return 0;
	octal(h + at, len, 0);
	return record_number(pax, key, v);
}

static int text(uint8_t *h, size_t at, size_t len, const char *s, struct buf *pax, const char *key)
{
	size_t n = strlen(s);

	memcpy(h + at, s, MIN(n, len));
	return n > len ? tar_write_record(pax, key, s, n) : 0;
}

static void finish(uint8_t *h)
{
	unsigned sum = 0;

	memcpy(h + F_MAGIC, "ustar\00000", 8);
	memset(h + F_SUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	octal(h + F_SUM, 7, sum);
}

int tar_write_pad(struct buf *out)
{
	static const uint8_t zeros[TAR_BLOCK];
	size_t over = out->len % TAR_BLOCK;

	return over ? buf_append(out, zeros, TAR_BLOCK - over) : 0;
}

/* Version 0.1: the map is in the header. It tells one empty run at the very end: all before it is a
 * hole. */
static int sparse_records(struct buf *pax, int64_t size)
{
	char map[40];
	int n = snprintf(map, sizeof(map), "%" PRId64 ",0", size), r;

	r = tar_write_record(pax, "GNU.sparse.major", "0", 1);
	r |= tar_write_record(pax, "GNU.sparse.minor", "1", 1);
	r |= record_number(pax, "GNU.sparse.size", size);
	r |= tar_write_record(pax, "GNU.sparse.numblocks", "1", 1);
	return r | tar_write_record(pax, "GNU.sparse.map", map, (size_t)n);
}

static int append_pax(struct buf *out, const struct buf *pax)
{
	uint8_t h[TAR_BLOCK] = { 0 };
	int r;

	memcpy(h, "PaxHeaders/entry", 16);
	octal(h + F_MODE, F_ID_LEN, 0644);
	octal(h + F_UID, F_ID_LEN, 0);
	octal(h + F_GID, F_ID_LEN, 0);
	octal(h + F_SIZE, F_LONG_LEN, pax->len);
	octal(h + F_MTIME, F_LONG_LEN, 0);
	h[F_TYPE] = 'x';
	finish(h);
	r = buf_append(out, h, sizeof(h));
	if (r == 0)
		r = buf_append(out, pax->data, pax->len);
	return r ? r : tar_write_pad(out);
}

int tar_write_header(struct buf *out, const struct tar_new *e, struct error *err)
{
	_cleanup_(buf_freep) struct buf pax = { 0 };
	uint8_t h[TAR_BLOCK] = { 0 };
	int r = 0;

	r |= text(h, F_NAME, F_NAME_LEN, e->name, &pax, "path");
	r |= text(h, F_LINK, F_LINK_LEN, e->link, &pax, "linkpath");
	octal(h + F_MODE, F_ID_LEN, e->mode & 07777);
	r |= number(h, F_UID, F_ID_LEN, e->uid, &pax, "uid");
	r |= number(h, F_GID, F_ID_LEN, e->gid, &pax, "gid");
	r |= number(h, F_SIZE, F_LONG_LEN, (int64_t)e->size, &pax, "size");
	r |= number(h, F_MTIME, F_LONG_LEN, e->mtime, &pax, "mtime");
	h[F_TYPE] = (uint8_t)e->type;
	if (e->type == TAR_CHR || e->type == TAR_BLK) {
		octal(h + F_MAJOR, F_ID_LEN, e->devmajor);
		octal(h + F_MINOR, F_ID_LEN, e->devminor);
	}
	if (e->sparse)
		r |= sparse_records(&pax, e->sparse_size);
	if (e->records && e->records->len)
		r |= buf_append(&pax, e->records->data, e->records->len);
	finish(h);
	if (r == 0 && pax.len)
		r = append_pax(out, &pax);
	if (r == 0)
		r = buf_append(out, h, sizeof(h));
	return r ? err_nomem(err) : 0;
}
