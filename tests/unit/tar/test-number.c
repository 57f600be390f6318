/* Numbers of headers and of PAX records, each with Go's verdict (archive/tar strconv.go). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "tar/number.h"

#define F(text) text, sizeof(text) - 1

static const struct {
	const char *field;
	size_t n;
	bool ok;
	int64_t value;
} fields[] = {
	{ F("0001750\0"), true, 1000 },
	{ F("0001750 "), true, 1000 },
	{ F("7777777\0"), true, 2097151 },
	{ F("77777777"), true, 16777215 }, /* eight digits and no end */
	{ F("001750 \0"), true, 1000 },
	{ F("  1750 \0"), true, 1000 },
	{ F("\0\0001750 "), true, 1000 },
	{ F("\0 1750\0 "), true, 1000 },
	{ F("\0\0\0\0\0\0\0\0"), true, 0 },
	{ F("        "), true, 0 },
	{ F(" \0 \0 \0 \0"), true, 0 },
	{ F("0000000\0"), true, 0 },
	{ F("12\0junk!"), true, 10 }, /* what stands behind a NUL does not count */
	{ F("12\0\0\0\0\0x"), true, 10 },
	{ F("0000018\0"), false, 0 },
	{ F("0000012x"), false, 0 },
	{ F("12 34\0\0\0"), false, 0 },
	{ F("-000001\0"), false, 0 },
	{ F("+000001\0"), false, 0 },
	{ F("0x00001\0"), false, 0 },
	{ F("0o00001\0"), false, 0 },
	{ F("0_00001\0"), false, 0 },
	{ F("\t000001\0"), false, 0 },
	{ F("000001\n\0"), false, 0 },
	{ F("000001/\0"), false, 0 },
	{ F("0000001\x80"), false, 0 },
	{ F(""), true, 0 },
	{ F("00000000000\0"), true, 0 },
	{ F("14371573475\0"), true, 014371573475 },
	{ F("77777777777\0"), true, 8589934591 },
	{ F("777777777777"), true, 68719476735 },
	{ F("77777777778\0"), false, 0 },
	{ F("7777777777 \0"), true, 1073741823 },
	{ F("\0\0\0\0\0\0\0\0\0\0\0\0"), true, 0 },
	{ F("777777777777777777777"), true, INT64_MAX },
	{ F("1000000000000000000000"), false, 0 }, /* 2^63 in octal */
	{ F("\x80\0\0\0\0\0\0\0"), true, 0 },
	{ F("\x80\0\0\0\0\x01\x11\x70"), true, 70000 },
	{ F("\x80\0\0\0\xff\xff\xff\xff"), true, 4294967295 },
	{ F("\x80\0\0\1\0\0\0\0"), true, 4294967296 },
	{ F("\xbf\xff\xff\xff\xff\xff\xff\xff"), true, 0x3fffffffffffffff },
	{ F("\xff\xff\xff\xff\xff\xff\xff\xff"), true, -1 },
	{ F("\xff\xff\xff\xff\xff\xff\xff\xfe"), true, -2 },
	{ F("\xc0\0\0\0\0\0\0\0"), true, -0x4000000000000000 },
	{ F("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), true, INT64_MAX },
	{ F("\x80\0\0\0\x80\0\0\0\0\0\0\0"), false, 0 }, /* 2^63 */
	{ F("\x80\0\0\1\0\0\0\0\0\0\0\0"), false, 0 },
	{ F("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), true, INT64_MIN },
	{ F("\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), false, 0 },
	{ F("\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), false, 0 },
};

static const struct {
	const char *s;
	size_t n;
	bool ok;
	int64_t value;
} decimals[] = {
	{ F("0"), true, 0 },
	{ F("5"), true, 5 },
	{ F("+5"), true, 5 },
	{ F("-5"), true, -5 },
	{ F("-0"), true, 0 },
	{ F("007"), true, 7 },
	{ F("000000000000000000000000000001"), true, 1 },
	{ F("4294967296"), true, 4294967296 },
	{ F("9223372036854775807"), true, INT64_MAX },
	{ F("9223372036854775808"), false, 0 },
	{ F("-9223372036854775808"), true, INT64_MIN },
	{ F("-9223372036854775809"), false, 0 },
	{ F("18446744073709551616"), false, 0 },
	{ F("99999999999999999999999999"), false, 0 },
	{ F(""), false, 0 },
	{ F("+"), false, 0 },
	{ F("-"), false, 0 },
	{ F("--5"), false, 0 },
	{ F("+-5"), false, 0 },
	{ F(" 5"), false, 0 },
	{ F("5 "), false, 0 },
	{ F("5\0"), false, 0 },
	{ F("1_000"), false, 0 },
	{ F("0x10"), false, 0 },
	{ F("70000x"), false, 0 },
	{ F("1.0"), false, 0 },
};

static void test_fields(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int64_t v = 42;
		bool ok = tar_number((const uint8_t *)fields[i].field, fields[i].n, &v);

		if (ok != fields[i].ok || (ok && v != fields[i].value))
			fail_msg("field %zu: %d %lld", i, ok, (long long)v);
	}
}

static void test_decimals(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(decimals); i++) {
		int64_t v = 42;
		bool ok = tar_pax_number(decimals[i].s, decimals[i].n, &v);

		if (ok != decimals[i].ok || (ok && v != decimals[i].value))
			fail_msg("'%s': %d %lld", decimals[i].s, ok, (long long)v);
	}
}

/* The short way and the long way agree: every number with each of the usual endings. */
static void test_usual_octal(void **state _unused_)
{
	static const char *const forms[] = { "%07o", "%07o ", "%06o ", "%7o", "%o", " %o " };

	for (unsigned v = 0; v < 2097152; v += 1 + v % 97)
		for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
			char f[16] = { 0 }, longer[24] = { 0 };
			int64_t got = -1, got12 = -1;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			if (snprintf(f, sizeof(f), forms[i], v) > 8)
				continue;
#pragma GCC diagnostic pop
			memset(longer, '0', 4);
			memcpy(longer + 4, f, 8);
			assert_true(tar_number((const uint8_t *)f, 8, &got));
			assert_int_equal(got, v);
			if (f[0] == ' ')
				continue;
			assert_true(tar_number((const uint8_t *)longer, 12, &got12));
			assert_int_equal(got12, v);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_usual_octal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
