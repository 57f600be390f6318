/* The real thing, where it is installed: the places that skopeo tries, and the files that its login
 * writes. Nothing listens at the ports named but a server of this test's own; all is loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "registry/login.h"
#include "registry/place.h"
#include "tree.h"

#define CONF "/home/me/.config/containers/registries.conf"
#define D "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What the command prints, its HOME in the tree. */
static int run(struct buf *out, const char *command)
{
	char line[1024];
	size_t n;
	FILE *p;

	snprintf(line, sizeof(line), "HOME=%s/home/me %s 2>&1 </dev/null", tree_root, command);
	p = popen(line, "r");
	assert_non_null(p);
	while ((n = fread(line, 1, sizeof(line), p)) > 0)
		assert_int_equal(buf_append(out, line, n), 0);
	return pclose(p);
}

/* "HOST/REPOSITORY" of each place, in order; "blocked". */
static void ask_skopeo(struct buf *out, const char *name)
{
	static const char mark[] = "Trying to access \\\"";
	_cleanup_(buf_freep) struct buf text = { 0 };
	char command[400];
	const char *p;

	snprintf(command, sizeof(command), "skopeo inspect --debug docker://%s", name);
	assert_int_not_equal(run(&text, command), 0);
	if (strstr(buf_str(&text), "is blocked in")) {
		assert_int_equal(buf_append_str(out, "blocked "), 0);
		return;
	}
	for (p = buf_str(&text); (p = strstr(p, mark));) {
		p += strlen(mark);
		assert_int_equal(buf_printf(out, "%.*s ", (int)strcspn(p, "\\"), p), 0);
	}
}

static void ask_ours(struct buf *out, const char *name)
{
	struct registry_place_options opts = { .tls_verify = -1, .root = tree_root };
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	_cleanup_(registry_places_freep) struct registry_places p = { 0 };
	struct error err = { 0 };
	int r;

	assert_int_equal(registry_name_parse(&n, name, &err), 0);
	r = registry_places(&p, &n, false, &opts, &err);
	if (r == -ERR_DENIED)
		assert_int_equal(buf_append_str(out, "blocked "), 0);
	else if (r < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < p.count; i++)
		assert_int_equal(buf_printf(out, "%s/%s%s%s ", p.v[i].host, p.v[i].repository,
					    n.digest.text[0] ? "@" : ":",
					    n.digest.text[0] ? n.digest.text : n.tag),
				 0);
}

static void test_places(void **state)
{
	static const char *const names[] = {
		"localhost:1/app", "localhost:1/team/app:2", "localhost:1/team/app" D,
		"localhost:1/teams/app", "localhost:1/team/deep/app",
		"localhost:1/team/deep/er/app", "localhost:2/app", "localhost:2/app" D,
		"localhost:3/app", "localhost:3/ok/app", "a.wild.example/app",
		"a.b.wild.example/x/y", "localhost:4/app", "localhost:5/app", "localhost:6/app",
	};

	tree_write(CONF,
		   "[[registry]]\nprefix = 'localhost:1/team'\nlocation = 'localhost:11/t/'\n"
		   "[[registry.mirror]]\nlocation = 'localhost:12/m'\n"
		   "[[registry.mirror]]\nlocation = 'localhost:13'\ninsecure = true\n"
		   "[[registry]]\nprefix = 'localhost:1/team/deep'\nlocation = 'localhost:14'\n"
		   "[[registry]]\nlocation = 'localhost:2'\nmirror-by-digest-only = true\n"
		   "[[registry.mirror]]\nlocation = 'localhost:21'\n"
		   "[[registry]]\nlocation = 'localhost:3'\nblocked = true\n"
		   "[[registry]]\nprefix = 'localhost:3/ok'\nlocation = 'localhost:31/ok'\n"
		   "[[registry]]\nprefix = '*.wild.example'\nlocation = 'localhost:15/w'\n"
		   "[[registry]]\nlocation = 'localhost:4'\n"
		   "[[registry.mirror]]\nlocation = 'localhost:41'\npull-from-mirror = 'digest-only'\n"
		   "[[registry.mirror]]\nlocation = 'localhost:42'\npull-from-mirror = 'tag-only'\n"
		   "[[registry]]\nprefix = 'localhost:5'\nlocation = 'localhost:51'\n",
		   0644);
	tree_write(CONF ".d/10.conf", "[[registry]]\nprefix = 'localhost:5'\nlocation = 'localhost:52'\n",
		   0644);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		_cleanup_(buf_freep) struct buf theirs = { 0 }, ours = { 0 };

		ask_skopeo(&theirs, names[i]);
		ask_ours(&ours, names[i]);
		if (strcmp(buf_str(&theirs), buf_str(&ours)) != 0)
			fail_msg("%s: skopeo %s, ours %s", names[i], buf_str(&theirs), buf_str(&ours));
	}
}

/* Answers every request as a registry that lets everybody in, until its socket is shut down. */
static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n"
				     "Docker-Distribution-Api-Version: registry/2.0\r\n\r\n{}";
	int s = *(int *)arg, c;

	while ((c = accept4(s, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		char request[4096];

		if (read(c, request, sizeof(request)) > 0 && request[0] == 'G')
			(void)!write(c, answer, sizeof(answer) - 1);
		close(c);
	}
	return NULL;
}

static void expect(const char *authfile, const char *name, const char *want)
{
	_cleanup_(registry_login_freep) struct registry_login l = { 0 };
	struct registry_login_options opts = { .authfile = authfile, .root = tree_root };
	struct error err = { 0 };
	int r = registry_login_find(&l, name, &opts, &err);

	if (r < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(r, !want);
	if (want)
		assert_string_equal(l.secret, want);
}

static void test_login(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(at);
	char command[400], file[100], name[64], other[64];
	pthread_t thread;

	assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s, 8), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	tree_write("/home/me/x", "", 0600);
	snprintf(file, sizeof(file), "%s/auth.json", tree_root);
	for (int i = 0; i < 2; i++) {
		static const char *const scopes[] = { "", "/team" };
		_cleanup_(buf_freep) struct buf out = { 0 };

		snprintf(name, sizeof(name), "127.0.0.1:%u/team/app", ntohs(at.sin_port));
		snprintf(other, sizeof(other), "127.0.0.1:%u/other", ntohs(at.sin_port));
		snprintf(command, sizeof(command),
			 "skopeo login --authfile %s --tls-verify=false -u me -p pa:s%d 127.0.0.1:%u%s",
			 file, i, ntohs(at.sin_port), scopes[i]);
		if (run(&out, command) != 0)
			fail_msg("%s: %s", command, buf_str(&out));
		expect(file, name, i ? "pa:s1" : "pa:s0");
		expect(file, other, "pa:s0");
	}
	for (int i = 1; i >= 0; i--) {
		_cleanup_(buf_freep) struct buf out = { 0 };

		snprintf(command, sizeof(command), "skopeo logout --authfile %s 127.0.0.1:%u%s", file,
			 ntohs(at.sin_port), i ? "/team" : "");
		if (run(&out, command) != 0)
			fail_msg("%s: %s", command, buf_str(&out));
		expect(file, name, i ? "pa:s0" : NULL);
	}
	shutdown(s, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_places), TEST(test_login) };

	/* meson: skipped */
	if (system("command -v skopeo >/dev/null") != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
