#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "report/baseline.h"
#include "report/finding.h"

static const struct finding_rule rules[] = { { "a-rule", "What it is.", "What to do." } };
static const struct finding_about about = { "check", rules, 1, NULL, NULL };

/* One input with one finding in a format; the caller frees. */
static char *written(enum report_format format, const char *input, const struct report_finding *f)
{
	struct report_options opts = { .format = format };
	struct finding_writer *w = NULL;
	struct error err = { 0 };
	char *text = NULL;
	size_t n = 0;

	opts.out = open_memstream(&text, &n);
	assert_non_null(opts.out);
	assert_int_equal(findings_begin(&w, &opts, &about, &err), 0);
	assert_int_equal(findings_add(w, f, &err), 0);
	assert_int_equal(findings_done(w, input, false, &err), 0);
	assert_int_equal(findings_end(w, &err), 0);
	findings_free(w);
	fclose(opts.out);
	return text;
}

static const struct report_edit edit = { 3, 4, "RUN a\n" };
static const struct report_finding hostile = {
	.rule = "a-rule",
	.level = LEVEL_ERROR,
	.message = "m\r\n::error::x <b>\x01\xff\xef\xbf\xbf @all | `c` 100% a:b,c",
	.file = "Docker,file:1%\n",
	.line = 3,
	.end_line = 4,
	.edits = &edit,
	.edit_count = 1,
	.layer = -1,
};

static void escapes(void **state)
{
	static const struct {
		enum report_format format;
		const char *has, *has_not;
	} cases[] = {
		{ REPORT_GITHUB, "::error file=Docker%2Cfile%3A1%25%0A,line=3,endLine=4,",
		  "\n::error::" },
		{ REPORT_GITHUB, "title=a-rule::m%0D%0A::error::x <b>", "\r" },
		{ REPORT_GITHUB, "100%25 a:b,c", "100% " },
		{ REPORT_JUNIT, "m&#13;&#10;::error::x &#60;b&#62;\xef\xbf\xbd\xef\xbf\xbd?",
		  "\x01" },
		{ REPORT_JUNIT, "&#64;", NULL },
		{ REPORT_MARKDOWN, "&#60;b&#62;", "<b>" },
		{ REPORT_MARKDOWN, "&#64;all &#124; \\`c\\`", "@all" },
		{ REPORT_HTML, "&#60;b&#62;", "<b>" },
		{ REPORT_HTML, "lines 3 to 4 become:<pre>RUN a\n</pre>", "\x01" },
		{ REPORT_SARIF, "\"uri\":\"Docker,file%3A1%25%0A\"", "\x01" },
		{ REPORT_SARIF, "\"help\":{\"text\":\"What to do.\"}", "\r" },
		{ REPORT_SARIF, "\"insertedContent\":{\"text\":\"RUN a\\u000a\"}", NULL },
		{ REPORT_GITLAB, "\"severity\":\"major\"", "\x01" },
		{ REPORT_GITLAB, "\"lines\":{\"begin\":3}", "\r" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = written(cases[i].format, "in", &hostile);

		/* An at sign means nothing in XML. */
		if (strcmp(cases[i].has, "&#64;") == 0)
			assert_null(strstr(text, cases[i].has));
		else if (!strstr(text, cases[i].has))
			fail_msg("case %zu: no %s in %s", i, cases[i].has, text);
		if (cases[i].has_not && strstr(text, cases[i].has_not))
			fail_msg("case %zu: %s in %s", i, cases[i].has_not, text);
		free(text);
	}
}

static void fingerprint_of(char out[65], const struct report_finding *f)
{
	struct error err = { 0 };

	assert_int_equal(report_fingerprint(f, out, &err), 0);
	assert_int_equal(strlen(out), 64);
}

/* A rebuilt image has other layers, digests and tags. */
static void fingerprints(void **state)
{
	const struct report_finding one = { .rule = "r",
					    .message = "m",
					    .image = "app:1",
					    .layer = 3,
					    .digest = "sha256:1",
					    .path = "/a",
					    .uid = 70000,
					    .gid = 0 };
	struct report_finding same = one, other[6];
	char a[65], b[65];

	(void)state;
	same.image = "app:2";
	same.layer = 5;
	same.digest = "sha256:2";
	same.step = "RUN x";
	same.message = "said in other words";
	fingerprint_of(a, &one);
	fingerprint_of(b, &same);
	assert_string_equal(a, b);
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		other[i] = one;
	other[0].rule = "s";
	other[1].path = "/b";
	other[2].uid = 70001;
	other[3].gid = 1;
	other[4].file = "Dockerfile";
	other[5].path = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		fingerprint_of(b, &other[i]);
		assert_string_not_equal(a, b);
	}
}

/* "a" + "bc" is not "ab" + "c". */
static void members_do_not_run_together(void **state)
{
	const struct report_finding one = { .rule = "a", .message = "", .file = "bc" };
	const struct report_finding two = { .rule = "ab", .message = "", .file = "c" };
	char a[65], b[65];

	(void)state;
	fingerprint_of(a, &one);
	fingerprint_of(b, &two);
	assert_string_not_equal(a, b);
}

static void no_format_of_findings(void **state)
{
	struct report_options opts = { .format = REPORT_JSON, .out = stdout };
	struct finding_writer *w = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(findings_begin(&w, &opts, &about, &err), -ERR_USAGE);
	assert_null(w);
}

static void baseline_keeps_each_once(void **state)
{
	const struct report_finding f[] = {
		{ .rule = "r", .message = "", .path = "/b", .uid = 1 },
		{ .rule = "r", .message = "", .path = "/a", .uid = 1 },
		{ .rule = "r", .message = "", .path = "/b", .uid = 1, .layer = 7 },
	};
	struct baseline *b = NULL;
	struct error err = { 0 };
	char *text = NULL;
	size_t n = 0, count = 0;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	assert_int_equal(baseline_new(&b, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		assert_int_equal(baseline_add(b, &f[i], &err), 0);
	assert_int_equal(baseline_write(b, out, &count, &err), 0);
	fclose(out);
	assert_int_equal(count, 2);
	assert_memory_equal(text, "{\"schema\":\"uidfit/baseline/1\"", 29);
	free(text);
	baseline_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(members_do_not_run_together),
		cmocka_unit_test(no_format_of_findings),
		cmocka_unit_test(baseline_keeps_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
