/* The table of limits and --limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "base/limits.h"

static void test_table(void **state)
{
	struct limits l = limits_default();

	(void)state;
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *row = limit_row((enum limit)i);

		if (!row->name || !row->name[0] || !row->unit[0] || !row->reason[0] || !row->figure)
			fail_msg("limit %zu has a hole in its row", i);
		assert_true(l.v[i] == row->figure);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(row->name, limit_row((enum limit)k)->name);
	}
}

static void test_set(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "layers=7", true, 7 },
		{ "layers=0", true, 0 },
		{ "layers=2K", true, 2048 },
		{ "layers=3M", true, 3145728 },
		{ "layers=1G", true, 1073741824 },
		{ "layers=1T", true, 1099511627776 },
		{ "layers=18446744073709551615", true, UINT64_MAX },
		{ "layers=16777215T", true, 16777215 * 1099511627776u },
		{ "layers=16777216T", false, 0 },
		{ "layers=18446744073709551616", false, 0 },
		{ "layers=", false, 0 },
		{ "layers=K", false, 0 },
		{ "layers=-1", false, 0 },
		{ "layers=1k", false, 0 },
		{ "layers=1KK", false, 0 },
		{ "layers=1P", false, 0 },
		{ "layers=1.5G", false, 0 },
		{ "layers", false, 0 },
		{ "layer=7", false, 0 },
		{ "layersx=7", false, 0 },
		{ "=7", false, 0 },
		{ "", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct limits l = limits_default(), before = l;
		struct error err = { 0 };
		int r = limits_set(&l, rows[i].text, &err);

		if (r != (rows[i].good ? 0 : -ERR_USAGE))
			fail_msg("%s: %d %s", rows[i].text, r, err.msg);
		if (rows[i].good)
			before.v[LIMIT_LAYERS] = rows[i].value;
		else
			assert_true(err.msg[0]);
		/* What fails changes nothing. */
		if (memcmp(&l, &before, sizeof(l)) != 0)
			fail_msg("%s: the limits are not as expected", rows[i].text);
	}
}

static void test_passed(void **state)
{
	struct limits l = limits_default();
	struct error err;

	(void)state;
	l.v[LIMIT_TAR_NAME] = 12;
	assert_int_equal(limit_passed(&l, LIMIT_TAR_NAME, "entry 'x'", &err), -ERR_LIMIT);
	assert_string_equal(err.msg, "entry 'x': more than 12 bytes (limit tar-name)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
