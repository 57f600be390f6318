#include "base/child.h"

#include <signal.h>
#include <spawn.h>

static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, const int fds[3])
{
	sigset_t defaults;
	int e;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	e = posix_spawnattr_setsigdefault(attr, &defaults);
	if (!e)
		e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF);
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
