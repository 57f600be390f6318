#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/fold.h"

static void add(struct fold *fold, const char *path, int64_t uid)
{
	size_t n = strlen(path);
	struct inv_entry e = { .kind = INV_REG, .mode = 0644, .uid = uid, .link = "" };
	struct finding f = { .rule = RULE_OWNER_OUTSIDE_MAP,
			     .level = LEVEL_ERROR,
			     .entry = &e,
			     .uid = uid,
			     .has_uid = true,
			     .has_gid = true,
			     .by_layer = -1,
			     .targets = 1,
			     .gid_fits = 1 };
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", path);
	if (n && path[n - 1] == '/') {
		e.kind = INV_DIR;
		copy[--n] = '\0';
	}
	e.path = copy;
	e.path_len = n;
	assert_int_equal(fold_add(fold, &f, NULL), 0);
}

/* "dir=count dir=count", and "+lost" behind. */
static void shows(const struct fold *fold, const char *expected)
{
	char text[2048];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < fold->count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%d", i ? " " : "",
				      fold->groups[i].dir, (int)fold->groups[i].count);
	if (fold->lost)
		snprintf(text + n, sizeof(text) - n, " +%d", (int)fold->lost);
	assert_string_equal(text, expected);
}

static void cases(void **state)
{
	static const struct {
		const char *paths[16];
		const char *groups;
	} rows[] = {
		{ { "a/b", "a/c", "a/d/e" }, "a=3" },
		{ { "a/", "a/x", "a/y/z" }, "a=3" },
		{ { "a/x/1", "b/x/1" }, "a/x=1 b/x=1" },
		{ { "a/b/c/1", "a/b/d/1", "a/2" },
		  "a=3" },			   /* what came before from below is taken in */
		{ { "ab/1", "a/1" }, "ab=1 a=1" }, /* a is not above ab */
		{ { "1", "a/1", "2" }, "=2 a=1" }, /* files of the root do not swallow the rest */
		{ { "n/1/f", "n/2/f", "n/3/f", "n/4/f", "n/5/f", "n/6/f", "n/7/f", "n/8/f", "n/9/f",
		    "n/0/f" },
		  "n=10" },
		{ { "n/1/f", "n/2/f", "m/3/f", "m/4/f", "l/5/f", "l/6/f", "k/7/f", "k/8/f", "j/f" },
		  "n=2 m=2 l=2 k=2 j=1" },
		{ { "a/f", "b/f", "c/f", "d/f", "e/f", "f/f", "g/f", "h/f", "i/f", "j/f" }, "=10" },
		{ { "x/aa/1", "x/ab/1", "b/f", "c/f", "d/f", "e/f", "f/f", "g/f", "h/f" },
		  "x=2 b=1 c=1 d=1 e=1 f=1 g=1 h=1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fold fold = { 0 };

		for (size_t k = 0; k < 16 && rows[i].paths[k]; k++)
			add(&fold, rows[i].paths[k], 70000);
		shows(&fold, rows[i].groups);
		fold_free(&fold);
	}
}

static void other_owners_are_apart(void **state)
{
	struct fold fold = { 0 };

	(void)state;
	add(&fold, "a/1", 70000);
	add(&fold, "a/2", 80000);
	add(&fold, "a/3", 70000);
	shows(&fold, "a=2 a=1");
	assert_int_equal(fold.groups[0].key.uid, 70000);
	assert_string_equal(buf_str(&fold.groups[0].lines[1]), "-rw-r--r-- 70000 0 0 /a/3");
	fold_free(&fold);
}

static void memory_is_bounded(void **state)
{
	struct fold owners = { 0 }, dirs = { 0 };
	char path[64];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "d%d/e%d/f", i % 977, i);
		add(&dirs, path, 70000);
		add(&owners, path, 70000 + i);
	}
	assert_in_range(dirs.count, 1, FOLD_GROUPS);
	assert_int_equal(dirs.lost, 0);
	assert_int_equal(owners.count, FOLD_GROUPS);
	assert_int_equal(owners.lost, 100000 - FOLD_GROUPS);
	/* Nothing is lost from sight: counts add up, and lines are the first ones. */
	uint64_t sum = 0;
	for (size_t i = 0; i < dirs.count; i++)
		sum += dirs.groups[i].count;
	assert_int_equal(sum, 100000);
	fold_free(&owners);
	fold_free(&dirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases),
		cmocka_unit_test(other_owners_are_apart),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
