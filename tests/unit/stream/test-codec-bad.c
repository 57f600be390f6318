/* Decoders on broken input: cut off, bits flipped, junk behind it, too large. Never a hang, never a
 * wrong byte taken for a right one.
 */
#include "pack.h"

static void expect_error(const struct variant *v, const void *bytes, size_t n, size_t chunk,
			 enum err_code code, const char *in_message)
{
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct error err = { 0 };
	int r = unpack(v, bytes, n, chunk, &out, &err);

	if (r != -(int)code)
		fail_msg("%s, %zu bytes in pieces of %zu: %d (%s), expected %s", v->name, n, chunk,
			 r, r ? err.msg : "", err_name(code));
	if (in_message && !strstr(err.msg, in_message))
		fail_msg("%s: '%s' lacks '%s'", v->name, err.msg, in_message);
}

static void cut_everywhere(const struct variant *v, size_t size, size_t step, size_t chunk)
{
	_cleanup_(buf_freep) struct buf packed = { 0 };
	uint8_t *bytes = malloc(size + 1);

	sample_fill(bytes, size, 5);
	pack(&packed, v->codec, bytes, size);
	for (size_t n = 0; n < packed.len; n += step) {
		char at[64];

		snprintf(at, sizeof(at), "%s at byte %zu: ", codec_name(v->codec), n);
		expect_error(v, packed.data, n, 0, ERR_TRUNCATED, at);
		expect_error(v, packed.data, n, chunk, ERR_TRUNCATED, at);
	}
	free(bytes);
}

static void test_truncated(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		cut_everywhere(&variants[v], 300, 1, 1);
		cut_everywhere(&variants[v], 0, 1, 1);
		cut_everywhere(&variants[v], 60000, 100, 511);
	}
}

/* What was decoded before the end is handed on, the same for every way to cut the input. */
static void test_truncated_output(void **state)
{
	size_t size = 3 * BLOCK_SIZE;
	uint8_t *bytes = malloc(size);

	(void)state;
	sample_fill(bytes, size, 6);
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 }, whole = { 0 }, pieces = { 0 };
		struct error err;
		size_t n;

		pack(&packed, variants[v].codec, bytes, size);
		n = packed.len * 9 / 10;
		assert_int_equal(unpack(&variants[v], packed.data, n, 0, &whole, &err),
				 -ERR_TRUNCATED);
		assert_int_equal(unpack(&variants[v], packed.data, n, 513, &pieces, &err),
				 -ERR_TRUNCATED);
		assert_true(whole.len > size / 2 && whole.len < size);
		assert_int_equal(whole.len, pieces.len);
		assert_memory_equal(whole.data, bytes, whole.len);
		assert_memory_equal(pieces.data, bytes, pieces.len);
	}
	free(bytes);
}

/* The second member is cut: the first one's end is no end. */
static void test_truncated_second_member(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };
		size_t first;

		pack(&packed, variants[v].codec, "first", 5);
		first = packed.len;
		pack(&packed, variants[v].codec, "second", 6);
		for (size_t n = first + 1; n < packed.len; n++)
			expect_error(&variants[v], packed.data, n, n % 2, ERR_TRUNCATED,
				     "member 2");
	}
}

static void test_flipped_bits(void **state)
{
	uint8_t bytes[300];

	(void)state;
	sample_fill(bytes, sizeof(bytes), 7);
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };
		size_t harmless = 0;

		pack(&packed, variants[v].codec, bytes, sizeof(bytes));
		for (size_t bit = 0; bit < packed.len * 8; bit++) {
			_cleanup_(buf_freep) struct buf out = { 0 };
			struct error err;
			int r;

			packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			r = unpack(&variants[v], packed.data, packed.len, bit % 3, &out, &err);
			packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (r < 0)
				continue;
			if (out.len != sizeof(bytes) || memcmp(out.data, bytes, out.len) != 0)
				fail_msg("%s: bit %zu flipped goes unseen", variants[v].name, bit);
			harmless++;
		}
		/* The gzip header's time, system and extra flags are 48 bits and FTEXT one more;
		 * the others have a few bits that say nothing. */
		assert_true(harmless <= 60);
		assert_true(variants[v].codec != CODEC_GZIP || harmless >= 48);
	}
}

static void test_trailing_junk(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} junk[] = { { "junk", 4 },
		     { "\0\0junk", 6 },
		     { "\0\0\0\0j", 5 },
		     { "x", 1 },
		     { "\xff\xff\xff\xff\xff\xff\xff\xff", 8 } };

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		for (size_t i = 0; i < ARRAY_SIZE(junk); i++) {
			_cleanup_(buf_freep) struct buf packed = { 0 }, out = { 0 };
			struct error err;
			int r;

			pack(&packed, variants[v].codec, "text", 4);
			pack_bytes(&packed, junk[i].bytes, junk[i].n);
			for (size_t chunk = 0; chunk < 2; chunk++) {
				r = unpack(&variants[v], packed.data, packed.len, chunk, &out,
					   &err);
				assert_int_equal(r, -ERR_BAD_INPUT);
			}
			assert_int_equal(out.len, 8);
		}
	}
}

static void test_junk_message(void **state)
{
	_cleanup_(buf_freep) struct buf packed = { 0 };
	char want[80];

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		packed.len = 0;
		pack(&packed, variants[v].codec, "text", 4);
		pack_bytes(&packed, "junk, and more of it", 20);
		snprintf(want, sizeof(want), "%s at byte ", codec_name(variants[v].codec));
		expect_error(&variants[v], packed.data, packed.len, 0, ERR_BAD_INPUT, want);
		expect_error(&variants[v], packed.data, packed.len, 1, ERR_BAD_INPUT,
			     "behind member 1 stands neither another one nor zero padding");
	}
}

static void test_not_even_a_magic(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		expect_error(&variants[v], "", 0, 0, ERR_TRUNCATED, "empty");
		expect_error(&variants[v], "plain text, no codec", 20, 0, ERR_BAD_INPUT, "no ");
		expect_error(&variants[v], "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 1, ERR_BAD_INPUT,
			     "no ");
	}
}

static void test_gzip_header(void **state)
{
	static const struct {
		const char *header;
		size_t n;
		const char *message;
	} rows[] = {
		{ "\x1f\x8b\x09\x00\0\0\0\0\0\x03", 10, "method 9" },
		{ "\x1f\x8b\x08\x20\0\0\0\0\0\x03", 10, "reserved" },
		{ "\x1f\x8b\x08\x80\0\0\0\0\0\x03", 10, "reserved" },
		{ "\x1f\x8b\x08\x02\0\0\0\0\0\x03\x11\x22", 12, "header's checksum" },
	};

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		for (size_t i = 0; variants[v].codec == CODEC_GZIP && i < ARRAY_SIZE(rows); i++) {
			_cleanup_(buf_freep) struct buf packed = { 0 };

			pack_gzip_behind(&packed, rows[i].header, rows[i].n, "x", 1);
			expect_error(&variants[v], packed.data, packed.len, 0, ERR_BAD_INPUT,
				     rows[i].message);
			expect_error(&variants[v], packed.data, packed.len, 1, ERR_BAD_INPUT,
				     rows[i].message);
		}
	}
}

static void test_checksums(void **state)
{
	uint8_t bytes[2000];

	(void)state;
	sample_fill(bytes, sizeof(bytes), 8);
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };
		size_t from_end;

		pack(&packed, variants[v].codec, bytes, sizeof(bytes));
		/* gzip: CRC and length; zstd: content checksum. */
		for (from_end = 1; from_end <= (variants[v].codec == CODEC_GZIP ? 8u : 4u);
		     from_end++) {
			packed.data[packed.len - from_end] ^= 0x40;
			expect_error(&variants[v], packed.data, packed.len, 0, ERR_BAD_INPUT, NULL);
			packed.data[packed.len - from_end] ^= 0x40;
		}
	}
}

static void test_bomb(void **state)
{
	size_t n = 4 * BLOCK_SIZE;
	uint8_t *bytes = calloc(1, n);
	static const size_t at_most[] = {
		0, 1, 1000, BLOCK_SIZE, BLOCK_SIZE + 1, 4 * BLOCK_SIZE - 1
	};

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(buf_freep) struct buf packed = { 0 };
		struct limits l = limits_default();

		pack(&packed, variants[v].codec, bytes, n);
		for (size_t i = 0; i < ARRAY_SIZE(at_most); i++) {
			_cleanup_(buf_freep) struct buf out = { 0 };
			struct error err = { 0 };

			l.v[LIMIT_LAYER_SIZE] = at_most[i];
			assert_int_equal(unpack_limits(&variants[v], packed.data, packed.len, 0, &l,
						       &out, &err),
					 -ERR_LIMIT);
			assert_int_equal(out.len, at_most[i]);
			assert_non_null(strstr(err.msg, "layer-size"));
			assert_non_null(strstr(err.msg, codec_name(variants[v].codec)));
		}
		for (size_t more = 0; more < 2; more++) {
			_cleanup_(buf_freep) struct buf out = { 0 };
			struct error err = { 0 };

			l.v[LIMIT_LAYER_SIZE] = n + more;
			assert_int_equal(unpack_limits(&variants[v], packed.data, packed.len, 0, &l,
						       &out, &err),
					 0);
		}
	}
	free(bytes);
}

static void test_none_limit(void **state)
{
	const struct variant none = { "none", CODEC_NONE, "" };
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct limits l = limits_default();
	struct error err;

	(void)state;
	l.v[LIMIT_LAYER_SIZE] = 10;
	assert_int_equal(unpack_limits(&none, "0123456789", 10, 3, &l, &out, &err), 0);
	l.v[LIMIT_LAYER_SIZE] = 9;
	assert_int_equal(unpack_limits(&none, "0123456789", 10, 3, &l, &out, &err), -ERR_LIMIT);
}

/* A frame whose window is larger than the limit, and an xz stream whose dictionary is. */
static void test_memory_limits(void **state)
{
	const struct variant zstd = { "zstd", CODEC_ZSTD, "" }, xz = { "xz", CODEC_XZ, "" };
	/* Window descriptor 0x90: exponent 18, 2^28 bytes; no content size. An empty raw block, the
	 * last. */
	static const uint8_t window[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x90, 0x01, 0x00, 0x00 };
	_cleanup_(buf_freep) struct buf packed = { 0 }, out = { 0 };
	struct limits l = limits_default();
	struct error err;

	(void)state;
	assert_int_equal(unpack_limits(&zstd, window, sizeof(window), 0, &l, &out, &err),
			 -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "zstd-window"));
	l.v[LIMIT_ZSTD_WINDOW] = 1u << 28;
	assert_int_equal(unpack_limits(&zstd, window, sizeof(window), 0, &l, &out, &err), 0);
	pack_xz(&packed, "text", 4);
	assert_int_equal(unpack_limits(&xz, packed.data, packed.len, 0, &l, &out, &err), 0);
	l.v[LIMIT_XZ_MEMORY] = 100000;
	assert_int_equal(unpack_limits(&xz, packed.data, packed.len, 0, &l, &out, &err),
			 -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "xz-memory"));
}

/* A frame that names a dictionary, and a frame of zstd 0.7. */
static void test_zstd_unsupported(void **state)
{
	const struct variant zstd = { "zstd", CODEC_ZSTD, "" };
	static const uint8_t dictionary[] = {
		0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 0x2a, 0x01, 0, 0
	};

	(void)state;
	expect_error(&zstd, dictionary, sizeof(dictionary), 0, ERR_UNSUPPORTED, "dictionary");
	expect_error(&zstd, "\x27\xb5\x2f\xfd\x00\x58\x01\0\0", 9, 1, ERR_BAD_INPUT,
		     "no zstd data");
}

/* A frame that declares nine bytes and has none: found by the fuzzer, and only seen by libzstd
 * where it comes whole. */
static void test_zstd_content_size(void **state)
{
	const struct variant zstd = { "zstd", CODEC_ZSTD, "" };
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x09, 0x01, 0x00, 0x00 };

	(void)state;
	expect_error(&zstd, frame, sizeof(frame), 0, ERR_BAD_INPUT, NULL);
	expect_error(&zstd, frame, sizeof(frame), 1, ERR_BAD_INPUT, "size it declares");
}

/* An error of the inner stream comes out as it is. */
static void test_inner_error(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		_cleanup_(stream_closep) struct stream *s = NULL;
		struct limits l = limits_default();
		struct stream *in;
		struct block *b;
		struct error err;

		setenv("UIDFIT_CODEC", variants[v].engine, 1);
		assert_int_equal(stream_open_range(&in, -1, false, 0, 10, &err), 0);
		assert_int_equal(codec_open(&s, variants[v].codec, in, &l, &err), 0);
		assert_int_equal(stream_next(s, &b, &err), -ERR_IO);
		assert_int_equal(err.sys, EBADF);
		assert_int_equal(stream_next(s, &b, &err), -ERR_IO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_output),
		cmocka_unit_test(test_truncated_second_member),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_trailing_junk),
		cmocka_unit_test(test_junk_message),
		cmocka_unit_test(test_not_even_a_magic),
		cmocka_unit_test(test_gzip_header),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_none_limit),
		cmocka_unit_test(test_memory_limits),
		cmocka_unit_test(test_zstd_unsupported),
		cmocka_unit_test(test_zstd_content_size),
		cmocka_unit_test(test_inner_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
