/* Where a daemon listens, by the environment and by contexts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/macro.h"
#include "engine/internal.h"
#include "stream/digest.h"

static char work[] = "/tmp/uidfit-endpoint-XXXXXX";

static void put(const char *path, const char *text)
{
	_cleanup_(freep) char *whole = NULL;
	FILE *f;

	assert_true(asprintf(&whole, "%s/%s", work, path) > 0);
	for (char *p = whole + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(whole, 0700);
		*p = '/';
	}
	f = fopen(whole, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void clean(void)
{
	static const char *const names[] = { "DOCKER_HOST",    "DOCKER_CONTEXT",
					     "CONTAINER_HOST", "DOCKER_TLS_VERIFY",
					     "DOCKER_TLS",     "DOCKER_CERT_PATH",
					     "XDG_RUNTIME_DIR" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	setenv("DOCKER_CONFIG", work, 1);
}

static const struct {
	const char *host;
	bool tls;
	const char *base, *socket; /* NULL: none */
	enum err_code code;
	const char *says;
} hosts[] = {
	{ "unix:///run/x.sock", false, "http://docker", "/run/x.sock", 0, NULL },
	{ "unix:///run/x.sock", true, "http://docker", "/run/x.sock", 0, NULL },
	{ "tcp://h.example", false, "http://h.example:2375", NULL, 0, NULL },
	{ "tcp://h.example", true, "https://h.example:2376", NULL, 0, NULL },
	{ "tcp://127.0.0.1:99/", false, "http://127.0.0.1:99", NULL, 0, NULL },
	{ "tcp://[::1]", false, "http://[::1]:2375", NULL, 0, NULL },
	{ "tcp://[::1]:5/api", true, "https://[::1]:5/api", NULL, 0, NULL },
	{ "https://h:1", false, "https://h:1", NULL, 0, NULL },
	{ "http://h:1", true, "http://h:1", NULL, 0, NULL },
	{ "ssh://me@h", false, NULL, NULL, ERR_UNSUPPORTED, "docker save NAME | uidfit check -" },
	{ "npipe:////./pipe/x", false, NULL, NULL, ERR_UNSUPPORTED, "unix:// and tcp:// are" },
	{ "h:2375", false, NULL, NULL, ERR_UNSUPPORTED, "not reached" },
	{ "unix://x.sock", false, NULL, NULL, ERR_USAGE, "no path" },
	{ "tcp://", false, NULL, NULL, ERR_USAGE, "no address" },
	{ "tcp://user:secret@h", false, NULL, NULL, ERR_USAGE, "no address" },
	{ "tcp://h:1/a?b", false, NULL, NULL, ERR_USAGE, "no address" },
	{ "tcp://h\n", false, NULL, NULL, ERR_USAGE, "h\\n" },
};

static void test_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		_cleanup_(endpoint_done) struct endpoint at = { 0 };
		struct error err = { 0 };
		int r = endpoint_parse(&at, hosts[i].host, "DOCKER_HOST", hosts[i].tls, NULL, &err);

		assert_int_equal(r, -(int)hosts[i].code);
		if (r < 0) {
			assert_non_null(strstr(err.msg, hosts[i].says));
			continue;
		}
		assert_string_equal(at.base, hosts[i].base);
		assert_int_equal(at.socket != NULL, hosts[i].socket != NULL);
		if (at.socket)
			assert_string_equal(at.socket, hosts[i].socket);
	}
}

static void check(const char *base, const char *shown)
{
	_cleanup_(endpoint_done) struct endpoint at = { 0 };
	struct error err = { 0 };

	assert_int_equal(endpoint_find(&at, &err), 0);
	assert_string_equal(at.base, base);
	assert_string_equal(at.shown, shown);
	assert_true(at.named);
}

static void check_fails(enum err_code code, const char *says)
{
	_cleanup_(endpoint_done) struct endpoint at = { 0 };
	struct error err = { 0 };

	assert_int_equal(endpoint_find(&at, &err), -(int)code);
	assert_non_null(strstr(err.msg, says));
}

static void put_context(const char *name, const char *text)
{
	char hex[DIGEST_HEX_MAX + 1], path[200];
	struct error err;

	assert_int_equal(digest_hex(DIGEST_SHA256, name, strlen(name), hex, &err), 0);
	snprintf(path, sizeof(path), "contexts/meta/%s/meta.json", hex);
	put(path, text);
	snprintf(path, sizeof(path), "contexts/tls/%s/docker/ca.pem", hex);
	if (strstr(text, "tls"))
		put(path, "");
}

/* DOCKER_HOST, DOCKER_CONTEXT, currentContext, CONTAINER_HOST: the earlier counts. */
static void test_order(void **state)
{
	(void)state;
	clean();
	setenv("CONTAINER_HOST", "unix:///podman.sock", 1);
	check("http://docker", "unix:///podman.sock");
	put_context("one", "{\"Endpoints\": {\"docker\": {\"Host\": \"tcp://one:1\"}}}");
	put_context("two",
		    "{\"Name\": \"tls\", \"Endpoints\": {\"docker\": {\"Host\": \"tcp://two\"}}}");
	put("config.json", "{\"auths\": {}, \"currentContext\": \"one\"}");
	check("http://one:1", "tcp://one:1");
	setenv("DOCKER_CONTEXT", "two", 1);
	check("https://two:2376", "tcp://two");
	setenv("DOCKER_HOST", "unix:///named.sock", 1);
	check("http://docker", "unix:///named.sock");
	unsetenv("DOCKER_HOST");
	setenv("DOCKER_CONTEXT", "default", 1);
	check("http://docker", "unix:///podman.sock");
}

static void test_tls(void **state)
{
	_cleanup_(endpoint_done) struct endpoint at = { 0 };
	struct error err = { 0 };

	(void)state;
	clean();
	put("certs/ca.pem", "");
	put("certs/key.pem", "");
	setenv("DOCKER_HOST", "tcp://h", 1);
	setenv("DOCKER_TLS_VERIFY", "1", 1);
	setenv("DOCKER_CERT_PATH", "/none", 1);
	check("https://h:2376", "tcp://h");
	unsetenv("DOCKER_TLS_VERIFY");
	check("http://h:2375", "tcp://h");
	setenv("DOCKER_TLS", "1", 1);
	assert_int_equal(chdir(work), 0);
	setenv("DOCKER_CERT_PATH", "certs", 1);
	assert_int_equal(endpoint_find(&at, &err), 0);
	assert_string_equal(at.ca, "certs/ca.pem");
	assert_string_equal(at.key, "certs/key.pem");
	assert_null(at.cert);
	assert_true(at.insecure);
}

static void test_broken(void **state)
{
	(void)state;
	clean();
	setenv("DOCKER_CONTEXT", "../../x", 1);
	check_fails(ERR_NOT_FOUND, "context '../../x' of docker does not exist");
	put_context("bad", "{\"Endpoints\": {\"docker\": {\"Host\": 5}}}");
	setenv("DOCKER_CONTEXT", "bad", 1);
	check_fails(ERR_BAD_INPUT, "");
	put_context("none", "{\"Endpoints\": {}}");
	setenv("DOCKER_CONTEXT", "none", 1);
	check_fails(ERR_BAD_INPUT, "names no docker endpoint");
	put_context("ssh", "{\"Endpoints\": {\"docker\": {\"Host\": \"ssh://me@h\"}}}");
	setenv("DOCKER_CONTEXT", "ssh", 1);
	check_fails(ERR_UNSUPPORTED, "context 'ssh'");
	unsetenv("DOCKER_CONTEXT");
	put("config.json", "{\"currentContext\": ");
	check_fails(ERR_BAD_INPUT, "config.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_broken),
	};
	char command[80];
	int r;

	if (!mkdtemp(work))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", work);
	return system(command) || r;
}
