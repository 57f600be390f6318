/* bzip2; the library checks each block's and each stream's CRC. */
#include <bzlib.h>
#include <stdlib.h>

#include "stream/codec-impl.h"

struct bzip2 {
	bz_stream z;
	bool ready;
};

static int bzip2_begin(struct bzip2 *b, struct error *err)
{
	b->z = (bz_stream){ 0 };
	if (BZ2_bzDecompressInit(&b->z, 0, 0) != BZ_OK)
		return err_nomem(err);
	b->ready = true;
	return 0;
}

static int bzip2_open(void **state, const struct limits *limits _unused_, struct error *err)
{
	struct bzip2 *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_nomem(err);
	r = bzip2_begin(b, err);
	if (r < 0) {
		free(b);
		return r;
	}
	*state = b;
	return 0;
}

static void bzip2_end(struct bzip2 *b)
{
	if (b->ready)
		BZ2_bzDecompressEnd(&b->z);
	b->ready = false;
}

static int bzip2_reset(void *state, struct error *err)
{
	bzip2_end(state);
	return bzip2_begin(state, err);
}

static void bzip2_close(void *state)
{
	bzip2_end(state);
	free(state);
}

static bool bzip2_magic(unsigned i, uint8_t byte)
{
	return i == 3 ? byte >= '1' && byte <= '9' : byte == "BZh"[i];
}

static int bzip2_step(void *state, struct codec_io *io, struct error *err)
{
	struct bzip2 *b = state;
	int r;

	b->z.next_in = (char *)(uintptr_t)io->in; /* read only */
	b->z.avail_in = (unsigned)io->in_len;
	b->z.next_out = (char *)io->out;
	b->z.avail_out = (unsigned)io->out_len;
	r = BZ2_bzDecompress(&b->z);
	codec_io_pass(io, io->in_len - b->z.avail_in, io->out_len - b->z.avail_out);
	switch (r) {
	case BZ_STREAM_END:
		return 1;
	case BZ_OK:
		return 0;
	case BZ_MEM_ERROR:
		return err_nomem(err);
	default:
		return err_fail(err, ERR_BAD_INPUT, 0, "damaged data or wrong checksum");
	}
}

const struct codec_ops codec_bzip2 = {
	.name = "bzip2",
	.magic_len = 4,
	.magic = bzip2_magic,
	.open = bzip2_open,
	.reset = bzip2_reset,
	.step = bzip2_step,
	.close = bzip2_close,
};
