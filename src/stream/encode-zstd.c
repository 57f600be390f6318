/* One zstd frame with a checksum, by libzstd's own threads: the jobs are of fixed size and each
 * sees the whole window before it, so that a layer is as small as by one thread (frames of their
 * own lose a quarter where a file comes again 20 MiB later), and the bytes do not depend on the
 * number of threads, as long as there is one.
 */
#include <zstd.h>

#include "stream/encode-impl.h"

#define JOB	(8u << 20) /* never changed by a machine; the window at level 19 */
#define OUT	(256u << 10)
#define OVERLAP 9 /* the whole window */

struct state {
	ZSTD_CCtx *ctx;
	uint8_t out[OUT];
};

static const struct encode_level levels[] = {
	{ ENCODER_LEVEL_ZSTD, 15 }, { 6, 15 }, { 9, 15 }, { 12, 15 }, { 15, 15 }, { 19, 15 }
};

/* Measured with libzstd 1.5.4; the tables are what ZSTD_estimateCCtxSize_usingCParams tells. */
static size_t zstd_memory(int level, unsigned threads)
{
	static const struct {
		int level;
		size_t mib;
	} tables[] = { { 6, 4 }, { 8, 7 }, { 11, 25 }, { 18, 64 }, { 19, 82 } };
	size_t i = 0;

	while (level > tables[i].level)
		i++;
	return threads * ((tables[i].mib << 20) + JOB) + (26u << 20);
}

static void zstd_close(void *state)
{
	struct state *s = state;

	ZSTD_freeCCtx(s->ctx);
	free(s);
}

static int failed(size_t code, struct error *err)
{
	return err_fail(err, ERR_NOMEM, 0, "zstd: %s", ZSTD_getErrorName(code));
}

static int zstd_open(void **state, int level, unsigned threads, struct error *err)
{
	const struct {
		ZSTD_cParameter name;
		int value;
	} parameters[] = {
		{ ZSTD_c_compressionLevel, level }, { ZSTD_c_checksumFlag, 1 },
		{ ZSTD_c_nbWorkers, (int)threads }, { ZSTD_c_jobSize, (int)JOB },
		{ ZSTD_c_overlapLog, OVERLAP },
	};
	struct state *s = malloc(sizeof(*s));

	if (!s)
		return err_nomem(err);
	s->ctx = ZSTD_createCCtx();
	if (!s->ctx) {
		zstd_close(s);
		return err_nomem(err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		size_t r = ZSTD_CCtx_setParameter(s->ctx, parameters[i].name, parameters[i].value);

		if (ZSTD_isError(r)) {
			zstd_close(s);
			return err_fail(err, ERR_UNSUPPORTED, 0,
					"zstd: this libzstd is built without threads (%s)",
					ZSTD_getErrorName(r));
		}
	}
	*state = s;
	return 0;
}

static int zstd_push(void *state, const uint8_t *bytes, size_t n, bool end, encoder_sink_fn *sink,
		     void *ctx, struct error *err)
{
	ZSTD_inBuffer in = { bytes, n, 0 };
	struct state *s = state;
	size_t left;

	do {
		ZSTD_outBuffer out = { s->out, OUT, 0 };
		int r;

		left = ZSTD_compressStream2(s->ctx, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return failed(left, err);
		r = out.pos ? sink(ctx, s->out, out.pos, err) : 0;
		if (r < 0)
			return r;
	} while (end ? left > 0 : in.pos < in.size);
	return 0;
}

const struct encode_ops encode_zstd = {
	.name = "zstd",
	.level_default = ENCODER_LEVEL_ZSTD,
	.level_max = 19, /* above it windows pass 8 MiB, which decoders may refuse */
	.levels = levels,
	.level_count = ARRAY_SIZE(levels),
	.sample = JOB / 2,
	.memory = zstd_memory,
	.stream_open = zstd_open,
	.stream_push = zstd_push,
	.close = zstd_close,
};
