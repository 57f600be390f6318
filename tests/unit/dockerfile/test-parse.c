/* Instructions, words, places, stages and variables of Dockerfiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dockerfile/scope.h"

static struct dockerfile *parse(const char *text, struct error *err)
{
	struct limits limits = limits_default();
	struct dockerfile *d = NULL;

	if (dockerfile_parse(&d, text, strlen(text), "Dockerfile", &limits, err) < 0)
		assert_null(d);
	return d;
}

static void test_shapes(void **state)
{
	static const struct {
		const char *text, *second; /* arguments of the second instruction */
		enum docker_kind kind;
		size_t line, end_line, words;
		bool json;
	} rows[] = {
		{ "FROM a\nRUN x y\n", "x y", DOCKER_RUN, 2, 2, 2, false },
		{ "FROM a\n  run x \\\n  y\n", "x   y", DOCKER_RUN, 2, 3, 2, false },
		{ "FROM a\nRUN x && \\\n# c\n\n  y", "x &&   y", DOCKER_RUN, 2, 5, 3, false },
		{ "# escape=`\nFROM a\nRUN x `\ny\n", "x y", DOCKER_RUN, 3, 4, 2, false },
		{ "# c\n# escape=`\nFROM a\nRUN x `\n", "x `", DOCKER_RUN, 4, 4, 2, false },
		{ "FROM a\r\nUSER 5\r\n", "5", DOCKER_USER, 2, 2, 1, false },
		{ "FROM a\nCMD [\"x\", \"y z\"]", "[\"x\", \"y z\"]", DOCKER_CMD, 2, 2, 2, true },
		{ "FROM a\nCMD [x]", "[x]", DOCKER_CMD, 2, 2, 1, false },
		{ "FROM a\nCOPY --chown=1:2 --from=b \"c d\" e", "\"c d\" e", DOCKER_COPY, 2, 2, 2, false },
		{ "FROM a\nRUN <<E\nx\nE\nUSER 1", "<<E", DOCKER_RUN, 2, 4, 1, false },
		{ "FROM a\nONBUILD USER 7", "7", DOCKER_USER, 2, 2, 1, false },
		{ "\xef\xbb\xbf# syntax=x\nFROM a\nUSER \xff\xfe\n", "\xff\xfe", DOCKER_USER, 3, 3, 1, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		struct dockerfile *d = parse(rows[i].text, &err);
		const struct docker_instruction *in;

		if (!d || d->count < 2)
			fail_msg("%s: %s", rows[i].text, err.msg);
		in = &d->list[1];
		assert_string_equal(in->text.s + in->args, rows[i].second);
		assert_int_equal(in->kind, rows[i].kind);
		assert_int_equal(in->line, rows[i].line);
		assert_int_equal(in->end_line, rows[i].end_line);
		assert_int_equal(in->word_count, rows[i].words);
		assert_int_equal(in->json, rows[i].json);
		dockerfile_free(d);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "", "no FROM" },
		{ "# only\n", "no FROM" },
		{ "RUN x", "only ARG" },
		{ "FROM a\nFOO x", "Dockerfile:2: unknown instruction 'FOO'" },
		{ "FROM a\nRUN <<E\nx\n", "never closed" },
		{ "FROM a\nRUN\n", "nothing stands behind" },
		{ "FROM a\nONBUILD ONBUILD RUN x", "cannot hold" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };

		assert_null(parse(rows[i][0], &err));
		if (!strstr(err.msg, rows[i][1]))
			fail_msg("%s: %s", rows[i][0], err.msg);
		assert_int_equal(err.code, ERR_BAD_INPUT);
	}
}

static void test_nul(void **state)
{
	struct limits limits = limits_default();
	struct dockerfile *d = NULL;
	struct error err = { 0 };

	assert_true(dockerfile_parse(&d, "FROM a\nR\0N", 10, "f", &limits, &err) < 0);
	assert_non_null(strstr(err.msg, "f:2: a NUL"));
}

/* Each byte of a joined text stands where it says. */
static void test_places(void **state)
{
	static const char text[] = "FROM a\nRUN one \\\n# c\n  two && \\\n\n three\nRUN <<-E\n\tfour\n\tE\n";
	struct error err = { 0 };
	struct dockerfile *d = parse(text, &err);
	const struct docker_text *t = &d->list[1].text, *body = &d->list[2].heredocs[0].body;

	for (size_t i = 0; i < t->len; i++)
		assert_int_equal(t->s[i], text[docker_source(t, i)]);
	for (size_t i = 0; i < body->len; i++)
		assert_int_equal(body->s[i], text[docker_source(body, i)]);
	assert_int_equal(docker_line_of(d, docker_source(t, (size_t)(strstr(t->s, "three") - t->s))), 6);
	assert_int_equal(docker_line_of(d, docker_source(body, 1)), 8);
	assert_int_equal(body->len, strlen("\tfour\n"));
	dockerfile_free(d);
}

static void test_expand(void **state)
{
	static const struct docker_var list[] = { { "A", "1", false }, { "E", "", false }, { "U", NULL, false } };
	static const struct docker_vars vars = { .list = (struct docker_var *)list, .count = 3 };
	static const struct {
		const char *text, *value; /* NULL: not known */
	} rows[] = {
		{ "$A", "1" }, { "${A}x", "1x" }, { "$A$B", NULL }, { "${B:-2}", "2" }, { "${E:-2}", "2" },
		{ "${E-2}", "" }, { "${A:+3}", "3" }, { "${B:+3}", "" }, { "\\$A", "$A" }, { "'$A'", "$A" },
		{ "\"$A\"", "1" }, { "${B:-${A}}", "1" }, { "$U", NULL }, { "${A", NULL }, { "${}", NULL },
		{ "$", "$" }, { "a$", "a$" }, { "${A#x}", NULL }, { "$(id)", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = { 0 };
		bool failed = false, known = docker_expand(&b, &vars, '\\', rows[i].text, strlen(rows[i].text), &failed);

		if (known != (rows[i].value != NULL) || (known && strcmp(buf_str(&b), rows[i].value) != 0))
			fail_msg("%s: %s '%s'", rows[i].text, known ? "known" : "not known", buf_str(&b));
		buf_free(&b);
	}
}

static const char *user_of(const char *text, const char *const *args, size_t count)
{
	static char out[64];
	struct limits limits = limits_default();
	struct error err = { 0 };
	struct dockerfile *d = parse(text, &err);
	struct docker_scope s = { .d = d, .limits = &limits, .build_args = args, .build_arg_count = count };
	const char *user;

	assert_non_null(d);
	s.arena = &d->arena;
	assert_int_equal(docker_scope_begin(&s, NULL, &err), 0);
	for (size_t i = 0; i < d->count; i++) {
		assert_int_equal(docker_scope_enter(&s, i, &err), 0);
		assert_int_equal(docker_scope_leave(&s, i, &err), 0);
	}
	user = s.stages[s.stage_count - 1].user;
	snprintf(out, sizeof(out), "%s", user ? user : "?");
	dockerfile_free(d);
	return out;
}

static void test_scopes(void **state)
{
	static const char *const args[] = { "U=9" };

	assert_string_equal(user_of("FROM a\nARG U=5\nUSER $U\n", NULL, 0), "5");
	assert_string_equal(user_of("FROM a\nARG U=5\nUSER $U\n", args, 1), "9");
	assert_string_equal(user_of("FROM a\nARG U\nUSER $U\n", NULL, 0), "?");
	assert_string_equal(user_of("ARG U=4\nFROM a\nUSER $U\n", NULL, 0), "?");
	assert_string_equal(user_of("ARG U=4\nFROM a\nARG U\nUSER $U\n", NULL, 0), "4");
	assert_string_equal(user_of("FROM a\nENV U=3\nARG U=5\nUSER $U\n", NULL, 0), "3");
	assert_string_equal(user_of("FROM a\nENV U 3\nUSER $U\n", NULL, 0), "3");
	assert_string_equal(user_of("FROM a AS b\nARG U=5\nUSER 7\nFROM b\n", NULL, 0), "7");
	assert_string_equal(user_of("FROM a AS b\nARG U=5\nFROM c\nUSER $U\n", NULL, 0), "?");
	assert_string_equal(user_of("FROM a\nENV U=1 V=$U\nUSER $V\n", NULL, 0), "?");
}

/* Many lines, and many of everything, end. */
static void test_large(void **state)
{
	struct buf b = { 0 };
	struct limits limits = limits_default();
	struct error err = { 0 };
	struct dockerfile *d = NULL;

	assert_int_equal(buf_append_str(&b, "FROM a\n"), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_append_str(&b, "RUN echo $A \\\n  && true\n"), 0);
	assert_int_equal(dockerfile_parse(&d, buf_str(&b), b.len, "x", &limits, &err), 0);
	assert_int_equal(d->count, 100001);
	assert_int_equal(d->list[100000].line, 200000);
	dockerfile_free(d);
	d = NULL;
	limits.v[LIMIT_DOCKERFILE_SIZE] = 100;
	assert_int_equal(dockerfile_parse(&d, buf_str(&b), b.len, "x", &limits, &err), -ERR_LIMIT);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes), cmocka_unit_test(test_refused), cmocka_unit_test(test_nul),
		cmocka_unit_test(test_places), cmocka_unit_test(test_expand), cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
