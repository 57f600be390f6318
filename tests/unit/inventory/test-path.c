#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "inventory/path.h"

static void cleans(void **state)
{
	static const struct {
		const char *name, *path;
		bool escapes;
	} rows[] = {
		{ "", "", false },
		{ ".", "", false },
		{ "./", "", false },
		{ "/", "", false },
		{ "///", "", false },
		{ "a", "a", false },
		{ "a/", "a", false },
		{ "./a/b", "a/b", false },
		{ "/a//b/./c/", "a/b/c", false },
		{ "a/../b", "b", false },
		{ "a/b/..", "a", false },
		{ "a/..", "", false },
		{ "..", "", true },
		{ "../../etc/passwd", "etc/passwd", true },
		{ "a/../../b", "b", true },
		{ "/..", "", true },
		{ "...", "...", false },
		{ "..a/.b/b.", "..a/.b/b.", false },
		{ "a/ /b", "a/ /b", false },
	};
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool escapes = !rows[i].escapes;

		assert_int_equal(path_clean(&out, rows[i].name, strlen(rows[i].name), &escapes), 0);
		assert_string_equal(buf_str(&out), rows[i].path);
		assert_int_equal(out.len, strlen(rows[i].path));
		assert_int_equal(escapes, rows[i].escapes);
		assert_true(path_is_clean(buf_str(&out), out.len));
		assert_int_equal(path_is_clean(rows[i].name, strlen(rows[i].name)),
				 strcmp(rows[i].name, rows[i].path) == 0);
	}
	buf_free(&out);
}

static void parents(void **state)
{
	static const struct {
		const char *path;
		size_t parent;
	} rows[] = { { "", 0 }, { "a", 0 }, { "a/b", 1 }, { "ab/cd/e", 5 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(path_parent(rows[i].path, strlen(rows[i].path)), rows[i].parent);
}

static void below(void **state)
{
	static const struct {
		const char *path, *dir;
		bool below;
	} rows[] = {
		{ "a/b", "a", true },	{ "a/b", "", true },  { "a", "", true },    { "", "", false },
		{ "ab", "a", false },	{ "a", "a", false },  { "a", "a/b", false }, { "a/b/c", "a/b", true },
		{ "a/bc", "a/b", false }, { "b/c", "a", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(path_is_below(rows[i].path, strlen(rows[i].path), rows[i].dir,
					       strlen(rows[i].dir)),
				 rows[i].below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleans),
		cmocka_unit_test(parents),
		cmocka_unit_test(below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
