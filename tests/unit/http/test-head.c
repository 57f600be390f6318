/* The head of an answer, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/impl.h"

static struct http_head head_of(const char *const *lines)
{
	struct http_head h = { 0 };
	struct error err;

	for (; *lines; lines++)
		assert_int_equal(http_head_line(&h, *lines, strlen(*lines), true, &err), 0);
	return h;
}

static void test_lines(void **state)
{
	struct http_head h = head_of((const char *[]){
		"HTTP/1.1 103 Early Hints\r\n", "Link: early\r\n", "\r\n", "HTTP/2 200 \r\n",
		"X-A:  1 \r\n", "x-a:2\r\n", "X-Fold: a\r\n", " \t b\r\n", "no colon\r\n",
		": no name\r\n", "X-Empty:\r\n", "\r\n", "X-Trailer: 1\r\n", "\r\n", NULL });

	assert_int_equal(h.status, 200);
	assert_true(h.complete);
	assert_string_equal(http_head_get(&h, "X-A", 0), "1");
	assert_string_equal(http_head_get(&h, "x-a", 1), "2");
	assert_null(http_head_get(&h, "X-A", 2));
	assert_string_equal(http_head_get(&h, "x-fold", 0), "a b");
	assert_string_equal(http_head_get(&h, "x-empty", 0), "");
	assert_null(http_head_get(&h, "Link", 0));
	assert_null(http_head_get(&h, "X-Trailer", 0));
	buf_free(&h.fields);
}

static void test_417(void **state)
{
	struct http_head h = head_of((const char *[]){ "HTTP/1.1 417 No\r\n", "\r\n", NULL });
	struct error err;

	assert_false(h.complete);
	assert_int_equal(http_head_line(&h, "HTTP/1.1 417 No\r\n", 17, false, &err), 0);
	assert_int_equal(http_head_line(&h, "\r\n", 2, false, &err), 0);
	assert_true(h.complete);
	buf_free(&h.fields);
}

static void test_bound(void **state)
{
	struct http_head h = { 0 };
	struct error err;
	char line[1001];
	int r = 0, n = 0;

	memset(line, 'a', sizeof(line));
	line[1] = ':';
	while ((r = http_head_line(&h, line, 1000, false, &err)) == 0 && n < 1000)
		n++;
	assert_int_equal(r, -ERR_LIMIT);
	assert_int_equal(n, HTTP_HEADERS_MAX / 1000);
	buf_free(&h.fields);
}

static void test_length(void **state)
{
	static const struct {
		const char *line;
		uint64_t length;
	} rows[] = {
		{ "Content-Length: 12\r\n", 12 },
		{ "content-length:0\r\n", 0 },
		{ "Content-Length: 18446744073709551616\r\n", HTTP_SIZE_UNKNOWN },
		{ "Content-Length: -1\r\n", HTTP_SIZE_UNKNOWN },
		{ "Content-Length: +1\r\n", HTTP_SIZE_UNKNOWN },
		{ "Content-Length: 1, 1\r\n", HTTP_SIZE_UNKNOWN },
		{ "Content-Length:\r\n", HTTP_SIZE_UNKNOWN },
		{ "X: 1\r\n", HTTP_SIZE_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_head h = head_of((const char *[]){ rows[i].line, NULL });

		assert_int_equal(http_head_length(&h), rows[i].length);
		buf_free(&h.fields);
		h = head_of((const char *[]){ rows[i].line, "Transfer-Encoding: chunked\r\n",
					      NULL });
		assert_int_equal(http_head_length(&h), HTTP_SIZE_UNKNOWN);
		buf_free(&h.fields);
	}
}

static void test_range(void **state)
{
	static const struct {
		const char *value;
		bool good;
		uint64_t first, last, total;
	} rows[] = {
		{ "bytes 0-0/1", true, 0, 0, 1 },
		{ "Bytes 5-9/10", true, 5, 9, 10 },
		{ "bytes 5-9/*", true, 5, 9, HTTP_SIZE_UNKNOWN },
		{ "bytes 5-9/9", false, 0, 0, 0 },
		{ "bytes 9-5/10", false, 0, 0, 0 },
		{ "bytes */10", false, 0, 0, 0 },
		{ "bytes 5-/10", false, 0, 0, 0 },
		{ "bytes -5/10", false, 0, 0, 0 },
		{ "bytes 5-9", false, 0, 0, 0 },
		{ "bytes 5-9/", false, 0, 0, 0 },
		{ "bytes 5-9/10x", false, 0, 0, 0 },
		{ "bytes=5-9/10", false, 0, 0, 0 },
		{ "bytes 0-18446744073709551615/*", false, 0, 0, 0 },
		{ "", false, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t first, last, total;
		char line[200];
		struct http_head h;

		snprintf(line, sizeof(line), "Content-Range: %s\r\n", rows[i].value);
		h = head_of((const char *[]){ line, NULL });
		if (http_head_range(&h, &first, &last, &total) != rows[i].good)
			fail_msg("%s: not %d", rows[i].value, rows[i].good);
		if (rows[i].good) {
			assert_int_equal(first, rows[i].first);
			assert_int_equal(last, rows[i].last);
			assert_int_equal(total, rows[i].total);
		}
		buf_free(&h.fields);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),  cmocka_unit_test(test_417),
		cmocka_unit_test(test_bound),  cmocka_unit_test(test_length),
		cmocka_unit_test(test_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
