/* Deflate by ISA-L, which checks the gzip trailer itself (ISAL_GZIP_NO_HDR_VER).
 *
 * One difference to zlib and to Go's compress/flate is left: ISA-L takes a Huffman code that is
 * incomplete, as long as no bits without a meaning come up (fuzz-gzip-stream.c knows it). No writer
 * makes such a block; checksum and length are right all the same.
 */
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "stream/codec-impl.h"

static void isal_reset(void *state)
{
	/* Not isal_inflate_init: the options stay. The tables, most of its 100 KiB, are not
	 * touched. */
	isal_inflate_reset(state);
}

static void *isal_open(void)
{
	struct inflate_state *s;
	void *p;

	if (posix_memalign(&p, 64, sizeof(*s)))
		return NULL;
	s = p;
	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP_NO_HDR_VER;
	return s;
}

static int isal_error(int code, struct error *err)
{
	switch (code) {
	case ISAL_INVALID_BLOCK:
		return err_fail(err, ERR_BAD_INPUT, 0, "invalid deflate block");
	case ISAL_INVALID_SYMBOL:
		return err_fail(err, ERR_BAD_INPUT, 0, "invalid deflate code");
	case ISAL_INVALID_LOOKBACK:
		return err_fail(err, ERR_BAD_INPUT, 0, "a match begins before the data");
	case ISAL_INCORRECT_CHECKSUM:
		return err_fail(err, ERR_BAD_INPUT, 0, "wrong checksum or length");
	default:
		return err_fail(err, ERR_BAD_INPUT, 0, "invalid deflate data (%d)", code);
	}
}

static int isal_step(void *state, struct codec_io *io, struct error *err)
{
	struct inflate_state *s = state;
	int r;

	s->next_in = (uint8_t *)(uintptr_t)io->in; /* read only */
	s->avail_in = (uint32_t)io->in_len;
	s->next_out = io->out;
	s->avail_out = (uint32_t)io->out_len;
	r = isal_inflate(s);
	/* On damaged data ISA-L 2.30 may give back more bits than it took: avail_in wraps below 0.
	 */
	codec_io_pass(io, s->avail_in <= io->in_len ? io->in_len - s->avail_in : io->in_len,
		      io->out_len - s->avail_out);
	if (r < 0)
		return isal_error(r, err);
	return s->block_state == ISAL_BLOCK_FINISH;
}

const struct gzip_engine gzip_isal = {
	.name = "isal",
	.open = isal_open,
	.reset = isal_reset,
	.step = isal_step,
	.close = free,
};
#else
typedef int codec_gzip_isal_is_not_built; /* ISO C wants a declaration in each file */
#endif
