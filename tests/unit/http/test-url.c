/* URLs: what a message may show, what is the same origin, which hosts are this one. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/impl.h"

static void test_safe(void **state)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {
		{ "https://user:secret@h.test/p?token=x", "https://h.test/p?token=..." },
		{ "https://h.test:443/p", "https://h.test/p" },
		{ "http://H.test:5000/v2/a%20b", "http://h.test:5000/v2/a%20b" },
		{ "http://h.test/?a=1&b=2&secret&=3", "http://h.test/?a=...&b=...&...&=..." },
		{ "http://h.test/p?secret#also", "http://h.test/p?..." },
		{ "http://secret@h.test", "http://h.test/" },
		{ "http://[::1]:5000/x", "http://[::1]:5000/x" },
		{ "ftp://user:secret@h.test/", "(no http URL)" },
		{ "secret", "(no http URL)" },
		{ "http://h.test/'\xff", "http://h.test/\\'\\xff" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[200], small[8];

		http_url_safe(out, sizeof(out), rows[i].url);
		assert_string_equal(out, rows[i].shown);
		http_url_safe(small, sizeof(small), rows[i].url);
		assert_true(strlen(small) < sizeof(small));
		assert_null(strstr(out, "secret@"));
	}
}

static void test_host(void **state)
{
	static const struct {
		const char *url, *host;
	} rows[] = {
		{ "https://u:s@h.test/p", "h.test:443" },
		{ "http://H.test", "h.test:80" },
		{ "http://[::1]:5000/", "[::1]:5000" },
		{ "x", "no host" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[200];

		http_url_host(out, sizeof(out), rows[i].url);
		assert_string_equal(out, rows[i].host);
	}
}

static void test_origin(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "https://h.test/a", "https://h.test/b?c", true },
		{ "https://H.TEST/", "HTTPS://h.test:443/", true },
		{ "http://h.test", "http://h.test:80/", true },
		{ "http://u:p@h.test", "http://h.test", true },
		{ "http://127.0.0.1/", "http://127.1/", true },
		{ "https://h.test/", "http://h.test/", false },
		{ "https://h.test/", "http://h.test:443/", false },
		{ "https://h.test/", "https://h.test:444/", false },
		{ "https://h.test/", "https://a.h.test/", false },
		{ "https://h.test/", "https://h.test.evil/", false },
		{ "https://h.test/", "https://h.test@evil/", false },
		{ "https://h.test/", "https://evil/h.test", false },
		{ "https://h.test/", "https://h.test./", false },
		{ "http://127.0.0.1/", "http://localhost/", false },
		{ "ftp://h.test/", "ftp://h.test/", false },
		{ "", "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (http_same_origin(rows[i].a, rows[i].b) != rows[i].same ||
		    http_same_origin(rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("%s and %s: not %d", rows[i].a, rows[i].b, rows[i].same);
	}
}

static void test_private(void **state)
{
	static const struct {
		const char *url;
		bool private, local;
	} rows[] = {
		{ "https://h.test/", true, false },
		{ "http://h.test/", false, false },
		{ "http://localhost:5000/", true, true },
		{ "http://LocalHost./", true, true },
		{ "http://a.localhost/", true, true },
		{ "http://localhost.evil/", false, false },
		{ "http://notlocalhost/", false, false },
		{ "http://127.0.0.1/", true, true },
		{ "http://127.255.0.9/", true, true },
		{ "http://0x7f000001/", true, true },
		{ "http://127.0.0.1.evil/", false, false },
		{ "http://128.0.0.1/", false, false },
		{ "http://0.0.0.0/", false, true },
		{ "http://169.254.169.254/", false, true },
		{ "http://169.253.0.1/", false, false },
		{ "http://10.0.0.1/", false, false },
		{ "http://[::1]/", true, true },
		{ "http://[::]/", false, true },
		{ "http://[0:0:0:0:0:0:0:1]:80/", true, true },
		{ "http://[::ffff:127.0.0.1]/", true, true },
		{ "http://[::ffff:7f00:1]/", true, true },
		{ "http://[64:ff9b::7f00:1]/", true, true },
		{ "http://[::ffff:169.254.0.1]/", false, true },
		{ "http://[fe80::1]/", false, true },
		{ "http://[fec0::1]/", false, false },
		{ "http://[2001:db8::1]/", false, false },
		{ "file:///etc/passwd", false, false },
		{ "http://user@127.0.0.1@evil/", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (http_is_private(rows[i].url) != rows[i].private)
			fail_msg("%s: private is not %d", rows[i].url, rows[i].private);
		if (http_url_local(rows[i].url) != rows[i].local)
			fail_msg("%s: local is not %d", rows[i].url, rows[i].local);
	}
}

static void test_address(void **state)
{
	static const struct {
		const char *text;
		bool local;
	} rows[] = {
		{ "127.0.0.1", true },	   { "0.0.0.0", true },		{ "169.254.1.1", true },
		{ "192.0.2.1", false },	   { "::1", true },		{ "::", true },
		{ "fe80::1", true },	   { "febf::1", true },		{ "fec0::1", false },
		{ "::ffff:0.0.0.0", true }, { "::ffff:192.0.2.1", false }, { "2001:db8::1", false },
		{ "::127.0.0.1", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int family = strchr(rows[i].text, ':') ? AF_INET6 : AF_INET;
		uint8_t a[16];

		assert_int_equal(inet_pton(family, rows[i].text, a), 1);
		if (http_address_local(family, a) != rows[i].local)
			fail_msg("%s: local is not %d", rows[i].text, rows[i].local);
	}
	assert_true(http_address_local(AF_UNIX, NULL));
}

static void test_join(void **state)
{
	static const struct {
		const char *base, *location, *joined; /* NULL: refused */
	} rows[] = {
		{ "https://h.test/v2/a/blobs", "/v2/b?x=1", "https://h.test/v2/b?x=1" },
		{ "https://h.test/v2/a/blobs", "uploads", "https://h.test/v2/a/uploads" },
		{ "https://h.test/v2/a?q=1", "?q=2", "https://h.test/v2/a?q=2" },
		{ "https://h.test/v2/a", "../../../x", "https://h.test/x" },
		{ "https://h.test/v2/a", "//other.test/x", "https://other.test/x" },
		{ "https://h.test/v2/a", "http://u:secret@o.test:5000/x#f", "http://o.test:5000/x" },
		{ "https://u:secret@h.test/v2/a", "/x", "https://h.test/x" },
		{ "https://h.test/v2/a", "/a b", "https://h.test/a%20b" },
		{ "https://h.test/v2/a", "/a%2Fb?X-Sig=a%2Bb+c", "https://h.test/a%2Fb?X-Sig=a%2Bb+c" },
		{ "https://h.test/v2/a", "file:///etc/passwd", NULL },
		{ "https://h.test/v2/a", "ftp://h.test/", NULL },
		{ "https://h.test/v2/a", "http://h\n/", NULL },
		{ "ftp://h.test/v2/a", "/x", NULL },
		{ "", "http://h.test/", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *out = NULL;
		struct error err = { 0 };
		int r = http_url_join(&out, rows[i].base, rows[i].location, &err);

		if (!rows[i].joined) {
			assert_int_equal(r, -ERR_BAD_INPUT);
			assert_null(strstr(err.msg, "secret"));
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(out, rows[i].joined);
	}
}

static void test_add(void **state)
{
	static const struct {
		const char *url, *name, *value, *out;
	} rows[] = {
		{ "https://h.test/u", "digest", "sha256:ab", "https://h.test/u?digest=sha256%3aab" },
		{ "https://h.test/u?_s=a%3D", "d", "x", "https://h.test/u?_s=a%3D&d=x" },
		{ "https://h.test/t", "scope", "repository:a/b:pull,push a",
		  "https://h.test/t?scope=repository%3aa%2fb%3apull%2cpush+a" },
		{ "https://h.test/t?a=1", "b", "x&y=z#", "https://h.test/t?a=1&b=x%26y%3dz%23" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *out = NULL;
		struct error err;

		assert_int_equal(
			http_url_add(&out, rows[i].url, rows[i].name, rows[i].value, &err), 0);
		assert_string_equal(out, rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),	cmocka_unit_test(test_host),
		cmocka_unit_test(test_origin),	cmocka_unit_test(test_private),
		cmocka_unit_test(test_address), cmocka_unit_test(test_join),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
