/* A process that outlives this one to end another: a container whose parent was killed would run on
 * with nobody to ask.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct guard {
	pid_t pid;
	int end; /* of a pipe: it closes with this process */
};

/* From here on pid is killed where this process ends without guard_end(). ERR_IO. */
int guard_begin(struct guard *g, pid_t pid, struct error *err) _must_check_;
/* pid has ended, or is killed now. Harmless on a guard of zeroes. */
void guard_end(struct guard *g);
