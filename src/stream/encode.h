/* Compression of a layer, pushed in as bytes and written in parallel, the same bytes whatever the
 * number of threads and the machine, for the input is cut at fixed places. gzip: one member a MiB
 * (RFC 1952 section 2.2 allows several) by libdeflate, with neither name nor time in its header.
 * zstd: one frame (RFC 8878 section 3.1) by libzstd, with a checksum, in jobs of 8 MiB. Another
 * version of those libraries may choose other bytes; they decode alike.
 *
 * Memory is bounded by ENCODER_MEMORY whatever the input, the level and the cores.
 */
#pragma once

#include "stream/codec.h"

#define ENCODER_MEMORY (208u << 20) /* bytes of chunks and tables, about */

/* Takes encoded bytes, in order; borrowed for the call. Called on the thread that calls
 * encoder_write or encoder_finish, never on another. Below 0 ends the encoding with that error. */
typedef int encoder_sink_fn(void *ctx, const void *bytes, size_t n, struct error *err);

struct encoder_options {
	enum codec codec; /* CODEC_NONE hands the bytes on as they come */
	int level;	  /* 0: ENCODER_LEVEL_GZIP or ENCODER_LEVEL_ZSTD; gzip 1-12, zstd 1-19 */
	unsigned threads; /* that compress; 0: one a core. The bytes do not depend on it */
	encoder_sink_fn *sink;
	void *ctx;
};

#define ENCODER_LEVEL_GZIP 6 /* the size of gzip -6 */
#define ENCODER_LEVEL_ZSTD 3 /* the size of zstd, containerd and BuildKit by default */

struct encoder;

/* True for codecs that encoder_new takes: none, gzip, zstd. */
bool encoder_has(enum codec codec);

/* Borrows nothing of opts but ctx. ERR_UNSUPPORTED for another codec, ERR_BUG for a level out of
 * range. A host that gives no thread gets the same gzip from the calling one, and ERR_NOMEM from
 * zstd, at encoder_new or at a write. */
int encoder_new(struct encoder **out, const struct encoder_options *opts,
		struct error *err) _must_check_;
/* Ends the threads; what was not finished is dropped. */
void encoder_free(struct encoder *e);
DEFINE_CLEANUP(struct encoder, encoder_free)

/* Any number of bytes, copied. An error (of sink, or ERR_NOMEM) is final: each later call gives
 * ERR_SEQUENCE. */
int encoder_write(struct encoder *e, const void *bytes, size_t n, struct error *err) _must_check_;

/* Writes what is left, and an empty member or frame where nothing was written. Once; ERR_SEQUENCE
 * after it. */
int encoder_finish(struct encoder *e, struct error *err) _must_check_;

uint64_t encoder_bytes_in(const struct encoder *e);
uint64_t encoder_bytes_out(const struct encoder *e);

/* The lowest level, from gzip 1 to 7 and zstd 3 to 19, whose output is as small as the stored bytes
 * are, from gzip 5 and for zstd within 1.5 %: of the first 64 MiB of stored (a blob as stored;
 * closed here, success or not) pieces are encoded again, ENCODER_SAMPLE bytes at most. Depends on
 * the bytes alone. The highest level where none gets there; *level is 0 for CODEC_NONE and for what
 * encoder_has does not know. Errors are those of reading and decoding. */
#define ENCODER_SAMPLE (8u << 20)
int encoder_level_like(int *level, struct stream *stored, const struct limits *limits,
		       struct error *err) _must_check_;
