#include "base/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define WORDS_MAX 4096 /* bytes of a program's words that are looked at, the last ones */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int child_find(struct buf *out, const char *name)
{
	const char *path = getenv("PATH");

	buf_clear(out);
	if (strchr(name, '/')) {
		int r = buf_append_str(out, name);

		return r < 0 ? r : !is_program(name);
	}
	for (const char *p = path ? path : "/usr/local/bin:/usr/bin:/bin"; p;) {
		size_t n = strcspn(p, ":");

		buf_clear(out);
		if (p[0] == '/' && buf_printf(out, "%.*s/%s", (int)n, p, name) < 0)
			return -ERR_NOMEM;
		if (p[0] == '/' && is_program(buf_str(out)))
			return 0;
		p = p[n] ? p + n + 1 : NULL;
	}
	return 1;
}

static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, const int fds[3])
{
	sigset_t defaults, none;
	int e;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	e = posix_spawnattr_setsigdefault(attr, &defaults);
	if (!e)
		e = posix_spawnattr_setsigmask(attr, &none);
	if (!e)
		e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	for (int i = 0; !e && i < 3; i++)
		e = posix_spawn_file_actions_adddup2(files, fds[i], i);
	return e;
}

int child_spawn(pid_t *pid, const char *path, char *const *argv, int in, int out, int err)
{
	const int fds[3] = { in, out, err };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int e = posix_spawn_file_actions_init(&files);

	if (e)
		return e;
	e = posix_spawnattr_init(&attr);
	if (e) {
		posix_spawn_file_actions_destroy(&files);
		return e;
	}
	e = set_up(&files, &attr, fds);
	if (!e)
		e = posix_spawn(pid, path, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

int child_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 128;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child_last_line(int file, char *out, size_t size)
{
	char text[WORDS_MAX];
	struct stat st;
	off_t from;
	ssize_t n;
	size_t begin;

	if (fstat(file, &st) < 0)
		st.st_size = 0;
	from = st.st_size > WORDS_MAX ? st.st_size - WORDS_MAX : 0;
	n = pread(file, text, sizeof(text), from);
	while (n > 0 && strchr(" \r\n", text[n - 1]))
		n--;
	for (begin = n > 0 ? (size_t)n : 0; begin && text[begin - 1] != '\n';)
		begin--;
	err_text(out, size, text + begin, n > 0 ? (size_t)n - begin : 0);
}
