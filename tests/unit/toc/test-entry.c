/* An entry that is read where it lies is the one that the JSON parser reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../../../fuzz/toc-entry.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *json;
	int scanned; /* 0, or 1: left to the parser */
} rows[] = {
	{ "{\"type\":\"reg\",\"name\":\"a\",\"size\":5,\"uid\":3000000000}", 0 },
	{ "{\"gid\":7,\"uid\":0,\"name\":\"a b\",\"type\":\"dir\"}", 0 },
	{ "{\n\t\"name\" : \"a\" ,\r\n \"mode\" : 420 }", 0 },
	{ "{\"name\":\"\",\"digest\":\"\",\"chunkDigest\":\"\"}", 0 },
	{ "{\"digest\":\"sha256:" HEX "\",\"chunkDigest\":\"sha512:" HEX HEX "\"}", 0 },
	{ "{\"offset\":9,\"endOffset\":5}", 0 },
	{ "{\"endOffset\":5,\"offset\":3,\"innerOffset\":1,\"chunkOffset\":2,\"chunkSize\":4}", 0 },
	{ "{\"linkName\":\"b\",\"devMajor\":8,\"devMinor\":1,\"NumLink\":0,\"xattrs\":{}}", 0 },
	{ "{\"modtime\":\"x\",\"accesstime\":\"\",\"changetime\":0,\"userName\":\"root\","
	  "\"groupName\":\"root\",\"chunkType\":\"zeros\"}",
	  0 },
	{ "{\"size\":999999999999999999}", 0 },
	{ "{\"size\":1000000000000000000}", 1 },
	{ "{\"size\":9223372036854775808}", 1 },
	{ "{\"size\":01}", 1 },
	{ "{\"size\":-0}", 1 },
	{ "{\"size\":-1}", 1 },
	{ "{\"size\":1.0}", 1 },
	{ "{\"size\":1e3}", 1 },
	{ "{\"size\":\"1\"}", 1 },
	{ "{\"size\":null}", 1 },
	{ "{\"size\":true}", 1 },
	{ "{\"size\":}", 1 },
	{ "{\"uid\":-5}", 1 },
	{ "{\"name\":1}", 1 },
	{ "{\"name\":\"a\\n\"}", 1 },
	{ "{\"name\":\"a\\\"\"}", 1 },
	{ "{\"name\":\"a\n\"}", 1 },
	{ "{\"name\":\"\xc3\xa4\"}", 1 },
	{ "{\"name\":\"\xff\"}", 1 },
	{ "{\"modtime\":\"\xff\"}", 1 },
	{ "{\"modtime\":null}", 1 },
	{ "{\"uid\":1,\"uid\":2}", 1 },
	{ "{\"modtime\":1,\"modtime\":1}", 1 },
	{ "{\"uid\":1,\"Uid\":2}", 1 },
	{ "{\"UID\":1}", 1 },
	{ "{\"\\u0075id\":1}", 1 },
	{ "{\"other\":1}", 1 },
	{ "{\"xattrs\":{\"security.capability\":\"AA==\"}}", 1 },
	{ "{\"xattrs\":{ }}", 1 },
	{ "{\"xattrs\":[]}", 1 },
	{ "{\"digest\":\"sha256:" HEX "0\"}", 1 },
	{ "{\"digest\":\"sha256:0123\"}", 1 },
	{ "{\"digest\":\"sha512:" HEX HEX "0000000000000000\"}", 1 },
	{ "{}", 1 },
	{ "{\"uid\":1,}", 1 },
	{ "{\"uid\":1}}", 1 },
	{ "{\"uid\":1} ", 1 },
	{ "{\"uid\":1", 1 },
	{ "{\"uid\"", 1 },
	{ "{\"uid", 1 },
	{ "{,}", 1 },
	{ "[]", 1 },
	{ "", 1 },
};

static void rows_as_expected(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = toc_entry_both(rows[i].json, strlen(rows[i].json));

		if (r != rows[i].scanned)
			print_message("%s: %d\n", rows[i].json, r);
		assert_int_equal(r, rows[i].scanned);
	}
}

/* What was scanned is what stands there, and nothing of it stays for the next entry. */
static void entries_one_after_the_other(void **state)
{
	static const char first[] =
		"{\"type\":\"reg\",\"name\":\"a\",\"linkName\":\"l\",\"size\":5,"
		"\"uid\":7,\"gid\":8,\"digest\":\"sha256:" HEX "\","
		"\"offset\":10,\"endOffset\":30}",
			  other[] = "{\"name\":\"\xc3\xa4\",\"xattrs\":{\"a\":\"b\"}}",
			  last[] = "{\"name\":\"b\"}";
	struct toc_entry e = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(toc_entry_read(&e, first, sizeof(first) - 1, NULL), 0);
		assert_null(e.json);
		assert_string_equal(e.type, "reg");
		assert_string_equal(e.name, "a");
		assert_string_equal(e.link, "l");
		assert_int_equal(e.size, 5);
		assert_int_equal(e.uid, 7);
		assert_int_equal(e.gid, 8);
		assert_string_equal(e.digest.text, "sha256:" HEX);
		assert_int_equal(e.first.len, 20);
		assert_int_equal(toc_entry_read(&e, other, sizeof(other) - 1, NULL), 0);
		assert_non_null(e.json);
		assert_string_equal(e.name, "\xc3\xa4");
		assert_int_equal(json_object_size(e.xattrs), 1);
		assert_int_equal(e.uid, 0);
		assert_int_equal(toc_entry_read(&e, last, sizeof(last) - 1, NULL), 0);
		assert_null(e.json);
		assert_null(e.xattrs);
		assert_string_equal(e.name, "b");
		assert_string_equal(e.link, "");
		assert_string_equal(e.digest.text, "");
		assert_int_equal(e.first.len, 0);
	}
	toc_entry_done(&e);
}

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % sides;
}

/* An entry of odd and usual members in any order. */
static size_t make_entry(char out[4096], uint32_t *seed)
{
	static const char *const members[] = {
		"\"type\":\"reg\"",
		"\"name\":\"usr/lib/x\"",
		"\"linkName\":\"y\"",
		"\"mode\":420",
		"\"size\":1234",
		"\"uid\":100000",
		"\"gid\":42",
		"\"modtime\":\"2023-11-14T22:13:20Z\"",
		"\"userName\":\"root\"",
		"\"devMajor\":1",
		"\"devMinor\":2",
		"\"NumLink\":0",
		"\"xattrs\":{}",
		"\"digest\":\"sha256:" HEX "\"",
		"\"offset\":77",
		"\"endOffset\":99",
		"\"chunkSize\":1",
		"\"chunkOffset\":3",
		"\"chunkDigest\":\"sha256:" HEX "\"",
		"\"chunkType\":\"\"",
		"\"innerOffset\":6",
		"\"other\":[1,{\"a\":null}]",
		"\"xattrs\":{\"user.a\":\"Yg==\"}",
	};
	const uint32_t odd = 2, usual = ARRAY_SIZE(members) - odd;
	size_t n = (size_t)snprintf(out, 4096, "{"), first = dice(seed, usual);

	for (uint32_t i = 0, count = dice(seed, usual); i < count; i++)
		n += (size_t)snprintf(out + n, 4096 - n, "%s%s%s", i ? "," : "",
				      dice(seed, 20) ? "" : "\n\t",
				      members[dice(seed, 200) ? (first + i * 5) % usual
							      : usual + dice(seed, odd)]);
	return n + (size_t)snprintf(out + n, 4096 - n, "}");
}

/* Bytes that mean something to JSON are put in place of others. */
static void damage(char *text, size_t n, uint32_t *seed)
{
	static const char bytes[] = "\"\\{}[]:,0-9.eE \n\tun\x80\xc5\xbf\x01"
				    "AiIsS";

	for (uint32_t i = dice(seed, 3) + 1; i; i--)
		text[dice(seed, (uint32_t)n)] = bytes[dice(seed, sizeof(bytes) - 1)];
}

static void generated(void **state)
{
	uint32_t seed = 1;
	size_t counts[2][2] = { 0 };
	char text[4096];

	for (unsigned i = 0; i < 60000; i++) {
		size_t n = make_entry(text, &seed);
		bool damaged = dice(&seed, 2);
		int r;

		if (damaged)
			damage(text, n, &seed);
		r = toc_entry_both(text, n);
		if (r < 0)
			print_message("%.*s\n", (int)n, text);
		assert_in_range(r, 0, 1);
		counts[damaged][r]++;
	}
	/* Both ways were taken often, with damage that no reader sees too (in a name, in a time).
	 */
	assert_true(counts[0][0] > 20000 && counts[0][1] > 1000);
	assert_true(counts[1][0] > 1000 && counts[1][1] > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_as_expected),
		cmocka_unit_test(entries_one_after_the_other),
		cmocka_unit_test(generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
