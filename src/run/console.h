/* A running container beside its terminal: signals and bytes go to it until it ends.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct console;

/* From here on the signals that runtime.h names wait for console_wait(). socket: where the runtime
 * hands its end of a new terminal over (runc's --console-socket), or NULL: the container has this
 * process's own descriptors. ERR_LIMIT where the path is too long for unix(7). */
int console_open(struct console **out, const char *socket, struct error *err) _must_check_;

/* Takes the terminal over, makes it as large as ours, and ours raw. ERR_IO where none came. */
int console_accept(struct console *c, struct error *err) _must_check_;

/* Until pid, a child of ours, has ended and all that it wrote is here: *status as waitpid(2) would
 * have a shell say it. */
int console_wait(struct console *c, pid_t pid, int *status, struct error *err) _must_check_;

/* Gives terminal and signals back; takes NULL. */
void console_close(struct console *c);
