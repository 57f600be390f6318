#include "run/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

#define ENDS_AT 3 /* the third signal that asks for an end is the last */

static const int passed[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };

struct console {
	int signals;	    /* signalfd */
	int listening, tty; /* -1 without a terminal */
	bool input;	    /* standard input still goes to the terminal */
	bool raw;
	unsigned asked; /* to end */
	sigset_t before;
	struct termios mode;
};

static int listen_at(const char *path, int *fd, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(at.sun_path))
		return err_fail(err, ERR_LIMIT, 0, "the path of a socket is too long: %.200s",
				path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(*fd, 1) < 0)
		return err_fail(err, ERR_IO, errno, "listen for the container's terminal");
	return 0;
}

int console_open(struct console **out, const char *socket, struct error *err)
{
	struct console *c = calloc(1, sizeof(*c));
	sigset_t mask;
	int r;

	if (!c)
		return err_nomem(err);
	c->listening = c->tty = -1;
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&mask, passed[i]);
	sigprocmask(SIG_BLOCK, &mask, &c->before);
	c->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	r = c->signals < 0 ? err_fail(err, ERR_IO, errno, "a descriptor for signals") : 0;
	if (r == 0 && socket)
		r = listen_at(socket, &c->listening, err);
	if (r < 0)
		console_close(c);
	else
		*out = c;
	return r;
}

static void resize(const struct console *c)
{
	struct winsize size;

	if (c->tty >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(c->tty, TIOCSWINSZ, &size);
}

static int take_descriptor(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char name[256];
	struct iovec words = { name, sizeof(name) };
	struct msghdr m = { .msg_iov = &words,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *c;
	int got = -1;

	if (recvmsg(fd, &m, MSG_CMSG_CLOEXEC) < 0)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(c), sizeof(int));
	return got;
}

int console_accept(struct console *c, struct error *err)
{
	_cleanup_(closep) int from = -1;
	struct pollfd ready = { .fd = c->listening, .events = POLLIN };
	struct termios raw;

	/* It is there already: the runtime has ended. */
	if (poll(&ready, 1, 1000) == 1)
		from = accept4(c->listening, NULL, NULL, SOCK_CLOEXEC);
	c->tty = from < 0 ? -1 : take_descriptor(from);
	if (c->tty < 0)
		return err_fail(err, ERR_IO, 0, "the runtime has handed no terminal over");
	resize(c);
	if (tcgetattr(STDIN_FILENO, &c->mode) == 0) {
		raw = c->mode;
		cfmakeraw(&raw);
		c->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	c->input = true;
	return 0;
}

static bool write_all(int fd, const char *p, ssize_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, (size_t)n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return false;
		p += w;
		n -= w;
	}
	return true;
}

/* False at the end of from. */
static bool copy(int from, int to)
{
	char block[16384];
	ssize_t n = read(from, block, sizeof(block));

	return n < 0 ? errno == EINTR || errno == EAGAIN : n > 0 && write_all(to, block, n);
}

static void on_signals(struct console *c, pid_t pid)
{
	struct signalfd_siginfo s;

	while (read(c->signals, &s, sizeof(s)) == sizeof(s)) {
		int number = (int)s.ssi_signo;

		if (number == SIGCHLD)
			continue;
		if (number == SIGWINCH)
			resize(c);
		/* pid 1 of a namespace passes over what it has no handler for. */
		if ((number == SIGINT || number == SIGTERM) && ++c->asked >= ENDS_AT)
			number = SIGKILL;
		kill(pid, number);
	}
}

/* True once pid is gone. Others may end too: what the container has orphaned is ours. */
static bool reap(pid_t pid, int *status)
{
	bool gone = false;
	pid_t one;
	int how;

	while ((one = waitpid(-1, &how, WNOHANG)) > 0)
		if (one == pid) {
			*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
			gone = true;
		}
	return gone || (one < 0 && errno == ECHILD);
}

int console_wait(struct console *c, pid_t pid, int *status, struct error *err)
{
	bool gone = false;

	*status = 128 + SIGKILL;
	while (!gone) {
		struct pollfd on[] = { { .fd = c->signals, .events = POLLIN },
				       { .fd = c->tty, .events = POLLIN },
				       { .fd = c->input ? STDIN_FILENO : -1, .events = POLLIN } };

		gone = reap(pid, status);
		if (gone || (poll(on, ARRAY_SIZE(on), -1) < 0 && errno != EINTR))
			break;
		if (on[0].revents)
			on_signals(c, pid);
		if (on[1].revents && !copy(c->tty, STDOUT_FILENO)) {
			closep(&c->tty);
			c->tty = -1;
			c->input = false;
		}
		if (c->tty >= 0 && on[2].revents && !copy(STDIN_FILENO, c->tty))
			c->input = false;
	}
	if (!gone)
		return err_fail(err, ERR_IO, errno, "wait for the container");
	/* What it wrote last. */
	while (c->tty >= 0) {
		struct pollfd on = { .fd = c->tty, .events = POLLIN };

		if (poll(&on, 1, 0) != 1 || !copy(c->tty, STDOUT_FILENO))
			break;
	}
	return 0;
}

void console_close(struct console *c)
{
	if (!c)
		return;
	if (c->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->mode);
	closep(&c->signals);
	closep(&c->listening);
	closep(&c->tty);
	sigprocmask(SIG_SETMASK, &c->before, NULL);
	free(c);
}
