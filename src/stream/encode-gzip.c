/* gzip members by libdeflate, which takes whole buffers: more than twice as fast as zlib at equal
 * size, and a member a chunk costs 18 bytes and the window of 32 KiB, some 0.3 %. Its header holds
 * neither time nor name nor system (RFC 1952 2.3: XFL as its level says, OS 255), and its matchers
 * choose alike on every processor.
 */
#include <libdeflate.h>

#include "stream/encode-impl.h"

/* 1 MiB: twice that gains 0.1 %, half of it loses 0.2 %. */
#define CHUNK (1u << 20)

/* 5 equals gzip -6 on programs, and is 3 % larger on text; 7 is within 1.1 % of gzip -9 on all that
 * was measured, and above it 0.8 % more takes three times as long (docs/performance.md). Below 5,
 * which is for what fast compressors wrote, nothing is given away. */
static const struct encode_level levels[] = { { 1, 0 },	 { 2, 0 },  { 4, 0 },
					      { 5, 15 }, { 6, 15 }, { 7, 15 } };

static size_t gzip_memory(int level, unsigned threads)
{
	size_t tables = level < 10 ? 1u << 20 : 9u << 20;

	return threads * tables + (threads + ENCODE_WAITING) * 2 * (size_t)CHUNK;
}

static void *gzip_open(int level)
{
	return libdeflate_alloc_compressor(level);
}

static size_t gzip_bound(void *state, size_t n)
{
	return libdeflate_gzip_compress_bound(state, n);
}

static int gzip_chunk(void *state, const uint8_t *in, size_t n, uint8_t *out, size_t room,
		      size_t *len, struct error *err)
{
	*len = libdeflate_gzip_compress(state, in, n, out, room);
	return *len ? 0 : err_fail(err, ERR_BUG, 0, "gzip: a member larger than its bound");
}

static void gzip_close(void *state)
{
	libdeflate_free_compressor(state);
}

const struct encode_ops encode_gzip = {
	.name = "gzip",
	.chunk = CHUNK,
	.level_default = ENCODER_LEVEL_GZIP,
	.level_max = 12,
	.levels = levels,
	.level_count = ARRAY_SIZE(levels),
	.sample = CHUNK,
	.memory = gzip_memory,
	.open = gzip_open,
	.bound = gzip_bound,
	.chunk_encode = gzip_chunk,
	.close = gzip_close,
};
