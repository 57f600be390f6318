/* Empty, binary, endless and ill-meant text: bounded, and never more than the words say. */
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS "failed to register layer: Error processing tar file(exit status 1): Container ID 1000000 cannot be mapped to a host ID"

static void nothing_at_all(void **state)
{
	static const char nuls[4096];
	struct explain *x;

	(void)state;
	x = ask("");
	assert_int_equal(x->match_count, 0);
	explain_free(x);
	x = ask("\n\n\r\r\n\033[\033]\\\\u12");
	assert_int_equal(x->match_count, 0);
	explain_free(x);
	x = ask_pieces(nuls, sizeof(nuls), 0, NULL);
	assert_int_equal(x->match_count, 0);
	explain_free(x);
}

/* Bytes of a compressed file, say. */
static void binary(void **state)
{
	enum { SIZE = 300000 };
	uint8_t *bytes = malloc(SIZE);
	uint32_t seed = 1;
	struct explain *x;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	x = ask_pieces(bytes, SIZE, 1000, NULL);
	assert_int_equal(x->match_count, 0);
	explain_free(x);
	free(bytes);
}

/* The message anywhere in a line of one megabyte is found, and once. */
static void a_line_of_a_megabyte(void **state)
{
	enum { SIZE = 1 << 20 };
	static const size_t places[] = { 0, 100, 24576 - 60, 32768 - 60, 32768 - 10, 32768, 500000, SIZE - sizeof(WORDS) };
	char *line = malloc(SIZE);

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct explain *x;

		memset(line, 'x', SIZE);
		memcpy(line + places[i], WORDS, sizeof(WORDS) - 1);
		x = ask_pieces(line, SIZE, 0, NULL);
		if (x->match_count != 1 || x->matches[0].id != 1000000 || x->matches[0].count != 1)
			fail_msg("at %zu: %zu found", places[i], x->match_count);
		explain_free(x);
	}
	free(line);
}

/* Text made to hit every needle and to match nothing, and patterns' worst cases. */
static void made_to_take_long(void **state)
{
	static const char *const pieces[] = {
		"cannot be mapped to a host ID ", "lchown ", ": invalid argument ", "failed to copy files: ", "unpack entry: ", "(requested 1:2 for ",
		"container uses ID mappings ", "newuidmap failed to write mapping \"", "running `newuidmap ", "ApplyLayer stdout: ", "xattr ",
	};
	char *text = malloc(1 << 20);
	struct explain *x;

	(void)state;
	assert_non_null(text);
	for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
		size_t n = 0, len = strlen(pieces[k]);

		while (n + len < 1 << 18) {
			memcpy(text + n, pieces[k], len);
			n += len;
		}
		x = ask_pieces(text, n, 0, NULL);
		assert_true(x->match_count <= EXPLAIN_MATCHES_MAX);
		explain_free(x);
		/* The same in lines of one width. */
		for (size_t i = 79; i < n; i += 80)
			text[i] = '\n';
		x = ask_pieces(text, n, 0, NULL);
		assert_true(x->match_count <= EXPLAIN_MATCHES_MAX);
		explain_free(x);
	}
	free(text);
}

static void more_than_are_kept(void **state)
{
	struct buf text = { 0 };
	struct explain *x;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&text, "Container ID %d cannot be mapped to a host ID\n", 2000000 + i), 0);
	x = ask(buf_str(&text));
	assert_int_equal(x->match_count, EXPLAIN_MATCHES_MAX);
	assert_int_equal(x->dropped, 1000 - EXPLAIN_MATCHES_MAX);
	assert_int_equal(x->lines, 1000);
	explain_free(x);
	buf_free(&text);
}

/* Numbers that are none, and those that barely are. */
static void numbers_at_the_edge(void **state)
{
	static const struct {
		const char *text;
		bool has_id;
		int64_t id;
	} rows[] = {
		{ "Container ID 9223372036854775807 cannot be mapped to a host ID", true, INT64_MAX },
		{ "Container ID -9223372036854775808 cannot be mapped to a host ID", true, INT64_MIN },
		{ "Container ID 9223372036854775808 cannot be mapped to a host ID", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct explain *x = ask(rows[i].text);

		assert_int_equal(ask_first(x)->has_id, rows[i].has_id);
		if (rows[i].has_id)
			assert_true(ask_first(x)->id == rows[i].id);
		explain_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_at_all),	cmocka_unit_test(binary),	      cmocka_unit_test(a_line_of_a_megabyte),
		cmocka_unit_test(made_to_take_long),	cmocka_unit_test(more_than_are_kept), cmocka_unit_test(numbers_at_the_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
