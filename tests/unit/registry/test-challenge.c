/* WWW-Authenticate as servers write it, and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "registry/challenge.h"

#define HUB "Bearer realm=\"https://auth.example/token\",service=\"registry.example\""

struct row {
	const char *headers[3];
	enum challenge_scheme scheme;
	const char *realm, *service, *scope;
};

static const struct row rows[] = {
	{ { HUB ",scope=\"repository:a/b:pull\"" },
	  CHALLENGE_BEARER,
	  "https://auth.example/token",
	  "registry.example",
	  "repository:a/b:pull" },
	{ { HUB }, CHALLENGE_BEARER, "https://auth.example/token", "registry.example", NULL },
	{ { "bEARER REALM=a, Service = b ,scope=c" }, CHALLENGE_BEARER, "a", "b", "c" },
	{ { "Basic realm=\"Registry Realm\"" }, CHALLENGE_BASIC, "Registry Realm", NULL, NULL },
	{ { "Basic" }, CHALLENGE_BASIC, NULL, NULL, NULL },
	/* Several, in one header or in more: Bearer counts. */
	{ { "Basic realm=\"b\", Bearer realm=\"t\"" }, CHALLENGE_BEARER, "t", NULL, NULL },
	{ { "Bearer realm=\"t\", Basic realm=\"b\"" }, CHALLENGE_BEARER, "t", NULL, NULL },
	{ { "Basic realm=\"b\"", "Bearer realm=\"t\"" }, CHALLENGE_BEARER, "t", NULL, NULL },
	{ { "Bearer realm=\"t\"", "Basic realm=\"b\"" }, CHALLENGE_BEARER, "t", NULL, NULL },
	{ { "Negotiate abc==, Basic realm=\"b\"" }, CHALLENGE_BASIC, "b", NULL, NULL },
	{ { "Digest realm=\"d\", nonce=\"x, y\", Basic realm=\"b\"" },
	  CHALLENGE_BASIC,
	  "b",
	  NULL,
	  NULL },
	/* Quoted pairs, commas and schemes within quotes. */
	{ { "Bearer realm=\"a\\\"b\\\\c\",scope=\"x,Basic realm=y\"" },
	  CHALLENGE_BEARER,
	  "a\"b\\c",
	  NULL,
	  "x,Basic realm=y" },
	/* The first word counts; empty ones and other parameters are none of ours. */
	{ { "Bearer realm=a,realm=b,error=\"invalid_token\"" }, CHALLENGE_BEARER, "a", NULL, NULL },
	{ { "Bearer realm=\"\"" }, CHALLENGE_BEARER, "", NULL, NULL },
	/* Damage. */
	{ { "" }, CHALLENGE_NONE, NULL, NULL, NULL },
	{ { " ,\t, =" }, CHALLENGE_NONE, NULL, NULL, NULL },
	{ { "realm=\"x\"" }, CHALLENGE_NONE, NULL, NULL, NULL },
	{ { "Bearer realm=\"https://x" }, CHALLENGE_BEARER, "https://x", NULL, NULL },
	{ { "Bearer realm=\"x\\" }, CHALLENGE_BEARER, "x\\", NULL, NULL },
	{ { "\x01\xff Basic" }, CHALLENGE_BASIC, NULL, NULL, NULL },
	{ { "Bearer=x realm=y" }, CHALLENGE_NONE, NULL, NULL, NULL },
	{ { "NotBearer realm=x, Bear er" }, CHALLENGE_NONE, NULL, NULL, NULL },
};

static void same(const char *is, const char *want)
{
	assert_int_equal(!is, !want);
	if (is)
		assert_string_equal(is, want);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct challenge c = { 0 };
		struct error err = { 0 };

		for (size_t k = 0; k < 3 && rows[i].headers[k]; k++)
			assert_int_equal(challenge_read(&c, rows[i].headers[k], &err), 0);
		if (c.scheme != rows[i].scheme)
			fail_msg("%s: %d, not %d", rows[i].headers[0], c.scheme, rows[i].scheme);
		same(c.realm, rows[i].realm);
		same(c.service, rows[i].service);
		same(c.scope, rows[i].scope);
		challenge_free(&c);
	}
}

static void test_too_long(void **state)
{
	char *text = malloc(CHALLENGE_MAX + 1);
	struct challenge c = { 0 };
	struct error err = { 0 };

	memset(text, 'a', CHALLENGE_MAX);
	text[CHALLENGE_MAX] = '\0';
	memcpy(text, "Bearer realm=", 13);
	assert_int_equal(challenge_read(&c, text, &err), 0);
	assert_int_equal(c.scheme, CHALLENGE_NONE);
	text[CHALLENGE_MAX - 1] = '\0';
	assert_int_equal(challenge_read(&c, text, &err), 0);
	assert_int_equal(c.scheme, CHALLENGE_BEARER);
	assert_int_equal(strlen(c.realm), CHALLENGE_MAX - 1 - 13);
	challenge_free(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
