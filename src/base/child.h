/* Another program, started without a shell.
 */
#pragma once

#include <sys/types.h>

#include "base/macro.h"

/* Runs path with argv (NULL-terminated) and this environment; in, out and err become its
 * descriptors 0, 1 and 2, and may be alike. SIGPIPE is as usual there, whatever this process does
 * with it. 0 with *pid, for waitpid(2), or an errno. */
int child_spawn(pid_t *pid, const char *path, char *const *argv, int in, int out,
		int err) _must_check_;
