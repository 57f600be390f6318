/* Files of accounts: which they are, and what becomes of their numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fix/passwd.h"

static const struct {
	const char *path, *text;
	enum fix_file_kind kind;
} kinds[] = {
	{ "etc/passwd", "", FIX_FILE_PASSWD },
	{ "etc/passwd", "no such line", FIX_FILE_PASSWD },
	{ "etc/passwd-", NULL, FIX_FILE_PASSWD },
	{ "etc/group", NULL, FIX_FILE_GROUP },
	{ "etc/subuid", NULL, FIX_FILE_SUBID },
	{ "etc/subgid", NULL, FIX_FILE_SUBID },
	{ "opt/subgid", "a:1:1\n", FIX_FILE_NONE },
	{ "etc/pam.d/passwd", "auth required pam.so\n", FIX_FILE_NONE },
	{ "etc/pam.d/passwd", NULL, FIX_FILE_NONE },
	{ "nix/store/x-passwd", "root:x:0:0:::\n", FIX_FILE_PASSWD },
	{ "usr/lib/group", "root:x:0:\n\nb:x:5:c,d\n", FIX_FILE_GROUP },
	{ "usr/lib/group", "root:x:0:\nwhat\n", FIX_FILE_NONE },
	{ "usr/lib/group", "root:x:zero:\n", FIX_FILE_NONE },
	{ "etc/shadow", "x", FIX_FILE_NONE },
	{ "wd", "", FIX_FILE_NONE },
};

static void which(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *text = kinds[i].text;
		enum fix_file_kind got =
			fix_file_kind(kinds[i].path, strlen(kinds[i].path), (const uint8_t *)text,
				      text ? strlen(text) : 0);

		if (got != kinds[i].kind)
			fail_msg("%zu %s: %d", i, kinds[i].path, (int)got);
	}
}

static bool renumber(const void *ctx, bool is_gid, int64_t id, uint32_t *to)
{
	*to = is_gid ? 7 : 10000;
	return id == 70000;
}

static const struct {
	enum fix_file_kind kind;
	const char *old, *new;
} texts[] = {
	{ FIX_FILE_PASSWD, "a:x:70000:70000:70000:/70000:s\n", "a:x:10000:7:70000:/70000:s\n" },
	{ FIX_FILE_PASSWD, "a:x:1:70000::/:", "a:x:1:7::/:" },
	{ FIX_FILE_PASSWD, "\n# 70000\nshort:x\nb:x:70000", "\n# 70000\nshort:x\nb:x:10000" },
	{ FIX_FILE_PASSWD, "a:x:070000:1:::\n", "a:x:10000:1:::\n" },
	{ FIX_FILE_PASSWD, "a:x:5:1:::\n", NULL },
	{ FIX_FILE_GROUP, "a:x:70000:b,70000\r\n", "a:x:7:b,70000\r\n" },
	{ FIX_FILE_SUBID, "70000:70000:65536\nname:70000:1\n",
	  "10000:70000:65536\nname:70000:1\n" },
	{ FIX_FILE_SUBID, "", NULL },
};

static void numbers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };
		const char *old = texts[i].old, *new = texts[i].new ? texts[i].new : old;

		assert_int_equal(fix_file_rewrite(&out, texts[i].kind, (const uint8_t *)old,
						  strlen(old), renumber, NULL),
				 texts[i].new != NULL);
		assert_string_equal(buf_str(&out), new);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
