#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "report/lsmode.h"

static void modes(void **state)
{
	static const struct {
		enum inv_kind kind;
		unsigned mode;
		const char *text;
	} cases[] = {
		{ INV_REG, 0644, "-rw-r--r--" },      { INV_DIR, 0755, "drwxr-xr-x" },
		{ INV_ROOT, 0555, "dr-xr-xr-x" },     { INV_SYMLINK, 0777, "lrwxrwxrwx" },
		{ INV_HARDLINK, 0600, "hrw-------" }, { INV_CHR, 0666, "crw-rw-rw-" },
		{ INV_BLK, 0660, "brw-rw----" },      { INV_FIFO, 0, "p---------" },
		{ INV_WHITEOUT, 0, "w---------" },    { INV_OTHER, 0, "?---------" },
		{ INV_REG, 04755, "-rwsr-xr-x" },     { INV_REG, 04644, "-rwSr--r--" },
		{ INV_REG, 02755, "-rwxr-sr-x" },     { INV_REG, 02744, "-rwxr-Sr--" },
		{ INV_DIR, 01777, "drwxrwxrwt" },     { INV_DIR, 01776, "drwxrwxrwT" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[11];

		ls_mode(out, cases[i].kind, cases[i].mode);
		assert_string_equal(out, cases[i].text);
	}
}

static void lines(void **state)
{
	static const struct {
		struct inv_entry entry;
		const char *text;
	} cases[] = {
		{ { .kind = INV_REG,
		    .mode = 0644,
		    .uid = 1516583083,
		    .size = 7,
		    .path = "app/a.js",
		    .path_len = 8,
		    .link = "" },
		  "-rw-r--r-- 1516583083 0 7 /app/a.js" },
		{ { .kind = INV_SYMLINK,
		    .mode = 0777,
		    .uid = -5,
		    .gid = INT64_MAX,
		    .path = "l",
		    .path_len = 1,
		    .link = "x\n",
		    .link_len = 2 },
		  "lrwxrwxrwx -5 9223372036854775807 0 /l -> x\\n" },
		{ { .kind = INV_HARDLINK,
		    .path = "h\x1b[31m",
		    .path_len = 6,
		    .link = "t",
		    .link_len = 1 },
		  "h--------- 0 0 0 /h\\x1b[31m link to t" },
		{ { .kind = INV_ROOT, .mode = 0755, .path = "", .link = "" },
		  "drwxr-xr-x 0 0 0 /" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_freep) struct buf line = { 0 };

		assert_int_equal(ls_line(&line, &cases[i].entry), 0);
		assert_string_equal(buf_str(&line), cases[i].text);
	}
}

static void a_long_name_is_cut(void **state)
{
	_cleanup_(buf_freep) struct buf line = { 0 };
	char name[60000];

	(void)state;
	memset(name, 'a', sizeof(name));
	memcpy(name + sizeof(name) - 4, "tail", 4);
	assert_int_equal(ls_path(&line, name, sizeof(name)), 0);
	assert_in_range(line.len, 300, 500);
	assert_string_equal(buf_str(&line) + line.len - 4, "tail");
	assert_non_null(strstr(buf_str(&line), "aaa...aaa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),
		cmocka_unit_test(lines),
		cmocka_unit_test(a_long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
