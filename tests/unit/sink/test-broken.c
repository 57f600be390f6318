/* Killed before any one of its system calls, or refused by any one of them, a destination is what
 * it was before or what it should be, and what lies beside it can be told by its name.
 */
#include "put.h"

#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* Stand before the C library's; only calls of this program pass here. */
static enum { WATCH, KILL, REFUSE } what;
static long at_call = -1; /* below 0: off */
static long calls;

static bool fails(void)
{
	if (at_call < 0)
		return false;
	if (calls++ != at_call)
		return false;
	if (what == KILL)
		raise(SIGKILL);
	errno = ENOSPC;
	return what == REFUSE;
}

#define REAL(fn) (*(void **)&real = dlsym(RTLD_NEXT, fn))

ssize_t write(int fd, const void *bytes, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);

	REAL("write");
	return fails() ? -1 : real(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	REAL("pwrite");
	return fails() ? -1 : real(fd, bytes, n, offset);
}

int fsync(int fd)
{
	int (*real)(int);

	REAL("fsync");
	return fails() ? -1 : real(fd);
}

int ftruncate(int fd, off_t n)
{
	int (*real)(int, off_t);

	REAL("ftruncate");
	return fails() ? -1 : real(fd, n);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	int (*real)(int, const char *, mode_t);

	REAL("mkdirat");
	return fails() ? -1 : real(dir, name, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	int (*real)(int, const char *, int, const char *);

	REAL("renameat");
	return fails() ? -1 : real(from_dir, from, to_dir, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int (*real)(int, const char *, int, const char *, unsigned);

	REAL("renameat2");
	return fails() ? -1 : real(from_dir, from, to_dir, to, flags);
}

int unlinkat(int dir, const char *name, int flags)
{
	int (*real)(int, const char *, int);

	REAL("unlinkat");
	return fails() && what == KILL ? -1 : real(dir, name, flags);
}

static const char *at(const char *format)
{
	return text(format, work_dir());
}

static const char *const kinds[] = { "docker-archive:%s/out", "oci:%s/out", "oci-archive:%s/out",
				     "dir:%s/out" };

/* How many there are beside the destination; each has the name of a partial one. */
static size_t leftovers(void)
{
	DIR *d = opendir(work_dir());
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "out") == 0)
			continue;
		assert_int_equal(strncmp(e->d_name, "out.partial-", 12), 0);
		assert_int_equal(strlen(e->d_name), 20);
		n++;
	}
	closedir(d);
	return n;
}

static void clean(void)
{
	remove_tree(at("%s/out"));
	assert_int_equal(system(text("rm -rf %s/out.partial-*", work_dir())), 0);
}

/* In a child: its exit status, or -1 where it was killed. */
static int in_child(const struct picture *p, long call)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct error err;

		what = KILL;
		calls = 0;
		at_call = call;
		_exit(put_picture(p, &err) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

static void killed_new(const char *kind)
{
	struct picture p = picture_of(at(kind));
	bool whole = false;
	long call = 0;

	for (;; call++) {
		int r = in_child(&p, call);
		bool there = access(at("%s/out"), F_OK) == 0;

		assert_true(r == -1 || r == 0);
		if (there)
			assert_int_equal(read_picture(p.ref, &p, 1), 0);
		/* Once it is whole, it is so at each later call. */
		assert_true(!whole || there);
		whole = there;
		assert_true(leftovers() <= 1);
		clean();
		if (r == 0)
			break;
	}
	assert_true(whole);
	assert_true(call > 15);
}

static void killed_over(const char *kind)
{
	struct picture before = picture_of(at(kind)), p = before;
	bool changed = false;
	struct error err;

	p.salt = 2;
	p.opts.replace = true;
	for (long call = 0;; call++) {
		int r;

		assert_int_equal(put_picture(&before, &err), 0);
		r = in_child(&p, call);
		assert_true(r == -1 || r == 0);
		if (changed || read_picture(before.ref, &before, 1) != 0) {
			changed = true;
			assert_int_equal(read_picture(p.ref, &p, 1), 0);
		}
		assert_true(leftovers() <= 1);
		clean();
		if (r == 0)
			break;
	}
	assert_true(changed);
}

static void test_killed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		killed_new(kinds[i]);
		killed_over(kinds[i]);
	}
}

/* A full disk at each call: an error that says so, and nothing is left. */
static void test_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = picture_of(at(kinds[i]));
		bool moved = false;

		for (long call = 0;; call++) {
			struct error err = { 0 };
			int r;

			calls = 0;
			at_call = call;
			what = REFUSE;
			r = put_picture(&p, &err);
			at_call = -1;
			assert_int_equal(leftovers(), 0);
			if (r == 0)
				assert_int_equal(read_picture(p.ref, &p, 1), 0);
			if (r == 0 && calls <= call)
				break;
			/* The last fsync, of the folder, comes behind the rename. */
			moved = access(at("%s/out"), F_OK) == 0;
			if (r < 0) {
				assert_int_equal(r, -ERR_IO);
				assert_int_equal(err.sys, ENOSPC);
			}
			if (moved)
				assert_int_equal(read_picture(p.ref, &p, 1), 0);
			clean();
		}
		clean();
	}
}

/* A real one. */
static void test_small_tmpfs(void **state)
{
	char dir[400];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/small", work_dir());
	assert_int_equal(mkdir(dir, 0700), 0);
	if (mount("none", dir, "tmpfs", 0, "size=1m") < 0) {
		print_message("mount is not allowed here: no tmpfs of 1 MB is tried\n");
		rmdir(dir);
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = picture_of(text(kinds[i], dir));
		struct error err = { 0 };
		int r;

		p.size = 500000;
		r = put_picture(&p, &err);
		assert_int_equal(r, -ERR_IO);
		assert_int_equal(err.sys, ENOSPC);
		/* All of its room is free again. */
		assert_int_equal(rmdir(text("%s/out", dir)), -1);
		assert_int_equal(errno, ENOENT);
		p.size = 100000;
		assert_int_equal(put_picture(&p, &err), 0);
		assert_int_equal(read_picture(p.ref, &p, 1), 0);
		remove_tree(text("%s/out", dir));
	}
	assert_int_equal(umount(dir), 0);
	assert_int_equal(rmdir(dir), 0);
}

static int teardown(void **state)
{
	(void)state;
	/* Where a test has failed. */
	umount2(at("%s/small"), MNT_DETACH);
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_small_tmpfs),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
