/* Credentials: which file, which key, which helper; and what a helper may do wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/close_range.h>

#include "base/buf.h"
#include "registry/login.h"
#include "tree.h"

#define RUN    "/run/user/1/containers/auth.json"
#define DOCKER "/home/me/.docker/config.json"

/* "user:secret", "<token>:...", "<bearer>:..."; nothing for none. */
static int login(struct buf *out, const char *name, struct registry_login_options opts,
		 struct error *err)
{
	_cleanup_(registry_login_freep) struct registry_login l = { 0 };
	int r;

	opts.root = tree_root;
	r = registry_login_find(&l, name, &opts, err);
	assert_true(r == 0 ? l.from && l.from[0] : !l.from);
	if (l.user)
		assert_int_equal(buf_printf(out, "%s:%s", l.user, l.secret), 0);
	if (l.identity_token)
		assert_int_equal(buf_printf(out, "<token>:%s", l.identity_token), 0);
	if (l.registry_token)
		assert_int_equal(buf_printf(out, "<bearer>:%s", l.registry_token), 0);
	return r;
}

static void expect(const char *name, const char *want)
{
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct error err = { 0 };
	int r = login(&out, name, (struct registry_login_options){ 0 }, &err);

	if (r < 0)
		fail_msg("%s: %s", name, err.msg);
	assert_string_equal(buf_str(&out), want);
	assert_int_equal(r, !want[0]);
}

static void expect_error(const char *name, enum err_code code, const char *says)
{
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct error err = { 0 };
	int r = login(&out, name, (struct registry_login_options){ 0 }, &err);

	if (r != -(int)code || !strstr(err.msg, says))
		fail_msg("%d %s, not %s", r, err.msg, says);
	assert_null(strstr(err.msg, "SECRET"));
}

/* u:one, u:two, ... in base64. */
#define ONE   "\"auth\":\"dTpvbmU=\""
#define TWO   "\"auth\":\"dTp0d28=\""
#define THREE "\"auth\":\"dTp0aHJlZQ\"" /* unpadded */

static void test_keys(void **state)
{
	static const struct {
		const char *json, *name, *want;
	} rows[] = {
		{ "{}", "r.example/a", "" },
		{ "", "r.example/a", "" },
		{ "{\"auths\":{\"r.example\":{" ONE "}}}", "r.example/a/b", "u:one" },
		{ "{\"auths\":{\"r.example\":{" ONE "}}}", "r.example:5000/a", "" },
		{ "{\"auths\":{\"r.example\":{" ONE "}}}", "s.example/a", "" },
		{ "{\"auths\":{\"r.example\":{" ONE "},\"r.example/a\":{" TWO "},\"r.example/a/b\":{" THREE "}}}", "r.example/a/b", "u:three" },
		{ "{\"auths\":{\"r.example\":{" ONE "},\"r.example/a\":{" TWO "},\"r.example/a/b\":{" THREE "}}}", "r.example/a/c", "u:two" },
		{ "{\"auths\":{\"r.example\":{" ONE "},\"r.example/a\":{" TWO "},\"r.example/a/b\":{" THREE "}}}", "r.example/ab", "u:one" },
		/* A key with a path is no host's. */
		{ "{\"auths\":{\"r.example/a\":{" ONE "}}}", "r.example/b", "" },
		{ "{\"auths\":{\"https://r.example/v2/\":{" ONE "}}}", "r.example/a", "u:one" },
		{ "{\"auths\":{\"http://r.example\":{" ONE "}}}", "r.example/a", "u:one" },
		{ "{\"auths\":{\"https://r.example:443/v1/\":{" ONE "}}}", "r.example/a", "" },
		{ "{\"auths\":{\"https://r.example/v2/\":{" ONE "},\"r.example\":{" TWO "}}}", "r.example/a", "u:two" },
		{ "{\"auths\":{\"https://index.docker.io/v1/\":{" ONE "}}}", "docker.io/library/a", "u:one" },
		{ "{\"auths\":{\"index.docker.io\":{" ONE "}}}", "docker.io/library/a", "u:one" },
		{ "{\"auths\":{\"registry-1.docker.io\":{" ONE "}}}", "docker.io/library/a", "u:one" },
		{ "{\"auths\":{\"docker.io\":{" ONE "}}}", "docker.io/library/a", "u:one" },
		{ "{\"auths\":{\"docker.io/library\":{" ONE "}}}", "docker.io/library/a", "u:one" },
		{ "{\"Auths\":{\"r.example\":{\"Auth\":\"dTpvbmU=\"}}}", "r.example/a", "u:one" },
		{ "{\"auths\":{\"r.example\":{}}}", "r.example/a", "" },
		{ "{\"auths\":{\"r.example\":null}}", "r.example/a", "" },
		{ "{\"auths\":{\"r.example/a\":{},\"r.example\":{" ONE "}}}", "r.example/a", "u:one" },
		{ "{\"auths\":{\"r.example\":{\"username\":\"me\",\"password\":\"x:y\"}}}", "r.example/a", "me:x:y" },
		{ "{\"auths\":{\"r.example\":{\"username\":\"me\"}}}", "r.example/a", "" },
		/* Without a colon; "u:" ; "u:x:y"; "u:p\0\0"; ":p". */
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dXNlcg==\"}}}", "r.example/a", "" },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dTo=\"}}}", "r.example/a", "" },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dTp4Onk=\"}}}", "r.example/a", "u:x:y" },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dTpwAAA=\"}}}", "r.example/a", "u:p" },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"OnA=\"}}}", "r.example/a", "" },
		{ "{\"auths\":{\"r.example\":{\"identitytoken\":\"T\"}}}", "r.example/a", "<token>:T" },
		{ "{\"auths\":{\"r.example\":{\"registrytoken\":\"T\"}}}", "r.example/a", "<bearer>:T" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tree_write(DOCKER, rows[i].json, 0600);
		expect(rows[i].name, rows[i].want);
	}
}

static void test_order(void **state)
{
#define AUTH(which) "{\"auths\":{\"r.example\":{" which "}}}"
	char path[128];

	expect("r.example/a", "");
	tree_write("/home/me/.dockercfg", "{\"https://r.example/v1/\":{\"auth\":\"dTpvbGQ=\"}}", 0600);
	expect("r.example/a", "u:old");
	tree_write(DOCKER, AUTH(ONE), 0644);
	expect("r.example/a", "u:one");
	tree_write("/home/me/.config/containers/auth.json", AUTH(TWO), 0600);
	expect("r.example/a", "u:two");
	snprintf(path, sizeof(path), "/run/containers/%u/auth.json", getuid());
	tree_write(path, AUTH(THREE), 0600);
	expect("r.example/a", "u:three");
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	expect("r.example/a", "u:two");
	tree_write(RUN, AUTH(ONE), 0600);
	expect("r.example/a", "u:one");
	/* A file without the host is passed over. */
	tree_write(RUN, "{\"auths\":{\"s.example\":{" ONE "}}}", 0600);
	expect("r.example/a", "u:two");
	setenv("XDG_CONFIG_HOME", "/xdg", 1);
	expect("r.example/a", "u:one");
	setenv("DOCKER_CONFIG", "/docker", 1);
	expect("r.example/a", "u:old");
	tree_write("/docker/config.json", AUTH(THREE), 0600);
	expect("r.example/a", "u:three");
	setenv("DOCKER_AUTH_CONFIG", AUTH(TWO), 1);
	expect("r.example/a", "u:two");
	snprintf(path, sizeof(path), "%s/named.json", tree_root);
	setenv("REGISTRY_AUTH_FILE", path, 1);
	expect_error("r.example/a", ERR_NOT_FOUND, "named.json");
	tree_write("/named.json", "{}", 0600);
	expect("r.example/a", "");
	tree_write("/named.json", AUTH(ONE), 0600);
	expect("r.example/a", "u:one");
}

static void test_options(void **state)
{
	static const struct {
		struct registry_login_options opts;
		int r;
		const char *want;
	} rows[] = {
		{ { .creds = "me:pass:word" }, 0, "me:pass:word" },
		{ { .creds = "me:" }, 0, "me:" },
		{ { .creds = "me" }, -ERR_USAGE, "--password-stdin" },
		{ { .creds = ":x" }, -ERR_USAGE, "--creds is USER:PASSWORD" },
		{ { .user = "me" }, -ERR_USAGE, "go together" },
		{ { .password = "x" }, -ERR_USAGE, "go together" },
		{ { .user = "me", .password = "x" }, 0, "me:x" },
		{ { .token = "T" }, 0, "<bearer>:T" },
		{ { .anonymous = true }, 1, "" },
		{ { 0 }, 0, "u:one" },
	};

	tree_write(DOCKER, AUTH(ONE), 0600);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };
		struct error err = { 0 };
		int r = login(&out, "r.example/a", rows[i].opts, &err);

		assert_int_equal(r, rows[i].r);
		if (!strstr(r < 0 ? err.msg : buf_str(&out), rows[i].want))
			fail_msg("row %zu: %s", i, r < 0 ? err.msg : buf_str(&out));
	}
}

static void test_damaged(void **state)
{
	static const char *const rows[] = {
		"SECRET", "{\"auths\":{\"r.example\":{\"auth\":\"SECRET*\"}}}", "[\"SECRET\"]",
		"{\"auths\":\"SECRET\"}", "{\"auths\":{\"r.example\":\"SECRET\"}}",
		"{\"auths\":{\"r.example\":{\"auth\":\"SECRET", "{\"auths\":{}} SECRET",
		"{\"auths\":{\"r.example\":{\"auth\":1,\"x\":\"SECRET\"}}}",
		"{\"auths\":{\"SECRET\":1,\"SECRET\":2}}", "{\"credHelpers\":{\"r.example\":1}}",
		"{\"auths\":{\"r.example\":{\"auth\":\"SECRET\\u0000\"}}}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tree_write(DOCKER, rows[i], 0600);
		expect_error("r.example/a", ERR_BAD_INPUT, "'" DOCKER "'");
	}
}

/* A helper is a script of the test's own, on a PATH of its own. */
static void helper(const char *name, const char *body)
{
	char path[128], script[1024];

	snprintf(path, sizeof(path), "/bin/docker-credential-%s", name);
	snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", body);
	tree_write(path, script, 0755);
}

static void use_path(void)
{
	char path[200];

	snprintf(path, sizeof(path), "relative:%s/bin::/usr/bin:/bin", tree_root);
	setenv("PATH", path, 1);
}

static void test_helpers(void **state)
{
	static const struct {
		const char *json, *name, *want;
	} rows[] = {
		{ "{\"credHelpers\":{\"r.example\":\"fake\"}}", "r.example/a", "me:get r.example" },
		{ "{\"credHelpers\":{\"s.example\":\"fake\"}}", "r.example/a", "" },
		{ "{\"credHelpers\":{\"https://r.example\":\"fake\"}}", "r.example/a", "me:get https://r.example" },
		{ "{\"credsStore\":\"fake\"}", "r.example:5000/a", "me:get r.example:5000" },
		{ "{\"credsStore\":\"fake\"}", "docker.io/library/a", "me:get https://index.docker.io/v1/" },
		{ "{\"credsStore\":\"fake\",\"credHelpers\":{\"r.example\":\"token\"}}", "r.example/a", "<token>:T" },
		{ "{\"credsStore\":\"fake\",\"auths\":{\"r.example\":{}}}", "r.example/a", "me:get r.example" },
		{ "{\"credsStore\":\"fake\",\"auths\":{\"r.example\":{" ONE "}}}", "r.example/a", "u:one" },
		/* The host's helper has none: the entry is not taken in its place. */
		{ "{\"credHelpers\":{\"r.example\":\"none\"},\"auths\":{\"r.example\":{" ONE "}}}", "r.example/a", "" },
		{ "{\"credsStore\":\"none\"}", "r.example/a", "" },
		{ "{\"credsStore\":\"empty\"}", "r.example/a", "" },
		{ "{\"credsStore\":\"absent\"}", "r.example/a", "" },
		/* What it leaves running in the background is not waited for. */
		{ "{\"credsStore\":\"fork\"}", "r.example/a", "me:x" },
	};

	use_path();
	helper("fake", "read -r s; echo \"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"me\\\",\\\"Secret\\\":\\\"$1 $s\\\"}\"");
	helper("token", "echo '{\"Username\":\"<token>\",\"Secret\":\"T\"}'");
	helper("none", "echo 'credentials not found in native keychain'; exit 1");
	helper("empty", "echo '{\"Username\":\"\",\"Secret\":\"\"}'");
	helper("fork", "sleep 5 </dev/null >/dev/null & echo '{\"Username\":\"me\",\"Secret\":\"x\"}'");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tree_write(DOCKER, rows[i].json, 0600);
		expect(rows[i].name, rows[i].want);
	}
}

static void test_bad_helpers(void **state)
{
	static const struct {
		const char *name, *body;
		enum err_code code;
		const char *says;
	} rows[] = {
		{ "says", "echo no keys here >&2; exit 1", ERR_AUTH, "docker-credential-says failed: no keys here" },
		{ "out", "echo 'no keys: \033[1m'; exit 1", ERR_AUTH, "failed: no keys: \\x1b[1m" },
		{ "mixed", "echo '{\"Secret\":\"SECRET\"}'; exit 1", ERR_AUTH, "docker-credential-mixed failed" },
		{ "signal", "kill -9 $$", ERR_AUTH, "ended by a signal" },
		{ "much", "exec head -c 70000 /dev/zero", ERR_AUTH, "more than 64 KiB" },
		{ "endless", "exec cat /dev/zero", ERR_AUTH, "more than 64 KiB" },
		{ "junk", "echo SECRET", ERR_AUTH, "docker-credential-junk: its answer" },
		{ "number", "echo '{\"Username\":\"u\",\"Secret\":1}'", ERR_AUTH, "'Secret' is not a string" },
		{ "nothing", "", ERR_AUTH, "docker-credential-nothing: its answer" },
		{ "absent", NULL, ERR_AUTH, "docker-credential-absent, which '" DOCKER "' names" },
		{ "../x", NULL, ERR_DENIED, "is not started" },
		{ "a b", NULL, ERR_DENIED, "is not started" },
		{ "x;id", NULL, ERR_DENIED, "is not started" },
	};
	char json[200];

	use_path();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].body)
			helper(rows[i].name, rows[i].body);
		snprintf(json, sizeof(json), "{\"credHelpers\":{\"r.example\":\"%s\"}}", rows[i].name);
		tree_write(DOCKER, json, 0600);
		expect_error("r.example/a", rows[i].code, rows[i].says);
	}
}

/* No pipe of ours but its own three reaches a helper. */
static void test_nothing_inherited(void **state)
{
	use_path();
	helper("fds", "n=0; i=3; while [ $i -lt 64 ]; do [ -p /proc/$$/fd/$i ] && n=$((n+1)); i=$((i+1)); done\n"
		      "echo '{\"Username\":\"n\",\"Secret\":\"'$n'\"}'");
	/* What this test was started with is not the question. */
	assert_int_equal(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), 0);
	tree_write(DOCKER, "{\"credsStore\":\"fds\"}", 0600);
	expect("r.example/a", "n:0");
}

static void test_global_helpers(void **state)
{
#define CONF "/etc/containers/registries.conf"
	use_path();
	helper("fake", "echo '{\"Username\":\"me\",\"Secret\":\"x\"}'");
	tree_write(DOCKER, AUTH(ONE), 0600);
	tree_write(CONF, "credential-helpers = ['containers-auth.json', 'fake']", 0644);
	expect("r.example/a", "u:one");
	expect("s.example/a", "me:x");
	tree_write(CONF, "credential-helpers = ['fake', 'containers-auth.json']", 0644);
	expect("r.example/a", "me:x");
	tree_write(CONF, "credential-helpers = ['absent', 'containers-auth.json']", 0644);
	expect("r.example/a", "u:one");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),	      TEST(test_order),	       TEST(test_options),
		TEST(test_damaged),	      TEST(test_helpers),      TEST(test_bad_helpers),
		TEST(test_nothing_inherited), TEST(test_global_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
