/* Numbers: the whole string or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"

/* Which of the three readers take it, and as what. */
static const struct {
	const char *s;
	bool u32, u64, i64;
	uint64_t u;
	int64_t i;
} rows[] = {
	{ "0", true, true, true, 0, 0 },
	{ "007", true, true, true, 7, 7 },
	{ "65536", true, true, true, 65536, 65536 },
	{ "4294967295", true, true, true, UINT32_MAX, UINT32_MAX },
	{ "4294967296", false, true, true, 4294967296u, 4294967296 },
	{ "9223372036854775807", false, true, true, INT64_MAX, INT64_MAX },
	{ "9223372036854775808", false, true, false, 9223372036854775808u, 0 },
	{ "18446744073709551615", false, true, false, UINT64_MAX, 0 },
	{ "18446744073709551616", false, false, false, 0, 0 },
	{ "99999999999999999999999", false, false, false, 0, 0 },
	{ "-1", false, false, true, 0, -1 },
	{ "-0", false, false, true, 0, 0 },
	{ "-9223372036854775808", false, false, true, 0, INT64_MIN },
	{ "-9223372036854775809", false, false, false, 0, 0 },
	{ "", false, false, false, 0, 0 },
	{ "-", false, false, false, 0, 0 },
	{ "--1", false, false, false, 0, 0 },
	{ "+1", false, false, false, 0, 0 },
	{ " 1", false, false, false, 0, 0 },
	{ "1 ", false, false, false, 0, 0 },
	{ "1x", false, false, false, 0, 0 },
	{ "0x1", false, false, false, 0, 0 },
	{ "1e3", false, false, false, 0, 0 },
	{ "1.0", false, false, false, 0, 0 },
	{ "\xd9\xa1", false, false, false, 0, 0 }, /* a digit, but not of these ten */
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].s);
		uint32_t u32 = 42;
		uint64_t u64 = 42;
		int64_t i64 = 42;

		if (num_u32(rows[i].s, n, &u32) != rows[i].u32 ||
		    num_u64(rows[i].s, n, &u64) != rows[i].u64 ||
		    num_i64(rows[i].s, n, &i64) != rows[i].i64)
			fail_msg("'%s'", rows[i].s);
		assert_true(u32 == (rows[i].u32 ? rows[i].u : 42));
		assert_true(u64 == (rows[i].u64 ? rows[i].u : 42));
		assert_true(i64 == (rows[i].i64 ? rows[i].i : 42));
	}
}

static void test_length_counts(void **state)
{
	uint64_t v;
	int64_t i;

	(void)state;
	assert_true(num_u64("123x", 3, &v));
	assert_int_equal(v, 123);
	assert_false(num_u64("1\0002", 3, &v));
	assert_false(num_u64(NULL, 0, &v));
	assert_false(num_i64(NULL, 0, &i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_length_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
