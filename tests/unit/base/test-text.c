/* UTF-8, escaping, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"

static void test_utf8_len(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, len;
	} rows[] = {
		{ "", 0, 0 },
		{ "a", 1, 1 },
		{ "\0", 1, 1 },
		{ "\x7f", 1, 1 },
		{ "\x80", 1, 0 },
		{ "\xbf", 1, 0 },
		{ "\xc0\x80", 2, 0 }, /* overlong NUL */
		{ "\xc1\xbf", 2, 0 },
		{ "\xc2\x80", 2, 2 },
		{ "\xc2", 1, 0 },
		{ "\xc2z", 2, 0 },
		{ "\xdf\xbf", 2, 2 },
		{ "\xe0\x9f\xbf", 3, 0 }, /* overlong */
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xed\xa0\x80", 3, 0 }, /* surrogates */
		{ "\xed\xbf\xbf", 3, 0 },
		{ "\xee\x80\x80", 3, 3 },
		{ "\xef\xbf\xbf", 3, 3 },
		{ "\xe2\x82", 2, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 }, /* overlong */
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "\xf4\x90\x80\x80", 4, 0 }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\xff", 1, 0 },
		{ "\xf0\x9f\x98", 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (text_utf8_len((const uint8_t *)rows[i].bytes, rows[i].n) != rows[i].len)
			fail_msg("row %zu", i);
		assert_int_equal(text_is_utf8(rows[i].bytes, rows[i].n), rows[i].len == rows[i].n);
	}
	assert_true(text_is_utf8("a\xc3\xa4\xf0\x9f\x98\x80", 7));
	assert_false(text_is_utf8("a\xc3\xa4\xf0\x9f\x98", 6));
}

static void test_escape(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *want;
	} rows[] = {
		{ "", 0, "" },
		{ "plain 'quotes\" ~", 16, "plain 'quotes\" ~" },
		{ "a\\b", 3, "a\\\\b" },
		{ "\n\t\r", 3, "\\n\\t\\r" },
		{ "\x1b[31m", 5, "\\x1b[31m" },
		{ "\0\x7f", 2, "\\x00\\x7f" },
		{ "\xc3\xa4", 2, "\xc3\xa4" },
		{ "\xc2\x9b", 2, "\\u{9b}" }, /* C1: CSI in one byte */
		{ "\xff\xc3", 2, "\\xff\\xc3" },
		{ "\xe2\x80\xae", 3, "\\u{202e}" }, /* right-to-left override */
		{ "\xe2\x81\xa6", 3, "\\u{2066}" },
		{ "\xe2\x80\x8b", 3, "\\u{200b}" },
		{ "\xe3\x85\xa4", 3, "\\u{3164}" }, /* Hangul filler, a blank */
		{ "\xf3\xa0\x81\x81", 4, "\\u{e0041}" },
		{ "\xf4\x8f\xbf\xbf", 4, "\\u{10ffff}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };

		assert_int_equal(text_escape(&out, rows[i].bytes, rows[i].n), 0);
		assert_string_equal(buf_str(&out), rows[i].want);
		buf_free(&out);
	}
}

/* No code point takes more room than promised, and what comes out is valid and visible. */
static void test_every_code_point(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		uint8_t in[4];
		char out[TEXT_ESCAPE_MAX + 1];
		size_t n = 0, step, len;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x80) {
			in[n++] = (uint8_t)c;
		} else if (c < 0x800) {
			in[n++] = (uint8_t)(0xc0 | c >> 6);
			in[n++] = (uint8_t)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			in[n++] = (uint8_t)(0xe0 | c >> 12);
			in[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
			in[n++] = (uint8_t)(0x80 | (c & 0x3f));
		} else {
			in[n++] = (uint8_t)(0xf0 | c >> 18);
			in[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
			in[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
			in[n++] = (uint8_t)(0x80 | (c & 0x3f));
		}
		len = text_escape_one(out, in, n, &step);
		if (step != n || len > TEXT_ESCAPE_MAX || len != strlen(out) ||
		    !text_is_utf8(out, len) || (uint8_t)out[0] < 0x20 || out[0] == 0x7f)
			fail_msg("U+%04X", (unsigned)c);
	}
}

static void test_replace_invalid(void **state)
{
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(text_replace_invalid(&out, "a\xff\xc3\xa4\xed\xa0\x80z", 8), 0);
	assert_string_equal(buf_str(&out),
			    "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
	buf_free(&out);
}

static void test_base64(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		/* RFC 4648, section 10 */
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfb", "//77" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };

		assert_int_equal(text_base64(&out, rows[i].in, strlen(rows[i].in)), 0);
		assert_string_equal(buf_str(&out), rows[i].want);
		buf_free(&out);
	}
}

static void test_trim_cut(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "a\xc3\xa4", "a\xc3\xa4" },
		{ "a\xc3", "a" },
		{ "a\xf0\x9f\x98", "a" },
		{ "a\xf0\x9f\x98\x80", "a\xf0\x9f\x98\x80" },
		{ "\xe2\x82", "" },
		{ "\x80\x80", "\x80\x80" }, /* not a cut */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char s[16];

		strcpy(s, rows[i].in);
		text_trim_cut(s);
		assert_string_equal(s, rows[i].want);
	}
}

static void test_unbase64(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: no base64 */
	} rows[] = {
		{ "", "" },	      { "YQ==", "a" },	 { "YQ", "a" },	      { "YWI=", "ab" },
		{ "YWI", "ab" },      { "YWJj", "abc" }, { "YWJjZA==", "abcd" }, { "YW\nJj\r\n", "abc" },
		{ "Pz8/", "???" },    { "Y", NULL },	 { "YQ=", NULL },     { "YQ===", NULL },
		{ "=", NULL },	      { "YQ==YQ==", NULL }, { "Y Q=", NULL },  { "YWJj=", NULL },
		{ "YWJj====", NULL }, { "Y-_=", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };

		assert_int_equal(buf_append_str(&out, "x"), 0);
		assert_int_equal(text_unbase64(&out, rows[i].in, strlen(rows[i].in)),
				 !rows[i].want);
		assert_int_equal(out.len, 1 + (rows[i].want ? strlen(rows[i].want) : 0));
		assert_string_equal(buf_str(&out) + 1, rows[i].want ? rows[i].want : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_len),	 cmocka_unit_test(test_escape),
		cmocka_unit_test(test_every_code_point), cmocka_unit_test(test_replace_invalid),
		cmocka_unit_test(test_base64),		 cmocka_unit_test(test_trim_cut),
		cmocka_unit_test(test_unbase64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
