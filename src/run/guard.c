#include "run/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Everything else is closed: locks that the parent held would be held on. */
static void watch(int from, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	char byte;
	ssize_t n;

	setsid(); /* a terminal's signals are not for it */
	if (dup2(from, 0) < 0 || (fd >= 0 && dup2(fd, 1) < 0) ||
	    syscall(SYS_close_range, 2u, ~0u, 0u) < 0)
		_exit(1);
	do
		n = read(0, &byte, 1);
	while (n < 0 && errno == EINTR);
	/* By its descriptor: the number may be another's by now. */
	if (fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, 1, SIGKILL, NULL, 0);
	_exit(0);
}

int guard_begin(struct guard *g, pid_t pid, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_fail(err, ERR_IO, errno, "make a pipe");
	g->pid = fork();
	if (g->pid == 0) {
		close(ends[1]);
		watch(ends[0], pid);
	}
	close(ends[0]);
	g->end = ends[1];
	if (g->pid > 0)
		return 0;
	close(ends[1]);
	g->pid = 0;
	return err_fail(err, ERR_IO, errno, "fork");
}

void guard_end(struct guard *g)
{
	if (g->pid <= 0)
		return;
	close(g->end);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g->pid = 0;
}
