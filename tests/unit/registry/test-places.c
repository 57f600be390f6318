/* registries.conf, its drop-ins and certs.d: from a name to the servers to ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "registry/place.h"
#include "tree.h"

#define D "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SYSTEM "/etc/containers/registries.conf"
#define DROP "/etc/containers/registries.conf.d/"
#define OWN "/home/me/.config/containers/registries.conf"

/* One word a place: "base", then m mirror, e elsewhere, i insecure, p plain, d digest-only. */
static int places(struct buf *out, const char *text, bool push, int tls, struct error *err)
{
	struct registry_place_options opts = { .tls_verify = tls, .root = tree_root };
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	_cleanup_(registry_places_freep) struct registry_places p = { 0 };
	int r;

	assert_int_equal(registry_name_parse(&n, text, err), 0);
	r = registry_places(&p, &n, push, &opts, err);
	for (size_t i = 0; i < p.count; i++) {
		const struct registry_place *v = &p.v[i];

		assert_int_equal(buf_printf(out, "%s%s%s%s%s%s%s%s", i ? " " : "", v->base + 8,
					    v->mirror || v->elsewhere || v->insecure || v->plain ? "," : "",
					    v->mirror ? "m" : "", v->elsewhere ? "e" : "", v->insecure ? "i" : "",
					    v->plain ? "p" : "", v->digest_only ? "d" : ""),
				 0);
	}
	return r;
}

static const char rules[] = "[[registry]]\n"
			    "prefix = 'r.example/team'\nlocation = 'inner.example/x/'\n"
			    "[[registry.mirror]]\nlocation = 'm1.example:5000/y'\n"
			    "[[registry.mirror]]\nlocation = 'm2.example'\ninsecure = true\n"
			    "pull-from-mirror = 'digest-only'\n"
			    "[[registry.mirror]]\nlocation = 'm3.example'\npull-from-mirror = 'tag-only'\n"
			    "[[registry]]\nlocation = 'r.example'\ninsecure = true\n"
			    "[[registry]]\nprefix = 'r.example/team/secret'\nlocation = 's.example'\nblocked = true\n"
			    "[[registry]]\nprefix = '*.wild.example'\n"
			    "[[registry.mirror]]\nlocation = 'm4.example/w'\n"
			    "[[registry]]\nprefix = '*.far.example'\nlocation = 'near.example/f'\n"
			    "[[registry]]\nlocation = 'digest.example'\nmirror-by-digest-only = true\n"
			    "mirror = [{location = 'm5.example'}]\n"
			    "[[registry]]\nprefix = 'docker.io/library'\nlocation = 'hub.example/l'\n";

static void test_places(void **state)
{
	static const struct {
		const char *name;
		bool push;
		int tls;
		const char *want;
	} rows[] = {
		{ "app", false, -1, "hub.example/v2/l/app,e" },
		{ "team/app", false, -1, "registry-1.docker.io/v2/team/app" },
		{ "r.example/app", false, -1, "r.example/v2/app,ip" },
		{ "r.example/app", false, 1, "r.example/v2/app" },
		{ "r.example/app", true, -1, "r.example/v2/app,ip" },
		{ "r.example:5000/app", false, -1, "r.example:5000/v2/app,ip" },
		{ "r.example/teams/app", false, -1, "r.example/v2/teams/app,ip" },
		{ "r.example/team/app", false, -1,
		  "m1.example:5000/v2/y/app,me m3.example/v2/app,me inner.example/v2/x/app,e" },
		{ "r.example/team/app" D, false, -1,
		  "m1.example:5000/v2/y/app,me m2.example/v2/app,meipd inner.example/v2/x/app,e" },
		{ "r.example/team/app" D, false, 0,
		  "m1.example:5000/v2/y/app,meip m2.example/v2/app,meipd inner.example/v2/x/app,eip" },
		{ "r.example/team/app", true, -1, "r.example/v2/team/app" },
		{ "a.b.wild.example/app", false, -1, "m4.example/v2/w/app,me a.b.wild.example/v2/app" },
		{ "wild.example/app", false, -1, "wild.example/v2/app" },
		{ "a.wild.example.org/app", false, -1, "a.wild.example.org/v2/app" },
		{ "q.example/a.wild.example/x", false, -1, "q.example/v2/a.wild.example/x" },
		{ "a.far.example/app", false, -1, "near.example/v2/f/app,e" },
		{ "digest.example/app", false, -1, "digest.example/v2/app" },
		{ "digest.example/app" D, false, -1, "m5.example/v2/app,med digest.example/v2/app" },
		{ "localhost/app", false, -1, "localhost/v2/app,p" },
		{ "localhost:5000/app", false, 1, "localhost:5000/v2/app" },
		{ "localhost:5000/app", false, 0, "localhost:5000/v2/app,ip" },
		{ "127.1.2.3:5000/app", false, -1, "127.1.2.3:5000/v2/app,p" },
		{ "127.0.0.1.example/app", false, -1, "127.0.0.1.example/v2/app" },
		{ "127.example.com/app", false, -1, "127.example.com/v2/app" },
		{ "[::1]:5000/app", false, -1, "[::1]:5000/v2/app,p" },
		{ "[::2]:5000/app", false, -1, "[::2]:5000/v2/app" },
	};

	tree_write(SYSTEM, rules, 0644);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };
		struct error err = { 0 };

		if (places(&out, rows[i].name, rows[i].push, rows[i].tls, &err) < 0)
			fail_msg("%s: %s", rows[i].name, err.msg);
		assert_string_equal(buf_str(&out), rows[i].want);
	}
}

static void test_blocked(void **state)
{
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct error err = { 0 };

	tree_write(SYSTEM, rules, 0644);
	assert_int_equal(places(&out, "r.example/team/secret/a", false, -1, &err), -ERR_DENIED);
	assert_non_null(strstr(err.msg, "'" SYSTEM "' blocks 'r.example/team/secret'"));
	assert_int_equal(places(&out, "r.example/team/secret", true, -1, &err), -ERR_DENIED);
	assert_int_equal(places(&out, "r.example/team/secrets", false, -1, &err), 0);
}

static void expect_location(const char *want)
{
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct error err = { 0 };

	if (places(&out, "r.example/a", false, -1, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(buf_str(&out), want);
}

/* Each file takes the place of what the files before it said of the same prefix. */
static void test_order(void **state)
{
	char path[256];

#define MOVE(to) "[[registry]]\nprefix = 'r.example'\nlocation = '" to "'\n"
	expect_location("r.example/v2/a");
	tree_write(SYSTEM, MOVE("one.example"), 0644);
	expect_location("one.example/v2/a,e");
	tree_write(DROP "20.conf", MOVE("three.example"), 0644);
	tree_write(DROP "10.conf", MOVE("two.example"), 0644);
	tree_write(DROP "99.txt", MOVE("never.example"), 0644);
	tree_write(DROP "99.conf/file", "", 0644);
	expect_location("three.example/v2/a,e");
	tree_write(OWN ".d/00.conf", MOVE("four.example"), 0644);
	expect_location("four.example/v2/a,e");
	/* The user's main file: the system's drop-ins are no longer read. */
	tree_write(OWN, MOVE("five.example"), 0644);
	expect_location("four.example/v2/a,e");
	tree_write(OWN ".d/00.conf", "", 0644);
	expect_location("five.example/v2/a,e");
	tree_write("/named.conf", MOVE("six.example"), 0644);
	setenv("CONTAINERS_REGISTRIES_CONF", "/named.conf", 1);
	expect_location("three.example/v2/a,e");
	snprintf(path, sizeof(path), "%s" DROP "20.conf", tree_root);
	unlink(path);
	snprintf(path, sizeof(path), "%s" DROP "10.conf", tree_root);
	unlink(path);
	expect_location("six.example/v2/a,e");
	unsetenv("CONTAINERS_REGISTRIES_CONF");
	setenv("REGISTRIES_CONFIG_PATH", "/named.conf", 1);
	expect_location("six.example/v2/a,e");
	/* Twice in one file: the last. */
	tree_write("/named.conf", MOVE("six.example") MOVE("seven.example"), 0644);
	expect_location("seven.example/v2/a,e");
}

static void test_bad_files(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
		const char *says;
	} rows[] = {
		{ "x", ERR_BAD_INPUT, "'" SYSTEM "' line 1: no '='" },
		{ "[registries.search]\nregistries = ['a.example']", ERR_UNSUPPORTED, "line 2: [registries.search] is of version 1" },
		{ "[registries.block]\nregistries = ['a.example']", ERR_UNSUPPORTED, "version 1" },
		{ "\n[[registry]]\n", ERR_BAD_INPUT, "line 2: a registry without a location" },
		{ "[[registry]]\nprefix='r.example'", ERR_BAD_INPUT, "without a location" },
		{ "[[registry]]\nlocation='https://r.example'", ERR_BAD_INPUT, "without a scheme" },
		{ "[[registry]]\nlocation='r.example'\ninsecure='true'", ERR_BAD_INPUT, "line 3: 'insecure' is not a boolean" },
		{ "[[registry]]\nlocation=1", ERR_BAD_INPUT, "'location' is not a string" },
		{ "[registry]\nlocation='r.example'", ERR_BAD_INPUT, "'registry' is not an array" },
		{ "[[registry]]\nlocation='r.example'\n[[registry.mirror]]\n", ERR_BAD_INPUT, "line 3: a mirror without a location" },
		{ "[[registry]]\nlocation='r.example'\n[[registry.mirror]]\nlocation='m.example'\npull-from-mirror='x'", ERR_BAD_INPUT, "pull-from-mirror is" },
		{ "[[registry]]\nlocation='r.example'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='m.example'\npull-from-mirror='all'", ERR_BAD_INPUT, "beside" },
		{ "[[registry]]\nprefix='r.example'\nlocation='m.example/A'", ERR_BAD_INPUT, "location 'm.example/A'" },
		{ "[[registry]]\nprefix='r.example/a'\nlocation='m.example/a:1'", ERR_BAD_INPUT, "HOST[:PORT][/PATH]" },
		{ "[[registry]]\nprefix='r.example/a'\nlocation='m.example/a" D "'", ERR_BAD_INPUT, "HOST[:PORT][/PATH]" },
		{ "unqualified-search-registries = 'a.example'", ERR_BAD_INPUT, "is not an array" },
		{ "unqualified-search-registries = [1]", ERR_BAD_INPUT, "a name is expected" },
		{ "unqualified-search-registries = ['a.example/b']", ERR_BAD_INPUT, "a host is expected" },
		{ "short-name-mode = 'x'", ERR_BAD_INPUT, "short-name-mode is" },
		{ "[aliases]\n'a.example/b' = 'a.example/c'", ERR_BAD_INPUT, "line 2: an alias is" },
		{ "[aliases]\nb = 'c'", ERR_BAD_INPUT, "an alias is" },
		{ "[aliases]\nb = 'a.example/c:1'", ERR_BAD_INPUT, "an alias is" },
		{ "[aliases]\n'b:1' = 'a.example/c'", ERR_BAD_INPUT, "an alias is" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };
		struct error err = { 0 };

		tree_write(SYSTEM, rows[i].text, 0644);
		if (places(&out, "r.example/a", false, -1, &err) != -(int)rows[i].code)
			fail_msg("row %zu: %s", i, err.msg);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("row %zu: %s, not %s", i, err.msg, rows[i].says);
	}
	setenv("CONTAINERS_REGISTRIES_CONF", "/none", 1);
	assert_int_equal(places(&(struct buf){ 0 }, "a", false, -1, &(struct error){ 0 }),
			 -ERR_NOT_FOUND);
}

static void test_unknown_words(void **state)
{
	_cleanup_(notes_freep) struct notes *notes = notes_new();
	struct registry_place_options opts = { .tls_verify = -1, .root = tree_root, .notes = notes };
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	_cleanup_(registry_places_freep) struct registry_places p = { 0 };
	struct error err = { 0 };

	tree_write(SYSTEM, "[[registry]]\nlocation='r.example'\ninsecre = true\n", 0644);
	assert_int_equal(registry_name_parse(&n, "r.example/a", &err), 0);
	assert_int_equal(registry_places(&p, &n, false, &opts, &err), 0);
	assert_int_equal(notes_count(notes), 1);
	assert_string_equal(notes_get(notes, 0), "'" SYSTEM "' line 3: 'insecre' is not known here");
}

static int short_names(struct buf *out, const char *text, struct error *err)
{
	struct registry_place_options opts = { .tls_verify = -1, .root = tree_root };
	char **names = NULL;
	size_t count = 0;
	int r = registry_short_names(&names, &count, text, &opts, err);

	for (size_t i = 0; i < count; i++)
		assert_int_equal(buf_printf(out, "%s%s", i ? " " : "", names[i]), 0);
	registry_short_names_free(names, count);
	return r;
}

static void test_short_names(void **state)
{
	static const struct {
		const char *conf, *drop_in, *text, *want;
	} rows[] = {
		{ "", "", "app", "docker.io/library/app:latest" },
		{ "", "", "team/app:1", "docker.io/team/app:1" },
		{ "", "", "//app:1", "docker.io/library/app:1" },
		{ "", "", "r.example/app", "r.example/app:latest" },
		{ "unqualified-search-registries = ['r.example', 'docker.io']", "", "app:1",
		  "r.example/app:1 docker.io/library/app:1" },
		{ "unqualified-search-registries = ['r.example', 'docker.io']",
		  "unqualified-search-registries = ['s.example:5000']", "app",
		  "s.example:5000/app:latest" },
		{ "unqualified-search-registries = ['r.example']",
		  "unqualified-search-registries = []", "app", "docker.io/library/app:latest" },
		{ "unqualified-search-registries = ['r.example']", "[aliases]\napp = 'q.example/x/app'",
		  "app:2", "q.example/x/app:2" },
		{ "[aliases]\napp = 'q.example/x/app'", "", "app" D, "q.example/x/app" D },
		{ "[aliases]\napp = 'q.example/x/app'", "", "team/app", "docker.io/team/app:latest" },
		{ "[aliases]\napp = 'docker.io/app'", "", "app", "docker.io/library/app:latest" },
		{ "[aliases]\napp = 'q.example/x/app'", "[aliases]\napp = ''", "app",
		  "docker.io/library/app:latest" },
		{ "unqualified-search-registries = ['r.example']\nshort-name-mode = 'enforcing'", "",
		  "app", "r.example/app:latest" },
	};
	_cleanup_(buf_freep) struct buf none = { 0 };
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };

		tree_write(SYSTEM, rows[i].conf, 0644);
		tree_write(DROP "10.conf", rows[i].drop_in, 0644);
		if (short_names(&out, rows[i].text, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_string_equal(buf_str(&out), rows[i].want);
	}
	tree_write(SYSTEM, "unqualified-search-registries = ['r.example', 's.example']\n"
			   "short-name-mode = 'enforcing'", 0644);
	assert_int_equal(short_names(&none, "app", &err), -ERR_DENIED);
	assert_int_equal(short_names(&none, "App", &err), -ERR_USAGE);
}

static int certs(struct registry_places *p, const char *text, const char *cert_dir,
		 struct error *err)
{
	struct registry_place_options opts = { .tls_verify = -1, .root = tree_root,
					       .cert_dir = cert_dir };
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };

	assert_int_equal(registry_name_parse(&n, text, err), 0);
	return registry_places(p, &n, false, &opts, err);
}

static void expect_certs(const char *name, const char *dir, const char *want)
{
	_cleanup_(registry_places_freep) struct registry_places p = { 0 };
	_cleanup_(buf_freep) struct buf out = { 0 };
	struct error err = { 0 };

	if (certs(&p, name, dir, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < p.v[0].ca_count; i++)
		assert_int_equal(buf_printf(&out, "%s ", p.v[0].ca[i] + strlen(tree_root)), 0);
	if (p.v[0].cert)
		assert_int_equal(buf_printf(&out, "%s %s", p.v[0].cert + strlen(tree_root),
					    p.v[0].key + strlen(tree_root)),
				 0);
	assert_string_equal(buf_str(&out), want);
}

static void test_certs(void **state)
{
	_cleanup_(registry_places_freep) struct registry_places p = { 0 };
	struct error err = { 0 };
	char dir[128];

	expect_certs("r.example/a", NULL, "");
	tree_write("/etc/docker/certs.d/r.example:5000/ca.crt", "", 0644);
	expect_certs("r.example/a", NULL, "");
	expect_certs("r.example:5000/a", NULL, "/etc/docker/certs.d/r.example:5000/ca.crt ");
	tree_write("/etc/containers/certs.d/r.example:5000/b.crt", "", 0644);
	tree_write("/etc/containers/certs.d/r.example:5000/a.crt", "", 0644);
	tree_write("/etc/containers/certs.d/r.example:5000/c.cert", "", 0644);
	tree_write("/etc/containers/certs.d/r.example:5000/c.key", "", 0644);
	tree_write("/etc/containers/certs.d/r.example:5000/README", "", 0644);
#define C "/etc/containers/certs.d/r.example:5000/"
	expect_certs("r.example:5000/a", NULL,
		     C "a.crt " C "b.crt " C "c.cert " C "c.key");
	tree_write("/home/me/.config/containers/certs.d/r.example:5000/m.cert", "", 0644);
	assert_int_equal(certs(&p, "r.example:5000/a", NULL, &err), -ERR_BAD_INPUT);
	assert_non_null(strstr(err.msg, "r.example:5000/m.cert' has no key (.key)"));
	tree_write("/keys/x.key", "", 0644);
	snprintf(dir, sizeof(dir), "%s/keys", tree_root);
	assert_int_equal(certs(&p, "r.example:5000/a", dir, &err), -ERR_BAD_INPUT);
	assert_non_null(strstr(err.msg, "/keys/x.key' has no certificate"));
	tree_write("/keys/x.cert", "", 0644);
	expect_certs("r.example:5000/a", dir, "/keys/x.cert /keys/x.key");
	strcat(dir, "/none");
	assert_int_equal(certs(&p, "r.example:5000/a", dir, &err), -ERR_NOT_FOUND);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places),	  TEST(test_blocked),	  TEST(test_order), TEST(test_bad_files),
		TEST(test_unknown_words), TEST(test_short_names), TEST(test_certs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
