/* Names: distribution/reference's grammar and Docker's familiar forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "registry/conf.h"

#define D "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define X64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_good(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "app", "docker.io/library/app:latest" },
		{ "//app:1.0", "docker.io/library/app:1.0" },
		{ "team/app", "docker.io/team/app:latest" },
		{ "docker.io/app", "docker.io/library/app:latest" },
		{ "index.docker.io/app", "docker.io/library/app:latest" },
		{ "index.docker.io/team/app:x", "docker.io/team/app:x" },
		{ "localhost/app", "localhost/app:latest" },
		{ "localhost:5000/app:1", "localhost:5000/app:1" },
		/* No slash: the part behind the colon is a tag. */
		{ "localhost:5000", "docker.io/library/localhost:5000" },
		{ "example.com", "docker.io/library/example.com:latest" },
		{ "Example/app", "Example/app:latest" },
		{ "r.example:5000/a/b/c", "r.example:5000/a/b/c:latest" },
		{ "[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest" },
		{ "[::1]/app", "[::1]/app:latest" },
		{ "127.0.0.1:5000/app", "127.0.0.1:5000/app:latest" },
		{ "a-b.example/a__b.c-d---e_f", "a-b.example/a__b.c-d---e_f:latest" },
		{ "app" D, "docker.io/library/app" D },
		{ "r.example/app:1" D, "r.example/app:1" D },
		{ "app:_a.B-c", "docker.io/library/app:_a.B-c" },
		{ "team/" X64, "docker.io/team/" X64 ":latest" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(registry_name_freep) struct registry_name n = { 0 };
		_cleanup_(buf_freep) struct buf out = { 0 };
		struct error err = { 0 };

		if (registry_name_parse(&n, rows[i].in, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(registry_name_text(&out, &n, &err), 0);
		assert_string_equal(buf_str(&out), rows[i].want);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"", "//", "App", "app:", "app@", "app@sha256:12", "app" D "x", "a//b", "/a", "a/",
		"a/:1", ":1", "a:b:c", "a b", "a_", "_a", "-a", "a-", "a___b", "a..b", "a.-b",
		"r.example/", "r.example/A", "r.example:x/a", "r.example:/a", ".example/a",
		"-r.example/a", "r-.example/a", "r..example/a", "[::1/a", "[]/a", "[::g]/a",
		"r.example/../a", "http://r.example/a", "app:.x", "app:-x", X64, "a\nb", "\xc3\xa9",
		"app:" A50 A50 A50, A50 "/" A50 "/" A50 "/" A50 "/" A50,
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct registry_name n = { 0 };
		struct error err = { 0 };

		if (registry_name_parse(&n, rows[i], &err) != -ERR_USAGE)
			fail_msg("row %zu is taken, or fails otherwise: %s", i, rows[i]);
		assert_null(n.host);
		assert_true(err.msg[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
