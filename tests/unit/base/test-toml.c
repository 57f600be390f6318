/* TOML: what is read, and what is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/toml.h"

/* A document in one line: tables in {}, arrays in [], strings in '', scalars as written. */
static void show(struct buf *out, const struct toml *t)
{
	static const char *const ends[] = { [TOML_ARRAY] = "[]", [TOML_TABLE] = "{}" };

	if (t->key)
		assert_int_equal(buf_printf(out, "%s=", t->key), 0);
	if (t->kind == TOML_STRING)
		assert_int_equal(buf_printf(out, "'%s'", t->text), 0);
	else if (t->kind < TOML_ARRAY)
		assert_int_equal(buf_printf(out, "%s", t->text), 0);
	if (t->kind < TOML_ARRAY)
		return;
	assert_int_equal(buf_printf(out, "%c", ends[t->kind][0]), 0);
	for (size_t i = 0; i < t->count; i++) {
		if (i)
			assert_int_equal(buf_append_str(out, " "), 0);
		show(out, t->items[i]);
	}
	assert_int_equal(buf_printf(out, "%c", ends[t->kind][1]), 0);
}

static void test_good(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "{}" },
		{ "# only a comment", "{}" },
		{ "\xef\xbb\xbf" "a = 1\r\n", "{a=1}" },
		{ "a=\"x\"\nb='y' # c\n\n", "{a='x' b='y'}" },
		{ "a = \"\\t\\\"\\\\\\u00e9\\U0001F600\"", "{a='\t\"\\\xc3\xa9\xf0\x9f\x98\x80'}" },
		{ "a = '\\n'", "{a='\\n'}" },
		{ "a = \"\"", "{a=''}" },
		{ "a = \"\"\"\nx\n  y\"\"\"", "{a='x\n  y'}" },
		{ "a = \"\"\"x \\\n   \n  y\"\"\"", "{a='x y'}" },
		{ "a = '''x\\\n'y'''''", "{a='x\\\n'y'''}" },
		{ "a = \"\"\"\"\"\"", "{a=''}" },
		{ "a = true\nb = false", "{a=true b=false}" },
		{ "a = -17\nb = +1_000\nc = 0xDEAD_beef\nd = 0o17\ne = 0b10\nf = 0",
		  "{a=-17 b=+1_000 c=0xDEAD_beef d=0o17 e=0b10 f=0}" },
		{ "a = [\n 'x', # one\n \"y\",\n]\nb = []", "{a=['x' 'y'] b=[]}" },
		{ "a = [[1], ['x', true]]", "{a=[[1] ['x' true]]}" },
		{ "[a]\nx=1\n[a.b]\ny=2\n[c]", "{a={x=1 b={y=2}} c={}}" },
		{ "[a.b]\ny=2\n[a]\nx=1", "{a={b={y=2} x=1}}" },
		{ "[[r]]\nx=1\n[[r.m]]\ny=1\n[[r.m]]\ny=2\n[[r]]\nx=2",
		  "{r=[{x=1 m=[{y=1} {y=2}]} {x=2}]}" },
		{ "[ \"a.b\" . c ]\n'k k' = 1", "{a.b={c={k k=1}}}" },
		{ "a.b.c = 1\na.b.d = 2", "{a={b={c=1 d=2}}}" },
		{ "a = {x = 1, y.z = 'w'}\nb = {}", "{a={x=1 y={z='w'}} b={}}" },
		{ "m = [{l='x'}, {l='y'}]", "{m=[{l='x'} {l='y'}]}" },
		{ "[a]\nb.c=1\n[a.b.x]\nd=1", "{a={b={c=1 x={d=1}}}}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(toml_freep) struct toml *t = NULL;
		_cleanup_(buf_freep) struct buf out = { 0 };
		struct error err = { 0 };

		if (toml_parse(&t, rows[i].text, strlen(rows[i].text), "x", &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		show(&out, t);
		assert_string_equal(buf_str(&out), rows[i].want);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "a", "line 1: no '='" },
		{ "a = ", "line 1: a value that is no" },
		{ "a = x", "line 1: a value that is no" },
		{ "\n\na = 1.5", "line 3: a value that is no" },
		{ "a = 2024-01-01", "line 1: a value that is no" },
		{ "a = 01", "line 1: a value that is no" },
		{ "a = 1__0", "line 1: a value that is no" },
		{ "a = _1", "line 1: a value that is no" },
		{ "a = 99999999999999999999", "line 1: a value that is no" },
		{ "a = 1 b = 2", "line 1: something behind" },
		{ "a = 1\na = 2", "line 2: a key stands twice" },
		{ "a = 1\n[a]", "line 2: a table stands twice" },
		{ "[a]\n[a]", "line 2: a table stands twice" },
		{ "[a]\n[[a]]", "line 2: a table stands twice" },
		{ "[[a]]\n[a]", "line 2: a table stands twice" },
		{ "a = [1]\n[[a]]", "line 2: a table stands twice" },
		{ "a.b = 1\n[a]", "line 2: a table stands twice" },
		{ "a = {b = 1}\n[a.c]", "line 2: a key leads into" },
		{ "a = {b = 1}\na.c = 1", "line 2: a key leads into" },
		{ "[a.b]\nx=1\n[a]\nb.y = 1", "line 4: a key leads into" },
		{ "a = 1\n[a.b]", "line 2: a key leads into" },
		{ "a = {b = 1,}", "line 1: no key" },
		{ "a = {b = 1\n}", "line 1: an inline table does not end" },
		{ "a = [1 2]", "line 1: an array does not end" },
		{ "a = [1,\n", "line 2: a value that is no" },
		{ "a = \"x", "line 1: a string does not end" },
		{ "a = 'x\ny'", "line 1: a string does not end on its line" },
		{ "a = \"\"\"x\ny", "line 2: a string does not end" },
		{ "a = \"\\x\"", "line 1: an escape that does not exist" },
		{ "a = \"\\u12\"", "line 1: an escape without its digits" },
		{ "a = \"\\u00\x10" "1\"", "line 1: an escape without its digits" },
		{ "a = \"\\ud800\"", "line 1: an escape that is no character" },
		{ "a = \"\\u0000\"", "line 1: a string holds a NUL" },
		{ "a = \"\x01\"", "line 1: a control character" },
		{ "# \x01", "line 1: a control character" },
		{ "[a", "line 1: a table's name does not end" },
		{ "[]", "line 1: no key" },
		{ "[a] b = 1", "line 1: something behind" },
		{ "= 1", "line 1: no key" },
		{ "a = '\xff'", "x is not UTF-8" },
		{ "a = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "line 1: arrays or tables too deep" },
		{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1", "line 1: a key of too many parts" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct toml *t = NULL;
		struct error err = { 0 };

		if (toml_parse(&t, rows[i].text, strlen(rows[i].text), "x", &err) == 0)
			fail_msg("row %zu is taken: %s", i, rows[i].text);
		assert_null(t);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("row %zu: %s, not %s", i, err.msg, rows[i].says);
	}
}

static void test_many(void **state)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	struct toml *t = NULL;
	struct error err = { 0 };

	for (size_t i = 0; i <= TOML_ITEMS_MAX; i++)
		assert_int_equal(buf_printf(&text, "k%zu = 1\n", i), 0);
	assert_int_equal(toml_parse(&t, buf_str(&text), text.len, "x", &err), -ERR_LIMIT);
	/* A NUL that the file holds is no end. */
	assert_int_equal(toml_parse(&t, "a = 1\0", 6, "x", &err), -ERR_BAD_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
