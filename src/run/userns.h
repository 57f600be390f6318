/* User namespaces of our own, for who is not root of the host: user_namespaces(7), newuidmap(1).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "idmap/idmap.h"

/* What hands a map on, and how many extents it takes; idmap_add() has joined what can be joined. */
#define USERNS_EXTENTS_RUNC 5 /* libcontainer nsexec.c MAX_ARGV, of an ordinary user's runc */
#define USERNS_EXTENTS_CRUN 6 /* linux.c MAX_ARGS; it drops the rest in silence */

/* ERR_LIMIT where the map has more than max extents (0: the kernel's 340), or where its lines are
 * more than the 4095 bytes that one write to uid_map takes; taker is named then. */
int userns_fit(const struct idmap_pair *map, size_t max, const char *taker,
	       struct error *err) _must_check_;

/* Called in the child; what it gives back is the child's exit status. */
typedef int userns_fn(void *ctx);

/* Runs fn in a child that is root of a new user namespace with that map, in a mount namespace of
 * its own; *status is what fn gave, or 128 + the signal that ended it. What this process has open
 * and in memory the child has too; no other thread may run.
 *
 * The maps are written by newuidmap and newgidmap, or, where alone is set, by the child itself: the
 * map is then this process's own uid and gid alone, and setgroups(2) is denied in there. Before fn
 * starts /proc/PID/uid_map and gid_map are compared with the map. SIGINT, SIGTERM, SIGHUP, SIGQUIT,
 * SIGUSR1, SIGUSR2 and SIGWINCH that another process sends here are passed on (a terminal's reach
 * the child by themselves), and the child is killed where this process dies.
 *
 * ERR_LIMIT as userns_fit(); ERR_NOT_FOUND without the helpers; ERR_DENIED where the kernel makes
 * no namespace, a helper refuses (with its words), or the map there is another one. */
int userns_run(int *status, const struct idmap_pair *map, bool alone, userns_fn *fn, void *ctx,
	       struct error *err) _must_check_;

/* Compares /proc/PID/uid_map and gid_map, as this process sees them, with the map: 0, or ERR_DENIED
 * with both; 1 where there is no such process any more. Extents that continue each other are one.
 */
int userns_compare(pid_t pid, const struct idmap_pair *map, struct error *err) _must_check_;

/* A descriptor of a user namespace with that map, which nobody lives in: for mount_setattr(2).
 * For who may write any map: ERR_DENIED else. */
int userns_open(int *fd, const struct idmap_pair *map, struct error *err) _must_check_;
