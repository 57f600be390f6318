/* Deflate by zlib; the trailer (RFC 1952, section 2.3.1: CRC-32 and length modulo 2^32) is checked
 * here. */
#include <stdlib.h>
#include <zlib.h>

#include "stream/codec-impl.h"

#define TRAILER_SIZE 8

struct zlib {
	z_stream z;
	unsigned long crc;
	uint32_t length;
	bool in_trailer;
	unsigned trailer_len;
	uint64_t trailer;
};

static void zlib_begin(struct zlib *s)
{
	s->crc = crc32(0, NULL, 0);
	s->length = 0;
	s->in_trailer = false;
	s->trailer_len = 0;
	s->trailer = 0;
}

static void *zlib_open(void)
{
	struct zlib *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (inflateInit2(&s->z, -MAX_WBITS) != Z_OK) {
		free(s);
		return NULL;
	}
	zlib_begin(s);
	return s;
}

static void zlib_reset(void *state)
{
	struct zlib *s = state;

	inflateReset(&s->z);
	zlib_begin(s);
}

static void zlib_close(void *state)
{
	struct zlib *s = state;

	inflateEnd(&s->z);
	free(s);
}

static int trailer_step(struct zlib *s, struct codec_io *io, struct error *err)
{
	while (s->trailer_len < TRAILER_SIZE && io->in_len > 0) {
		s->trailer |= (uint64_t)*io->in << (8 * s->trailer_len++);
		codec_io_pass(io, 1, 0);
	}
	if (s->trailer_len < TRAILER_SIZE)
		return 0;
	if (s->trailer != ((uint64_t)s->crc | (uint64_t)s->length << 32))
		return err_fail(err, ERR_BAD_INPUT, 0, "wrong checksum or length");
	return 1;
}

static int zlib_step(void *state, struct codec_io *io, struct error *err)
{
	struct zlib *s = state;
	uint8_t *out = io->out;
	size_t made;
	int r;

	if (s->in_trailer)
		return trailer_step(s, io, err);
	s->z.next_in = (Bytef *)(uintptr_t)io->in; /* read only */
	s->z.avail_in = (uInt)io->in_len;
	s->z.next_out = io->out;
	s->z.avail_out = (uInt)io->out_len;
	r = inflate(&s->z, Z_NO_FLUSH);
	made = io->out_len - s->z.avail_out;
	codec_io_pass(io, io->in_len - s->z.avail_in, made);
	s->crc = crc32(s->crc, out, (uInt)made);
	s->length += (uint32_t)made;
	switch (r) {
	case Z_STREAM_END:
		s->in_trailer = true;
		return trailer_step(s, io, err);
	case Z_OK:
	case Z_BUF_ERROR:
		return 0;
	case Z_MEM_ERROR:
		return err_nomem(err);
	default:
		return err_fail(err, ERR_BAD_INPUT, 0, "%s",
				s->z.msg ? s->z.msg : "invalid deflate data");
	}
}

const struct gzip_engine gzip_zlib = {
	.name = "zlib",
	.open = zlib_open,
	.reset = zlib_reset,
	.step = zlib_step,
	.close = zlib_close,
};
