#include "run/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/child.h"
#include "idmap/notation.h"

#define UID_MAP_MAX  4095	 /* kernel/user_namespace.c map_write(): less than a page */
#define PROC_MAP_MAX (64u << 10) /* 340 extents of three numbers */

static int write_file(pid_t pid, const char *name, const char *text, size_t n)
{
	char path[64];
	_cleanup_(closep) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, n) != (ssize_t)n ? -1 : 0;
}

static int map_text(struct buf *out, const struct idmap *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++)
		r = buf_printf(out, "%u %u %u\n", m->extents[i].container, m->extents[i].host,
			       m->extents[i].count);
	return r;
}

static int fits(const struct idmap *m, size_t max, const char *taker, const char *what,
		struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };

	if (map_text(&text, m) < 0)
		return err_nomem(err);
	if (m->count > max)
		return err_fail(
			err, ERR_LIMIT, 0,
			"the map of %s has %zu extents that nothing joins, and %s takes %zu", what,
			m->count, taker, max);
	if (text.len > UID_MAP_MAX)
		return err_fail(err, ERR_LIMIT, 0,
				"the map of %s has %zu bytes as lines, and the kernel takes %d",
				what, text.len, UID_MAP_MAX);
	return 0;
}

int userns_fit(const struct idmap_pair *map, size_t max, const char *taker, struct error *err)
{
	int r = fits(&map->uid, max ? max : IDMAP_EXTENTS_MAX, taker, "users", err);

	return r < 0 ? r : fits(&map->gid, max ? max : IDMAP_EXTENTS_MAX, taker, "groups", err);
}

/* By this process itself: to a namespace of its own, or to that of its child. */
static int write_maps(pid_t pid, const struct idmap_pair *map, bool alone, struct error *err)
{
	_cleanup_(buf_freep) struct buf uid = { 0 }, gid = { 0 };

	if (map_text(&uid, &map->uid) < 0 || map_text(&gid, &map->gid) < 0)
		return err_nomem(err);
	/* Kernels before 3.19 have no such file, and need none. */
	if (alone && write_file(pid, "setgroups", "deny", 4) < 0 && errno != ENOENT)
		return err_fail(err, ERR_DENIED, errno, "deny setgroups in a user namespace");
	if (write_file(pid, "uid_map", buf_str(&uid), uid.len) < 0 ||
	    write_file(pid, "gid_map", buf_str(&gid), gid.len) < 0)
		return err_fail(err, ERR_DENIED, errno, "write the map of a user namespace");
	return 0;
}

static int helper_arguments(char ***out, struct buf *words, const char *name, pid_t pid,
			    const struct idmap *m)
{
	size_t count = 2 + 3 * m->count, at = 0;
	char **argv = calloc(count + 1, sizeof(*argv));
	int r = argv ? buf_printf(words, "%s%c%d", name, 0, (int)pid) : -ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < m->count; i++)
		r = buf_printf(words, "%c%u%c%u%c%u", 0, m->extents[i].container, 0,
			       m->extents[i].host, 0, m->extents[i].count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		argv[i] = (char *)words->data + at;
		at += strlen(argv[i]) + 1;
	}
	*out = argv;
	return r;
}

/* Terms of newuidmap(1): program PID [container host count]... */
static int run_helper(const char *name, pid_t pid, const struct idmap *m, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 }, words = { 0 };
	_cleanup_(freep) char **argv = NULL;
	_cleanup_(closep) int said = -1, null = -1;
	char line[300];
	pid_t helper;
	int r = child_find(&path, name);

	if (r == 1)
		return err_fail(err, ERR_NOT_FOUND, 0,
				"%s is not on the PATH (Debian's package uidmap has it)", name);
	if (r < 0 || helper_arguments(&argv, &words, name, pid, m) < 0)
		return err_nomem(err);
	said = memfd_create(name, MFD_CLOEXEC);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (said < 0 || null < 0)
		return err_fail(err, ERR_IO, errno, "a file for what %s says", name);
	r = child_spawn(&helper, buf_str(&path), argv, null, said, said);
	if (r)
		return err_fail(err, ERR_IO, r, "start '%s'", buf_str(&path));
	r = child_wait(helper);
	if (!r)
		return 0;
	child_last_line(said, line, sizeof(line));
	return err_fail(err, ERR_DENIED, 0, "%s refuses the map: %s (uidfit host says more)", name,
			line[0] ? line : "it does not say why");
}

static int read_map(struct idmap_pair *out, pid_t pid, const char *name, enum idmap_which which,
		    struct error *err)
{
	_cleanup_(freep) char *text = malloc(PROC_MAP_MAX);
	_cleanup_(closep) int fd = -1;
	char path[64];
	ssize_t n;

	if (!text)
		return err_nomem(err);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ESRCH))
		return 1;
	n = fd < 0 ? -1 : read(fd, text, PROC_MAP_MAX - 1);
	if (n < 0 && errno == ESRCH)
		return 1;
	if (n < 0)
		return err_fail(err, ERR_IO, errno, "read %s", path);
	text[n] = '\0';
	return text[strspn(text, " \n")] ? idmap_parse(out, text, which, err) : 0;
}

static int differs(const char *name, const struct idmap *planned, const struct idmap *found,
		   struct error *err)
{
	_cleanup_(buf_freep) struct buf want = { 0 }, have = { 0 };

	if (map_text(&want, planned) < 0 || map_text(&have, found) < 0)
		return err_nomem(err);
	for (size_t i = 0; i < want.len; i++)
		want.data[i] = want.data[i] == '\n' ? ';' : want.data[i];
	for (size_t i = 0; i < have.len; i++)
		have.data[i] = have.data[i] == '\n' ? ';' : have.data[i];
	return err_fail(err, ERR_DENIED, 0, "%s holds '%.150s', and '%.150s' was asked for", name,
			buf_str(&have), buf_str(&want));
}

int userns_compare(pid_t pid, const struct idmap_pair *map, struct error *err)
{
	_cleanup_(idmap_pair_freep) struct idmap_pair found = { 0 };
	int r = read_map(&found, pid, "uid_map", IDMAP_UID, err);

	if (r == 0)
		r = read_map(&found, pid, "gid_map", IDMAP_GID, err);
	if (r)
		return r;
	if (!idmap_same(&map->uid, &found.uid))
		return differs("uid_map", &map->uid, &found.uid, err);
	return idmap_same(&map->gid, &found.gid) ? 0
						 : differs("gid_map", &map->gid, &found.gid, err);
}

static int no_namespace(int sys, struct error *err)
{
	return err_fail(err, ERR_DENIED, sys,
			"the kernel makes no user namespace for this user (uidfit host says more)");
}

/* Both ends of a socket say one byte each: 'u' unshared, 'g' go; an errno in place of 'u'. */
struct nursery {
	int socket;
	const struct idmap_pair *map;
	bool alone;
	userns_fn *fn;
	void *ctx;
	struct error *err; /* in the child: what the child itself could not do */
};

static int become_root(const struct nursery *n)
{
	/* gids first, while the uid may still change them. */
	if (!n->alone && setgroups(0, NULL) < 0)
		return -1;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -1;
	/* Behind the change of ids, which takes it back. The parent may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -1;
	/* Files of the new root belong to it, and /proc/self is its own. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
}

static void child_main(const struct nursery *n)
{
	char byte = 0;
	int status;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		byte = (char)errno;
	else if (n->alone && write_maps(getpid(), n->map, true, n->err) < 0)
		byte = EPERM;
	if (write(n->socket, &byte, 1) != 1 || byte || read(n->socket, &byte, 1) != 1)
		_exit(125);
	byte = become_root(n) < 0 ? (char)errno : 0;
	if (write(n->socket, &byte, 1) != 1 || byte)
		_exit(125);
	close(n->socket);
	status = n->fn(n->ctx);
	fflush(NULL);
	_exit(status);
}

/* 0, or what the child could not do. */
static int hear(int fd)
{
	unsigned char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? byte : ECHILD;
}

static int raise_child(pid_t pid, const struct nursery *n, struct error *err)
{
	int e = hear(n->socket), r = 0;

	if (e)
		return no_namespace(e, err);
	if (!n->alone)
		r = run_helper("newuidmap", pid, &n->map->uid, err);
	if (r == 0 && !n->alone)
		r = run_helper("newgidmap", pid, &n->map->gid, err);
	if (r == 0)
		r = userns_compare(pid, n->map, err);
	if (r == 1)
		r = err_fail(err, ERR_IO, 0, "the process in the new namespace is gone");
	if (r < 0)
		return r;
	if (write(n->socket, "g", 1) != 1)
		return err_fail(err, ERR_IO, errno, "talk to the new namespace");
	e = hear(n->socket);
	return e ? err_fail(err, ERR_DENIED, e, "become root of the new user namespace") : 0;
}

static volatile sig_atomic_t passed_to;
static const int passed[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };

/* A terminal's go to the whole foreground group, so the child has them. */
static void pass_on(int number, siginfo_t *info, _unused_ void *context)
{
	int saved = errno;

	if (passed_to && info->si_code <= 0)
		kill((pid_t)passed_to, number);
	errno = saved;
}

static int wait_passing(pid_t pid)
{
	struct sigaction on = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction before[ARRAY_SIZE(passed)];
	int status;

	passed_to = pid;
	/* One that is ignored here (nohup, a job in the background) too: the child has that from
	 * here, and knows what it does with it. */
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaction(passed[i], &on, &before[i]);
	status = child_wait(pid);
	passed_to = 0;
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaction(passed[i], &before[i], NULL);
	return status;
}

int userns_run(int *status, const struct idmap_pair *map, bool alone, userns_fn *fn, void *ctx,
	       struct error *err)
{
	int ends[2], r = userns_fit(map, 0, "the kernel", err);
	pid_t pid;

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_fail(err, ERR_IO, errno, "make a socket");
	fflush(NULL); /* else both would write what is buffered */
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child_main(&(struct nursery){ ends[1], map, alone, fn, ctx, err });
	}
	close(ends[1]);
	if (pid < 0) {
		r = err_fail(err, ERR_IO, errno, "fork");
		close(ends[0]);
		return r;
	}
	r = raise_child(pid, &(struct nursery){ ends[0], map, alone, fn, ctx, err }, err);
	close(ends[0]); /* a child that waits for its 'g' ends here */
	if (r < 0)
		(void)child_wait(pid);
	else
		*status = wait_passing(pid);
	return r;
}

int userns_open(int *fd, const struct idmap_pair *map, struct error *err)
{
	int ends[2], r;
	char path[64];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_fail(err, ERR_IO, errno, "make a socket");
	pid = fork();
	if (pid == 0) {
		char byte = 0;

		close(ends[0]);
		if (unshare(CLONE_NEWUSER) < 0)
			byte = (char)errno;
		/* Lives until the other end closes. */
		if (write(ends[1], &byte, 1) == 1)
			(void)!read(ends[1], &byte, 1);
		_exit(0);
	}
	close(ends[1]);
	r = pid < 0 ? err_fail(err, ERR_IO, errno, "fork") : 0;
	if (r == 0) {
		int e = hear(ends[0]);

		r = e ? no_namespace(e, err) : write_maps(pid, map, false, err);
	}
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		*fd = open(path, O_RDONLY | O_CLOEXEC);
		if (*fd < 0)
			r = err_fail(err, ERR_IO, errno, "open %s", path);
	}
	close(ends[0]);
	if (pid > 0)
		(void)child_wait(pid);
	return r;
}
