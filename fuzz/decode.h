/* What the fuzz targets of decoders share: decode bytes cut into pieces, and compare two such runs.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "stream/codec.h"

#define DECODE_MAX (4u << 20)

#define REQUIRE(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct decoded {
	struct buf out;
	struct error err;
	int status; /* 1 the end, < 0 failed */
};

static inline struct decoded decode(enum codec c, const uint8_t *bytes, size_t n, size_t piece)
{
	struct limits l = limits_default();
	struct decoded d = { .status = 0 };
	struct stream *in, *s;
	struct block *b;

	l.v[LIMIT_LAYER_SIZE] = DECODE_MAX;
	l.v[LIMIT_ZSTD_WINDOW] = l.v[LIMIT_XZ_MEMORY] = 16u << 20;
	REQUIRE(stream_open_memory(&in, bytes, n, &d.err) == 0);
	REQUIRE(stream_open_chunked(&s, in, piece, &d.err) == 0);
	REQUIRE(codec_open(&in, c, s, &l, &d.err) == 0);
	while ((d.status = stream_next(in, &b, &d.err)) == 0) {
		REQUIRE(b->len > 0 && d.out.len + b->len <= DECODE_MAX);
		REQUIRE(buf_append(&d.out, b->data, b->len) == 0);
		block_unref(b);
	}
	REQUIRE(d.status == 1 || (d.err.code == (enum err_code) - d.status && d.err.msg[0]));
	REQUIRE(d.err.code != ERR_BUG);
	stream_close(in);
	return d;
}

static inline bool same_bytes(const struct decoded *a, const struct decoded *b)
{
	return a->out.len == b->out.len &&
	       (a->out.len == 0 || memcmp(a->out.data, b->out.data, a->out.len) == 0);
}

/* However the input is cut: the same outcome, and the same bytes where it is the end. */
static inline struct decoded decode_pieces(enum codec c, const uint8_t *bytes, size_t n,
					   size_t piece)
{
	struct decoded whole = decode(c, bytes, n, SIZE_MAX), cut = decode(c, bytes, n, piece);

	REQUIRE(whole.status == cut.status);
	REQUIRE(whole.status < 0 || same_bytes(&whole, &cut));
	buf_free(&cut.out);
	return whole;
}
