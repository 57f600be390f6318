/* What an image needs of a map, and the map that each engine is given for it. */
#include "make.h"

#include "base/macro.h"
#include "base/num.h"
#include "inventory/needs.h"
#include "target/suggest.h"

#define LAST 4294967294u

static void expect_ids(const struct idset *s, const uint32_t *want)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		for (uint32_t id = s->ranges[i].first; id <= s->ranges[i].last; id++)
			assert_int_equal(id, want[n++]);
	assert_int_equal(want[n], ID_INVALID);
}

static void add_entries(struct made *m)
{
	static const struct inv_acl_id acl[] = { { 300, false }, { 400, true }, { ID_INVALID, false } };
	static const struct inv_entry rows[] = {
		{ .kind = INV_DIR, .path = "home", .uid = 1000, .gid = 100 },
		{ .kind = INV_REG, .path = "a", .uid = -5, .gid = 70000 },
		{ .kind = INV_REG, .path = "b", .uid = 4294967296 + 7, .gid = 70000 },
		{ .kind = INV_REG, .path = "c", .uid = -5, .gid = 0 },
		{ .kind = INV_REG, .path = "d", .flags = INV_HAS_ACL_IDS, .acl = acl, .acl_count = 3 },
		{ .kind = INV_REG, .path = "e", .flags = INV_CAPABILITY | INV_CAP_ROOTID, .cap_rootid = 500 },
		{ .kind = INV_WHITEOUT, .path = "gone", .uid = 600 },
		{ .kind = INV_GLOBAL, .path = "", .uid = 700000, .gid = 700000 },
		{ .kind = INV_REG, .path = "later", .uid = 1000, .gid = 70000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		made_add(m, 1, &rows[i]);
}

static void test_needs(void **state)
{
	const uint32_t uids[] = { 0, 300, 500, 600, 1000, 5000, ID_INVALID };
	const uint32_t gids[] = { 0, 100, 400, 5001, 6000, 70000, ID_INVALID };
	const uint32_t all_uids[] = { 0, 33, 300, 500, 600, 1000, 5000, 65534, ID_INVALID };
	struct need_options opts = { 0 };
	struct id_needs n = { 0 };
	struct error err;
	struct made m;

	(void)state;
	made_begin(&m, 2);
	made_file(&m, 0, "etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:5000:5001::/:\nn:x:65534:65534::/:\nw:x:33:33::/:\n");
	made_file(&m, 0, "etc/group", "root:x:0:\nmore:x:6000:app\n");
	add_entries(&m);
	m.source.config.user = (char *)"app";
	made_check(&m, "docker", NULL);
	must(id_needs_add(&n, "one", &m.image, &opts, &err), &err);
	expect_ids(&n.uid.ids, uids);
	expect_ids(&n.gid.ids, gids);
	assert_int_equal(n.uid.highest.id, 5000);
	assert_int_equal(n.uid.highest.origin, NEED_USER);
	assert_string_equal(n.uid.highest.subject, "app");
	assert_int_equal(n.uid.highest.layer, -1);
	assert_int_equal(n.gid.highest.id, 70000);
	assert_string_equal(n.gid.highest.path, "a");
	assert_string_equal(n.gid.highest.image, "one");
	assert_int_equal(n.gid.highest.layer, 1);
	assert_int_equal(n.uid.beyond_count, 3);
	assert_int_equal(n.uid.beyond[0].id, -5);
	assert_string_equal(n.uid.beyond[0].path, "a");
	assert_int_equal(n.uid.beyond[1].id, 4294967296 + 7);
	assert_int_equal(n.uid.beyond[2].id, ID_INVALID);
	assert_int_equal(n.uid.beyond[2].origin, NEED_ACL);
	assert_int_equal(n.gid.beyond_count, 0);
	assert_null(n.no_user);
	/* The same again, with accounts: a second image adds to the first. */
	opts.accounts = true;
	must(id_needs_add(&n, "two", &m.image, &opts, &err), &err);
	expect_ids(&n.uid.ids, all_uids);
	assert_int_equal(n.uid.beyond_count, 3);
	assert_int_equal(n.images, 2);
	assert_string_equal(n.uid.highest.image, "two");
	assert_int_equal(n.uid.highest.origin, NEED_ACCOUNT);
	id_needs_free(&n);
	made_end(&m);
}

static void test_users(void **state)
{
	static const struct {
		const char *user, *group_add;
		uint32_t uids[4], gids[4];
		bool unknown;
	} rows[] = {
		{ "", NULL, { 0, ID_INVALID }, { 0, ID_INVALID }, false },
		{ "70000", NULL, { 0, 70000, ID_INVALID }, { 0, ID_INVALID }, false },
		{ "70000:5", "9", { 0, 70000, ID_INVALID }, { 0, 5, 9, ID_INVALID }, false },
		{ "nobody-here", NULL, { 0, ID_INVALID }, { 0, ID_INVALID }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct need_options opts = { .user = rows[i].user };
		struct id_needs n = { 0 };
		struct error err;
		struct made m;

		if (rows[i].group_add) {
			opts.group_add = &rows[i].group_add;
			opts.group_add_count = 1;
		}
		made_begin(&m, 1);
		made_file(&m, 0, "etc/passwd", "root:x:0:0::/:/bin/sh\n");
		made_check(&m, "docker", NULL);
		must(id_needs_add(&n, "x", &m.image, &opts, &err), &err);
		expect_ids(&n.uid.ids, rows[i].uids);
		expect_ids(&n.gid.ids, rows[i].gids);
		assert_int_equal(n.no_user != NULL, rows[i].unknown);
		id_needs_free(&n);
		made_end(&m);
	}
}

static void test_many_beyond(void **state)
{
	struct need_options opts = { 0 };
	struct id_needs n = { 0 };
	struct error err;
	struct made m;

	(void)state;
	made_begin(&m, 1);
	for (int i = 1; i <= NEEDS_BEYOND_MAX + 5; i++)
		made_add(&m, 0, &(struct inv_entry){ .kind = INV_REG, .path = "f", .uid = -i });
	made_check(&m, "docker", NULL);
	must(id_needs_add(&n, "x", &m.image, &opts, &err), &err);
	assert_int_equal(n.uid.beyond_count, NEEDS_BEYOND_MAX);
	assert_true(n.uid.beyond_more);
	id_needs_free(&n);
	made_end(&m);
}

/* Sets as lists that end with ID_INVALID; maps as the kernel prints them, one line. */
static const struct {
	const char *name;
	uint32_t uid[9], gid[5];
	enum suggest_why why;
	uint64_t uids, gids;
	bool usual, vast;
	const char *uid_map, *gid_map;
} rows[] = {
	{ "docker", { 0, 70000, ID_INVALID }, { 0, 5, ID_INVALID }, SUGGEST_POSSIBLE, 70001, 6, false, false,
	  "0 100000 70001", "0 100000 6" },
	{ "docker", { 0, 65535, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 65536, 1, true, false,
	  "0 100000 65536", "0 100000 1" },
	{ "docker", { 0, 65536, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 65537, 1, false, false,
	  "0 100000 65537", "0 100000 1" },
	{ "docker", { 0, LAST, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_NO_HOST_IDS, 4294967295, 1, false, false, "", "" },
	{ "docker", { 0, LAST - 100000, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 4294867295, 1, false, true,
	  "0 100000 4294867295", "0 100000 1" },
	{ "docker-rootless", { 0, 65536, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 65536, 0, true, false,
	  "0 1000 1,1 100000 65536", "0 1001 1" },
	{ "podman", { 0, 7, 65537, ID_INVALID }, { 0, 1, ID_INVALID }, SUGGEST_POSSIBLE, 65537, 1, false, false,
	  "0 1000 1,1 100000 65537", "0 1001 1,1 100000 1" },
	{ "podman-uidmap", { 0, 7, LAST, ID_INVALID }, { 0, 1, ID_INVALID }, SUGGEST_POSSIBLE, 3, 2, false, false,
	  "0 100000 1,7 100001 1,4294967294 100002 1", "0 100000 2" },
	{ "podman-auto", { 0, 7, ID_INVALID }, { 0, 70000, ID_INVALID }, SUGGEST_POSSIBLE, 70001, 70001, false, false,
	  "0 100000 70001", "0 100000 70001" },
	{ "kubernetes", { 0, 65535, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 65536, 65536, true, false,
	  "0 65536 65536", "0 65536 65536" },
	{ "kubernetes", { 0, 65536, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 131072, 131072, false, false,
	  "0 131072 131072", "0 131072 131072" },
	{ "kubernetes", { 0, 2147483647, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_NO_HOST_IDS, 2147483648, 2147483648, false,
	  false, "", "" },
	{ "kubernetes", { 0, 2147483648, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_NO_POD, 2147549184, 2147549184, false,
	  false, "", "" },
	{ "lxc", { 0, 7, 100000, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 3, 1, false, false,
	  "0 100000 1,7 100001 1,100000 100002 1", "0 100000 1" },
	{ "incus", { 0, 7, 100000, ID_INVALID }, { 0, 65536, ID_INVALID }, SUGGEST_POSSIBLE, 65537, 65537, false, false,
	  "0 100000 65536,100000 165536 1", "0 100000 65537" },
	{ "oci", { 0, 7, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 2, 1, false, false, "0 100000 1,7 100001 1", "0 100000 1" },
	/* Five extents with id 0 in one of its own: the narrowest holes are closed. */
	{ "runc-rootless", { 0, 10, 20, 31, 42, 53, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 14, 0, false, false,
	  "0 1000 1,10 100000 11,31 100011 1,42 100012 1,53 100013 1", "0 1001 1" },
	{ "crun-rootless", { 0, 10, 20, 31, 42, 53, ID_INVALID }, { 0, ID_INVALID }, SUGGEST_POSSIBLE, 5, 0, false, false,
	  "0 1000 1,10 100000 1,20 100001 1,31 100002 1,42 100003 1,53 100004 1", "0 1001 1" },
};

static void expect_map(const struct idmap *m, const char *want)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < m->count; i++)
		assert_int_equal(buf_printf(&out, "%s%u %u %u", i ? "," : "", m->extents[i].container, m->extents[i].host,
					    m->extents[i].count), 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void fill(struct idset *s, const uint32_t *ids)
{
	struct error err;

	for (; *ids != ID_INVALID; ids++)
		must(idset_add(s, *ids, *ids, &err), &err);
	idset_tidy(s);
}

static void test_suggest(void **state)
{
	const struct suggest_params params = { 100000, 1000, 1001 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct idset uid = { 0 }, gid = { 0 };
		struct suggestion s;
		struct error err;

		print_message("%s %u\n", rows[i].name, rows[i].uid[1]);
		fill(&uid, rows[i].uid);
		fill(&gid, rows[i].gid);
		must(suggest_make(&s, suggest_find(rows[i].name, strlen(rows[i].name)), &uid, &gid, &params, &err), &err);
		assert_int_equal(s.why, rows[i].why);
		assert_int_equal(s.uids, rows[i].uids);
		assert_int_equal(s.gids, rows[i].gids);
		assert_int_equal(s.usual, rows[i].usual);
		assert_int_equal(s.vast, rows[i].vast);
		expect_map(&s.map.uid, rows[i].uid_map);
		expect_map(&s.map.gid, rows[i].gid_map);
		suggestion_free(&s);
		idset_free(&uid);
		idset_free(&gid);
	}
}

static void test_find(void **state)
{
	size_t count;
	const struct suggest_row *all = suggest_rows(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(suggest_find(all[i].name, strlen(all[i].name)), &all[i]);
		assert_in_range(all[i].extents_max, 1, IDMAP_EXTENTS_MAX);
		assert_int_equal(strcmp(all[i].source, "") != 0, 1);
	}
	assert_null(suggest_find("dock", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs),	    cmocka_unit_test(test_users), cmocka_unit_test(test_many_beyond),
		cmocka_unit_test(test_suggest), cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
