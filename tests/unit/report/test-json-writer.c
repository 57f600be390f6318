#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/json-writer.h"

struct out {
	char *text;
	size_t len;
	struct jsonw w;
};

static void out_open(struct out *o)
{
	*o = (struct out){ 0 };
	o->w.out = open_memstream(&o->text, &o->len);
	assert_non_null(o->w.out);
}

static void out_is(struct out *o, const char *expected)
{
	fclose(o->w.out);
	assert_string_equal(o->text, expected);
	free(o->text);
}

static void strings(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *json;
	} cases[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "a\0b\n\t\x1f", 6, "\"a\\u0000b\\u000a\\u0009\\u001f\"" },
		{ "\x7f", 1, "\"\\u007f\"" },
		{ "caf\xc3\xa9", 5, "\"caf\xc3\xa9\"" },
		{ "\xff-\xc3", 3, "\"\xef\xbf\xbd-\xef\xbf\xbd\"" },
		{ "\xe2\x80\xae", 3, "\"\\u202e\"" }, /* right-to-left override */
		{ "\xf3\xa0\x80\x81", 4,
		  "\"\\udb40\\udc01\"" }, /* a tag character: a surrogate pair */
		{ "\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"" },
		{ "\xed\xa0\x80", 3,
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* a surrogate is no UTF-8 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct out o;

		out_open(&o);
		jsonw_text(&o.w, NULL, cases[i].bytes, cases[i].n);
		out_is(&o, cases[i].json);
	}
}

static void every_byte_is_json(void **state)
{
	struct out o;
	json_t *json;

	(void)state;
	out_open(&o);
	jsonw_open(&o.w, NULL, '[');
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b += 5) {
			uint8_t bytes[] = { (uint8_t)a, (uint8_t)b, 'x' };

			jsonw_text(&o.w, NULL, bytes, sizeof(bytes));
		}
	jsonw_close(&o.w);
	fclose(o.w.out);
	json = json_loadb(o.text, o.len, JSON_ALLOW_NUL, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json), 256 * 52);
	json_decref(json);
	free(o.text);
}

static void members(void **state)
{
	struct out o;

	(void)state;
	out_open(&o);
	jsonw_open(&o.w, NULL, '{');
	jsonw_i64(&o.w, "min", INT64_MIN);
	jsonw_u64(&o.w, "max", UINT64_MAX);
	jsonw_bool(&o.w, "yes", true);
	jsonw_str(&o.w, "none", NULL);
	jsonw_open(&o.w, "list", '[');
	jsonw_u64(&o.w, NULL, 1);
	jsonw_u64(&o.w, NULL, 2);
	jsonw_close(&o.w);
	jsonw_open(&o.w, "rows", '[');
	jsonw_open(&o.w, NULL, '{');
	jsonw_null(&o.w, "a\"");
	jsonw_unwind(&o.w, 0);
	out_is(&o, "{\"min\":-9223372036854775808,\"max\":18446744073709551615,\"yes\":true,"
		   "\"none\":null,"
		   "\"list\":[1,2],\"rows\":[\n  {\"a\\\"\":null}]}");
}

static void paths(void **state)
{
	struct out o;

	(void)state;
	out_open(&o);
	jsonw_open(&o.w, NULL, '{');
	assert_int_equal(jsonw_path(&o.w, "etc/passwd", 10), 0);
	jsonw_close(&o.w);
	out_is(&o, "{\"path\":\"/etc/passwd\"}");
	out_open(&o);
	jsonw_open(&o.w, NULL, '{');
	assert_int_equal(jsonw_path(&o.w, "a\xff", 2), 0);
	jsonw_close(&o.w);
	out_is(&o, "{\"path\":\"/a\xef\xbf\xbd\",\"path_raw\":\"L2H/\"}");
}

static void an_error_inside_leaves_json(void **state)
{
	struct error why = { 0 };
	struct out o;

	(void)state;
	err_fail(&why, ERR_TRUNCATED, 0, "layer 3: \"x\"");
	out_open(&o);
	jsonw_open(&o.w, NULL, '{');
	jsonw_open(&o.w, "findings", '[');
	jsonw_open(&o.w, NULL, '{');
	jsonw_unwind(&o.w, 1);
	jsonw_error(&o.w, &why);
	jsonw_unwind(&o.w, 0);
	out_is(&o, "{\"findings\":[\n  {}],\"error\":{\"code\":\"truncated\",\"message\":\"layer "
		   "3: \\\"x\\\"\"}}");
}

static void base64(_unused_ void **state)
{
	static const struct {
		const char *bytes, *json;
	} rows[] = {
		{ "", "{\"a\":\"\"}" },
		{ "f", "{\"a\":\"Zg==\"}" },
		{ "fo", "{\"a\":\"Zm8=\"}" },
		{ "foo", "{\"a\":\"Zm9v\"}" },
		{ "foob", "{\"a\":\"Zm9vYg==\"}" },
		{ "foobar", "{\"a\":\"Zm9vYmFy\"}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t piece = 1; piece < 4; piece++) {
			size_t n = strlen(rows[i].bytes);
			struct out o;

			out_open(&o);
			jsonw_open(&o.w, NULL, '{');
			jsonw_base64_open(&o.w, "a");
			for (size_t k = 0; k < n; k += piece)
				jsonw_base64(&o.w, rows[i].bytes + k, MIN(piece, n - k));
			jsonw_base64_close(&o.w);
			jsonw_close(&o.w);
			out_is(&o, rows[i].json);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(base64),
		cmocka_unit_test(every_byte_is_json),
		cmocka_unit_test(members),
		cmocka_unit_test(paths),
		cmocka_unit_test(an_error_inside_leaves_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
