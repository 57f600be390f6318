/* The mounts below a container's root. All are made in a mount namespace of our own: they end with
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "idmap/idmap.h"

/* A mount namespace of this process's own, into which the host's mounts come and out of which none
 * goes. ERR_DENIED without the privilege. */
int mount_private(struct error *err) _must_check_;

/* Overlays lower (lowest first, names in the directory base) with upper and work (absolute) at
 * target. userns: this process is root of a user namespace alone, so that the opaque marks are
 * user.overlay.opaque (Linux 5.11; before, fuse-overlayfs where it is on the PATH). ERR_LIMIT where
 * mount(2) does not take so many names, ERR_UNSUPPORTED where there is no overlay to be had. */
int mount_overlay(int base, char *const *lower, size_t count, const char *upper, const char *work,
		  const char *target, bool userns, struct error *err) _must_check_;

/* Mounts each of names (in base) read-only at into/0, into/1, ... with its owners seen through the
 * map (mount_setattr(2), Linux 5.12); *out: those names, relative to base where into is, malloc'd.
 * ERR_UNSUPPORTED where kernel or file system has no idmapped mounts. */
int mount_idmapped(int base, char *const *names, size_t count, const char *into, char ***out,
		   const struct idmap_pair *map, struct error *err) _must_check_;

/* Whether the file system of dir takes idmapped mounts: 0, or ERR_UNSUPPORTED with the reason. */
int mount_can_idmap(int dir, const struct idmap_pair *map, struct error *err) _must_check_;
