/* Hosts as small trees of files, and what is wrong with each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macro.h"
#include "host/problems.h"

#define FILES_MAX 12

/* Beside what each case says: a host without a fault, which a case's files replace ("" removes). */
static const struct file {
	const char *path, *text;
} good[] = {
	{ "/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1001::/home/alice:\nbob:x:1001:1001::/:\n" },
	{ "/etc/group", "root:x:0:\nstaff:x:50:\n" },
	{ "/etc/subuid", "alice:100000:65536\n" },
	{ "/etc/subgid", "alice:100000:65536\n" },
	{ "/usr/bin/newuidmap", "+s" },
	{ "/usr/bin/newgidmap", "+s" },
	{ "/proc/sys/user/max_user_namespaces", "1000\n" },
	{ "/proc/self/uid_map", "         0          0 4294967295\n" },
	{ "/proc/self/gid_map", "         0          0 4294967295\n" },
	{ "/proc/self/setgroups", "allow\n" },
};

static const struct host_case {
	const char *name, *user;
	struct file files[6];
	const char *problems; /* codes; those in brackets are notes */
	const char *map;      /* of uids, as --map host takes it */
} cases[] = {
	{ "good", "alice", { { 0 } }, "", "0 1000 1,1 100000 65536" },
	{ "root", NULL, { { 0 } }, "", "0 0 4294967295" },
	{ "by number", "1000", { { "/etc/subuid", "1000:200000:65536\n" } }, "", "0 1000 1,1 200000 65536" },
	{ "no ranges", "bob", { { 0 } }, "subid-missing subid-missing", "0 1001 1" },
	{ "no gids", "alice", { { "/etc/subgid", "bob:100000:65536\n" } }, "subid-missing", "0 1000 1" },
	{ "no files", "alice", { { "/etc/subuid", "" }, { "/etc/subgid", "" } }, "subid-missing subid-missing", "0 1000 1" },
	{ "small", "alice", { { "/etc/subuid", "alice:100000:65533\n" } }, "subid-small", "0 1000 1,1 100000 65533" },
	{ "just enough", "alice", { { "/etc/subuid", "alice:100000:65534\n" } }, "", "0 1000 1,1 100000 65534" },
	{ "malformed", "alice", { { "/etc/subuid", "alice:100000:65536\nbob:1\n\n#x\nbob:5:0\n" } }, "subid-malformed [subid-empty]",
	  "0 1000 1,1 100000 65536" },
	{ "overlap", "alice", { { "/etc/subuid", "bob:165535:10\nalice:100000:65536\n" } }, "subid-overlap", "0 1000 1,1 100000 65536" },
	{ "neighbours", "alice", { { "/etc/subuid", "bob:165536:10\nalice:100000:65536\n" } }, "", "0 1000 1,1 100000 65536" },
	{ "inside a wide one", "alice", { { "/etc/subuid", "bob:90000:1000000\nalice:100000:65536\nbob:200000:5\n" } },
	  "subid-overlap subid-twice", "0 1000 1,1 100000 65536" },
	{ "twice, once by number", "alice", { { "/etc/subuid", "alice:100000:65536\n1000:150000:65536\n" } }, "subid-twice", NULL },
	{ "own id", "alice", { { "/etc/subuid", "alice:900:65536\n" } }, "subid-own-id", NULL },
	{ "another's id", "alice", { { "/etc/subuid", "alice:1001:65536\n" } }, "subid-holds-account", "0 1000 65537" },
	{ "a group's id", "alice", { { "/etc/subgid", "alice:40:65534\n" } }, "subid-holds-account", NULL /* and his own gid */ },
	{ "docker", NULL, { { "/etc/docker/daemon.json", "{\"userns-remap\":\"alice:staff\"}" } }, "", "0 100000 65536" },
	{ "docker default, before its first start", NULL, { { "/etc/docker/daemon.json", "{\"userns-remap\":\"default\"}" } },
	  "[docker-remap-user-missing] [subid-missing] [subid-missing]", "0 0 4294967295" },
	{ "docker default", NULL,
	  { { "/etc/docker/daemon.json", "{\"UserNS-Remap\":\"default\"}" }, { "/etc/subuid", "dockremap:100000:70000\n" },
	    { "/etc/subgid", "dockremap:100000:65536\n" }, { "/etc/passwd", "root:x:0:0::/:\ndockremap:x:999:999::/:\n" } },
	  "", "0 100000 70000" },
	{ "docker, nobody", NULL, { { "/etc/docker/daemon.json", "{\"userns-remap\":\"carol\"}" } },
	  "docker-remap-user-missing subid-missing subid-missing", "0 0 4294967295" },
	{ "docker, root", NULL, { { "/etc/docker/daemon.json", "{\"userns-remap\":\"root\"}" } }, "docker-remap-off", "0 0 4294967295" },
	{ "docker, both", NULL,
	  { { "/etc/docker/daemon.json", "{\"userns-remap\":\"alice\",\"features\":{\"containerd-snapshotter\":true}}" } },
	  "docker-remap-snapshotter", "0 100000 65536" },
	{ "docker, no JSON", "alice", { { "/etc/docker/daemon.json", "{userns-remap: default}" } }, "docker-unreadable",
	  "0 1000 1,1 100000 65536" },
	{ "docker, no text", "alice", { { "/etc/docker/daemon.json", "{\"userns-remap\":7}" } }, "docker-unreadable",
	  "0 1000 1,1 100000 65536" },
	{ "podman ignores", "alice",
	  { { "/etc/containers/storage.conf", "[storage]\ndriver = \"overlay\"\n[storage.options.overlay]\nignore_chown_errors = \"true\" # x\n" } },
	  "podman-ignores-owners", "0 1000 1,1 100000 65536" },
	{ "another section, a comment", "alice",
	  { { "/etc/containers/storage.conf", "[other]\nignore_chown_errors = \"true\"\n[storage.options]\n# ignore_chown_errors = \"true\"\n" } }, "",
	  "0 1000 1,1 100000 65536" },
	{ "the user's own goes first", "alice",
	  { { "/etc/containers/storage.conf", "[storage.options]\nignore_chown_errors = \"true\"\n" },
	    { "/home/alice/.config/containers/storage.conf", "[storage]\n" } }, "", "0 1000 1,1 100000 65536" },
	{ "podman auto", NULL, { { "/etc/containers/storage.conf", "[storage.options]\nauto-userns-min-size = 70000\n" } },
	  "podman-auto-sizes [subid-missing] [subid-missing]", "0 0 4294967295" },
	{ "podman auto, ranges", NULL,
	  { { "/etc/containers/storage.conf", "[storage.options]\nroot-auto-userns-user = 'pool'\n" },
	    { "/etc/subuid", "pool:100000:100000\n" }, { "/etc/subgid", "pool:100000:100000\n" } }, "", "0 0 4294967295" },
	{ "no helpers", "alice", { { "/usr/bin/newuidmap", "" }, { "/usr/bin/newgidmap", "-s" } }, "helper-missing helper-unprivileged",
	  "0 1000 1,1 100000 65536" },
	{ "no helpers, for root", NULL, { { "/usr/bin/newuidmap", "" } }, "[helper-missing]", "0 0 4294967295" },
	{ "sysctls", "alice",
	  { { "/proc/sys/user/max_user_namespaces", "0\n" }, { "/proc/sys/kernel/unprivileged_userns_clone", "0\n" },
	    { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n" } },
	  "max-user-namespaces unprivileged-userns-clone apparmor-restricts", "0 1000 1,1 100000 65536" },
	{ "sysctls, for root", NULL,
	  { { "/proc/sys/kernel/unprivileged_userns_clone", "0\n" }, { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n" } },
	  "[unprivileged-userns-clone] [apparmor-restricts]", "0 0 4294967295" },
	{ "sysctls as they should be", "alice",
	  { { "/proc/sys/kernel/unprivileged_userns_clone", "1\n" }, { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n" } },
	  "", "0 1000 1,1 100000 65536" },
	{ "no user namespaces", "alice", { { "/proc/self/uid_map", "" }, { "/proc/self/gid_map", "" } }, "no-user-namespaces",
	  "0 1000 1,1 100000 65536" },
	{ "nested", NULL,
	  { { "/proc/self/uid_map", "0 100000 65536\n" }, { "/proc/self/gid_map", "0 100000 65536\n" } }, "", "0 100000 65536" },
	{ "nested, one id", NULL,
	  { { "/proc/self/uid_map", "0 1000 1\n" }, { "/proc/self/gid_map", "0 1000 1\n" }, { "/proc/self/setgroups", "deny\n" } },
	  "namespace-small setgroups-denied", "0 1000 1" },
	{ "nested, ranges outside", "alice",
	  { { "/proc/self/uid_map", "0 1000 1\n1 100000 65536\n" }, { "/proc/self/gid_map", "0 1000 1\n1 100000 200000\n" } },
	  "subid-outside-namespace", "0 1000 1,1 100000 65536" },
	{ "nested, ranges over two extents", "alice",
	  { { "/proc/self/uid_map", "0 500000 131072\n131072 900000 131072\n" }, { "/proc/self/gid_map", "0 500000 262144\n" } },
	  "subid-outside-namespace", "0 500000 131072,131072 900000 131072" },
};

static void make_file(const char *root, const struct file *f)
{
	char path[500];
	FILE *out;

	snprintf(path, sizeof(path), "%s%s", root, f->path);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	unlink(path);
	if (!f->text[0])
		return;
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(f->text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	if (strcmp(f->text, "+s") == 0 || strcmp(f->text, "-s") == 0)
		assert_int_equal(chmod(path, f->text[0] == '+' ? 04755 : 0755), 0);
}

static void expect_problems(const struct host_problems *p, const char *want)
{
	struct buf got = { 0 };
	bool any = false;

	for (size_t i = 0; i < p->count; i++) {
		bool note = p->list[i].note;

		any |= !note;
		assert_int_equal(buf_printf(&got, "%s%s%s%s", i ? " " : "", note ? "[" : "",
					    host_problem_name(p->list[i].kind), note ? "]" : ""),
				 0);
	}
	assert_string_equal(buf_str(&got), want);
	assert_int_equal(p->any, any);
	buf_free(&got);
}

static void expect_map(const struct host *h, const char *want)
{
	struct idmap_pair p = { 0 };
	struct buf got = { 0 };
	enum host_map_kind kind;
	struct error err;

	if (!want) {
		assert_int_equal(host_map(&p, &kind, h, &err), -ERR_USAGE);
		return;
	}
	assert_int_equal(host_map(&p, &kind, h, &err), 0);
	for (size_t i = 0; i < p.uid.count; i++)
		assert_int_equal(buf_printf(&got, "%s%u %u %u", i ? "," : "", p.uid.extents[i].container,
					    p.uid.extents[i].host, p.uid.extents[i].count),
				 0);
	assert_string_equal(buf_str(&got), want);
	buf_free(&got);
	idmap_pair_free(&p);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char root[] = "/tmp/uidfit-host-XXXXXX", remove[100];
		struct host_options how = { .root = root, .user = cases[i].user };
		struct host_problems p = { 0 };
		struct host h = { 0 };
		struct error err;

		print_message("%s\n", cases[i].name);
		assert_non_null(mkdtemp(root));
		for (size_t k = 0; k < ARRAY_SIZE(good); k++)
			make_file(root, &good[k]);
		for (size_t k = 0; cases[i].files[k].path; k++)
			make_file(root, &cases[i].files[k]);
		if (host_look(&h, &how, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(host_judge(&p, &h, &err), 0);
		expect_problems(&p, cases[i].problems);
		expect_map(&h, cases[i].map);
		host_problems_free(&p);
		host_free(&h);
		snprintf(remove, sizeof(remove), "rm -rf %s", root);
		assert_int_equal(system(remove), 0);
	}
}

static void test_bad(void **state)
{
	struct host_options nobody = { .user = "uidfit-no-such-user" }, nowhere = { .root = "/tmp/uidfit-no-such-dir" };
	struct host h = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(host_look(&h, &nobody, &err), -ERR_USAGE);
	assert_int_equal(host_look(&h, &nowhere, &err), -ERR_NOT_FOUND);
	assert_null(h.root);
}

static void test_this_host(void **state)
{
	struct host_options how = { 0 };
	struct host_problems p = { 0 };
	struct host h = { 0 };
	struct error err;

	(void)state;
	/* Whatever there is: it can be told. */
	if (host_look(&h, &how, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(host_judge(&p, &h, &err), 0);
	assert_int_equal(h.user.uid, geteuid());
	host_problems_free(&p);
	host_free(&h);
}

/* Two problems of one file are never mended with the same range. */
static void test_free_ranges(void **state)
{
	struct subid_line lines[] = {
		{ .line = 1, .owner = (char *)"a", .text = (char *)"", .span = { 100000, 65536, 1 } },
		{ .line = 2, .owner = (char *)"b", .text = (char *)"", .span = { 100000, 65536, 2 } },
		{ .line = 3, .owner = (char *)"c", .text = (char *)"", .span = { 120000, 65536, 3 } },
	};
	struct host h = { .root = (char *)"", .subid = { { .path = "/etc/subuid", .lines = lines, .count = 3 } } };
	struct host_problems p = { 0 };
	struct error err;

	(void)state;
	h.kernel.has_userns = true;
	assert_int_equal(host_judge(&p, &h, &err), 0);
	assert_in_range(p.count, 2, 10);
	assert_int_equal(p.list[0].free, 185536);
	assert_int_equal(p.list[1].free, 185536 + 65536);
	host_problems_free(&p);
	lines[2].span.start = 4294901700;
	lines[2].span.count = 500;
	assert_int_equal(host_judge(&p, &h, &err), 0);
	assert_int_equal(p.list[0].free, 0);
	host_problems_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_this_host), cmocka_unit_test(test_free_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
