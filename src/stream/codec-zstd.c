/* zstd, RFC 8878: frames and skippable frames are its members. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "stream/codec-impl.h"

#define HEADER_MAX 18 /* section 3.1.1.1: magic, descriptor, window, dictionary, content size */

struct zstd {
	ZSTD_DCtx *ctx;
	struct limits limits;
	uint8_t header[HEADER_MAX]; /* the first bytes of this frame */
	size_t header_len;
	uint64_t made; /* bytes that came out of this frame */
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
	z->header_len = 0;
	z->made = 0;
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

/* A frame or a skippable one. libzstd may be built to read its older formats too, which no image
 * may have and which nobody looks after: they end here. */
static bool zstd_magic(unsigned i, uint8_t byte)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd },
			     skippable[] = { 0x50, 0x2a, 0x4d, 0x18 };

	return byte == frame[i] || (i == 0 ? byte & 0xf0 : byte) == skippable[i];
}

/* libzstd (1.5.4) does not compare the size that a frame declares where its last block is empty:
 * done here. */
static int size_check(struct zstd *z, struct error *err)
{
	unsigned long long size = ZSTD_getFrameContentSize(z->header, z->header_len);

	if (size != ZSTD_CONTENTSIZE_UNKNOWN && size != z->made)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"the frame does not have the size it declares");
	return 1;
}

static int zstd_step(void *state, struct codec_io *io, struct error *err)
{
	struct zstd *z = state;
	/* A frame that lies whole in the input goes another way through libzstd, with other checks
	 * (an RLE block of no bytes). The first byte alone keeps all of them on one way. */
	ZSTD_inBuffer in = { io->in, z->header_len ? io->in_len : MIN(io->in_len, 1u), 0 };
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };
	size_t r = ZSTD_decompressStream(z->ctx, &out, &in);
	size_t head = MIN(in.pos, HEADER_MAX - z->header_len);

	memcpy(z->header + z->header_len, io->in, head);
	z->header_len += head;
	z->made += out.pos;
	codec_io_pass(io, in.pos, out.pos);
	if (ZSTD_isError(r))
		return zstd_error(z, r, err);
	return r == 0 ? size_check(z, err) : 0;
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.magic_len = 4,
	.magic = zstd_magic,
	.open = zstd_open,
	.reset = zstd_reset,
	.step = zstd_step,
	.close = zstd_close,
};
