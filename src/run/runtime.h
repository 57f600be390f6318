/* The OCI runtime that starts a bundle: found on the PATH, told to create, start and delete.
 *
 * The container's first process is ours to wait for (PR_SET_CHILD_SUBREAPER), as conmon and
 * containerd's shim have it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "idmap/idmap.h"

/* As docker-run(1) and podman-run(1) give them. */
enum { RUN_OWN_ERROR = 125, RUN_CANNOT_INVOKE = 126, RUN_NOT_FOUND = 127 };

struct runtime {
	char *path;
	enum runtime_kind { RUNTIME_OTHER, RUNTIME_CRUN, RUNTIME_RUNC } kind; /* by its name */
};

/* name: a path or a name, or NULL: crun, then runc; crun is passed over where the cgroups are of
 * both versions (crun 1.8: "cgroups in hybrid mode not supported"). ERR_NOT_FOUND with what would
 * install one. */
int runtime_find(struct runtime *out, const char *name, struct error *err) _must_check_;
void runtime_free(struct runtime *r);

struct runtime_options {
	const char *dir; /* the bundle; the runtime's state, pid and log go there too; at most 80
			  * bytes long with a terminal (unix(7)) */
	const char *id;
	bool terminal; /* config.json has one: this process's terminal is its other end */
	bool rootless; /* in a user namespace that is not the host's */
	const struct idmap_pair
		*map; /* compared with /proc/PID/uid_map before its program starts */
};

/* Runs to the end and deletes the container on every way out. SIGINT, SIGTERM, SIGHUP, SIGQUIT,
 * SIGUSR1, SIGUSR2 and SIGWINCH go to its first process; the third SIGINT or SIGTERM kills it.
 * *status: its exit status, 128 + its signal; or 125, 126, 127 with the error where it did not
 * start: of the runtime's own words the last ones. Where this process is killed the container is
 * too. */
int runtime_run(int *status, const struct runtime *r, const struct runtime_options *opts,
		struct error *err) _must_check_;

/* Ends and deletes what a killed process has left of a run: dir, id and rootless count. */
void runtime_forget(const struct runtime *r, const struct runtime_options *opts);
