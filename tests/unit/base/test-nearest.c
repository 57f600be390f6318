/* "Did you mean". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/nearest.h"

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned want;
	} rows[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "docker", "docker", 0 },
		{ "DOCKER", "docker", 0 },
		{ "docekr", "docker", 1 },
		{ "dockr", "docker", 1 },
		{ "dockerr", "docker", 1 },
		{ "dacker", "docker", 1 },
		{ "ca", "abc", 3 },
		{ "kitten", "sitting", 3 },
	};
	char longest[NEAREST_WORD_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(nearest_distance(rows[i].a, strlen(rows[i].a), rows[i].b),
				 rows[i].want);
		assert_int_equal(nearest_distance(rows[i].b, strlen(rows[i].b), rows[i].a),
				 rows[i].want);
	}
	memset(longest, 'x', sizeof(longest));
	longest[NEAREST_WORD_MAX] = '\0';
	assert_int_equal(nearest_distance(longest, NEAREST_WORD_MAX, longest), 0);
	assert_int_equal(nearest_distance(longest, NEAREST_WORD_MAX, ""), NEAREST_WORD_MAX);
	assert_int_equal(nearest_distance(longest, NEAREST_WORD_MAX + 1, "x"), NEAREST_FAR);
}

static void test_offer(void **state)
{
	const char *best = NULL;
	unsigned distance = NEAREST_FAR;

	(void)state;
	nearest_offer("podmn", 5, "sysbox", &best, &distance);
	assert_null(best);
	nearest_offer("podmn", 5, "podman-auto", &best, &distance);
	assert_null(best);
	nearest_offer("podmn", 5, "podman", &best, &distance);
	assert_string_equal(best, "podman");
	nearest_offer("podmn", 5, "podmon", &best, &distance);
	assert_string_equal(best, "podman");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
