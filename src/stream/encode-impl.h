/* Private to src/stream: what one encode-*.c gives to the encoder that all codecs share (encode.c).
 * A codec either turns one chunk into one whole member, and encode.c cuts, runs the threads and
 * keeps the order; or its library does all of that, and bytes are pushed through it.
 */
#pragma once

#include "stream/encode.h"

#define ENCODE_SAMPLE_MIN (1u << 20)

/* What encoder_level_like may choose. */
struct encode_level {
	int level;
	unsigned slack; /* thousandths that it may be larger than what it is to be like */
};

struct encode_ops {
	const char *name;
	int level_default, level_max;
	const struct encode_level *levels; /* each smaller and slower than the one before */
	size_t level_count;
	/* Bytes of each piece that levels are tried on: divides ENCODER_SAMPLE to an even number,
	 * and is ENCODE_SAMPLE_MIN at least. */
	size_t sample;
	/* Bytes that so many threads take, about, for ENCODER_MEMORY. */
	size_t (*memory)(int level, unsigned threads);

	/* Bytes of input a member; part of the format, never changed by a machine. 0: it streams.
	 */
	size_t chunk;
	/* One state a thread; NULL where memory is short. */
	void *(*open)(int level);
	size_t (*bound)(void *state, size_t n); /* room that n bytes (<= chunk) need */
	/* *len is what was written; out has room for bound(n). The bytes depend on the input and
	 * the level alone, not on what the state did before. */
	int (*chunk_encode)(void *state, const uint8_t *in, size_t n, uint8_t *out, size_t room,
			    size_t *len, struct error *err);

	/* One state for all; the bytes do not depend on threads, nor on how they are pushed. */
	int (*stream_open)(void **state, int level, unsigned threads, struct error *err);
	/* end: nothing follows. What comes out goes to sink. */
	int (*stream_push)(void *state, const uint8_t *in, size_t n, bool end,
			   encoder_sink_fn *sink, void *ctx, struct error *err);

	void (*close)(void *state);
};

#define ENCODE_WAITING 2 /* chunks in the ring besides one a thread: one to fill, one to write */

extern const struct encode_ops encode_gzip, encode_zstd;
