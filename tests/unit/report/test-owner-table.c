#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/owner-table.h"

static void add(struct owner_table *t, size_t layer, const char *path, int64_t uid, int64_t gid)
{
	struct inv_entry e = { .uid = uid, .gid = gid, .path = path, .path_len = strlen(path) };

	assert_int_equal(owner_table_add(t, layer, &e, NULL), 0);
}

static void counts_and_examples(void **state)
{
	struct owner_table t = { 0 };

	(void)state;
	add(&t, 0, "b", 5, 1);
	add(&t, 0, "a", 0, 0);
	add(&t, 2, "c", 5, 1);
	add(&t, 2, "d", 5, 1);
	add(&t, 2, "e", 5, 1);
	add(&t, 2, "f", -1, 7);
	add(&t, 3, "g", 5, 0);
	owner_table_sort(&t);
	assert_int_equal(t.count, 4);
	assert_int_equal(t.entries, 7);
	assert_int_equal(t.rows[0].uid, -1);
	assert_int_equal(t.rows[1].uid, 0);
	assert_int_equal(t.rows[2].gid, 0);
	assert_int_equal(t.rows[3].gid, 1);
	assert_int_equal(t.rows[3].entries, 4);
	assert_int_equal(t.rows[3].layer_count, 2);
	assert_int_equal(t.rows[3].layers[1], 2);
	assert_string_equal(t.rows[3].examples[2], "d");
	owner_table_free(&t);
}

static void many(void **state)
{
	struct owner_table t = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 70000; i++)
			add(&t, (size_t)round, "x", i * 65536LL, i % 3);
	assert_int_equal(t.count, 70000);
	owner_table_sort(&t);
	for (size_t i = 0; i < t.count; i++) {
		assert_int_equal(t.rows[i].entries, 2);
		assert_int_equal(t.rows[i].uid, (int64_t)i * 65536);
	}
	assert_null(t.rows[69999].examples[0]);
	owner_table_free(&t);
}

static void except(void **state)
{
	static struct account users[] = { { .name = (char *)"root" },
					  { .name = (char *)"node", .id = 1000, .gid = 1001 } };
	static struct account groups[] = { { .name = (char *)"node", .id = 1000 },
					   { .name = (char *)"tty", .id = 5 } };
	static const struct accounts known = {
		.users = users, .user_count = 2, .groups = groups, .group_count = 2
	};
	static const struct accounts nobody = { 0 };
	static const struct {
		const struct accounts *accounts;
		const char *words[4];
		int64_t uid, gid;
		bool excepted;
	} rows[] = {
		{ &known, { "root", "node" }, 0, 0, true },
		{ &known, { "root", "node" }, 1000, 1001, true },
		{ &known, { "root", "node" }, 1000, 1000, true },
		{ &known, { "root", "node" }, 0, 1000, true },
		{ &known, { "root", "node" }, 0, 89939, false },
		{ &known, { "root", "node" }, 70000, 0, false },
		{ &known, { "tty" }, 0, 5, false },
		{ &known, { "root", "tty" }, 0, 5, true },
		{ &known, { "1000" }, 1000, 1000, true },
		{ &known, { "1000" }, 1000, 0, false },
		{ &known, { "1000:0" }, 1000, 0, true },
		{ &known, { "1000:0" }, 1000, 1000, false },
		{ &known, { "-1:0" }, -1, 0, true },
		{ &nobody, { "root" }, 0, 0, true },
		{ &nobody, { "node" }, 1000, 1000, false },
		{ &known, { NULL }, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct owner_except x;
		size_t n = 0;

		while (rows[i].words[n])
			n++;
		assert_int_equal(owner_except_make(&x, rows[i].words, n, rows[i].accounts, NULL),
				 0);
		if (owner_is_excepted(&x, rows[i].uid, rows[i].gid) != rows[i].excepted)
			fail_msg("row %zu", i);
		owner_except_free(&x);
	}
}

static void an_unknown_name_is_told(void **state)
{
	const char *const words[] = { "root", "nodee", "x" };
	const struct accounts none = { 0 };
	struct owner_except x;

	(void)state;
	assert_int_equal(owner_except_make(&x, words, 3, &none, NULL), 0);
	assert_string_equal(x.unknown, "nodee");
	owner_except_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_examples),
		cmocka_unit_test(many),
		cmocka_unit_test(except),
		cmocka_unit_test(an_unknown_name_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
