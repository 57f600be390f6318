/* Private to src/stream: what one encode-*.c gives to the encoder that all codecs share (encode.c):
 * one chunk in, one whole member or frame out. encode.c cuts, runs the threads and keeps the order.
 */
#pragma once

#include "stream/encode.h"

struct encode_ops {
	const char *name;
	size_t chunk; /* bytes of input a member; part of the format, never changed by a machine */
	int level_default, level_max;
	const int *levels; /* what encoder_level_like tries, ending with 0 */
	/* Bytes that a thread takes besides its chunk, about, for ENCODER_MEMORY. */
	size_t (*state_size)(int level);
	/* One state a thread; NULL where memory is short. */
	void *(*open)(int level);
	size_t (*bound)(void *state, size_t n); /* room that n bytes (<= chunk) need */
	/* *len is what was written; out has room for bound(n). The bytes depend on the input and
	 * the level alone, not on what the state did before. */
	int (*chunk_encode)(void *state, const uint8_t *in, size_t n, uint8_t *out, size_t room,
			    size_t *len, struct error *err);
	void (*close)(void *state);
};

extern const struct encode_ops encode_gzip, encode_zstd;
