/* Decoders on sound input: every codec, however its input is cut. */
#include "pack.h"

#include "stream/peek.h"

static const size_t chunks[] = { 0, 1, 511, 513, 65536 };

/* Decodes packed under every cut and wants exactly n bytes. */
static void expect(const struct variant *v, const struct buf *packed, const void *bytes, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };
		struct error err = { 0 };
		int r = unpack(v, packed->data, packed->len, chunks[i], &out, &err);

		if (r < 0)
			fail_msg("%s, pieces of %zu: %s", v->name, chunks[i], err.msg);
		assert_int_equal(out.len, n);
		if (n)
			assert_memory_equal(out.data, bytes, n);
	}
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0,
					1,
					2,
					100,
					32767,
					32768,
					65536,
					BLOCK_SIZE - 1,
					BLOCK_SIZE,
					BLOCK_SIZE + 1,
					2 * BLOCK_SIZE,
					700000 };
	uint8_t *bytes = malloc(700000);

	(void)state;
	sample_fill(bytes, 700000, 1);
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			_cleanup_(buf_freep) struct buf packed = { 0 };

			pack(&packed, variants[v].codec, bytes, sizes[i]);
			expect(&variants[v], &packed, bytes, sizes[i]);
		}
	}
	free(bytes);
}

/* Long runs of one byte: output that stays pending while the input is used up. */
static void test_runs(void **state)
{
	size_t n = 5 * BLOCK_SIZE + 17;
	uint8_t *bytes = calloc(1, n);

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };

		pack(&packed, variants[v].codec, bytes, n);
		expect(&variants[v], &packed, bytes, n);
	}
	free(bytes);
}

/* Bytes that do not compress: stored blocks. */
static void test_stored(void **state)
{
	size_t n = BLOCK_SIZE + 4711;
	uint8_t *bytes = malloc(n);
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };

		pack(&packed, variants[v].codec, bytes, n);
		expect(&variants[v], &packed, bytes, n);
	}
	free(bytes);
}

static void test_members_and_padding(void **state)
{
	static const size_t sizes[] = { 5, 0, 70000, 1, 0, 300000 };
	uint8_t *bytes = malloc(400000);

	(void)state;
	sample_fill(bytes, 400000, 2);
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(sizes); n += sizes[i++])
			pack(&packed, variants[v].codec, bytes + n, sizes[i]);
		expect(&variants[v], &packed, bytes, n);
		for (size_t i = 0; i < 1024; i++)
			pack_bytes(&packed, "", 1);
		expect(&variants[v], &packed, bytes, n);
	}
	free(bytes);
}

/* Thousands of members of a few bytes. */
static void test_many_members(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 }, bytes = { 0 };

		for (size_t i = 0; i < 500; i++) {
			char text[16];
			int n = snprintf(text, sizeof(text), "%zu,", i);

			pack_bytes(&bytes, text, (size_t)n);
			pack(&packed, variants[v].codec, text, (size_t)n);
		}
		expect(&variants[v], &packed, bytes.data, bytes.len);
	}
}

/* The fields of a gzip header, cut at each of their bytes and longer than a block. */
static void test_gzip_header_fields(void **state)
{
	static const size_t names[] = { 1, 10, BLOCK_SIZE + 3 };

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		for (size_t i = 0; variants[v].codec == CODEC_GZIP && i < ARRAY_SIZE(names); i++) {
			_cleanup_(buf_freep) struct buf packed = { 0 }, header = { 0 };

			gzip_full_header(&header, names[i]);
			for (int twice = 0; twice < 2; twice++)
				pack_gzip_behind(&packed, header.data, header.len, "text\n", 5);
			expect(&variants[v], &packed, "text\ntext\n", 10);
			packed.len = 0;
			pack_gzip_behind(&packed, "\x1f\x8b\x08\x04\0\0\0\0\0\xff\0\0", 12, "x", 1);
			expect(&variants[v], &packed, "x", 1);
		}
	}
}

static void skippable(struct buf *out, uint8_t nibble, size_t n)
{
	pack_bytes(out, (uint8_t[]){ (uint8_t)(0x50 | nibble), 0x2a, 0x4d, 0x18 }, 4);
	pack_le32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		pack_bytes(out, "s", 1);
}

static void test_zstd_skippable(void **state)
{
	const struct variant zstd = { "zstd", CODEC_ZSTD, "" };
	_cleanup_(buf_freep) struct buf packed = { 0 };

	(void)state;
	skippable(&packed, 0, 0);
	expect(&zstd, &packed, NULL, 0);
	assert_int_equal(codec_detect(packed.data, packed.len), CODEC_ZSTD);
	skippable(&packed, 15, 1000);
	pack_zstd(&packed, "one", 3);
	skippable(&packed, 3, 1);
	pack_zstd(&packed, "two", 3);
	skippable(&packed, 7, 70000);
	expect(&zstd, &packed, "onetwo", 6);
}

/* xz alone allows padding between streams: four bytes at a time. */
static void test_xz_padding_between(void **state)
{
	const struct variant xz = { "xz", CODEC_XZ, "" };
	_cleanup_(buf_freep) struct buf packed = { 0 }, out = { 0 };
	struct error err;

	(void)state;
	pack_xz(&packed, "one", 3);
	pack_bytes(&packed, "\0\0\0\0\0\0\0", 8);
	pack_xz(&packed, "two", 3);
	expect(&xz, &packed, "onetwo", 6);
	pack_bytes(&packed, "\0\0", 3);
	pack_xz(&packed, "three", 5);
	assert_int_equal(unpack(&xz, packed.data, packed.len, 1, &out, &err), -ERR_BAD_INPUT);
}

static void test_detect(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum codec codec;
	} rows[] = {
		{ "", 0, CODEC_NONE },
		{ "\x1f\x8b", 2, CODEC_NONE },
		{ "\x1f\x8b\x08", 3, CODEC_GZIP },
		{ "\x1f\x8b\x07", 3, CODEC_NONE },
		{ "\x28\xb5\x2f\xfd", 4, CODEC_ZSTD },
		{ "\x5f\x2a\x4d\x18", 4, CODEC_ZSTD },
		{ "\x60\x2a\x4d\x18", 4, CODEC_NONE },
		{ "\x28\xb5\x2f", 3, CODEC_NONE },
		{ "BZh91A", 6, CODEC_BZIP2 },
		{ "BZh1\x17\x72", 6, CODEC_BZIP2 },
		{ "BZh01A", 6, CODEC_NONE },
		{ "BZh9/f", 6, CODEC_NONE },
		{ "BZh9", 4, CODEC_NONE },
		{ "\xfd"
		  "7zXZ\0",
		  6, CODEC_XZ },
		{ "\xfd"
		  "7zXZ",
		  5, CODEC_NONE },
		{ "etc/passwd", 10, CODEC_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(codec_detect((const uint8_t *)rows[i].bytes, rows[i].n),
				 rows[i].codec);
	assert_string_equal(codec_name(CODEC_NONE), "none");
	assert_string_equal(codec_name(CODEC_GZIP), "gzip");
}

static void test_open_detected(void **state)
{
	struct limits l = limits_default();
	char bytes[5000];

	(void)state;
	setenv("UIDFIT_CODEC", "", 1);
	sample_fill((uint8_t *)bytes, sizeof(bytes), 3);
	for (int c = CODEC_NONE; c < CODEC_COUNT; c++) {
		for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
			_cleanup_(buf_freep) struct buf packed = { 0 };
			_cleanup_(stream_closep) struct stream *s = NULL;
			struct stream *in, *cut;
			enum codec found;
			struct error err;
			uint8_t *all;
			size_t len;

			pack(&packed, (enum codec)c, bytes, sizeof(bytes));
			assert_int_equal(stream_open_memory(&in, packed.data, packed.len, &err), 0);
			assert_int_equal(stream_open_chunked(&cut, in,
							     chunks[i] ? chunks[i] : 1 << 20, &err),
					 0);
			assert_int_equal(codec_open_detected(&s, cut, &found, &l, &err), 0);
			assert_int_equal(found, c);
			assert_int_equal(stream_can_skip(s), c == CODEC_NONE);
			assert_int_equal(stream_read_all(s, UINT64_MAX, &all, &len, &err), 0);
			assert_int_equal(len, sizeof(bytes));
			assert_memory_equal(all, bytes, len);
			free(all);
		}
	}
}

/* A failure leaves the inner stream to the caller. */
static void test_open_refused(void **state)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	_cleanup_(buf_freep) struct buf packed = { 0 };
	struct limits l = limits_default();
	struct stream *s;
	enum codec found;
	struct error err;

	(void)state;
	setenv("UIDFIT_CODEC", "lha", 1);
	pack(&packed, CODEC_GZIP, "x", 1);
	assert_int_equal(stream_open_memory(&in, packed.data, packed.len, &err), 0);
	assert_int_equal(codec_open_detected(&s, in, &found, &l, &err), -ERR_USAGE);
	setenv("UIDFIT_CODEC", "", 1);
}

static void test_none_skips(void **state)
{
	_cleanup_(stream_closep) struct stream *s = NULL;
	struct limits l = limits_default();
	struct stream *in;
	enum codec found;
	struct error err;
	uint64_t skipped;
	uint8_t *all;
	size_t len;

	(void)state;
	assert_int_equal(stream_open_memory(&in, "0123456789", 10, &err), 0);
	assert_int_equal(codec_open_detected(&s, in, &found, &l, &err), 0);
	assert_true(stream_can_skip(s));
	assert_int_equal(stream_skip(s, 7, &skipped, &err), 0);
	assert_int_equal(skipped, 7);
	assert_int_equal(stream_read_all(s, 100, &all, &len, &err), 0);
	assert_int_equal(len, 3);
	assert_string_equal((char *)all, "789");
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),	       cmocka_unit_test(test_runs),
		cmocka_unit_test(test_stored),	       cmocka_unit_test(test_members_and_padding),
		cmocka_unit_test(test_many_members),   cmocka_unit_test(test_gzip_header_fields),
		cmocka_unit_test(test_zstd_skippable), cmocka_unit_test(test_xz_padding_between),
		cmocka_unit_test(test_detect),	       cmocka_unit_test(test_open_detected),
		cmocka_unit_test(test_open_refused),   cmocka_unit_test(test_none_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
