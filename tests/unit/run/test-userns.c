/* What can be told of a map without a namespace: whether who hands it on takes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/userns.h"

/* count extents of one id each, with a gap between: none joins. */
static void fill(struct idmap *m, size_t count, uint32_t first)
{
	struct error err;

	*m = (struct idmap){ .has_host = true };
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(idmap_add(m,
					   (struct idmap_extent){ first + 2 * i, first + 2 * i, 1 },
					   &err),
				 0);
}

static int fit(size_t uids, size_t gids, uint32_t first, size_t max, struct error *err)
{
	struct idmap_pair map;
	int r;

	fill(&map.uid, uids, first);
	fill(&map.gid, gids, first);
	r = userns_fit(&map, max, "runc", err);
	idmap_pair_free(&map);
	return r;
}

static void test_fit(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(fit(5, 5, 0, USERNS_EXTENTS_RUNC, &err), 0);
	assert_int_equal(fit(6, 1, 0, USERNS_EXTENTS_RUNC, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "users has 6 extents"));
	assert_int_equal(fit(1, 6, 0, USERNS_EXTENTS_RUNC, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "groups has 6 extents"));
	assert_int_equal(fit(340, 340, 0, 0, &err), 0);
	/* Numbers of ten digits: 24 bytes a line. */
	assert_int_equal(fit(170, 170, 4000000000u, 0, &err), 0);
	assert_int_equal(fit(171, 1, 4000000000u, 0, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "4104 bytes"));
}

/* This process against the map that it has, and against one that it has not. */
static void test_compare(void **state)
{
	struct idmap_pair map = { 0 };
	struct error err = { 0 };

	(void)state;
	map.uid.has_host = map.gid.has_host = true;
	assert_int_equal(idmap_add(&map.uid, (struct idmap_extent){ 7, 9, 3 }, &err), 0);
	assert_int_equal(idmap_add(&map.gid, (struct idmap_extent){ 7, 9, 3 }, &err), 0);
	assert_int_equal(userns_compare(getpid(), &map, &err), -ERR_DENIED);
	assert_non_null(strstr(err.msg, "'7 9 3;' was asked for"));
	assert_int_equal(userns_compare(0x7ffffff0, &map, &err), 1);
	idmap_pair_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fit),
					    cmocka_unit_test(test_compare) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
