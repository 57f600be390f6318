/* What the stream tests share: sample bytes, encoders, and one call that decodes and compares. */
#pragma once

#include <bzlib.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "stream/codec.h"

struct variant {
	const char *name;
	enum codec codec;
	const char *engine; /* UIDFIT_CODEC */
};

static const struct variant variants[] = {
#ifdef HAVE_ISAL
	{ "gzip by ISA-L", CODEC_GZIP, "isal" },
#endif
	{ "gzip by zlib", CODEC_GZIP, "zlib" },
	{ "zstd", CODEC_ZSTD, "" },
	{ "bzip2", CODEC_BZIP2, "" },
	{ "xz", CODEC_XZ, "" },
};

/* Compressible, without a period; the same on every run. */
static inline void sample_fill(uint8_t *p, size_t n, uint32_t seed)
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (x >> 28) < 6 && i > 40 ? p[i - 1 - ((x >> 20) & 31)]
					       : (uint8_t)('a' + (x >> 27));
	}
}

static inline void pack_bytes(struct buf *out, const void *bytes, size_t n)
{
	assert_int_equal(buf_append(out, bytes, n), 0);
}

static inline void pack_raw_deflate(struct buf *out, const void *bytes, size_t n)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(buf_reserve(out, deflateBound(&z, n)), 0);
	z.next_in = (Bytef *)(uintptr_t)bytes;
	z.avail_in = (uInt)n;
	z.next_out = out->data + out->len;
	z.avail_out = (uInt)(out->cap - out->len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static inline void pack_le32(struct buf *out, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	pack_bytes(out, b, 4);
}

/* One gzip member behind the given header. */
static inline void pack_gzip_behind(struct buf *out, const void *header, size_t header_len,
				    const void *bytes, size_t n)
{
	pack_bytes(out, header, header_len);
	pack_raw_deflate(out, bytes, n);
	pack_le32(out, (uint32_t)crc32(0, bytes, (uInt)n));
	pack_le32(out, (uint32_t)n);
}

/* A header with every field of RFC 1952. */
static inline void gzip_full_header(struct buf *h, size_t name_len)
{
	uint32_t crc;

	pack_bytes(h, "\x1f\x8b\x08\x1e\x01\x02\x03\x04\x00\x03", 10);
	pack_bytes(h,
		   "\x05\x00"
		   "extra",
		   7);
	for (size_t i = 0; i < name_len; i++)
		pack_bytes(h, "n", 1);
	pack_bytes(h, "\0comment", 9);
	crc = (uint32_t)crc32(0, h->data, (uInt)h->len);
	pack_bytes(h, (uint8_t[]){ (uint8_t)crc, (uint8_t)(crc >> 8) }, 2);
}

static inline void pack_zstd(struct buf *out, const void *bytes, size_t n)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t r;

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	assert_int_equal(buf_reserve(out, ZSTD_compressBound(n)), 0);
	r = ZSTD_compress2(c, out->data + out->len, out->cap - out->len, bytes, n);
	assert_false(ZSTD_isError(r));
	out->len += r;
	ZSTD_freeCCtx(c);
}

static inline void pack_bzip2(struct buf *out, const void *bytes, size_t n)
{
	unsigned len = (unsigned)(n + n / 100 + 700);

	assert_int_equal(buf_reserve(out, len), 0);
	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out->data + out->len, &len,
						  (char *)(uintptr_t)bytes, (unsigned)n, 1, 0, 0),
			 BZ_OK);
	out->len += len;
}

static inline void pack_xz(struct buf *out, const void *bytes, size_t n)
{
	size_t pos = 0;

	assert_int_equal(buf_reserve(out, lzma_stream_buffer_bound(n)), 0);
	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, bytes, n,
						 out->data + out->len, &pos, out->cap - out->len),
			 LZMA_OK);
	out->len += pos;
}

static inline void pack(struct buf *out, enum codec c, const void *bytes, size_t n)
{
	static const char plain_header[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";

	switch (c) {
	case CODEC_GZIP:
		pack_gzip_behind(out, plain_header, 10, bytes, n);
		break;
	case CODEC_ZSTD:
		pack_zstd(out, bytes, n);
		break;
	case CODEC_BZIP2:
		pack_bzip2(out, bytes, n);
		break;
	case CODEC_XZ:
		pack_xz(out, bytes, n);
		break;
	default:
		pack_bytes(out, bytes, n);
	}
}

/* Decodes n bytes, given in pieces of chunk (0: whole), to the end or to a failure, which is
 * returned; out gets all that came before it. */
static inline int unpack_limits(const struct variant *v, const void *bytes, size_t n, size_t chunk,
				const struct limits *limits, struct buf *out, struct error *err)
{
	struct stream *s, *in;
	struct block *b;
	int r;

	setenv("UIDFIT_CODEC", v->engine, 1);
	assert_int_equal(stream_open_memory(&in, bytes, n, err), 0);
	if (chunk) {
		assert_int_equal(stream_open_chunked(&s, in, chunk, err), 0);
		in = s;
	}
	assert_int_equal(codec_open(&s, v->codec, in, limits, err), 0);
	while ((r = stream_next(s, &b, err)) == 0) {
		assert_true(b->len > 0);
		pack_bytes(out, b->data, b->len);
		block_unref(b);
	}
	assert_null(b);
	/* Whatever came last comes again. */
	assert_int_equal(stream_next(s, &b, err), r);
	assert_int_equal(stream_next(s, &b, NULL), r);
	stream_close(s);
	return r == 1 ? 0 : r;
}

static inline int unpack(const struct variant *v, const void *bytes, size_t n, size_t chunk,
			 struct buf *out, struct error *err)
{
	struct limits l = limits_default();

	return unpack_limits(v, bytes, n, chunk, &l, out, err);
}
