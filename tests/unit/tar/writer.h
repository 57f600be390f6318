/* Writes archives for the tests, any field by hand, and remembers what each byte range is, so that
 * a test can say what a cut there must lead to. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "stream/stream.h"
#include "tar/reader.h"

enum part_kind { PART_HEADER, PART_BODY, PART_PADDING, PART_END };

struct part {
	size_t start;
	enum part_kind kind;
};

struct writer {
	struct buf out;
	struct part parts[256];
	size_t part_count;
};

/* Strings stand in the header as they are; a number field is what follows in octal unless its text
 * is given. */
struct head {
	char flag;
	const char *name;
	const char *magic; /* 8 bytes, "" for V7 */
	const char *link, *uname, *gname, *prefix;
	const char *mode, *uid, *gid, *mtime, *major, *minor; /* raw bytes, at most 8 (12) */
	const char *size_text;
	size_t raw_len; /* of a raw text that holds NULs; 0: strlen */
	uint64_t size;
	const char *star; /* "tar" for the STAR trailer */
	bool signed_sum;
};

#define USTAR "ustar\00000"
#define GNU   "ustar  "

static inline void writer_free(struct writer *w)
{
	buf_free(&w->out);
}

static inline void w_part(struct writer *w, enum part_kind kind)
{
	assert_true(w->part_count < 256);
	w->parts[w->part_count++] = (struct part){ w->out.len, kind };
}

static inline void w_bytes(struct writer *w, const void *bytes, size_t n)
{
	assert_int_equal(buf_append(&w->out, bytes, n), 0);
}

static inline void put(uint8_t *block, size_t at, size_t max, const char *text, size_t raw_len)
{
	if (!text)
		return;
	if (!raw_len)
		raw_len = strlen(text);
	memcpy(block + at, text, raw_len < max ? raw_len : max);
}

static inline void w_sum(uint8_t *block, bool as_signed)
{
	char text[16];
	int sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += as_signed ? (int8_t)block[i] : block[i];
	snprintf(text, sizeof(text), "%06o", (unsigned)sum);
	memcpy(block + 148, text, 7);
}

static inline void fill_block(uint8_t block[TAR_BLOCK], const struct head *h)
{
	char size[16];

	memset(block, 0, TAR_BLOCK);
	put(block, 0, 100, h->name, 0);
	put(block, 100, 8, h->mode ? h->mode : "0000644", 0);
	put(block, 108, 8, h->uid ? h->uid : "0001750", h->uid ? h->raw_len : 0);
	put(block, 116, 8, h->gid ? h->gid : "0001751", h->gid ? h->raw_len : 0);
	snprintf(size, sizeof(size), "%011" PRIo64, h->size);
	put(block, 124, 12, h->size_text ? h->size_text : size, h->size_text ? h->raw_len : 0);
	put(block, 136, 12, h->mtime ? h->mtime : "14371573475", 0);
	block[156] = (uint8_t)h->flag;
	put(block, 157, 100, h->link, 0);
	put(block, 257, 8, h->magic ? h->magic : USTAR, h->magic && !h->magic[0] ? 0 : 8);
	put(block, 265, 32, h->uname, 0);
	put(block, 297, 32, h->gname, 0);
	put(block, 329, 8, h->major, 0);
	put(block, 337, 8, h->minor, 0);
	put(block, 345, 155, h->prefix, 0);
	put(block, 508, 4, h->star, 0);
	w_sum(block, h->signed_sum);
}

static inline void w_block(struct writer *w, const uint8_t block[TAR_BLOCK])
{
	w_part(w, PART_HEADER);
	w_bytes(w, block, TAR_BLOCK);
}

static inline void w_header(struct writer *w, struct head h)
{
	uint8_t block[TAR_BLOCK];

	fill_block(block, &h);
	w_block(w, block);
}

static inline void w_body(struct writer *w, const void *bytes, size_t n)
{
	static const uint8_t zeros[TAR_BLOCK];

	if (n) {
		w_part(w, PART_BODY);
		w_bytes(w, bytes, n);
	}
	if (n % TAR_BLOCK) {
		w_part(w, PART_PADDING);
		w_bytes(w, zeros, TAR_BLOCK - n % TAR_BLOCK);
	}
}

static inline void w_file(struct writer *w, struct head h, const void *bytes, size_t n)
{
	h.size = n;
	w_header(w, h);
	w_body(w, bytes, n);
}

/* An extended header of flag 'x' or 'g', or 'L' or 'K', around raw bytes. */
static inline void w_extended(struct writer *w, char flag, const void *bytes, size_t n)
{
	w_file(w,
	       (struct head){ .flag = flag, .name = "extended", .magic = flag < 'a' ? GNU : USTAR },
	       bytes, n);
}

static inline void w_record_raw(struct buf *b, const char *key, const void *value, size_t n)
{
	size_t len = strlen(key) + n + 3, digits = 1;

	for (size_t ten = 10; len + digits >= ten; ten *= 10)
		digits++;
	assert_int_equal(buf_printf(b, "%zu %s=", len + digits, key), 0);
	assert_int_equal(buf_append(b, value, n), 0);
	assert_int_equal(buf_append(b, "\n", 1), 0);
}

/* Key, value, key, value, ..., NULL as one extended header. */
static inline void w_pax(struct writer *w, char flag, ...)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	const char *key;
	va_list ap;

	va_start(ap, flag);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		w_record_raw(&b, key, value, strlen(value));
	}
	va_end(ap);
	w_extended(w, flag, b.data, b.len);
}

static inline void w_end(struct writer *w)
{
	static const uint8_t zeros[TAR_BLOCK];

	w_part(w, PART_HEADER);
	w_bytes(w, zeros, TAR_BLOCK);
	w_part(w, PART_HEADER);
	w_bytes(w, zeros, TAR_BLOCK);
}

#define say(out, ...) assert_int_equal(buf_printf(out, __VA_ARGS__), 0)

/* Reads bytes in pieces of chunk (0: whole) and writes down all that the reader tells. Returns its
 * last result. */
static inline int tell(const void *bytes, size_t n, size_t chunk, const struct limits *limits,
		       struct buf *out)
{
	_cleanup_(stream_closep) struct stream *s = NULL;
	_cleanup_(tar_reader_freep) struct tar_reader *r = NULL;
	struct tar_entry e;
	struct error err = { 0 };
	int ret;

	assert_int_equal(stream_open_memory(&s, bytes, n, &err), 0);
	if (chunk) {
		struct stream *inner = s;

		assert_int_equal(stream_open_chunked(&s, inner, chunk, &err), 0);
	}
	assert_int_equal(tar_reader_new(&r, s, limits, &err), 0);
	while ((ret = tar_reader_next(r, &e, &err)) == 0) {
		assert_int_equal(e.name[e.name_len], 0);
		assert_int_equal(e.link[e.link_len], 0);
		say(out, "%c%s %.*s>%.*s %" PRId64 ":%" PRId64 " size %" PRIu64 "/%" PRIu64, e.type,
		    e.was_sparse ? "S" : "", (int)e.name_len, e.name, (int)e.link_len, e.link,
		    e.uid, e.gid, e.size, e.body_size);
		say(out,
		    " at %" PRIu64 ",%" PRIu64 ",%" PRIu64 " src %d%d gnu %" PRId64 ":%" PRId64,
		    e.start_offset, e.header_offset, e.body_offset, (int)e.uid_source,
		    (int)e.gid_source, e.uid_gnu, e.gid_gnu);
		say(out, " %o %.*s:%.*s t%" PRId64 " d%u,%u", e.mode, (int)e.uname_len, e.uname,
		    (int)e.gname_len, e.gname, e.mtime, e.devmajor, e.devminor);
		for (size_t i = 0; i < e.xattr_count; i++) {
			const struct tar_xattr *x = &e.xattrs[i];

			assert_memory_equal((const uint8_t *)bytes + x->value_offset, x->value,
					    x->value_len);
			say(out, " [%.*s %zu]", (int)x->name_len, x->name, x->value_len);
		}
		say(out, "\n");
	}
	if (ret < 0)
		say(out, "%s: %s\n", err_name(err.code), err.msg);
	else
		say(out, "end %u at %" PRIu64 "\n", tar_reader_oddities(r), tar_reader_offset(r));
	assert_int_equal(tar_reader_next(r, &e, &err), ret == 1 ? 1 : -ERR_SEQUENCE);
	return ret;
}

/* The archive in one piece, with the usual limits. */
static inline int w_tell(const struct writer *w, struct buf *out)
{
	struct limits limits = limits_default();

	return tell(w->out.data, w->out.len, 0, &limits, out);
}
