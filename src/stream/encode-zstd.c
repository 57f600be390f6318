/* zstd frames by libzstd, each with its size and a checksum. Every chunk gets a context of its own:
 * since 1.5.5 a used one salts its hash tables, and one that is made anew depends on nothing.
 * libzstd's own threads are not used: their job size follows the window, hence the level and the
 * version, and a worker of ours serves both codecs.
 */
#include <zstd.h>

#include "stream/encode-impl.h"

/* 8 MiB: 0.5 % larger than one frame over all; 4 MiB would be 2 %. */
#define CHUNK (8u << 20)

static const int levels[] = { ENCODER_LEVEL_ZSTD, 6, 9, 12, 15, 19, 0 };

/* Of libzstd 1.5.4 on a chunk, as ZSTD_estimateCCtxSize_usingCParams tells. */
static size_t zstd_state_size(int level)
{
	static const struct {
		int level;
		size_t mib;
	} sizes[] = { { 6, 4 }, { 8, 7 }, { 11, 25 }, { 19, 82 } };
	size_t i = 0;

	while (level > sizes[i].level)
		i++;
	return sizes[i].mib << 20;
}

struct state {
	int level;
};

static void *zstd_open(int level)
{
	struct state *s = malloc(sizeof(*s));

	if (s)
		s->level = level;
	return s;
}

static size_t zstd_bound(void *state, size_t n)
{
	(void)state;
	return ZSTD_compressBound(n);
}

static int zstd_chunk(void *state, const uint8_t *in, size_t n, uint8_t *out, size_t room,
		      size_t *len, struct error *err)
{
	const struct state *s = state;
	ZSTD_CCtx *ctx = ZSTD_createCCtx();

	if (!ctx)
		return err_nomem(err);
	*len = ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, s->level);
	if (!ZSTD_isError(*len))
		*len = ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	if (!ZSTD_isError(*len))
		*len = ZSTD_compress2(ctx, out, room, in, n);
	ZSTD_freeCCtx(ctx);
	if (!ZSTD_isError(*len))
		return 0;
	return err_fail(err, ERR_NOMEM, 0, "zstd: %s", ZSTD_getErrorName(*len));
}

static void zstd_close(void *state)
{
	free(state);
}

const struct encode_ops encode_zstd = {
	.name = "zstd",
	.chunk = CHUNK,
	.level_default = ENCODER_LEVEL_ZSTD,
	.level_max = 19, /* above it windows pass 8 MiB, which decoders may refuse */
	.levels = levels,
	.state_size = zstd_state_size,
	.open = zstd_open,
	.bound = zstd_bound,
	.chunk_encode = zstd_chunk,
	.close = zstd_close,
};
