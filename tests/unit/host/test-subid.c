/* Lines of /etc/subuid, whose they are, and the maps that engines make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "host/subid.h"

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		int bad; /* -1: no line at all */
		const char *owner;
		uint32_t start, count;
	} rows[] = {
		{ "alice:100000:65536", SUBID_GOOD, "alice", 100000, 65536 },
		{ "1000:100000:1", SUBID_GOOD, "1000", 100000, 1 },
		{ "al ice@EXAMPLE.ORG:1:2", SUBID_GOOD, "al ice@EXAMPLE.ORG", 1, 2 },
		{ "a:0:4294967295", SUBID_GOOD, "a", 0, 4294967295 },
		{ "a:1:4294967295", SUBID_NUMBER, "a", 0, 0 },
		{ "a:4294967294:1", SUBID_GOOD, "a", 4294967294, 1 },
		{ "a:4294967295:1", SUBID_NUMBER, "a", 0, 0 },
		{ "a:4294967296:1", SUBID_NUMBER, "a", 0, 0 },
		{ "a:-1:1", SUBID_NUMBER, "a", 0, 0 },
		{ "a: 1:1", SUBID_NUMBER, "a", 0, 0 },
		{ "a:1:1 ", SUBID_NUMBER, "a", 0, 0 },
		{ "a:1:1\r", SUBID_NUMBER, "a", 0, 0 },
		{ "a:0x10:1", SUBID_NUMBER, "a", 0, 0 },
		{ "a:1:0", SUBID_EMPTY, "a", 1, 0 },
		{ "a:1", SUBID_FIELDS, "", 0, 0 },
		{ "a", SUBID_FIELDS, "", 0, 0 },
		{ "a:1:1:1", SUBID_FIELDS, "", 0, 0 },
		{ ":1:1", SUBID_FIELDS, "", 0, 0 },
		{ "", -1, NULL, 0, 0 },
		{ "  \t", -1, NULL, 0, 0 },
		{ "\r", -1, NULL, 0, 0 },
		{ "# alice:1:1", -1, NULL, 0, 0 },
		{ " # alice:1:1", -1, NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct subid_file f = { 0 };
		struct error err;
		char text[200];

		print_message("%s\n", rows[i].line);
		/* Lines around it keep their numbers whatever it is. */
		snprintf(text, sizeof(text), "first:1:1\n%s\nlast:7:7", rows[i].line);
		assert_int_equal(subid_file_parse(&f, text, &err), 0);
		assert_int_equal(f.count, rows[i].bad < 0 ? 2 : 3);
		assert_int_equal(f.lines[f.count - 1].line, 3);
		assert_int_equal(f.lines[f.count - 1].bad, SUBID_GOOD);
		if (rows[i].bad >= 0) {
			assert_int_equal(f.lines[1].bad, rows[i].bad);
			assert_int_equal(f.lines[1].line, 2);
			assert_string_equal(f.lines[1].owner, rows[i].owner);
			assert_string_equal(f.lines[1].text, rows[i].line);
		}
		if (rows[i].bad == SUBID_GOOD) {
			assert_int_equal(f.lines[1].span.start, rows[i].start);
			assert_int_equal(f.lines[1].span.count, rows[i].count);
		}
		subid_file_free(&f);
	}
}

static void expect_map(const struct idmap *m, const char *want)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < m->count; i++)
		assert_int_equal(buf_printf(&out, "%s%u %u %u", i ? "," : "", m->extents[i].container,
					    m->extents[i].host, m->extents[i].count),
				 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void test_owners(void **state)
{
	static const char text[] = "bob:300000:10\nalice:200000:10\n1000:100000:5\nalice:bad:5\nalice:50000:0\n";
	static const struct {
		const char *name;
		uint32_t uid;
		const char *docker, *rootless;
	} rows[] = {
		{ "alice", 1000, "0 200000 10,10 100000 5", "0 7 1,1 200000 10,11 100000 5" },
		{ "alice", 1001, "0 200000 10", "0 7 1,1 200000 10" },
		{ NULL, 1000, "0 100000 5", "0 7 1,1 100000 5" },
		{ "bob", 1, "0 300000 10", "0 7 1,1 300000 10" },
		{ "carol", 2, "", "0 7 1" },
	};
	struct subid_file f = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(subid_file_parse(&f, text, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct subid_spans s = { 0 };
		struct idmap docker = { 0 }, rootless = { 0 };

		assert_int_equal(subid_of(&s, &f, rows[i].name, rows[i].uid, &err), 0);
		assert_int_equal(subid_lay_out(&docker, &s, false, 0, &err), 0);
		assert_int_equal(subid_lay_out(&rootless, &s, true, 7, &err), 0);
		expect_map(&docker, rows[i].docker);
		expect_map(&rootless, rows[i].rootless);
		idmap_free(&docker);
		idmap_free(&rootless);
		subid_spans_free(&s);
	}
	subid_file_free(&f);
}

static void test_refused(void **state)
{
	struct subid_spans s = { 0 };
	struct idmap m = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(subid_spans_add(&s, (struct subid_span){ 1000, 10, 1 }, &err), 0);
	assert_int_equal(subid_lay_out(&m, &s, true, 1005, &err), -ERR_USAGE);
	idmap_free(&m);
	assert_int_equal(subid_spans_add(&s, (struct subid_span){ 1009, 10, 2 }, &err), 0);
	assert_int_equal(subid_lay_out(&m, &s, false, 0, &err), -ERR_USAGE);
	idmap_free(&m);
	subid_spans_free(&s);
	assert_int_equal(subid_spans_add(&s, (struct subid_span){ 0, 4294967295, 1 }, &err), 0);
	assert_int_equal(subid_total(&s), 4294967295);
	assert_int_equal(subid_spans_add(&s, (struct subid_span){ 0, 4294967295, 1 }, &err), 0);
	assert_int_equal(subid_lay_out(&m, &s, false, 0, &err), -ERR_USAGE);
	idmap_free(&m);
	subid_spans_free(&s);
}

static void test_same(void **state)
{
	static const struct {
		struct subid_span a[3], b[3];
		bool same;
	} rows[] = {
		{ { { 0 } }, { { 0 } }, true },
		{ { { 5, 5, 1 } }, { { 5, 5, 0 } }, true },
		{ { { 5, 5, 1 } }, { { 5, 6, 1 } }, false },
		{ { { 5, 5, 1 } }, { { 0 } }, false },
		{ { { 9, 1, 1 }, { 5, 2, 2 } }, { { 5, 2, 1 }, { 9, 1, 2 } }, true },
		{ { { 5, 2, 1 }, { 7, 2, 2 } }, { { 5, 4, 1 } }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct subid_spans a = { 0 }, b = { 0 };
		struct error err;

		for (size_t k = 0; k < 3; k++) {
			if (rows[i].a[k].count)
				assert_int_equal(subid_spans_add(&a, rows[i].a[k], &err), 0);
			if (rows[i].b[k].count)
				assert_int_equal(subid_spans_add(&b, rows[i].b[k], &err), 0);
		}
		assert_int_equal(subid_same(&a, &b), rows[i].same);
		assert_int_equal(subid_same(&b, &a), rows[i].same);
		subid_spans_free(&a);
		subid_spans_free(&b);
	}
}

static void test_ask(void **state)
{
	struct subid_spans s = { 0 };
	struct error err;

	(void)state;
	/* Nobody has such a name: no ranges, or nobody to ask; never an error. */
	assert_in_range(subid_ask(&s, "uidfit-no-such-user", SUBID_UID, &err), 0, 1);
	assert_int_equal(s.count, 0);
	subid_spans_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_owners), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_same),  cmocka_unit_test(test_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
