/* Paths of an image beneath one directory: whatever a name, a link or another process does, nothing
 * outside of it is touched.
 *
 * openat2(2) with RESOLVE_IN_ROOT where the kernel has it (5.6), so that a symbolic link on the way
 * means what it means in a chroot, as engines have it; else a walk of one component at a time with
 * O_NOFOLLOW, links read and followed by hand (at most 40). A name is cleaned first
 * (inventory/path.h); the last component is never followed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct beneath;

/* fd: the directory (borrowed, outlives it). walk: use the fallback even where openat2 is there
 * (tests). */
int beneath_open(struct beneath **out, int fd, bool walk, struct error *err) _must_check_;
void beneath_close(struct beneath *b);
DEFINE_CLEANUP(struct beneath, beneath_close)
bool beneath_walks(const struct beneath *b); /* the fallback is in use */

/* The directory that holds path's last component: *fd is borrowed until the next call (the last
 * parent is kept, as tar archives come sorted), *name points into path. Missing directories are
 * made, mode 0755, and made() is called for each, to set its owner; or 1 where made is NULL and one
 * is missing. A component that is neither directory nor link to one is ERR_BAD_INPUT (an engine
 * says "not a directory"). path "" is the root itself: *name is ".". */
typedef int beneath_made_fn(void *ctx, int parent, const char *name, struct error *err);
int beneath_parent(struct beneath *b, const char *path, size_t len, beneath_made_fn *made,
		   void *ctx, int *fd, const char **name, struct error *err) _must_check_;
/* The last parent may have gone (a whiteout took it): it is looked for again. Its descriptor stays
 * valid until the next beneath_parent. */
void beneath_forget(struct beneath *b);

/* Removes name in dir, a tree too, never following a link, never crossing into another mount.
 * 1 where it was not there. ERR_IO, ERR_DENIED. */
int beneath_remove(int dir, const char *name, struct error *err) _must_check_;
