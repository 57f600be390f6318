/* Scripts as simple commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dockerfile/shell.h"

/* Commands as "a b|c": words with one blank, '?' for what is not known. */
static void render(struct buf *out, const struct shell_script *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->list[i].count; k++)
			assert_int_equal(buf_printf(out, "%s%s", k ? " " : i ? "|" : "",
						    s->list[i].words[k].known ? s->list[i].words[k].text : "?"), 0);
}

static void test_commands(void **state)
{
	static const char *const rows[][2] = {
		{ "a b && c; d | e\nf", "a b|c|d|e|f" },
		{ "a 'b c' \"d e\" f\\ g", "a b c|" },
		{ "A=1 B=2 cmd $A", "cmd ?" },
		{ "A=1; cmd $A ${B}", "cmd 1 ?" },
		{ "A=1; A=2; cmd $A", "cmd ?" },
		{ "sudo -E tar x", "tar x" },
		{ "env X=1 tar x", "tar x" },
		{ "if a; then b; fi", "a|b|fi" },
		{ "( cd x && y )", "cd x|y" },
		{ "a > f 2>&1 < g b", "a b" },
		{ "a $(b | c) d", "a ? d" },
		{ "a `b; c` d", "a ? d" },
		{ "cat <<E\nuseradd x\nE\nb", "cat|b" },
		{ "cat <<-'E' > f\n\tuseradd x\n\tE\nb", "cat|b" },
		{ "bash -c 'a b; c'", "bash -c a b; c|a b|c" },
		{ "for u in 1 2; do useradd $u; done", "for u in 1 2|useradd ?|done" },
		{ "a # b && c\nd", "a|d" },
		{ "a 'open", "a open" },
		{ "", "" },
		{ "&& || ;;", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { 0 };
		struct shell_script s = { 0 };
		struct buf b = { 0 };
		size_t n = strlen(rows[i][1]);

		assert_int_equal(shell_split(&s, &a, NULL, rows[i][0], strlen(rows[i][0])), 0);
		render(&b, &s);
		/* A row that ends in '|' tells the beginning. */
		if (n && rows[i][1][n - 1] == '|' ? strncmp(buf_str(&b), rows[i][1], n - 1) != 0 :
						    strcmp(buf_str(&b), rows[i][1]) != 0)
			fail_msg("%s: '%s', not '%s'", rows[i][0], buf_str(&b), rows[i][1]);
		buf_free(&b);
		arena_free(&a);
	}
}

static void test_places(void **state)
{
	static const char text[] = "x && sudo -u app tar 'a' > log; y | z";
	struct arena a = { 0 };
	struct shell_script s = { 0 };

	assert_int_equal(shell_split(&s, &a, NULL, text, strlen(text)), 0);
	assert_int_equal(s.count, 4);
	assert_memory_equal(text + s.list[1].start, "sudo", 4);
	assert_memory_equal(text + s.list[1].end - 3, "log", 3);
	assert_memory_equal(text + s.list[1].words[0].start, "tar ", 4);
	assert_true(s.list[1].other_user && !s.list[1].sudo);
	assert_string_equal(s.list[1].output, "log");
	assert_true(s.list[2].piped_out && s.list[3].piped_in);
	assert_true(s.list[2].pipeline == s.list[3].pipeline);
	assert_true(s.list[0].pipeline != s.list[2].pipeline);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
