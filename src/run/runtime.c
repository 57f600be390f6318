#include "run/runtime.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/child.h"
#include "run/console.h"
#include "run/guard.h"
#include "run/userns.h"

#define ARGS_MAX 20
#define LOG_MAX	 (64u << 10)

void runtime_free(struct runtime *r)
{
	free(r->path);
	r->path = NULL;
}

/* cgroup v1 controllers with v2 beside them, as systemd mounts them. */
static bool hybrid_cgroups(void)
{
	return access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) == 0 &&
	       access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0;
}

static enum runtime_kind kind_of(const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	if (strcmp(base, "crun") == 0)
		return RUNTIME_CRUN;
	return strcmp(base, "runc") == 0 ? RUNTIME_RUNC : RUNTIME_OTHER;
}

int runtime_find(struct runtime *out, const char *name, struct error *err)
{
	static const char *const usual[] = { "crun", "runc" };
	_cleanup_(buf_freep) struct buf path = { 0 };
	bool passed = false;
	int r = 1;

	if (name)
		r = child_find(&path, name);
	for (size_t i = 0; !name && r == 1 && i < ARRAY_SIZE(usual); i++) {
		r = child_find(&path, usual[i]);
		if (r == 0 && kind_of(usual[i]) == RUNTIME_CRUN && hybrid_cgroups()) {
			passed = true;
			r = 1;
		}
	}
	if (r < 0)
		return err_nomem(err);
	if (r && name)
		return err_fail(err, ERR_NOT_FOUND, 0, "there is no runtime '%.200s'", name);
	if (r)
		return err_fail(
			err, ERR_NOT_FOUND, 0, "%s (Debian: apt install runc)",
			passed ? "crun does not run on cgroups of both versions, and runc is "
				 "not on the PATH"
			       : "no OCI runtime is on the PATH: crun or runc");
	*out = (struct runtime){ strdup(buf_str(&path)), kind_of(buf_str(&path)) };
	return out->path ? 0 : err_nomem(err);
}

struct run {
	const struct runtime *runtime;
	const struct runtime_options *opts;
	char state[PATH_MAX], log[PATH_MAX], pid_file[PATH_MAX], socket[PATH_MAX];
	struct console *console;
	pid_t pid; /* the container's first process; 0 before it is there */
	struct guard guard;
};

/* runtime [--root STATE] [--rootless=true] --log FILE --log-format json VERB... ID */
static int call(const struct run *run, const char *const *verb, int out, struct error *err)
{
	char *argv[ARGS_MAX];
	size_t n = 0;
	pid_t pid;
	int e;
	_cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *const first[] = { run->runtime->path, "--root",	  run->state, "--log",
				      run->log,		  "--log-format", "json" };

	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		argv[n++] = (char *)(uintptr_t)first[i];
	/* runc takes root of any namespace for the host's where USER is not set. */
	if (run->opts->rootless && run->runtime->kind == RUNTIME_RUNC)
		argv[n++] = (char *)(uintptr_t) "--rootless=true";
	while (*verb && n < ARGS_MAX - 2)
		argv[n++] = (char *)(uintptr_t)*verb++;
	argv[n++] = (char *)(uintptr_t)run->opts->id;
	argv[n] = NULL;
	e = child_spawn(&pid, run->runtime->path, argv, out < 0 ? null : STDIN_FILENO,
			out < 0 ? null : out, out < 0 ? null : STDERR_FILENO);
	if (e)
		return err_fail(err, ERR_IO, e, "start '%s'", run->runtime->path);
	return child_wait(pid);
}

/* The message of the log's last line: {"level":"error","msg":"...","time":"..."} */
static void last_words(const struct run *run, char *out, size_t size)
{
	_cleanup_(closep) int fd = open(run->log, O_RDONLY | O_CLOEXEC);
	char text[LOG_MAX + 1], *line;
	json_t *json = NULL;
	ssize_t n = fd < 0 ? 0 : read(fd, text, LOG_MAX);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[MAX(n, (ssize_t)0)] = '\0';
	line = strrchr(text, '\n');
	if (n > 0)
		json = json_loads(line ? line + 1 : text, 0, NULL);
	line = (char *)(uintptr_t)json_string_value(json_object_get(json, "msg"));
	snprintf(out, size, "%s", line ? line : "");
	json_decref(json);
}

/* What docker and podman make of these words. */
static int status_of(const char *words)
{
	static const char *const missing[] = { "executable file not found",
					       "no such file or directory", "not found in $PATH" };
	static const char *const refused[] = { "permission denied", "exec format error",
					       "is a directory" };
	bool exec = strstr(words, "exec") || strstr(words, "open executable");

	for (size_t i = 0; exec && i < ARRAY_SIZE(refused); i++)
		if (strcasestr(words, refused[i]))
			return RUN_CANNOT_INVOKE;
	for (size_t i = 0; exec && i < ARRAY_SIZE(missing); i++)
		if (strcasestr(words, missing[i]))
			return RUN_NOT_FOUND;
	return RUN_OWN_ERROR;
}

static int did_not(const struct run *run, int *status, const char *what, struct error *err)
{
	char words[400];

	last_words(run, words, sizeof(words));
	*status = status_of(words);
	/* runc has said it on standard error too. */
	if (run->runtime->kind == RUNTIME_RUNC)
		return err_fail(err, ERR_IO, 0, "%s did not %s the container", run->runtime->path,
				what);
	return err_fail(err, ERR_IO, 0, "%s did not %s the container: %s", run->runtime->path, what,
			words[0] ? words : "it does not say why");
}

/* crun 1.8 gives its standard streams to the container's root, the host's /dev/null too
 * (containers/crun 1845): back to whom it was. */
static void give_null_back(const struct stat *before)
{
	struct stat now;

	if (before->st_rdev && stat("/dev/null", &now) == 0 && now.st_rdev == before->st_rdev &&
	    (now.st_uid != before->st_uid || now.st_gid != before->st_gid))
		(void)!chown("/dev/null", before->st_uid, before->st_gid);
}

static int create(struct run *run, int *status, struct error *err)
{
	const char *verb[] = { "create",      "--bundle",	  run->opts->dir, "--pid-file",
			       run->pid_file, "--console-socket", run->socket,	  NULL };
	_cleanup_(closep) int fd = -1;
	struct stat null = { 0 };
	char text[24] = "";
	int r;

	if (!run->opts->terminal)
		verb[5] = NULL;
	(void)!stat("/dev/null", &null);
	r = call(run, verb, STDOUT_FILENO, err);
	give_null_back(&null);
	if (r)
		return r < 0 ? r : did_not(run, status, "create", err);
	fd = open(run->pid_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || (run->pid = atoi(text)) <= 0)
		return err_fail(err, ERR_IO, errno, "read what %s says is the container's pid",
				run->runtime->path);
	r = guard_begin(&run->guard, run->pid, err);
	return r == 0 && run->opts->terminal ? console_accept(run->console, err) : r;
}

/* What runs is what was planned, or it does not run. */
static int compare(const struct run *run, struct error *err)
{
	int r = run->opts->map ? userns_compare(run->pid, run->opts->map, err) : 0;

	if (r == 1)
		r = err_fail(err, ERR_IO, 0, "the container has ended before its start");
	return r < 0 ? err_wrap(err, "the container's namespace") : 0;
}

/* A runtime that fails may leave its own children, whose parent this process then is. */
static void end_orphans(void)
{
	char path[64], text[4096], *at = text, *end;
	_cleanup_(closep) int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	for (long pid; (pid = strtol(at, &end, 10)) > 0; at = end) {
		kill((pid_t)pid, SIGKILL);
		waitpid((pid_t)pid, NULL, 0);
	}
}

static void forget(struct run *run)
{
	const char *const verb[] = { "delete", "--force", NULL };
	struct error ignored;

	/* "create" that failed halfway may have left its state. */
	(void)!call(run, verb, -1, &ignored);
	if (run->pid > 0)
		kill(run->pid, SIGKILL);
	guard_end(&run->guard);
	end_orphans();
}

static void set_names(struct run *run)
{
	const char *dir = run->opts->dir;

	snprintf(run->state, sizeof(run->state), "%s/state", dir);
	snprintf(run->log, sizeof(run->log), "%s/log", dir);
	snprintf(run->pid_file, sizeof(run->pid_file), "%s/pid", dir);
	snprintf(run->socket, sizeof(run->socket), "%s/tty", dir);
}

void runtime_forget(const struct runtime *runtime, const struct runtime_options *opts)
{
	struct run run = { .runtime = runtime, .opts = opts };

	set_names(&run);
	if (access(run.state, F_OK) == 0)
		forget(&run);
}

static int start(struct run *run, int *status, struct error *err)
{
	const char *const verb[] = { "start", NULL };
	int r = call(run, verb, STDOUT_FILENO, err);

	return r > 0 ? did_not(run, status, "start", err) : r;
}

int runtime_run(int *status, const struct runtime *runtime, const struct runtime_options *opts,
		struct error *err)
{
	struct run run = { .runtime = runtime, .opts = opts };
	int r = 0, end;

	*status = RUN_OWN_ERROR;
	set_names(&run);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_fail(err, ERR_IO, errno, "become the container's parent");
	r = console_open(&run.console, opts->terminal ? run.socket : NULL, err);
	if (r == 0)
		r = create(&run, status, err);
	if (r == 0)
		r = compare(&run, err);
	if (r == 0)
		r = start(&run, status, err);
	if (r == 0)
		r = console_wait(run.console, run.pid, &end, err);
	console_close(run.console);
	forget(&run);
	if (r == 0)
		*status = end;
	return r;
}
