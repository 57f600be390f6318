/* The encoder: what it writes decodes to what went in, is the same whatever the threads and the
 * writes, and is as small as what other tools write.
 */
#include "pack.h"

#include <dlfcn.h>
#include <pthread.h>

#include "stream/encode.h"

#define MIB (1u << 20)

/* Stands before the C library's: a host that gives no more threads. */
static bool no_threads;
static unsigned started;

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (no_threads)
		return EAGAIN;
	started++;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(t, attr, fn, arg);
}

static int collect(void *ctx, const void *bytes, size_t n, struct error *err)
{
	(void)err;
	pack_bytes(ctx, bytes, n);
	return 0;
}

static void encode_level(struct buf *out, enum codec codec, int level, unsigned threads,
			 const uint8_t *bytes, size_t n, size_t piece)
{
	struct encoder_options opts = { codec, level, threads, collect, out };
	_cleanup_(encoder_freep) struct encoder *e = NULL;
	struct error err;

	assert_int_equal(encoder_new(&e, &opts, &err), 0);
	for (size_t i = 0; i < n; i += piece)
		assert_int_equal(encoder_write(e, bytes + i, MIN(piece, n - i), &err), 0);
	assert_int_equal(encoder_finish(e, &err), 0);
	assert_int_equal(encoder_bytes_in(e), n);
	assert_int_equal(encoder_bytes_out(e), out->len);
}

static void encode(struct buf *out, enum codec codec, unsigned threads, const uint8_t *bytes,
		   size_t n, size_t piece)
{
	encode_level(out, codec, 0, threads, bytes, n, piece);
}

static uint8_t *sample(size_t n)
{
	uint8_t *p = malloc(n + 1);

	assert_non_null(p);
	sample_fill(p, n, 7);
	return p;
}

static void decodes_to(const struct buf *packed, enum codec codec, const uint8_t *bytes, size_t n)
{
	struct limits limits = limits_default();
	struct stream *in, *s;
	struct error err;
	uint8_t *got;
	size_t len;

	assert_int_equal(stream_open_memory(&in, packed->data, packed->len, &err), 0);
	assert_int_equal(codec_open(&s, codec, in, &limits, &err), 0);
	assert_int_equal(stream_read_all(s, n + 1, &got, &len, &err), 0);
	assert_int_equal(len, n);
	assert_memory_equal(got, bytes, n);
	free(got);
	stream_close(s);
}

static const enum codec codecs[] = { CODEC_NONE, CODEC_GZIP, CODEC_ZSTD };

static void test_round_trip(void **state)
{
	static const size_t sizes[] = { 0,	     1,	      100,	   MIB - 1,
					MIB,	     MIB + 1, 8 * MIB - 1, 8 * MIB,
					8 * MIB + 1, 2 * MIB, 5 * MIB / 2, 17 * MIB + 511 };
	uint8_t *bytes = sample(18 * MIB);

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(codecs); c++)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct buf packed = { 0 };

			encode(&packed, codecs[c], 2, bytes, sizes[i], 262144);
			/* Nothing at all is no tar; an empty member is what gzip writes. */
			assert_true(packed.len || codecs[c] == CODEC_NONE);
			if (packed.len)
				decodes_to(&packed, codecs[c], bytes, sizes[i]);
			buf_free(&packed);
		}
	free(bytes);
}

static void test_same_bytes(void **state)
{
	static const size_t pieces[] = { 20 * MIB, 262144, 65521, 9 * MIB + 1 };
	const size_t n = 19 * MIB + 12345;
	uint8_t *bytes = sample(n);

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(codecs); c++) {
		struct buf first = { 0 };

		encode(&first, codecs[c], 1, bytes, n, n);
		for (unsigned i = 0; i < 6; i++) {
			struct buf again = { 0 };

			no_threads = i == 4 && codecs[c] != CODEC_ZSTD;
			encode(&again, codecs[c], i == 5 ? 64 : i, bytes, n, pieces[i % 4]);
			no_threads = false;
			assert_int_equal(again.len, first.len);
			assert_memory_equal(again.data, first.data, first.len);
			buf_free(&again);
		}
		buf_free(&first);
	}
	free(bytes);
}

static void test_gzip_header(void **state)
{
	struct buf packed = { 0 };

	(void)state;
	encode(&packed, CODEC_GZIP, 1, (const uint8_t *)"abc", 3, 3);
	/* RFC 1952 2.3: magic, deflate, no flags, no time, XFL, OS unknown. */
	assert_memory_equal(packed.data, "\x1f\x8b\x08\x00\0\0\0\0\x00\xff", 10);
	buf_free(&packed);
}

static void test_small_needs_no_thread(void **state)
{
	uint8_t *bytes = sample(MIB);
	struct buf packed = { 0 };

	(void)state;
	started = 0;
	encode(&packed, CODEC_GZIP, 4, bytes, MIB - 1, 1000);
	assert_int_equal(started, 0);
	buf_clear(&packed);
	encode(&packed, CODEC_GZIP, 4, bytes, MIB, MIB);
	assert_int_equal(started, 4);
	buf_free(&packed);
	free(bytes);
}

/* One gzip member or zstd frame over all, as other tools write it. */
static void other_tool(struct buf *out, enum codec codec, int level, const uint8_t *bytes, size_t n)
{
	if (codec == CODEC_ZSTD) {
		assert_int_equal(buf_reserve(out, ZSTD_compressBound(n)), 0);
		out->len = ZSTD_compress(out->data, ZSTD_compressBound(n), bytes, n, level);
		assert_false(ZSTD_isError(out->len));
	} else {
		z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n };

		assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
				 Z_OK);
		assert_int_equal(buf_reserve(out, deflateBound(&z, n)), 0);
		z.next_out = out->data;
		z.avail_out = (uInt)out->cap;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		out->len = z.total_out;
		deflateEnd(&z);
	}
}

/* Words with repeats near and far, as files have them: levels differ on it. */
static uint8_t *words(size_t n)
{
	uint8_t *p = malloc(n);
	uint32_t x = 99;

	assert_non_null(p);
	for (size_t i = 0; i < n;) {
		size_t len, from;

		x = x * 1664525u + 1013904223u;
		len = 3 + (x >> 28);
		from = (x >> 8) % 60000;
		for (size_t k = 0; k < len && i < n; k++, i++)
			p[i] = i > 60000 && (x & 0xe0) ? p[i - from - 1]
						       : (uint8_t)(x >> (8 + k % 3));
	}
	return p;
}

static void test_as_small(void **state)
{
	static const struct {
		enum codec codec;
		int level, least;
	} cases[] = {
		{ CODEC_GZIP, 1, 1 },
		{ CODEC_GZIP, 6, 4 },
		{ CODEC_GZIP, 9, 5 },
		{ CODEC_ZSTD, 1, ENCODER_LEVEL_ZSTD },
		{ CODEC_ZSTD, 3, ENCODER_LEVEL_ZSTD },
		{ CODEC_ZSTD, 15, ENCODER_LEVEL_ZSTD + 1 },
	};
	const size_t n = 3 * MIB;
	struct limits limits = limits_default();
	uint8_t *bytes = words(n);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf theirs = { 0 }, ours = { 0 };
		struct stream *in;
		struct error err;
		int level = -1;

		other_tool(&theirs, cases[i].codec, cases[i].level, bytes, n);
		assert_int_equal(stream_open_memory(&in, theirs.data, theirs.len, &err), 0);
		assert_int_equal(encoder_level_like(&level, in, &limits, &err), 0);
		assert_true(level >= cases[i].least);
		encode_level(&ours, cases[i].codec, level, 2, bytes, n, n);
		assert_true((double)ours.len <= 1.03 * (double)theirs.len);
		buf_free(&theirs);
		buf_free(&ours);
	}
	free(bytes);
}

/* What begins with bytes that no level makes smaller is judged by what follows. */
static void test_spread(void **state)
{
	const size_t noise = 8 * MIB, n = 16 * MIB;
	struct limits limits = limits_default();
	struct buf theirs = { 0 };
	uint8_t *bytes = words(n);
	struct stream *in;
	uint64_t x = 1;
	struct error err;
	int level = -1;

	(void)state;
	for (size_t i = 0; i < noise; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(x >> 56);
	}
	other_tool(&theirs, CODEC_GZIP, 6, bytes, n);
	assert_int_equal(stream_open_memory(&in, theirs.data, theirs.len, &err), 0);
	assert_int_equal(encoder_level_like(&level, in, &limits, &err), 0);
	assert_true(level > 1);
	buf_free(&theirs);
	free(bytes);
}

static void test_level_of_others(void **state)
{
	static const char plain[600] = "a", cut[] = "\x1f\x8b\x08\x00\0\0\0\0\x00\xff";
	struct limits limits = limits_default();
	struct stream *in;
	struct error err;
	int level = -1;

	(void)state;
	assert_int_equal(stream_open_memory(&in, plain, sizeof(plain), &err), 0);
	assert_int_equal(encoder_level_like(&level, in, &limits, &err), 0);
	assert_int_equal(level, 0);
	assert_int_equal(stream_open_memory(&in, "", 0, &err), 0);
	assert_int_equal(encoder_level_like(&level, in, &limits, &err), 0);
	assert_int_equal(stream_open_memory(&in, cut, sizeof(cut) - 1, &err), 0);
	assert_int_equal(encoder_level_like(&level, in, &limits, &err), -ERR_TRUNCATED);
}

static int full(void *ctx, const void *bytes, size_t n, struct error *err)
{
	unsigned *left = ctx;

	(void)bytes;
	(void)n;
	return (*left)-- ? 0 : err_fail(err, ERR_IO, ENOSPC, "write");
}

/* The error of the sink comes back, once, wherever it happens; nothing hangs. */
static void test_sink_fails(void **state)
{
	const size_t n = 12 * MIB;
	uint8_t *bytes = sample(n);

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(codecs); c++)
		for (unsigned at = 0; at < 12; at++) {
			unsigned left = at;
			struct encoder_options opts = { codecs[c], 0, at % 4, full, &left };
			struct encoder *e;
			struct error err = { 0 };
			int r = 0;

			assert_int_equal(encoder_new(&e, &opts, &err), 0);
			for (size_t i = 0; r == 0 && i < n; i += MIB / 2)
				r = encoder_write(e, bytes + i, MIB / 2, &err);
			if (r == 0)
				r = encoder_finish(e, &err);
			if (r == 0) { /* fewer chunks than that */
				assert_int_equal(codecs[c], CODEC_ZSTD);
				assert_true(at >= 2);
			} else {
				assert_int_equal(r, -ERR_IO);
				assert_int_equal(err.sys, ENOSPC);
			}
			assert_int_equal(encoder_write(e, bytes, 1, &err), -ERR_SEQUENCE);
			assert_int_equal(encoder_finish(e, &err), -ERR_SEQUENCE);
			encoder_free(e);
		}
	free(bytes);
}

/* libzstd's own threads are not to be had: no other bytes, an error. */
static void test_zstd_without_threads(void **state)
{
	struct buf out = { 0 };
	struct encoder_options opts = { CODEC_ZSTD, 0, 2, collect, &out };
	struct encoder *e = NULL;
	struct error err;
	int r;

	(void)state;
	no_threads = true;
	r = encoder_new(&e, &opts, &err);
	if (r == 0)
		r = encoder_write(e, "abc", 3, &err);
	no_threads = false;
	assert_int_equal(r, -ERR_NOMEM);
	encoder_free(e);
	buf_free(&out);
}

/* Freed with threads at work. */
static void test_dropped(void **state)
{
	uint8_t *bytes = sample(9 * MIB);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct buf out = { 0 };
		struct encoder_options opts = { i % 2 ? CODEC_GZIP : CODEC_ZSTD, 0, 3, collect,
						&out };
		struct encoder *e;
		struct error err;

		assert_int_equal(encoder_new(&e, &opts, &err), 0);
		assert_int_equal(encoder_write(e, bytes, i * 3 * MIB, &err), 0);
		encoder_free(e);
		buf_free(&out);
	}
	free(bytes);
}

static void test_refused(void **state)
{
	struct encoder_options opts = { .codec = CODEC_XZ, .sink = collect };
	struct encoder *e = NULL;
	struct error err;

	(void)state;
	assert_false(encoder_has(CODEC_XZ) || encoder_has(CODEC_BZIP2));
	assert_int_equal(encoder_new(&e, &opts, &err), -ERR_UNSUPPORTED);
	opts.codec = CODEC_GZIP;
	opts.level = 13;
	assert_int_equal(encoder_new(&e, &opts, &err), -ERR_BUG);
	assert_null(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_gzip_header),
		cmocka_unit_test(test_small_needs_no_thread),
		cmocka_unit_test(test_as_small),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_level_of_others),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_zstd_without_threads),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
