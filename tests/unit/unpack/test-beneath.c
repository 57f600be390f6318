/* Paths beneath a directory: by openat2 and by the walk that stands for it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack/beneath.h"

#define LINKS 40 /* that may be followed */

/* TOP/root is the root; TOP/outside is what nothing may touch. */
static char top[] = "/tmp/uidfit-beneath-XXXXXX";
static int root, outside;

static void link_to(const char *name, const char *to)
{
	assert_int_equal(symlinkat(to, root, name), 0);
}

static void make_dir(int at, const char *name)
{
	assert_int_equal(mkdirat(at, name, 0755), 0);
}

static void make_file(int at, const char *name)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static int open_under(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

	assert_true(fd >= 0);
	return fd;
}

static int set_up(void **state)
{
	int t;
	char name[32], to[32];

	assert_non_null(mkdtemp(top));
	t = open(top, O_RDONLY | O_DIRECTORY);
	assert_true(t >= 0);
	make_dir(t, "root");
	make_dir(t, "outside");
	root = open_under(t, "root");
	outside = open_under(t, "outside");
	make_file(outside, "kept");
	make_dir(outside, "root");
	close(t);
	make_dir(root, "d");
	make_dir(root, "d/e");
	make_dir(root, "d/e/f");
	make_dir(root, "outside");
	make_file(root, "file");
	link_to("l", "d");
	link_to("d/e/up", "..");
	link_to("d/e/absolute", "/d");
	link_to("d/e/over", "../../../../../outside");
	link_to("escape", "../outside");
	link_to("far", "/../outside");
	link_to("slash", "/");
	link_to("dots", "./d/../d/./e//");
	link_to("two", "l/e");
	link_to("loop", "loop");
	link_to("ping", "pong");
	link_to("pong", "ping");
	link_to("nowhere", "missing");
	link_to("to-file", "file");
	link_to("magic", "/proc/self/root");
	/* n1 is one link away from d, ... */
	for (int i = 1; i <= LINKS + 1; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(to, sizeof(to), i == 1 ? "d" : "n%d", i - 1);
		link_to(name, to);
	}
	return 0;
}

static int tear_down(void **state)
{
	struct error err;
	int at = open("/tmp", O_RDONLY | O_DIRECTORY);

	assert_int_equal(beneath_remove(at, strrchr(top, '/') + 1, &err), 0);
	assert_int_equal(beneath_remove(at, strrchr(top, '/') + 1, &err), 1);
	close(at);
	close(root);
	close(outside);
	return 0;
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	assert_int_equal(fstat(a, &x), 0);
	assert_int_equal(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static const struct {
	const char *path;
	int r;		  /* 1: a directory is missing */
	const char *real; /* the parent, from the root */
	const char *name;
} rows[] = {
	{ "", 0, ".", "." },
	{ "x", 0, ".", "x" },
	{ "l", 0, ".", "l" }, /* the last part is never followed */
	{ "d/x", 0, "d", "x" },
	{ "d/e/f/x", 0, "d/e/f", "x" },
	{ "l/x", 0, "d", "x" },
	{ "l/e/x", 0, "d/e", "x" },
	{ "two/f/x", 0, "d/e/f", "x" },
	{ "dots/x", 0, "d/e", "x" },
	{ "slash/x", 0, ".", "x" },
	{ "slash/slash/l/e/x", 0, "d/e", "x" },
	{ "d/e/up/x", 0, "d", "x" },
	{ "d/e/up/e/up/x", 0, "d", "x" },
	{ "d/e/absolute/e/x", 0, "d/e", "x" },
	/* Above the root is the root. */
	{ "d/e/over/x", 0, "outside", "x" },
	{ "escape/x", 0, "outside", "x" },
	{ "far/x", 0, "outside", "x" },
	{ "n1/x", 0, "d", "x" },
	{ "n40/x", 0, "d", "x" },
	{ "n41/x", -ERR_BAD_INPUT },
	{ "n20/e/absolute/x", 0, "d", "x" },
	{ "n20/e/absolute/e/absolute/e/up/x", 0, "d", "x" },
	{ "loop/x", -ERR_BAD_INPUT },
	{ "ping/x", -ERR_BAD_INPUT },
	{ "file/x", -ERR_BAD_INPUT },
	{ "d/../file/x", -ERR_BAD_INPUT },
	{ "to-file/x", -ERR_BAD_INPUT },
	{ "missing/x", 1 },
	{ "d/missing/x", 1 },
	{ "d/missing/deeper/x", 1 },
	{ "nowhere/x", 1 },
	{ "magic/x", 1 },
	{ "magic/root/x", 1 },
};

static int find(struct beneath *b, const char *path, int *fd, const char **name, struct error *err)
{
	return beneath_parent(b, path, strlen(path), NULL, NULL, fd, name, err);
}

static struct beneath *open_beneath(bool walk)
{
	struct beneath *b;
	struct error err;

	assert_int_equal(beneath_open(&b, root, walk, &err), 0);
	assert_true(beneath_walks(b) || !walk);
	return b;
}

static void parents(void **state)
{
	for (int walk = 0; walk < 2; walk++) {
		struct beneath *b = open_beneath(walk);

		/* Twice, so that each is asked with every other one's parent kept, or its own. */
		for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
			size_t row = i / 2;
			struct error err = { 0 };
			const char *name;
			int fd, r = find(b, rows[row].path, &fd, &name, &err);

			if (r != rows[row].r)
				fail_msg("%s, walk %d: %d %s", rows[row].path, walk, r, r < 0 ? err.msg : "");
			if (r == 0) {
				int want = openat(root, rows[row].real, O_PATH | O_DIRECTORY | O_NOFOLLOW);

				if (!is_same(fd, want))
					fail_msg("%s, walk %d: another directory", rows[row].path, walk);
				close(want);
				assert_string_equal(name, rows[row].name);
			}
		}
		beneath_close(b);
	}
}

struct maker {
	unsigned calls;
	char names[200];
};

static int maker(void *ctx, int parent, const char *name, struct error *err)
{
	struct maker *m = ctx;
	struct stat st;

	m->calls++;
	strcat(strcat(m->names, name), " ");
	assert_int_equal(fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISDIR(st.st_mode));
	return 0;
}

static void missing_directories(void **state)
{
	static const struct {
		const char *path;
		int r;
		const char *made, *real;
	} made[] = {
		{ "m/n/o/x", 0, "m n o ", "m/n/o" },
		{ "m/n/o/y", 0, "", "m/n/o" },
		{ "m/n/p/x", 0, "p ", "m/n/p" },
		{ "l/e/new/x", 0, "new ", "d/e/new" },
		{ "escape/in/x", 0, "in ", "outside/in" },
		{ "d/e/over/in2/x", 0, "in2 ", "outside/in2" },
		{ "file/new/x", -ERR_BAD_INPUT, "" },
		{ "loop/new/x", -ERR_BAD_INPUT, "" },
		/* Nothing is made where a link that leads nowhere stands. */
		{ "nowhere/x", -ERR_BAD_INPUT, "" },
		{ "nowhere/new/x", -ERR_BAD_INPUT, "" },
	};

	for (int walk = 0; walk < 2; walk++) {
		struct beneath *b = open_beneath(walk);
		struct error err;

		for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
			struct maker m = { 0 };
			const char *name;
			int fd, r = beneath_parent(b, made[i].path, strlen(made[i].path), maker, &m, &fd, &name, &err);

			if (r != made[i].r || strcmp(m.names, made[i].made) != 0)
				fail_msg("%s, walk %d: %d, made %s: %s", made[i].path, walk, r, m.names, r < 0 ? err.msg : "");
			if (r == 0) {
				int want = openat(root, made[i].real, O_PATH | O_DIRECTORY | O_NOFOLLOW);

				assert_true(is_same(fd, want));
				close(want);
			}
		}
		beneath_close(b);
		assert_int_equal(beneath_remove(root, "m", &err), 0);
		assert_int_equal(unlinkat(root, "d/e/new", AT_REMOVEDIR), 0);
		assert_int_equal(unlinkat(root, "outside/in", AT_REMOVEDIR), 0);
		assert_int_equal(unlinkat(root, "outside/in2", AT_REMOVEDIR), 0);
	}
}

/* A parent that was kept, and is another directory by now. */
static void forgotten(void **state)
{
	for (int walk = 0; walk < 2; walk++) {
		struct beneath *b = open_beneath(walk);
		struct error err;
		const char *name;
		int fd, now;

		make_dir(root, "g");
		assert_int_equal(find(b, "g/x", &fd, &name, &err), 0);
		assert_int_equal(beneath_remove(root, "g", &err), 0);
		make_dir(root, "h"); /* takes the old one's inode where there is a choice */
		make_dir(root, "g");
		beneath_forget(b);
		assert_int_equal(fcntl(fd, F_GETFD) < 0, 0);
		assert_int_equal(find(b, "g/x", &fd, &name, &err), 0);
		now = open_under(root, "g");
		assert_true(is_same(fd, now));
		close(now);
		assert_int_equal(unlinkat(root, "g", AT_REMOVEDIR), 0);
		assert_int_equal(unlinkat(root, "h", AT_REMOVEDIR), 0);
		beneath_close(b);
	}
}

static void long_names(void **state)
{
	char path[PATH_MAX + 10];

	for (int walk = 0; walk < 2; walk++) {
		struct beneath *b = open_beneath(walk);
		struct maker m = { 0 };
		struct error err;
		const char *name;
		int fd;

		memset(path, 'a', NAME_MAX + 1);
		strcpy(path + NAME_MAX + 1, "/x");
		assert_int_equal(find(b, path, &fd, &name, &err), -ERR_BAD_INPUT);
		assert_int_equal(beneath_parent(b, path, strlen(path), maker, &m, &fd, &name, &err), -ERR_BAD_INPUT);
		for (size_t i = 0; i < PATH_MAX + 2; i++)
			path[i] = i % 2 ? '/' : 'a';
		path[PATH_MAX + 2] = '\0';
		assert_int_equal(beneath_parent(b, path, strlen(path), maker, &m, &fd, &name, &err), -ERR_BAD_INPUT);
		assert_int_equal(m.calls, 0);
		beneath_close(b);
	}
}

#define DEEP 150 /* more than are open at once */

static void removed(void **state)
{
	struct error err;
	int at, next, before = dup(root);

	close(before); /* the lowest free descriptor: none is left open below */
	assert_int_equal(beneath_remove(root, "missing", &err), 1);
	make_file(root, "gone");
	assert_int_equal(beneath_remove(root, "gone", &err), 0);
	make_dir(root, "tree");
	at = open_under(root, "tree");
	assert_int_equal(symlinkat("../../outside", at, "out"), 0);
	assert_int_equal(symlinkat("/", at, "slash"), 0);
	for (int i = 0; i < DEEP; i++) {
		make_file(at, "f");
		make_dir(at, i % 2 ? "even" : "odd");
		make_dir(at, "beside");
		assert_int_equal(symlinkat("../../outside", at, "l"), 0);
		next = open_under(at, i % 2 ? "even" : "odd");
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(beneath_remove(root, "tree", &err), 0);
	assert_int_equal(faccessat(root, "tree", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	/* A link goes, and not what it leads to. */
	link_to("gone", "../outside");
	assert_int_equal(beneath_remove(root, "gone", &err), 0);
	assert_int_equal(faccessat(outside, "kept", F_OK, 0), 0);
	at = dup(root);
	assert_int_equal(at, before);
	close(at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parents),    cmocka_unit_test(missing_directories),
		cmocka_unit_test(forgotten),  cmocka_unit_test(long_names),
		cmocka_unit_test(removed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
