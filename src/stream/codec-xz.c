/* xz, "The .xz File Format" 1.1: several streams, with padding in units of four bytes between them.
 */
#include <lzma.h>
#include <stdlib.h>

#include "stream/codec-impl.h"

struct xz {
	lzma_stream z;
	struct limits limits;
};

/* Memory of the stream before is used again. */
static int xz_reset(void *state, struct error *err)
{
	struct xz *x = state;
	lzma_ret r = lzma_stream_decoder(&x->z, x->limits.v[LIMIT_XZ_MEMORY],
					 LZMA_TELL_UNSUPPORTED_CHECK);

	return r == LZMA_OK ? 0 : err_nomem(err);
}

static int xz_open(void **state, const struct limits *limits, struct error *err)
{
	struct xz *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return err_nomem(err);
	x->z = (lzma_stream)LZMA_STREAM_INIT;
	x->limits = *limits;
	r = xz_reset(x, err);
	if (r < 0) {
		lzma_end(&x->z);
		free(x);
		return r;
	}
	*state = x;
	return 0;
}

static void xz_close(void *state)
{
	struct xz *x = state;

	lzma_end(&x->z);
	free(x);
}

static bool xz_magic(unsigned i, uint8_t byte)
{
	return byte == (uint8_t) "\xfd"
				 "7zXZ"[i];
}

static int xz_error(struct xz *x, lzma_ret code, struct error *err)
{
	switch (code) {
	case LZMA_MEM_ERROR:
		return err_nomem(err);
	case LZMA_MEMLIMIT_ERROR:
		return limit_passed(&x->limits, LIMIT_XZ_MEMORY, "memory that the stream needs",
				    err);
	case LZMA_UNSUPPORTED_CHECK:
		return err_fail(err, ERR_UNSUPPORTED, 0, "an unknown kind of checksum");
	case LZMA_OPTIONS_ERROR:
		return err_fail(err, ERR_UNSUPPORTED, 0, "unknown options or filters");
	default:
		return err_fail(err, ERR_BAD_INPUT, 0, "damaged data or wrong checksum");
	}
}

static int xz_step(void *state, struct codec_io *io, struct error *err)
{
	struct xz *x = state;
	lzma_ret r;

	x->z.next_in = io->in;
	x->z.avail_in = io->in_len;
	x->z.next_out = io->out;
	x->z.avail_out = io->out_len;
	r = lzma_code(&x->z, LZMA_RUN);
	codec_io_pass(io, io->in_len - x->z.avail_in, io->out_len - x->z.avail_out);
	if (r == LZMA_STREAM_END)
		return 1;
	/* LZMA_BUF_ERROR: twice nothing to do; codec-stream.c counts. */
	if (r == LZMA_OK || r == LZMA_BUF_ERROR)
		return 0;
	return xz_error(x, r, err);
}

const struct codec_ops codec_xz = {
	.name = "xz",
	.magic_len = 6,
	.magic = xz_magic,
	.padding_between = 4,
	.open = xz_open,
	.reset = xz_reset,
	.step = xz_step,
	.close = xz_close,
};
