/* ACL and capability values, each with the kernel's verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/macro.h"
#include "tar/xattr.h"

struct ace {
	uint16_t tag, perm;
	uint32_t id;
};

enum { U = 0x01, NU = 0x02, G = 0x04, NG = 0x08, M = 0x10, O = 0x20 };
#define NONE 0xffffffff

static const struct {
	const char *what;
	struct ace e[8];
	size_t n;
	bool ok;
	size_t ids;
} acls[] = {
	{ "minimal", { { U, 6, NONE }, { G, 4, NONE }, { O, 4, NONE } }, 3, true, 0 },
	{ "a mask nobody needs",
	  { { U, 6, NONE }, { G, 4, NONE }, { M, 4, NONE }, { O, 4, NONE } },
	  4,
	  true,
	  0 },
	{ "user and group",
	  { { U, 6, NONE },
	    { NU, 7, 70000 },
	    { NU, 7, 5 },
	    { G, 4, NONE },
	    { NG, 1, 80000 },
	    { M, 7, NONE },
	    { O, 0, NONE } },
	  7,
	  true,
	  3 },
	{ "named users in any order, and twice",
	  { { U, 6, NONE },
	    { NU, 7, 9 },
	    { NU, 7, 9 },
	    { G, 4, NONE },
	    { M, 7, NONE },
	    { O, 0, NONE } },
	  6,
	  true,
	  2 },
	{ "no mask",
	  { { U, 6, NONE }, { NU, 7, 9 }, { G, 4, NONE }, { O, 0, NONE } },
	  4,
	  false,
	  0 },
	{ "no owner", { { G, 4, NONE }, { O, 0, NONE } }, 2, false, 0 },
	{ "no others", { { U, 4, NONE }, { G, 0, NONE } }, 2, false, 0 },
	{ "no group", { { U, 4, NONE }, { O, 0, NONE } }, 2, false, 0 },
	{ "behind the end",
	  { { U, 4, NONE }, { G, 0, NONE }, { O, 0, NONE }, { O, 0, NONE } },
	  4,
	  false,
	  0 },
	{ "user behind group",
	  { { U, 4, NONE }, { G, 0, NONE }, { NU, 0, 1 }, { M, 0, NONE }, { O, 0, NONE } },
	  5,
	  false,
	  0 },
	{ "group before group",
	  { { U, 4, NONE }, { NG, 0, 1 }, { G, 0, NONE }, { M, 0, NONE }, { O, 0, NONE } },
	  5,
	  false,
	  0 },
	{ "permissions", { { U, 8, NONE }, { G, 4, NONE }, { O, 4, NONE } }, 3, false, 0 },
	{ "unknown tag",
	  { { U, 7, NONE }, { 0x40, 4, NONE }, { G, 4, NONE }, { O, 4, NONE } },
	  4,
	  false,
	  0 },
	{ "two tags in one", { { U | G, 7, NONE }, { G, 4, NONE }, { O, 4, NONE } }, 3, false, 0 },
	{ "the id that is none",
	  { { U, 6, NONE }, { NU, 7, NONE }, { G, 4, NONE }, { M, 7, NONE }, { O, 0, NONE } },
	  5,
	  false,
	  0 },
	{ "an id on the owner is not looked at",
	  { { U, 6, 70000 }, { G, 4, 1 }, { O, 4, 2 } },
	  3,
	  true,
	  0 },
	{ "empty", { { 0 } }, 0, true, 0 },
};

static size_t encode(uint8_t *out, uint32_t version, const struct ace *e, size_t n)
{
	uint8_t *p = out;

	for (size_t i = 0; i < 4; i++)
		*p++ = (uint8_t)(version >> 8 * i);
	for (size_t k = 0; k < n; k++) {
		*p++ = (uint8_t)e[k].tag, *p++ = (uint8_t)(e[k].tag >> 8);
		*p++ = (uint8_t)e[k].perm, *p++ = (uint8_t)(e[k].perm >> 8);
		for (size_t i = 0; i < 4; i++)
			*p++ = (uint8_t)(e[k].id >> 8 * i);
	}
	return (size_t)(p - out);
}

static void test_acls(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(acls); i++) {
		uint8_t value[80];
		size_t n = encode(value, 2, acls[i].e, acls[i].n), count = 99, found = 0;
		struct acl_id ids[8];
		bool ok = acl_ids(value, n, ids, 8, &count);

		if (ok != acls[i].ok || (ok && count != acls[i].ids))
			fail_msg("%s: %d, %zu ids", acls[i].what, ok, count);
		for (size_t k = 0; ok && k < acls[i].n; k++) {
			const struct ace *e = &acls[i].e[k];

			if (e->tag != NU && e->tag != NG)
				continue;
			assert_int_equal(ids[found].id, e->id);
			assert_int_equal(ids[found].is_gid, e->tag == NG);
			assert_int_equal(ids[found].offset, 4 + 8 * k + 4);
			found++;
		}
	}
}

/* On a symlink, or as the default of a file, the kernel reads an ACL and never judges it: found by
 * the differential test, as a symlink's ACL without a mask that every engine took. */
static void test_acl_read(void **state _unused_)
{
	static const char *const unread[] = { "unknown tag", "two tags in one",
					      "the id that is none" };

	for (size_t i = 0; i < ARRAY_SIZE(acls); i++) {
		uint8_t value[100];
		size_t n = encode(value, 2, acls[i].e, acls[i].n), count = 99;
		struct acl_id ids[8];
		bool valid, want = true;

		for (size_t k = 0; k < ARRAY_SIZE(unread); k++)
			want = want && strcmp(acls[i].what, unread[k]) != 0;
		if (acl_read(value, n, ids, 8, &count, &valid) != want || valid != acls[i].ok)
			fail_msg("%s: read %d, valid %d", acls[i].what, !want, valid);
		if (!strcmp(acls[i].what, "no mask")) {
			assert_int_equal(count, 1);
			assert_int_equal(ids[0].id, 9);
		}
	}
}

static void test_acl_shape(void **state _unused_)
{
	const struct ace *e = acls[2].e;
	uint8_t value[80];
	size_t n = encode(value, 2, e, 7), count;
	struct acl_id ids[2];

	for (size_t cut = 0; cut < n; cut++)
		if (cut != 4)
			assert_false(acl_ids(value, cut, ids, 2, &count));
	assert_true(acl_ids(value, n, ids, 2, &count)); /* no room for the third */
	assert_int_equal(count, 3);
	assert_true(acl_ids(value, n, NULL, 0, &count));
	assert_int_equal(count, 3);
	encode(value, 1, e, 7);
	assert_false(acl_ids(value, n, ids, 2, &count));
	encode(value, 0x02000002, e, 7);
	assert_false(acl_ids(value, n, ids, 2, &count));
}

static void test_capabilities(void **state _unused_)
{
	static const struct {
		uint32_t magic;
		size_t n;
		int ret;
	} rows[] = {
		{ 0x02000000, 20, 0 },	{ 0x02000001, 20, 0 },	{ 0x03000000, 24, 1 },
		{ 0x03000001, 24, 1 },	{ 0x03000000, 20, -1 }, { 0x02000000, 24, -1 },
		{ 0x01000000, 12, -1 }, { 0x02000002, 20, -1 }, { 0x04000000, 24, -1 },
		{ 0x03000000, 23, -1 }, { 0x03000000, 25, -1 }, { 0, 0, -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t value[32] = { 0 };
		uint32_t rootid = 7;

		encode(value, rows[i].magic, NULL, 0);
		encode(value + 20, 231072, NULL, 0);
		assert_int_equal(capability_rootid(value, rows[i].n, &rootid), rows[i].ret);
		assert_int_equal(rootid, rows[i].ret == 1 ? 231072 : 7);
	}
}

static void test_names(void **state _unused_)
{
	assert_true(xattr_is_acl("system.posix_acl_access", 23));
	assert_true(xattr_is_acl("system.posix_acl_default", 24));
	assert_false(xattr_is_acl("system.posix_acl_default", 23));
	assert_false(xattr_is_acl("system.posix_acl_access\0", 24));
	assert_false(xattr_is_acl("user.posix_acl_access", 21));
	assert_true(xattr_is_capability("security.capability", 19));
	assert_false(xattr_is_capability("security.capabilit", 18));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acls),
		cmocka_unit_test(test_acl_read),
		cmocka_unit_test(test_acl_shape),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
