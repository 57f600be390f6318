/* The map itself: order, joins, overlaps, limits, look-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/num.h"
#include "idmap/idmap.h"

#define ALL 4294967295u /* as many ids as there are */

static void expect_ranges(const struct idmap *m, const char *want)
{
	struct buf out = { 0 };

	assert_int_equal(idmap_print_ranges(m, &out), 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void test_add(void **state)
{
	static const struct {
		const char *name;
		bool has_host;
		struct idmap_extent in[4];
		int last; /* what the last call returns */
		size_t count;
		const char *ranges;
	} rows[] = {
		{ "one", true, { { 0, 100000, 65536 } }, 0, 1, "0-65535" },
		{ "every id", true, { { 0, 0, ALL } }, 0, 1, "0-4294967294" },
		{ "one too many", true, { { 1, 0, ALL } }, -ERR_USAGE, 0, "" },
		{ "one host id too many", true, { { 0, 1, ALL } }, -ERR_USAGE, 0, "" },
		{ "the host side does not count", false, { { 0, 1, ALL } }, 0, 1, "0-4294967294" },
		{ "no id", true, { { 5, 5, 0 } }, -ERR_USAGE, 0, "" },
		{ "(uid_t)-1", true, { { ALL, 5, 1 } }, -ERR_USAGE, 0, "" },
		{ "(uid_t)-1 outside", true, { { 5, ALL, 1 } }, -ERR_USAGE, 0, "" },
		{ "sorted", true, { { 9, 1, 1 }, { 5, 3, 1 } }, 0, 2, "5, 9" },
		{ "joins behind", true, { { 0, 10, 5 }, { 5, 15, 5 } }, 0, 1, "0-9" },
		{ "joins before", true, { { 5, 15, 5 }, { 0, 10, 5 } }, 0, 1, "0-9" },
		{ "fills a hole",
		  true,
		  { { 0, 10, 5 }, { 10, 20, 5 }, { 5, 15, 5 } },
		  0,
		  1,
		  "0-14" },
		{ "neighbours inside only", true, { { 0, 10, 5 }, { 5, 50, 5 } }, 0, 2, "0-9" },
		{ "bare neighbours", false, { { 0, 10, 5 }, { 5, 50, 5 } }, 0, 1, "0-9" },
		{ "overlap inside", true, { { 0, 10, 5 }, { 4, 50, 5 } }, -ERR_USAGE, 1, "0-4" },
		{ "overlap outside", true, { { 0, 10, 5 }, { 5, 14, 5 } }, -ERR_USAGE, 1, "0-4" },
		{ "swallowed", true, { { 5, 10, 1 }, { 0, 50, 50 } }, -ERR_USAGE, 1, "5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct idmap m = { .has_host = rows[i].has_host };
		struct error err = { 0 };
		int r = 0;

		for (size_t k = 0; k < 4 && (!k || rows[i].in[k].count); k++) {
			assert_int_equal(r, 0);
			r = idmap_add(&m, rows[i].in[k], &err);
		}
		if (r != rows[i].last || m.count != rows[i].count)
			fail_msg("%s: %d, %zu extents, %s", rows[i].name, r, m.count, err.msg);
		expect_ranges(&m, rows[i].ranges);
		idmap_free(&m);
	}
}

static void test_extents_max(void **state)
{
	struct idmap m = { .has_host = true };
	struct error err = { 0 };

	(void)state;
	for (uint32_t i = 0; i < IDMAP_EXTENTS_MAX; i++)
		assert_int_equal(idmap_add(&m, (struct idmap_extent){ i * 2, i * 3, 1 }, &err), 0);
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 100000, 100000, 1 }, &err),
			 -ERR_USAGE);
	assert_non_null(strstr(err.msg, "340"));
	/* One that joins another needs no room. */
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 679, 1018, 1 }, &err), 0);
	assert_int_equal(m.count, IDMAP_EXTENTS_MAX);
	idmap_free(&m);
}

static void test_lookup(void **state)
{
	static const struct {
		int64_t id;
		bool found;
		uint32_t host;
	} rows[] = {
		{ 0, true, 1000 },	 { 1, true, 100000 },	    { 65536, true, 165535 },
		{ 65537, false, 0 },	 { 69999, false, 0 },	    { 70000, true, 5 },
		{ 70001, false, 0 },	 { -1, false, 0 },	    { INT64_MIN, false, 0 },
		{ 4294967294, true, 7 }, { 4294967295, false, 0 },  { 4294967296, false, 0 },
		{ INT64_MAX, false, 0 }, { -4294967296, false, 0 },
	};
	struct idmap m = { .has_host = true };
	struct error err;
	uint32_t host;

	(void)state;
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 70000, 5, 1 }, &err), 0);
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 1, 100000, 65536 }, &err), 0);
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 0, 1000, 1 }, &err), 0);
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 4294967294u, 7, 1 }, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		host = 0;
		assert_int_equal(idmap_lookup(&m, rows[i].id, &host), rows[i].found);
		assert_int_equal(host, rows[i].host);
		assert_int_equal(idmap_lookup(&m, rows[i].id, NULL), rows[i].found);
	}
	assert_true(idmap_root_host(&m, &host));
	assert_int_equal(host, 1000);
	idmap_free(&m);
}

static void test_no_host(void **state)
{
	struct idmap m = { 0 }, empty = { 0 };
	struct error err;
	uint32_t host = 42;

	(void)state;
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 0, 0, 10 }, &err), 0);
	assert_true(idmap_lookup(&m, 9, &host));
	assert_int_equal(host, 42);
	assert_false(idmap_root_host(&m, &host));
	assert_false(idmap_lookup(&empty, 0, NULL));
	expect_ranges(&empty, "");
	idmap_free(&m);
}

static void test_replace(void **state)
{
	struct idmap m = { .has_host = true }, copy;
	struct error err;
	uint32_t host;

	(void)state;
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 0, 100000, 65536 }, &err), 0);
	/* Takes 1000 away inside and 100005 away outside. */
	assert_int_equal(idmap_replace(&m, (struct idmap_extent){ 1000, 100005, 1 }, &err), 0);
	expect_ranges(&m, "0-4, 6-65535");
	assert_int_equal(m.count, 4);
	assert_true(idmap_lookup(&m, 1000, &host));
	assert_int_equal(host, 100005);
	assert_false(idmap_lookup(&m, 5, NULL));
	assert_true(idmap_lookup(&m, 1001, &host));
	assert_int_equal(host, 101001);
	assert_int_equal(idmap_copy(&copy, &m, &err), 0);
	assert_int_equal(idmap_replace(&m, (struct idmap_extent){ 0, 0, 0 }, &err), -ERR_USAGE);
	assert_int_equal(m.count, copy.count);
	assert_memory_equal(m.extents, copy.extents, m.count * sizeof(*m.extents));
	/* One that swallows everything. */
	assert_int_equal(idmap_replace(&m, (struct idmap_extent){ 0, 0, ALL }, &err), 0);
	expect_ranges(&m, "0-4294967294");
	assert_int_equal(m.count, 1);
	idmap_free(&copy);
	idmap_free(&m);
}

static void test_identity(void **state)
{
	struct idmap m = { .has_host = true }, range = { 0 }, copy, other;
	struct error err;
	uint32_t host;

	(void)state;
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 0, 1000, 1 }, &err), 0);
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 1, 100000, 65535 }, &err), 0);
	assert_int_equal(idmap_identity(&copy, &m, &err), 0);
	/* Neighbours join, as both sides go on. */
	assert_int_equal(copy.count, 1);
	assert_true(copy.has_host);
	assert_true(idmap_lookup(&copy, 65535, &host));
	assert_int_equal(host, 65535);
	assert_false(idmap_lookup(&copy, 65536, NULL));
	assert_false(idmap_same(&m, &copy));
	assert_true(idmap_same(&m, &m));
	assert_int_equal(idmap_add(&range, (struct idmap_extent){ 0, 0, 65536 }, &err), 0);
	assert_false(idmap_same(&range, &copy));
	assert_int_equal(idmap_identity(&other, &range, &err), 0);
	assert_true(idmap_same(&other, &copy));
	idmap_free(&other);
	idmap_free(&range);
	idmap_free(&copy);
	idmap_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),	cmocka_unit_test(test_extents_max),
		cmocka_unit_test(test_lookup),	cmocka_unit_test(test_no_host),
		cmocka_unit_test(test_replace), cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
