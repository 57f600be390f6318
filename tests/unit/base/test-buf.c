/* The growing buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

static void test_text(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_reserve(&b, 10), 0);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(buf_append_str(&b, "abc"), 0);
	assert_int_equal(buf_printf(&b, "%d-%s", 5, ""), 0);
	assert_string_equal(buf_str(&b), "abc5-");
	assert_int_equal(b.len, 5);
	buf_clear(&b);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_append(&b, "a\0b", 3), 0);
	assert_int_equal(b.len, 3);
	assert_int_equal(b.data[3], 0);
	buf_free(&b);
	assert_null(b.data);
	buf_clear(&b);
	buf_free(&b);
}

static void test_growth(void **state)
{
	struct buf b = { 0 };
	char text[100];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(buf_append(&b, text, i % sizeof(text)), 0);
		assert_true(b.len < b.cap);
		assert_int_equal(b.data[b.len], 0);
	}
	assert_int_equal(b.len, 49500);
	assert_int_equal(strlen(buf_str(&b)), b.len);
	buf_free(&b);
}

static void test_no_room(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_append_str(&b, "abc"), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -ERR_NOMEM);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 3), -ERR_NOMEM);
	assert_string_equal(buf_str(&b), "abc");
	buf_free(&b);
}

static void test_varint(void **state)
{
	static const struct {
		uint64_t v;
		const char *bytes;
		size_t n;
	} rows[] = {
		{ 0, "\x00", 1 },
		{ 127, "\x7f", 1 },
		{ 128, "\x80\x01", 2 },
		{ 624485, "\xe5\x8e\x26", 3 },
		{ UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = { 0 };

		assert_int_equal(buf_varint(&b, rows[i].v), 0);
		assert_int_equal(b.len, rows[i].n);
		assert_memory_equal(b.data, rows[i].bytes, rows[i].n);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_varint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
