/* One run of docker-credential-NAME get. It is started without a shell, inherits the environment
 * and nothing else, and may not outlive its time. */
#include "registry/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/child.h"
#include "oci/json.h"

#define HELPER_WAIT	  30	      /* seconds */
#define HELPER_ANSWER_MAX (64u << 10) /* bytes of its standard output */
#define HELPER_SAYS_MAX	  200	      /* bytes of its complaint that a message repeats */
#define HELPER_NAME_MAX	  128
#define SERVER_MAX	  2048 /* bytes: less than a pipe takes without a reader */

struct run {
	pid_t pid;
	int out, err;	   /* read ends; -1 when at their end */
	struct buf answer; /* wiped by who owns this */
	char says[HELPER_SAYS_MAX + 1];
	size_t says_len;
	bool too_much;
};

void registry_wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void registry_wipe_buf(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void registry_wipe_json(json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(json) && json_string_length(json))
		explicit_bzero((char *)(uintptr_t)json_string_value(json),
			       json_string_length(json));
	json_object_foreach(json, key, value) registry_wipe_json(value);
	json_array_foreach(json, i, value) registry_wipe_json(value);
}

static bool name_is_good(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	return n && n <= HELPER_NAME_MAX && strspn(name, allowed) == n;
}

static void close_both(const int fd[2])
{
	closep(&fd[0]);
	closep(&fd[1]);
}

/* The server's name fits into the pipe, so nobody waits for a helper that reads nothing. */
static int start(struct run *r, const char *path, const char *server, struct error *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, says[2] = { -1, -1 };
	size_t n = strlen(server);
	char *argv[] = { (char *)(uintptr_t)path, (char[]){ "get" }, NULL };
	int e = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(says, O_CLOEXEC) < 0 ||
	    write(in[1], server, n) != (ssize_t)n)
		e = errno;
	closep(&in[1]);
	in[1] = -1;
	if (!e)
		e = child_spawn(&r->pid, path, argv, in[0], out[1], says[1]);
	if (!e) {
		r->out = out[0];
		out[0] = -1;
		r->err = says[0];
		says[0] = -1;
	}
	close_both(in);
	close_both(out);
	close_both(says);
	return e ? err_fail(err, ERR_AUTH, e, "start '%s'", path) : 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void read_some(struct run *r, int *fd)
{
	char bytes[4096];
	ssize_t n = read(*fd, bytes, sizeof(bytes));
	size_t some = n > 0 ? (size_t)n : 0;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		closep(fd);
		*fd = -1;
	} else if (fd == &r->err) {
		some = MIN(some, HELPER_SAYS_MAX - r->says_len);
		memcpy(r->says + r->says_len, bytes, some);
		r->says_len += some;
	} else if (some > HELPER_ANSWER_MAX - r->answer.len ||
		   buf_append(&r->answer, bytes, some) < 0) {
		r->too_much = true;
	}
	explicit_bzero(bytes, sizeof(bytes));
}

/* Until both ends are closed. False where time is up. What a helper has left running in the
 * background may keep standard error open: once the answer is whole and the helper has ended, that
 * is not waited for. */
static bool read_answer(struct run *r, int64_t until, int *status)
{
	bool ended = false;

	while (!r->too_much && (r->out >= 0 || !ended)) {
		struct pollfd fds[] = { { .fd = r->out, .events = POLLIN },
					{ .fd = r->err, .events = POLLIN } };
		int64_t left = until - now_ms();

		if (left <= 0)
			return false;
		/* Once it has closed its output it is about to end, which no pipe tells. */
		(void)poll(fds, 2, (int)MIN(left, r->out < 0 ? 2 : 100));
		if (fds[0].revents)
			read_some(r, &r->out);
		if (fds[1].revents)
			read_some(r, &r->err);
		if (!ended && waitpid(r->pid, status, WNOHANG) == r->pid) {
			ended = true;
			r->pid = -1;
		}
	}
	/* What it said last. */
	if (r->err >= 0)
		(void)fcntl(r->err, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 64 && r->err >= 0; i++)
		read_some(r, &r->err);
	return true;
}

static int failed(const struct run *r, const char *name, const char *how, struct error *err)
{
	const char *says = r->says;
	size_t n = r->says_len;
	char shown[2 * HELPER_SAYS_MAX];

	/* By the protocol a complaint comes on standard output; what looks like an answer may hold
	 * a secret. */
	if (!n && r->answer.len && !memchr(r->answer.data, '{', r->answer.len)) {
		says = buf_str(&r->answer);
		n = MIN(r->answer.len, (size_t)HELPER_SAYS_MAX);
	}
	while (n && (says[n - 1] == '\n' || says[n - 1] == '\r' || says[n - 1] == ' '))
		n--;
	return err_fail(err, ERR_AUTH, 0, "docker-credential-%s %s%s%s", name, how, n ? ": " : "",
			err_text(shown, sizeof(shown), says, n));
}

int registry_helper_answer(struct registry_login *out, const char *name, const void *bytes,
			   size_t n, struct error *err)
{
	const char *user = "", *secret = "";
	json_t *json = NULL;
	int r = oci_json_parse(&json, bytes, n, "its answer", err);

	if (r == 0)
		r = oci_json_string(json, "Username", &user, err);
	if (r == 0)
		r = oci_json_string(json, "Secret", &secret, err);
	if (r < 0) {
		if (err)
			err->code = err->code == ERR_NOMEM ? ERR_NOMEM : ERR_AUTH;
		r = err ? err_wrap(err, "docker-credential-%s", name) : -ERR_AUTH;
	} else if (!user[0] && !secret[0]) {
		r = 1;
	} else if (strcmp(user, "<token>") == 0) {
		out->identity_token = strdup(secret);
		r = out->identity_token ? 0 : err_nomem(err);
	} else {
		out->user = strdup(user);
		out->secret = strdup(secret);
		r = out->user && out->secret ? 0 : err_nomem(err);
	}
	registry_wipe_json(json);
	json_decref(json);
	return r;
}

/* "credentials not found in native keychain", or other helpers' words for it. */
static bool says_none(const struct run *r)
{
	const char *text = buf_str(&r->answer);

	return strncasecmp(text + strspn(text, " \n"), "credentials not found", 21) == 0;
}

static int finish(struct registry_login *out, struct run *r, const char *name, struct error *err)
{
	int status = 0;
	bool in_time = read_answer(r, now_ms() + HELPER_WAIT * 1000, &status);

	if (r->pid > 0) {
		(void)kill(r->pid, SIGKILL);
		while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (r->too_much)
		return failed(r, name, "answers more than 64 KiB", err);
	if (!in_time)
		return failed(r, name, "has not answered within 30 seconds", err);
	if (WIFSIGNALED(status))
		return failed(r, name, "was ended by a signal", err);
	if (WEXITSTATUS(status) == 0)
		return registry_helper_answer(out, name, buf_str(&r->answer), r->answer.len, err);
	return says_none(r) ? 1 : failed(r, name, "failed", err);
}

int registry_helper_get(struct registry_login *out, const char *name, const char *server,
			struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 }, program = { 0 };
	struct run run = { .pid = -1, .out = -1, .err = -1 };
	char shown[100];
	int r;

	if (!name_is_good(name))
		return err_fail(err, ERR_DENIED, 0,
				"'%s' is not started: no credential helper's name",
				err_text(shown, sizeof(shown), name, strlen(name)));
	if (!server[0] || strlen(server) > SERVER_MAX)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"a credential helper for a name of %zu bytes", strlen(server));
	r = buf_printf(&program, "docker-credential-%s", name);
	if (r == 0)
		r = child_find(&path, buf_str(&program));
	if (r < 0)
		return err_nomem(err);
	if (r)
		return 2;
	/* Room for the whole answer at once: a buffer that moves leaves copies behind. */
	r = buf_reserve(&run.answer, HELPER_ANSWER_MAX) < 0
		    ? err_nomem(err)
		    : start(&run, buf_str(&path), server, err);
	if (r == 0)
		r = finish(out, &run, name, err);
	closep(&run.out);
	closep(&run.err);
	registry_wipe_buf(&run.answer);
	return r;
}
