/* zstd, RFC 8878: frames and skippable frames are its members. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "stream/codec-impl.h"

#define MAGIC_SIZE 4

struct zstd {
	ZSTD_DCtx *ctx;
	struct limits limits;
	/* The magic is gathered and judged here: libzstd may be built to read its older formats too, which no image
	 * may have and which nobody looks after. */
	uint8_t magic[MAGIC_SIZE];
	unsigned magic_len;
};

/* The library takes powers of two alone; a limit between two of them counts as the lower. */
static int window_log(uint64_t limit)
{
	ZSTD_bounds b = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
	int log = b.lowerBound;

	while (log < b.upperBound && (UINT64_C(2) << log) <= limit)
		log++;
	return log;
}

static int zstd_open(void **state, const struct limits *limits, struct error *err)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (!z)
		return err_nomem(err);
	z->ctx = ZSTD_createDCtx();
	if (!z->ctx) {
		free(z);
		return err_nomem(err);
	}
	z->limits = *limits;
	ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_windowLogMax,
			       window_log(limits->v[LIMIT_ZSTD_WINDOW]));
	*state = z;
	return 0;
}

static int zstd_reset(void *state, struct error *err _unused_)
{
	struct zstd *z = state;

	ZSTD_DCtx_reset(z->ctx, ZSTD_reset_session_only);
	z->magic_len = 0;
	return 0;
}

static void zstd_close(void *state)
{
	struct zstd *z = state;

	ZSTD_freeDCtx(z->ctx);
	free(z);
}

static int zstd_error(struct zstd *z, size_t code, struct error *err)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return limit_passed(&z->limits, LIMIT_ZSTD_WINDOW, "window of a frame", err);
	case ZSTD_error_memory_allocation:
		return err_nomem(err);
	case ZSTD_error_dictionary_wrong:
		return err_fail(err, ERR_UNSUPPORTED, 0, "the frame needs a dictionary");
	case ZSTD_error_frameParameter_unsupported:
		return err_fail(err, ERR_UNSUPPORTED, 0, "%s", ZSTD_getErrorName(code));
	default:
		return err_fail(err, ERR_BAD_INPUT, 0, "%s", ZSTD_getErrorName(code));
	}
}

static int zstd_run(struct zstd *z, ZSTD_inBuffer *in, struct codec_io *io, struct error *err)
{
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };
	size_t r = ZSTD_decompressStream(z->ctx, &out, in);

	codec_io_pass(io, 0, out.pos);
	if (ZSTD_isError(r))
		return zstd_error(z, r, err);
	return r == 0;
}

static int magic_step(struct zstd *z, struct codec_io *io, struct error *err)
{
	ZSTD_inBuffer in = { z->magic, MAGIC_SIZE, 0 };
	size_t n = MIN(io->in_len, (size_t)(MAGIC_SIZE - z->magic_len));

	memcpy(z->magic + z->magic_len, io->in, n);
	codec_io_pass(io, n, 0);
	z->magic_len += (unsigned)n;
	if (z->magic_len < MAGIC_SIZE)
		return 0;
	if (codec_detect(z->magic, MAGIC_SIZE) != CODEC_ZSTD) {
		io->foreign = true;
		return err_fail(err, ERR_BAD_INPUT, 0, "no zstd frame");
	}
	return zstd_run(z, &in, io, err);
}

static int zstd_step(void *state, struct codec_io *io, struct error *err)
{
	struct zstd *z = state;
	ZSTD_inBuffer in;
	int r;

	if (z->magic_len < MAGIC_SIZE) {
		r = magic_step(z, io, err);
		if (r < 0 || z->magic_len < MAGIC_SIZE)
			return r;
	}
	in = (ZSTD_inBuffer){ io->in, io->in_len, 0 };
	r = zstd_run(z, &in, io, err);
	codec_io_pass(io, in.pos, 0);
	return r;
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.open = zstd_open,
	.reset = zstd_reset,
	.step = zstd_step,
	.close = zstd_close,
};
