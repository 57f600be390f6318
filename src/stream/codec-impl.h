/* Private to src/stream: what one codec-*.c gives to the decoding stream that all codecs share
 * (codec-stream.c). That stream moves blocks, finds members and padding, holds the limit, proves
 * progress and puts codec and offset before every message; a codec only turns bytes of one member
 * into bytes.
 */
#pragma once

#include "stream/codec.h"

struct codec_io {
	const uint8_t *in;
	size_t in_len; /* <= CODEC_STEP_MAX; may be 0 while output is pending */
	uint8_t *out;
	size_t out_len; /* > 0, <= BLOCK_SIZE */
};

#define CODEC_STEP_MAX (1u << 24) /* fits every library's counter, far from their overflows */

struct codec_ops {
	const char *name;
	/* Whether byte can be the i-th of a member, for i below magic_len: junk behind a member is
	 * told from a member that was cut off by its first wrong byte. */
	unsigned magic_len;
	bool (*magic)(unsigned i, uint8_t byte);
	/* Zero padding may stand between members too, in units of so many bytes; 0: at the end
	 * alone. */
	unsigned padding_between;
	int (*open)(void **state, const struct limits *limits, struct error *err);
	/* Makes ready for another member. */
	int (*reset)(void *state, struct error *err);
	/* Advances io; the magic was seen to. 0: wants more input or more room; 1: the member
	 * ended, its checksums right. Room is left over only when nothing is pending. Messages name
	 * neither codec nor offset. */
	int (*step)(void *state, struct codec_io *io, struct error *err);
	void (*close)(void *state);
};

extern const struct codec_ops codec_gzip, codec_zstd, codec_bzip2, codec_xz;

int codec_stream_open(struct stream **out, const struct codec_ops *ops, struct stream *inner,
		      const struct limits *limits, struct error *err) _must_check_;

/* A raw deflate decoder behind the gzip header, which codec-gzip.c reads for all of them. */
struct gzip_engine {
	const char *name;    /* as UIDFIT_CODEC says it */
	void *(*open)(void); /* NULL where memory is short */
	void (*reset)(void *state);
	/* As codec_ops.step, from the first byte of deflate data; reads and checks the trailer too.
	 */
	int (*step)(void *state, struct codec_io *io, struct error *err);
	void (*close)(void *state);
};

extern const struct gzip_engine gzip_zlib;
#ifdef HAVE_ISAL
extern const struct gzip_engine gzip_isal;
#endif

static inline void codec_io_pass(struct codec_io *io, size_t in, size_t out)
{
	io->in += in;
	io->in_len -= in;
	io->out += out;
	io->out_len -= out;
}
