/* The rules that JSON from images is held to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "oci/json.h"

static int parse(json_t **out, const char *text, struct error *err)
{
	return oci_json_parse(out, text, strlen(text), "the test", err);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int want;
		const char *message;
	} rows[] = {
		{ "{}", 0, "" },
		{ " [1, 2] \n", 0, "" },
		{ "", -ERR_BAD_INPUT, "the test: byte 0" },
		{ "5", -ERR_BAD_INPUT, "byte 1" },
		{ "{\"a\":1,\"a\":2}", -ERR_BAD_INPUT, "duplicate" },
		{ "{\"a\":1,\"\\u0061\":2}", -ERR_BAD_INPUT, "duplicate" },
		{ "{\"a\":1} x", -ERR_BAD_INPUT, "byte 9" },
		{ "{\"a\":1}{}", -ERR_BAD_INPUT, "byte 8" },
		{ "\xef\xbb\xbf{}", -ERR_BAD_INPUT, "" },
		{ "{\"a\":99999999999999999999}", -ERR_BAD_INPUT, "too big" },
		{ "{\"a\":1e999}", -ERR_BAD_INPUT, "" },
		{ "{\"a\":\"\xff\"}", -ERR_BAD_INPUT, "" },
		{ "{\"a\":\"\\ud800\"}", -ERR_BAD_INPUT, "" },
		{ "{\"a\\u0000b\":1}", -ERR_BAD_INPUT, "" },
		{ "{'a':1}", -ERR_BAD_INPUT, "" },
		{ "{\"a\":1,}", -ERR_BAD_INPUT, "" },
		{ "{\"a\":NaN}", -ERR_BAD_INPUT, "" },
		{ "{\"a\":\"\x1b[31m\"}", -ERR_BAD_INPUT, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		json_t *json = NULL;
		int r = parse(&json, rows[i].text, &err);

		if (r != rows[i].want || (r == 0) != (json != NULL) ||
		    !strstr(err.msg, rows[i].message) || strchr(err.msg, '\x1b'))
			fail_msg("%s: %d %s", rows[i].text, r, err.msg);
		json_decref(json);
	}
}

/* n times open, then n times close. */
static char *nest(const char *open, const char *close, size_t n)
{
	size_t o = strlen(open), c = strlen(close);
	char *text = malloc(n * (o + c) + 1), *p = text;

	for (size_t i = 0; i < n; i++, p += o)
		memcpy(p, open, o);
	for (size_t i = 0; i < n; i++, p += c)
		memcpy(p, close, c);
	*p = '\0';
	return text;
}

static void test_depth_and_number_of_values(void **state)
{
	struct error err = { 0 };
	json_t *json = NULL;
	char *text = nest("[", "]", 1000);

	(void)state;
	assert_int_equal(parse(&json, text, &err), 0);
	json_decref(json);
	json = NULL;
	free(text);
	text = nest("[", "]", 100000);
	assert_int_equal(parse(&json, text, &err), -ERR_BAD_INPUT);
	free(text);
	text = nest("{\"a\":", "}", 100000);
	assert_int_equal(parse(&json, text, &err), -ERR_BAD_INPUT);
	free(text);
	text = nest("[],", "", 400000);
	assert_int_equal(parse(&json, text, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "the test: "));
	free(text);
	/* Commas in a string are no values. */
	text = nest(",", ",", 400000);
	memset(text, ',', 400000);
	memcpy(text, "[\"\\\"", 4);
	memcpy(text + 400000, "\"]", 3);
	assert_int_equal(parse(&json, text, &err), 0);
	json_decref(json);
	free(text);
}

static void test_member_folds_as_go_does(void **state)
{
	static const struct {
		const char *text, *key;
		int want;
		const char *value; /* NULL: absent */
	} rows[] = {
		{ "{\"layers\":\"a\"}", "layers", 0, "a" },
		{ "{\"LaYeRs\":\"a\"}", "layers", 0, "a" },
		{ "{\"config\":\"a\"}", "Config", 0, "a" },
		/* U+017F is a long s, U+212A the kelvin sign. */
		{ "{\"layer\\u017f\":\"a\"}", "layers", 0, "a" },
		{ "{\"layer\xc5\xbf\":\"a\"}", "layers", 0, "a" },
		{ "{\"\\u212aey\":\"a\"}", "key", 0, "a" },
		{ "{\"\\u017fi\\u212ae\":\"a\"}", "SIKE", 0, "a" },
		{ "{\"layers\":\"a\",\"Layers\":\"b\"}", "layers", -ERR_BAD_INPUT, NULL },
		{ "{\"layers\":\"a\",\"layer\\u017f\":\"b\"}", "layers", -ERR_BAD_INPUT, NULL },
		{ "{\"layers\":null,\"Layers\":\"b\"}", "layers", -ERR_BAD_INPUT, NULL },
		{ "{\"A\":\"a\",\"a\":\"b\"}", "layers", 0, NULL },
		{ "{\"layers\":null}", "layers", 0, NULL },
		{ "{\"layer\":\"a\",\"layerss\":\"b\",\"\":\"c\"}", "layers", 0, NULL },
		/* Not folds: dotless i, U+0130, full-width s, an s of two code points. */
		{ "{\"s\\u0131ze\":\"a\",\"\\u0130\":1,\"\\uff53ize\":\"b\"}", "size", 0, NULL },
		{ "{\"\xc5\":1}", "size", -ERR_BUG, NULL },
		{ "[]", "layers", -ERR_BAD_INPUT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		json_t *json = NULL, *value = NULL;
		int r;

		if (parse(&json, rows[i].text, &err) < 0) {
			assert_int_equal(rows[i].want, -ERR_BUG);
			continue;
		}
		r = oci_json_member(json, rows[i].key, &value, &err);
		if (r != rows[i].want || (value != NULL) != (rows[i].value != NULL) ||
		    (value && strcmp(json_string_value(value), rows[i].value) != 0))
			fail_msg("%s: %d %s", rows[i].text, r, err.msg);
		json_decref(json);
	}
}

static void test_typed(void **state)
{
	static const char text[] = "{\"s\":\"x\",\"n\":9007199254740993,\"minus\":-1,\"real\":1.0,"
				   "\"big\":9223372036854775807,"
				   "\"exp\":1e3,\"nul\":\"a\\u0000b\",\"t\":true,\"none\":null,"
				   "\"a\":[\"q\",5],\"o\":{}}";
	const char *s = "kept";
	struct error err = { 0 };
	json_t *json, *value = NULL;
	uint64_t n = 42;
	bool t = false;

	(void)state;
	assert_int_equal(parse(&json, text, &err), 0);
	assert_int_equal(oci_json_string(json, "none", &s, &err), 0);
	assert_int_equal(oci_json_string(json, "absent", &s, &err), 0);
	assert_string_equal(s, "kept");
	assert_int_equal(oci_json_string(json, "n", &s, &err), -ERR_BAD_INPUT);
	assert_non_null(strstr(err.msg, "'n'"));
	assert_int_equal(oci_json_string(json, "nul", &s, &err), -ERR_BAD_INPUT);
	assert_string_equal(s, "kept");
	assert_int_equal(oci_json_string(json, "S", &s, &err), 0);
	assert_string_equal(s, "x");
	assert_int_equal(oci_json_u64(json, "minus", &n, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_u64(json, "real", &n, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_u64(json, "exp", &n, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_u64(json, "s", &n, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_u64(json, "none", &n, &err), 0);
	assert_int_equal(n, 42);
	assert_int_equal(oci_json_u64(json, "n", &n, &err), 0);
	assert_true(n == 9007199254740993u);
	assert_int_equal(oci_json_u64(json, "big", &n, &err), 0);
	assert_true(n == INT64_MAX);
	assert_int_equal(oci_json_bool(json, "n", &t, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_bool(json, "t", &t, &err), 0);
	assert_true(t);
	assert_int_equal(oci_json_object(json, "a", &value, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_array(json, "o", &value, &err), -ERR_BAD_INPUT);
	assert_null(value);
	assert_int_equal(oci_json_array(json, "a", &value, &err), 0);
	assert_int_equal(oci_json_item(value, 0, &s, &err), 0);
	assert_string_equal(s, "q");
	assert_int_equal(oci_json_item(value, 1, &s, &err), -ERR_BAD_INPUT);
	assert_int_equal(oci_json_item(value, 2, &s, &err), -ERR_BAD_INPUT);
	/* A map's keys do not fold. */
	s = "kept";
	assert_int_equal(oci_json_entry(json, "S", &s, &err), 0);
	assert_string_equal(s, "kept");
	assert_int_equal(oci_json_entry(NULL, "s", &s, &err), 0);
	assert_int_equal(oci_json_entry(json, "a", &s, &err), -ERR_BAD_INPUT);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_depth_and_number_of_values),
		cmocka_unit_test(test_member_folds_as_go_does),
		cmocka_unit_test(test_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
