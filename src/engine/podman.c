/* `podman load`, with the archive on its standard input. Started without a shell; of its words the
 * last line is kept for a message.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/child.h"
#include "engine/engine.h"

#define ARGS_MAX 16

struct run {
	struct engine_taker base;
	pid_t pid;
	int words; /* a file in memory with what it said */
};

static size_t arguments(char **argv, const struct storage_place *p, const char *const *verb)
{
	const char *const options[][2] = { { "--storage-driver", p->driver },
					   { "--root", p->root },
					   { "--runroot", p->run_root } };
	size_t n = 0;

	argv[n++] = (char *)(uintptr_t) "podman";
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i][1]) {
			argv[n++] = (char *)(uintptr_t)options[i][0];
			argv[n++] = (char *)(uintptr_t)options[i][1];
		}
	while (*verb)
		argv[n++] = (char *)(uintptr_t)*verb++;
	argv[n] = NULL;
	return n;
}

static int start(struct run *run, const struct storage_place *place, const char *const *verb,
		 int in, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	char *argv[ARGS_MAX];
	int r = child_find(&path, "podman");

	if (r < 0)
		return err_nomem(err);
	if (r)
		return err_fail(
			err, ERR_NOT_FOUND, 0,
			"containers-storage: is written by podman, which is not on the PATH "
			"(docker-archive:FILE, and podman load -i FILE where it is)");
	run->words = memfd_create("podman", MFD_CLOEXEC);
	if (run->words < 0)
		return err_fail(err, ERR_IO, errno, "a file in memory");
	arguments(argv, place, verb);
	r = child_spawn(&run->pid, buf_str(&path), argv, in, run->words, run->words);
	return r ? err_fail(err, ERR_IO, r, "start '%s'", buf_str(&path)) : 0;
}

static void done(struct run *run)
{
	closep(&run->words);
	free(run);
}

static int run_end(struct engine_taker *t, struct error *err)
{
	struct run *run = (struct run *)t;
	char words[300];
	int status, r = 0;

	closep(&t->fd);
	status = child_wait(run->pid);
	if (status) {
		child_last_line(run->words, words, sizeof(words));
		r = err_fail(err, ERR_IO, 0, "podman load %s: %s",
			     status > 128 ? "was ended by a signal" : "did not load the image",
			     words[0] ? words : "it does not say why");
	}
	done(run);
	return r;
}

/* It must not take what it has for whole. */
static void run_drop(struct engine_taker *t)
{
	struct run *run = (struct run *)t;

	kill(run->pid, SIGTERM);
	closep(&t->fd);
	(void)child_wait(run->pid);
	done(run);
}

int podman_load(struct engine_taker **out, const struct storage_place *place, struct error *err)
{
	static const char *const verb[] = { "load", "-q", NULL };
	struct run *run = calloc(1, sizeof(*run));
	int ends[2], r;

	if (!run)
		return err_nomem(err);
	run->words = -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = err_fail(err, ERR_IO, errno, "make a pipe");
		done(run);
		return r;
	}
	run->base = (struct engine_taker){ ends[1], run_end, run_drop };
	r = start(run, place, verb, ends[0], err);
	close(ends[0]);
	if (r < 0) {
		close(ends[1]);
		done(run);
		return r;
	}
	*out = &run->base;
	return 0;
}

int podman_has(const struct storage_place *place, const char *name, struct error *err)
{
	const char *const verb[] = { "image", "exists", name, NULL };
	struct run run = { .words = -1 };
	_cleanup_(closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char words[300];
	int r, status;

	if (null < 0)
		return err_fail(err, ERR_IO, errno, "open /dev/null");
	r = start(&run, place, verb, null, err);
	if (r == 0) {
		status = child_wait(run.pid);
		child_last_line(run.words, words, sizeof(words));
		if (status == 0 || status == 1)
			r = status;
		else
			r = err_fail(err, ERR_IO, 0, "podman image exists: %s", words);
	}
	closep(&run.words);
	return r;
}
