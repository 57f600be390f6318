/* passwd, group and USER as moby/sys/user reads them; the expectations were worked out from its user.go (v0.4.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inventory/accounts.h"
#include "inventory/atoi.h"
#include "made.h"

static void numbers(void **state)
{
	static const struct {
		const char *s;
		enum atoi_result r;
		int64_t v;
	} rows[] = {
		{ "0", ATOI_OK, 0 },
		{ "1000", ATOI_OK, 1000 },
		{ "+7", ATOI_OK, 7 },
		{ "-7", ATOI_OK, -7 },
		{ "007", ATOI_OK, 7 },
		{ "", ATOI_SYNTAX, 0 },
		{ "-", ATOI_SYNTAX, 0 },
		{ "1x", ATOI_SYNTAX, 0 },
		{ " 1", ATOI_SYNTAX, 0 },
		{ "1_0", ATOI_SYNTAX, 0 },
		{ "9223372036854775807", ATOI_OK, INT64_MAX },
		{ "9223372036854775808", ATOI_RANGE, INT64_MAX },
		{ "-9223372036854775808", ATOI_OK, INT64_MIN },
		{ "-9223372036854775809", ATOI_RANGE, INT64_MIN },
		{ "18446744073709551615x", ATOI_SYNTAX, 0 },
		{ "18446744073709551616x", ATOI_RANGE, INT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t v = 42;

		assert_int_equal(atoi_go(rows[i].s, strlen(rows[i].s), &v), rows[i].r);
		assert_true(v == rows[i].v);
	}
}

static void load(struct accounts *a, struct image *img, const char *passwd, const char *group)
{
	struct made m[2] = { 0 };
	struct error err = { 0 };
	size_t n = 0;

	if (passwd)
		m[n++] = (struct made){ 'f', "etc/passwd", passwd };
	if (group)
		m[n++] = (struct made){ 'f', "etc/group", group };
	*img = (struct image){ 0 };
	made_image_add(img, made_layer(m, n));
	assert_int_equal(accounts_load(a, img, &err), 0);
}

static void lines(void **state)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\r\n"
				     "\n"
				     "  app:x:1000:1001::/:/bin/sh  \n"
				     "# a comment:x:5:6\n"
				     "short\n"
				     "two:x\n"
				     "odd:x:1x:-5:\n"
				     "big:x:99999999999999999999:4294967296\n"
				     ":x:7:7\n"
				     "\xc2\xa0nbsp:x:8:8\xe3\x80\x80\n"
				     "app:x:2000:2000:second\n"
				     "last:x:9:9";
	static const struct {
		const char *name;
		int64_t id, gid;
		size_t line;
	} want[] = {
		{ "root", 0, 0, 1 },	  { "app", 1000, 1001, 3 }, { "# a comment", 5, 6, 4 },
		{ "short", 0, 0, 5 },	  { "two", 0, 0, 6 },	    { "odd", 0, -5, 7 },
		{ "big", INT64_MAX, 4294967296, 8 }, { "", 7, 7, 9 }, { "nbsp", 8, 8, 10 },
		{ "app", 2000, 2000, 11 }, { "last", 9, 9, 12 },
	};
	static const char group[] = "#root:x:5:\nroot:x:0:root\nstaff:x:50:app,,bob\nnone:x:60:\nshort:x\n";
	struct accounts a;
	struct image img;

	load(&a, &img, passwd, group);
	assert_int_equal(a.user_count, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_string_equal(a.users[i].name, want[i].name);
		assert_true(a.users[i].id == want[i].id);
		assert_true(a.users[i].gid == want[i].gid);
		assert_int_equal(a.users[i].line, want[i].line);
	}
	assert_int_equal(a.group_count, 4);
	assert_string_equal(a.groups[1].name, "staff");
	assert_int_equal(a.groups[1].member_count, 3);
	assert_string_equal(a.groups[1].members[0], "app");
	assert_string_equal(a.groups[1].members[1], "");
	assert_string_equal(a.groups[1].members[2], "bob");
	assert_int_equal(a.groups[2].member_count, 0);
	assert_int_equal(a.groups[3].id, 0);
	assert_true(a.has_passwd && a.has_group && !a.unread);
	assert_int_equal(a.passwd_layer, 0);
	assert_string_equal(accounts_user_by_id(&a, 1000)->name, "app");
	assert_string_equal(accounts_group_by_id(&a, 50)->name, "staff");
	assert_null(accounts_user_by_id(&a, 12345));
	accounts_free(&a);
	made_image_free(&img);
}

static void absent(void **state)
{
	struct accounts a;
	struct image img;

	load(&a, &img, NULL, NULL);
	assert_false(a.has_passwd || a.has_group || a.unread);
	assert_int_equal(a.passwd_layer, -1);
	accounts_free(&a);
	made_image_free(&img);
}

#define PASSWD "root:x:0:0::/:\napp:x:1000:1001::/:\n1234:x:55:56::/:\nhuge:x:4294967296:1::/:\n"
#define GROUP  "root:x:0:root\nstaff:x:50:app,bob\nwheel:x:10:app\nstaff:x:51:app\n77:x:78:\nfar:x:3000000000:\n"
#define RANGE  "uids and gids must be in range 0-2147483647"

struct who {
	const char *passwd, *group, *user;
	const char *add[3];
	int64_t uid, gid, groups[5]; /* ended by -1 */
	const char *error;
};

static const struct who people[] = {
	{ PASSWD, GROUP, "", { 0 }, 0, 0, { 0, -1 }, NULL },
	{ PASSWD, GROUP, "root", { 0 }, 0, 0, { 0, -1 }, NULL },
	{ PASSWD, GROUP, "app", { 0 }, 1000, 1001, { 50, 10, 51, -1 }, NULL },
	{ PASSWD, GROUP, "1000", { 0 }, 1000, 1001, { 50, 10, 51, -1 }, NULL },
	{ PASSWD, GROUP, "app:wheel", { 0 }, 1000, 10, { -1 }, NULL },
	{ PASSWD, GROUP, "app:", { 0 }, 1000, 1001, { 50, 10, 51, -1 }, NULL },
	{ PASSWD, GROUP, ":wheel", { 0 }, 0, 10, { -1 }, NULL },
	{ PASSWD, GROUP, "app:4000", { 0 }, 1000, 4000, { -1 }, NULL },
	{ PASSWD, GROUP, "app:wheel:junk", { 0 }, 1000, 10, { -1 }, NULL },
	{ PASSWD, GROUP, "4000", { 0 }, 4000, 0, { -1 }, NULL },
	{ PASSWD, GROUP, "4000:staff", { 0 }, 4000, 50, { -1 }, NULL },
	{ PASSWD, GROUP, "1234", { 0 }, 1234, 0, { -1 }, NULL }, /* a number is never a name */
	{ PASSWD, GROUP, "app:77", { 0 }, 1000, 77, { -1 }, NULL },
	{ PASSWD, GROUP, "huge", { 0 }, 4294967296, 1, { -1 }, NULL },
	{ PASSWD, GROUP, "app:far", { 0 }, 1000, 3000000000, { -1 }, NULL },
	{ PASSWD, GROUP, "2147483647", { 0 }, 2147483647, 0, { -1 }, NULL },
	{ PASSWD, GROUP, "2147483648", { 0 }, -1, -1, { -1 }, RANGE },
	{ PASSWD, GROUP, "-1", { 0 }, -1, -1, { -1 }, RANGE },
	{ PASSWD, GROUP, "app:99999999999999999999", { 0 }, -1, -1, { -1 }, RANGE },
	{ PASSWD, GROUP, "nobody", { 0 }, -1, -1, { -1 }, "unable to find user nobody: no matching entries in passwd file" },
	{ PASSWD, GROUP, "app:nogroup", { 0 }, -1, -1, { -1 }, "unable to find group nogroup: no matching entries in group file" },
	{ NULL, NULL, "", { 0 }, 0, 0, { -1 }, NULL },
	{ NULL, NULL, "1000:1000", { 0 }, 1000, 1000, { -1 }, NULL },
	{ NULL, NULL, "app", { 0 }, -1, -1, { -1 }, "unable to find user app: no matching entries in passwd file" },
	{ PASSWD, GROUP, "app:wheel", { "staff", "4000", "50" }, 1000, 10, { 50, 4000, -1 }, NULL },
	{ PASSWD, GROUP, "app", { "wheel", "60" }, 1000, 1001, { 50, 10, 51, 60, -1 }, NULL },
	{ PASSWD, GROUP, "app", { "nogroup" }, -1, -1, { -1 }, "unable to find group nogroup: no matching entries in group file" },
	{ PASSWD, GROUP, "app", { "far" }, -1, -1, { -1 }, RANGE },
	{ PASSWD, GROUP, "app", { "-5" }, -1, -1, { -1 }, RANGE },
	{ NULL, NULL, "5", { "6" }, 5, 0, { 6, -1 }, NULL },
};

static void check_who(const struct who *w)
{
	struct error err = { 0 };
	struct exec_user u;
	struct accounts a;
	struct image img;
	size_t add = 0, groups = 0;

	load(&a, &img, w->passwd, w->group);
	while (add < ARRAY_SIZE(w->add) && w->add[add])
		add++;
	while (w->groups[groups] >= 0)
		groups++;
	assert_int_equal(exec_user_resolve(&u, &a, w->user, w->add, add, &err), 0);
	if (!u.error != !w->error || (u.error && strcmp(u.error, w->error) != 0))
		fail_msg("'%s': %s", w->user, u.error ? u.error : "found");
	if (u.uid != w->uid || u.gid != w->gid || u.group_count != groups)
		fail_msg("'%s': %" PRId64 ":%" PRId64 " and %zu groups", w->user, u.uid, u.gid,
			 u.group_count);
	for (size_t i = 0; i < groups; i++)
		assert_true(u.groups[i] == w->groups[i]);
	assert_string_equal(u.text, w->user);
	exec_user_free(&u);
	accounts_free(&a);
	made_image_free(&img);
}

static void users(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(people); i++)
		check_who(&people[i]);
}

/* Where a file was there and was not read, a name is unknown; a number is not. */
static void unread(void **state)
{
	static const struct made m[] = { { 'l', "etc/passwd", "passwd" }, { 'f', "etc/group", GROUP } };
	struct error err = { 0 };
	struct image img = { 0 };
	struct accounts a;
	struct exec_user u;

	made_image_add(&img, made_layer(m, 2));
	assert_int_equal(accounts_load(&a, &img, &err), 0);
	assert_non_null(strstr(a.unread, "loop"));
	assert_ptr_equal(a.unread, a.passwd_unread);
	assert_int_equal(exec_user_resolve(&u, &a, "app", NULL, 0, &err), 0);
	assert_non_null(strstr(u.error, "cannot tell who user app is"));
	exec_user_free(&u);
	assert_int_equal(exec_user_resolve(&u, &a, "1000:wheel", NULL, 0, &err), 0);
	assert_null(u.error);
	assert_int_equal(u.gid, 10);
	exec_user_free(&u);
	accounts_free(&a);
	made_image_free(&img);
}

/* Go's scanner gives up on a line of 64 KiB in passwd, of 1 MiB in group; a file with more lines than the limit is not read whole. */
static void long_lines(void **state)
{
	static const struct {
		size_t len;
		bool is_group;
		size_t max;
		bool refused;
		const char *unread;
	} rows[] = {
		{ 65535, false, 10, false, NULL },
		{ 65536, false, 10, true, "longer" },
		{ 65536, true, 10, false, NULL },
		{ 1024 * 1024, true, 10, true, "longer" },
		{ 10, false, 1, false, "limit accounts" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i].len + 10, count;
		char *text = malloc(n);
		struct error err = { 0 };
		struct accounts a = { 0 };
		struct account *list;
		const char *why = NULL;
		bool refused = false;

		assert_non_null(text);
		memset(text, 'x', n);
		text[rows[i].len] = '\n';
		assert_int_equal(accounts_parse(&list, &count, text, n, rows[i].is_group, rows[i].max, &why,
						&refused, &err),
				 0);
		assert_int_equal(refused, rows[i].refused);
		assert_int_equal(!why, !rows[i].unread);
		if (why)
			assert_non_null(strstr(why, rows[i].unread));
		a.users = list;
		a.user_count = count;
		accounts_free(&a);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(lines),  cmocka_unit_test(absent),
		cmocka_unit_test(users),   cmocka_unit_test(unread), cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
