/* Another program, started without a shell.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/macro.h"

/* The program of that name on the PATH, an absolute path in out; a name with a slash is taken as it
 * is. 0, 1 where there is none, -ERR_NOMEM. A relative part of the PATH is passed over: what stands
 * in the current directory is not to be started. */
int child_find(struct buf *out, const char *name) _must_check_;

/* Runs path with argv (NULL-terminated) and this environment; in, out and err become its
 * descriptors 0, 1 and 2, and may be alike. SIGPIPE is as usual there, whatever this process does
 * with it, and no signal is blocked. 0 with *pid, for waitpid(2), or an errno. */
int child_spawn(pid_t *pid, const char *path, char *const *argv, int in, int out,
		int err) _must_check_;

/* Its exit status once it has ended, 128 + the signal that ended it. */
int child_wait(pid_t pid);

/* The last line of what it wrote into that file, printable (base/error.h, err_text); "" for none.
 */
void child_last_line(int file, char *out, size_t size);
