/* The smallest map: every id is in it, no more extents than allowed, and no map with fewer ids does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"
#include "idmap/smallest.h"

#define LAST 4294967294u

/* A generator of its own: the same numbers on every machine. */
static uint64_t state = 88172645463325252u;

static uint32_t any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11) % below;
}

static void test_set(void **unused)
{
	struct idset s = { 0 };
	struct error err;
	uint32_t id;

	(void)unused;
	idset_tidy(&s);
	assert_int_equal(idset_size(&s), 0);
	assert_false(idset_highest(&s, &id));
	assert_false(idset_has(&s, 0));
	assert_int_equal(idset_add(&s, 5, 4, &err), -ERR_USAGE);
	assert_int_equal(idset_add(&s, 0, ID_INVALID, &err), -ERR_USAGE);
	for (uint32_t i = 0; i < 1000; i++) /* each id many times over: memory stays that of the set */
		for (uint32_t k = 0; k < 100; k++)
			assert_int_equal(idset_add(&s, k * 2, k * 2, &err), 0);
	assert_in_range(s.cap, 100, 512);
	assert_int_equal(idset_add(&s, LAST, LAST, &err), 0);
	assert_int_equal(idset_add(&s, 199, 210, &err), 0);
	idset_tidy(&s);
	assert_int_equal(s.count, 101);
	assert_int_equal(idset_size(&s), 100 + 12 + 1);
	assert_true(idset_highest(&s, &id));
	assert_int_equal(id, LAST);
	assert_true(idset_has(&s, 198));
	assert_true(idset_has(&s, 210));
	assert_false(idset_has(&s, 197));
	assert_false(idset_has(&s, 211));
	assert_true(idset_has(&s, LAST));
	idset_free(&s);
}

static void check_map(const struct idmap *m, const struct idset *ids, const struct smallest_rule *rule)
{
	uint64_t host = rule->first_host;

	assert_in_range(m->count, 1, rule->extents_max);
	if (rule->text_max)
		assert_in_range(idmap_text_size(m), 1, rule->text_max);
	for (size_t i = 0; i < ids->count; i++)
		for (uint64_t id = ids->ranges[i].first; id <= ids->ranges[i].last; id++)
			assert_true(idmap_lookup(m, (int64_t)id, NULL));
	for (size_t i = 0; i < m->count; i++) {
		if (rule->own && !i) {
			assert_int_equal(m->extents[0].container, 0);
			assert_int_equal(m->extents[0].host, rule->own_host);
			assert_int_equal(m->extents[0].count, 1);
			continue;
		}
		/* No host id is left out, and an extent begins and ends with an id that is needed. */
		assert_int_equal(m->extents[i].host, host);
		host += m->extents[i].count;
		assert_true(idset_has(ids, m->extents[i].container) || m->extents[i].container == 0);
		assert_true(idset_has(ids, m->extents[i].container + m->extents[i].count - 1));
	}
}

/* Every way to join neighbours, by brute force: the fewest ids of those within the bound. */
static uint64_t fewest(const uint32_t *ids, size_t n, size_t extents)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t cuts = 0; cuts < 1u << (n - 1); cuts++) {
		uint64_t total = 1;

		if ((size_t)__builtin_popcount(cuts) + 1 > extents)
			continue;
		for (size_t i = 1; i < n; i++)
			total += cuts >> (i - 1) & 1 ? 1 : ids[i] - ids[i - 1];
		best = MIN(best, total);
	}
	return best;
}

static int ascending(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void test_brute_force(void **unused)
{
	(void)unused;
	for (int round = 0; round < 3000; round++) {
		uint32_t spread = 1u << (2 + any(24)), ids[11];
		struct smallest_rule rule = { .extents_max = 1 + any(7), .first_host = 100000,
					      .own = any(2), .own_host = 1000 };
		size_t n = 1 + any(10), distinct = 1;
		struct idset set = { 0 };
		struct idmap m = { 0 };
		struct error err;
		uint64_t want;
		int r;

		ids[0] = 0;
		for (size_t i = 1; i <= n; i++)
			ids[i] = any(spread);
		for (size_t i = 0; i <= n; i++)
			assert_int_equal(idset_add(&set, ids[i], ids[i], &err), 0);
		qsort(ids, n + 1, sizeof(*ids), ascending);
		for (size_t i = 1; i <= n; i++)
			if (ids[i] != ids[distinct - 1])
				ids[distinct++] = ids[i];
		idset_tidy(&set);
		r = idmap_smallest(&m, &set, &rule, &err);
		if (rule.own && rule.extents_max == 1 && distinct > 1) {
			assert_int_equal(r, 1);
			assert_int_equal(m.count, 0);
		} else {
			assert_int_equal(r, 0);
			check_map(&m, &set, &rule);
			want = !rule.own     ? fewest(ids, distinct, rule.extents_max) :
			       distinct == 1 ? 1 :
					       1 + fewest(ids + 1, distinct - 1, rule.extents_max - 1);
			assert_int_equal(idmap_size(&m), want);
		}
		idmap_free(&m);
		idset_free(&set);
	}
}

static void test_text(void **unused)
{
	static const size_t bounds[] = { 1, 40, 400, 1000, 4095, 0 };

	(void)unused;
	for (size_t round = 0; round < 200; round++) {
		struct smallest_rule rule = { .extents_max = 1 + any(IDMAP_EXTENTS_MAX), .first_host = any(1u << 30),
					      .text_max = bounds[round % ARRAY_SIZE(bounds)] };
		struct idset set = { 0 };
		struct idmap m = { 0 };
		struct error err;
		int r;

		for (uint32_t i = any(2000) + 1; i; i--) {
			uint32_t id = any(1u << (4 + any(27)));

			assert_int_equal(idset_add(&set, id, id + any(3), &err), 0);
		}
		assert_int_equal(idset_add(&set, 0, 0, &err), 0);
		idset_tidy(&set);
		r = idmap_smallest(&m, &set, &rule, &err);
		if (rule.text_max == 1) {
			assert_int_equal(r, 1);
		} else if (r != 1) {
			assert_int_equal(r, 0);
			check_map(&m, &set, &rule);
		}
		idmap_free(&m);
		idset_free(&set);
	}
}

static void test_text_size(void **unused)
{
	struct idmap m = { .has_host = true };
	struct error err;

	(void)unused;
	assert_int_equal(idmap_text_size(&m), 0);
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ 0, 100000, 65536 }, &err), 0);
	assert_int_equal(idmap_text_size(&m), strlen("0 100000 65536\n"));
	assert_int_equal(idmap_add(&m, (struct idmap_extent){ LAST, 9, 1 }, &err), 0);
	assert_int_equal(idmap_text_size(&m), strlen("0 100000 65536\n4294967294 9 1\n"));
	assert_int_equal(idmap_size(&m), 65537);
	idmap_free(&m);
}

static void test_table(void **unused)
{
	static const struct {
		const char *name;
		struct id_range in[5];
		size_t count;
		struct smallest_rule rule;
		int result;
		struct idmap_extent out[5];
		size_t extents;
	} rows[] = {
		{ "nothing", { { 0, 0 } }, 0, { 340, 0, 5, false, 0 }, 1, { { 0, 0, 0 } }, 0 },
		{ "root", { { 0, 0 } }, 1, { 340, 0, 5, false, 0 }, 0, { { 0, 5, 1 } }, 1 },
		{ "no extent", { { 0, 0 } }, 1, { 0, 0, 5, false, 0 }, 1, { { 0, 0, 0 } }, 0 },
		{ "own root alone", { { 0, 0 } }, 1, { 1, 0, 5, true, 1000 }, 0, { { 0, 1000, 1 } }, 1 },
		{ "own root and ids", { { 0, 9 } }, 1, { 2, 0, 5, true, 1000 }, 0,
		  { { 0, 1000, 1 }, { 1, 5, 9 } }, 2 },
		{ "of two holes alike the lower is kept", { { 0, 0 }, { 9, 9 }, { 18, 18 } }, 3,
		  { 2, 0, 100, false, 0 }, 0, { { 0, 100, 1 }, { 9, 101, 10 } }, 2 },
		{ "the wider hole is kept", { { 0, 0 }, { 9, 9 }, { 19, 19 } }, 3, { 2, 0, 100, false, 0 }, 0,
		  { { 0, 100, 10 }, { 19, 110, 1 } }, 2 },
		{ "all ids", { { 0, LAST } }, 1, { 1, 0, 0, false, 0 }, 0, { { 0, 0, ID_INVALID } }, 1 },
		{ "all ids but not from 1", { { 0, LAST } }, 1, { 1, 0, 1, false, 0 }, 1, { { 0, 0, 0 } }, 0 },
		{ "the last id fits in two extents", { { 0, 0 }, { LAST, LAST } }, 2, { 2, 0, 100000, false, 0 }, 0,
		  { { 0, 100000, 1 }, { LAST, 100001, 1 } }, 2 },
		{ "but not in one", { { 0, 0 }, { LAST, LAST } }, 2, { 1, 0, 100000, false, 0 }, 1, { { 0, 0, 0 } }, 0 },
		{ "the user's own id stands in the way", { { 0, 0 }, { 7, 9 } }, 2, { 5, 0, 998, true, 1000 }, 1,
		  { { 0, 0, 0 } }, 0 },
		{ "and here just not", { { 0, 0 }, { 7, 9 } }, 2, { 5, 0, 997, true, 1000 }, 0,
		  { { 0, 1000, 1 }, { 7, 997, 3 } }, 2 },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct idset set = { 0 };
		struct idmap m = { 0 };
		struct error err;

		print_message("%s\n", rows[i].name);
		for (size_t k = 0; k < rows[i].count; k++)
			assert_int_equal(idset_add(&set, rows[i].in[k].first, rows[i].in[k].last, &err), 0);
		idset_tidy(&set);
		assert_int_equal(idmap_smallest(&m, &set, &rows[i].rule, &err), rows[i].result);
		assert_int_equal(m.count, rows[i].extents);
		if (m.count)
			assert_memory_equal(m.extents, rows[i].out, m.count * sizeof(*m.extents));
		idmap_free(&m);
		idset_free(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),   cmocka_unit_test(test_table),	cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_text), cmocka_unit_test(test_text_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
