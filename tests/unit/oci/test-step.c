/* Layers to steps, and the styles of created_by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macro.h"
#include "oci/step.h"

static void test_pretty(void **state)
{
	static const struct {
		const char *created_by, *want;
	} rows[] = {
		{ "", "" },
		{ "/bin/sh -c #(nop)  USER x", "USER x" },
		{ "USER x", "USER x" },
		{ "/bin/sh -c #(nop) COPY file:0123 in /x ", "COPY file:0123 in /x" },
		{ "/bin/sh -c #(nop) ADD file:0123 in / ", "ADD file:0123 in /" },
		{ "/bin/sh -c #(nop)  CMD [\"/bin/sh\"]", "CMD [\"/bin/sh\"]" },
		{ "COPY a b # buildkit", "COPY a b" },
		{ "RUN /bin/sh -c x # buildkit", "RUN x" },
		{ "RUN |1 A=b /bin/sh -c x y # buildkit", "RUN x y" },
		{ "RUN |2 A=b c d B=/bin /bin/sh -c x # buildkit", "RUN x" },
		{ "|1 A=b /bin/sh -c x", "RUN x" },
		{ "|0 /bin/sh -c x", "RUN x" },
		{ "/bin/sh -c x && y", "RUN x && y" },
		{ "/bin/sh -c apt-get update  \t&& echo '# buildkit x'",
		  "RUN apt-get update  \t&& echo '# buildkit x'" },
		{ "RUN /bin/bash -o pipefail -c x # buildkit", "RUN x" },
		{ "RUN /bin/bash -eo pipefail -c x # buildkit", "RUN x" },
		{ "/bin/ash -eo pipefail -c x", "RUN x" },
		{ "/bin/bash -lc x", "RUN x" },
		{ "|1 A=b /bin/bash -o pipefail -c x", "RUN x" },
		{ "RUN |1 A=b bundle install # buildkit", "RUN bundle install" },
		{ "RUN /app/setup --clean -c x # buildkit", "RUN /app/setup --clean -c x" },
		{ "/app/setup -c x", "/app/setup -c x" },
		{ "/bin/sh", "/bin/sh" },
		{ "/bin/sh -c", "RUN " },
		{ "/bin/sh --clean", "/bin/sh --clean" },
		{ "/bin/sh script -c x", "/bin/sh script -c x" },
		{ "RUN", "RUN" },
		{ "RUN  ", "RUN" },
		{ "|", "|" },
		{ "| /bin/sh -c x", "| /bin/sh -c x" },
		{ "|1x A=b /bin/sh -c x", "|1x A=b /bin/sh -c x" },
		{ "|99999999999999999999 a", "|99999999999999999999 a" },
		{ "|5 a", "RUN " },
		{ "# buildkit", "" },
		{ "bazel build ...", "bazel build ..." },
		{ "cmd /S /C #(nop)  USER x", "USER x" },
		{ "cmd /S /C dir", "RUN dir" },
		/* Only where the builder puts it does #(nop) mean that nothing was run. */
		{ "/bin/sh -c echo; #(nop) USER x", "RUN echo; #(nop) USER x" },
		{ "RUN /bin/sh -c #(nop) USER x", "RUN #(nop) USER x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };

		assert_int_equal(oci_step_pretty(&out, rows[i].created_by), 0);
		if (strcmp(buf_str(&out), rows[i].want) != 0)
			fail_msg("'%s': '%s'", rows[i].created_by, buf_str(&out));
		buf_free(&out);
	}
}

/* FROM base (2 layers, USER built in), COPY, USER, RUN, a step without a layer behind all. */
static struct oci_history history[] = {
	{ (char *)"/bin/sh -c #(nop) ADD file:1 in / ", false },
	{ (char *)"/bin/sh -c #(nop)  USER [old]", true },
	{ (char *)"RUN /bin/sh -c USER root # buildkit", true },
	{ (char *)"RUN /bin/sh -c a # buildkit", false },
	{ (char *)"USER 1000:1000 ", true },
	{ (char *)"ENV USER root", true },
	{ (char *)"USERS none", true },
	{ (char *)"user node", false },
	{ (char *)"user node", true },
	{ (char *)"COPY a b # buildkit", false },
	{ (char *)"USER last", true },
};

static void test_steps(void **state)
{
	static const struct {
		size_t layer, index;
		const char *user;
	} rows[] = {
		{ 0, 0, NULL },
		{ 1, 3, "old" },
		{ 2, 7, "1000:1000" },
		{ 3, 9, "node" },
	};
	struct oci_config c = { .history = history,
				.history_count = ARRAY_SIZE(history),
				.diff_id_count = 4 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = "unset", *user;
		size_t len = 0;

		assert_ptr_equal(oci_step_of_layer(&c, rows[i].layer, &why),
				 &history[rows[i].index]);
		assert_null(why);
		user = oci_step_user(&c, rows[i].layer, &len);
		if (!user != !rows[i].user ||
		    (user && (len != strlen(rows[i].user) || memcmp(user, rows[i].user, len) != 0)))
			fail_msg("layer %zu: %.*s", rows[i].layer, (int)len, user);
	}
}

static void test_no_history(void **state)
{
	struct oci_config c = { .diff_id_count = 4 };
	const char *why = NULL;
	size_t len;

	(void)state;
	assert_null(oci_step_of_layer(&c, 0, &why));
	assert_non_null(strstr(why, "no history"));
	assert_null(oci_step_user(&c, 0, &len));
	c.history = history;
	c.history_count = ARRAY_SIZE(history);
	for (c.diff_id_count = 3; c.diff_id_count <= 5; c.diff_id_count += 2) {
		assert_null(oci_step_of_layer(&c, 1, &why));
		assert_non_null(strstr(why, "another number"));
		assert_null(oci_step_of_layer(&c, 1, NULL));
		assert_null(oci_step_user(&c, 1, &len));
	}
	c.diff_id_count = 4;
	assert_null(oci_step_of_layer(&c, 4, &why));
	assert_non_null(why);
	assert_null(oci_step_of_layer(&c, SIZE_MAX, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_no_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
