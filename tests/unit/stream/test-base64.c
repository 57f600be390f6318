#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "stream/base64.h"

static struct error err;

static int decode(const char *text, size_t piece, uint8_t **data, size_t *n)
{
	struct stream *s, *cut, *out;
	int r;

	assert_int_equal(stream_open_memory(&s, text, strlen(text), &err), 0);
	assert_int_equal(stream_open_chunked(&cut, s, piece, &err), 0);
	assert_int_equal(base64_open(&out, cut, &err), 0);
	r = stream_read_all(out, 1 << 20, data, n, &err);
	stream_close(out);
	return r;
}

/* RFC 4648 section 10 */
static const struct {
	const char *text, *bytes; /* bytes NULL: refused */
} rows[] = {
	{ "", "" },
	{ "Zg==", "f" },
	{ "Zm8=", "fo" },
	{ "Zm9v", "foo" },
	{ "Zm9vYg==", "foob" },
	{ "Zm9vYmE=", "fooba" },
	{ "Zm9vYmFy", "foobar" },
	{ "+/+/", "\xfb\xff\xbf" },
	{ "Zg", NULL },
	{ "Zg=", NULL },
	{ "Z===", NULL },
	{ "====", NULL },
	{ "Zm8=Zm8=", NULL },
	{ "Zg==Zg==", NULL },
	{ "Zg=a", NULL },
	{ "Zm9v=", NULL },
	{ "Zm 9v", NULL },
	{ "Zm9v\n", NULL },
	{ "-_-_", NULL },
	{ "Zh==", NULL },
	{ "Zm9=", NULL },
	{ "Zm9\xc3", NULL },
	{ "Zg==Zm9v", NULL },
};

static void table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t piece = 1; piece < 6; piece++) {
			uint8_t *data = NULL;
			size_t n;
			int r = decode(rows[i].text, piece, &data, &n);

			assert_int_equal(r, rows[i].bytes ? 0 : -ERR_BAD_INPUT);
			if (rows[i].bytes) {
				assert_int_equal(n, strlen(rows[i].bytes));
				assert_memory_equal(data, rows[i].bytes, n);
				free(data);
			}
		}
}

static void what_text_base64_writes(void **state)
{
	static uint8_t bytes[700000];
	struct buf text = { 0 };
	uint8_t *data;
	size_t n;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	assert_int_equal(text_base64(&text, bytes, sizeof(bytes)), 0);
	assert_int_equal(decode(buf_str(&text), 1000, &data, &n), 0);
	assert_int_equal(n, sizeof(bytes));
	assert_memory_equal(data, bytes, n);
	free(data);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(what_text_base64_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
