/* Error messages and their codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

static void test_fail(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(err_fail(&err, ERR_IO, ENOENT, "open '%s'", "/x"), -ERR_IO);
	assert_int_equal(err.code, ERR_IO);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.msg, "open '/x': No such file or directory");
	assert_int_equal(err_fail(&err, ERR_LIMIT, 0, "x"), -ERR_LIMIT);
	assert_string_equal(err.msg, "x");
	assert_int_equal(err.sys, 0);
	assert_int_equal(err_fail(NULL, ERR_NET, 0, "x"), -ERR_NET);
	assert_int_equal(err_nomem(&err), -ERR_NOMEM);
}

static void test_wrap(void **state)
{
	struct error err;

	(void)state;
	err_fail(&err, ERR_BAD_INPUT, 0, "inner");
	assert_int_equal(err_wrap(&err, "layer %d", 3), -ERR_BAD_INPUT);
	assert_int_equal(err_wrap(&err, "image"), -ERR_BAD_INPUT);
	assert_string_equal(err.msg, "image: layer 3: inner");
}

static void test_long_messages(void **state)
{
	char text[1000];
	struct error err;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', sizeof(text));
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		text[sizeof(text) - 1] = '\0';
		err_fail(&err, ERR_IO, EIO, "%s", text);
		assert_in_range(strlen(err.msg), ERR_MSG_MAX - 4, ERR_MSG_MAX - 1);
		assert_true(text_is_utf8(err.msg, strlen(err.msg)));
		err_wrap(&err, "p");
		assert_memory_equal(err.msg, "p: ", 3);
		assert_true(text_is_utf8(err.msg, strlen(err.msg)));
		err_wrap(&err, "%s", text);
		assert_in_range(strlen(err.msg), ERR_MSG_MAX - 8, ERR_MSG_MAX - 1);
		assert_true(text_is_utf8(err.msg, strlen(err.msg)));
	}
}

static void test_table(void **state)
{
	(void)state;
	for (int i = 1; i < ERR_CODE_COUNT; i++) {
		assert_non_null(err_name((enum err_code)i));
		assert_true(err_name((enum err_code)i)[0]);
		assert_non_null(err_hint((enum err_code)i));
		assert_int_equal(err_exit_status((enum err_code)i), i == ERR_USAGE ? 2 : 3);
	}
	assert_string_equal(err_name((enum err_code)0), "unknown");
	assert_string_equal(err_name(ERR_CODE_COUNT), "unknown");
	assert_string_equal(err_hint(ERR_CODE_COUNT), "");
}

static void test_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, size;
		const char *want;
	} rows[] = {
		{ "", 0, 20, "" },
		{ "etc/shadow", 10, 20, "etc/shadow" },
		{ "a'b\"c\\", 6, 20, "a\\'b\\\"c\\\\" },
		{ "a\nb\x1b\xff", 5, 20, "a\\nb\\x1b\\xff" },
		{ "\xc3\xa4", 2, 20, "\xc3\xa4" },
		{ "abcdefgh", 8, 8, "abcd..." },
		{ "abc\xe2\x82\xac", 6, 8, "abc..." },
		{ "abc", 3, 1, "" },
		{ "abc", 3, 3, ".." },
		{ "a", 1, 4, "..." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* On the heap, so that a byte too many is seen. */
		char *out = malloc(rows[i].size);

		assert_string_equal(err_text(out, rows[i].size, rows[i].bytes, rows[i].n),
				    rows[i].want);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),	      cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_long_messages), cmocka_unit_test(test_table),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
