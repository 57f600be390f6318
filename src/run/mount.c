#include "run/mount.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/child.h"
#include "run/layer-cache.h"
#include "run/userns.h"

#define OPTIONS_MAX 4095 /* mount(2) takes a page, with its NUL */

/* glibc 2.36 declares these beside sys/mount.h, which linux/mount.h does not go with. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);

int mount_private(struct error *err)
{
	const unsigned long slave = 1ul << 19, rec = 1ul << 14; /* MS_SLAVE, MS_REC */

	if (unshare(CLONE_NEWNS) < 0)
		return err_fail(err, ERR_DENIED, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, slave | rec, NULL) < 0)
		return err_fail(err, ERR_DENIED, errno, "detach the mounts from the host's");
	return 0;
}

static int overlay_options(struct buf *out, char *const *lower, size_t count, const char *upper,
			   const char *work, const char *more)
{
	int r = buf_append_str(out, "lowerdir=");

	/* overlayfs names the uppermost first. */
	for (size_t i = count; r == 0 && i-- > 0;)
		r = buf_printf(out, "%s%s", lower[i], i ? ":" : "");
	return r < 0 ? r : buf_printf(out, ",upperdir=%s,workdir=%s%s", upper, work, more);
}

static int fuse_overlay(const char *options, const char *target, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	_cleanup_(closep) int said = memfd_create("fuse-overlayfs", MFD_CLOEXEC);
	char *argv[] = { (char[]){ "fuse-overlayfs" }, (char[]){ "-o" }, (char *)(uintptr_t)options,
			 (char *)(uintptr_t)target, NULL };
	char line[300];
	pid_t pid;
	int r = child_find(&path, argv[0]);

	if (r < 0)
		return err_nomem(err);
	if (r || said < 0)
		return err_fail(
			err, ERR_UNSUPPORTED, 0,
			"the kernel mounts no overlay in a user namespace (Linux 5.11 does), "
			"and fuse-overlayfs is not on the PATH");
	r = child_spawn(&pid, buf_str(&path), argv, STDIN_FILENO, said, said);
	if (r)
		return err_fail(err, ERR_IO, r, "start '%s'", buf_str(&path));
	/* It goes into the background once the mount stands. */
	r = child_wait(pid);
	if (!r)
		return 0;
	child_last_line(said, line, sizeof(line));
	return err_fail(err, ERR_UNSUPPORTED, 0, "fuse-overlayfs: %s", line);
}

int mount_overlay(int base, char *const *lower, size_t count, const char *upper, const char *work,
		  const char *target, bool userns, struct error *err)
{
	_cleanup_(buf_freep) struct buf options = { 0 };
	_cleanup_(closep) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r, sys;

	if (overlay_options(&options, lower, count, upper, work, userns ? ",userxattr" : "") < 0)
		return err_nomem(err);
	if (options.len > OPTIONS_MAX)
		return err_fail(err, ERR_LIMIT, 0,
				"the kernel takes the names of no more layers than fit into 4 KiB; "
				"the image has %zu",
				count);
	if (here < 0 || fchdir(base) < 0)
		return err_fail(err, ERR_IO, errno, "enter the cache of layers");
	r = mount("overlay", target, "overlay", 0, buf_str(&options));
	sys = errno;
	if (r < 0 && userns) {
		buf_clear(&options);
		r = overlay_options(&options, lower, count, upper, work, "") < 0
			    ? err_nomem(err)
			    : fuse_overlay(buf_str(&options), target, err);
	} else if (r < 0) {
		r = err_fail(err, ERR_UNSUPPORTED, sys, "mount an overlay of %zu layers", count);
	}
	if (fchdir(here) < 0 && r == 0)
		r = err_fail(err, ERR_IO, errno, "leave the cache of layers");
	return r;
}

static int idmapped(int dir, const char *name, int userns, int *fd, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY,
				   .userns_fd = (uint64_t)userns };

	*fd = (int)syscall(SYS_open_tree, dir, name,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				   (name[0] ? 0 : (unsigned)AT_EMPTY_PATH));
	if (*fd >= 0 &&
	    syscall(SYS_mount_setattr, *fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return 0;
	return err_fail(err, ERR_UNSUPPORTED, errno,
			errno == EINVAL ? "the file system has no idmapped mounts"
					: "make an idmapped mount (Linux 5.12, root of the host)");
}

int mount_can_idmap(int dir, const struct idmap_pair *map, struct error *err)
{
	_cleanup_(closep) int userns = -1;
	_cleanup_(closep) int fd = -1;
	int r = userns_open(&userns, map, err);

	return r < 0 ? r : idmapped(dir, "", userns, &fd, err);
}

static int mount_one(int base, const char *name, const char *target, int userns, struct error *err)
{
	_cleanup_(closep) int fd = -1;
	int r = idmapped(base, name, userns, &fd, err);

	if (r < 0)
		return r;
	if (mkdirat(base, target, 0711) < 0 && errno != EEXIST)
		return err_fail(err, ERR_IO, errno, "make directory '%s'", target);
	if (syscall(SYS_move_mount, fd, "", base, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_fail(err, ERR_UNSUPPORTED, errno, "mount a layer at '%s'", target);
	return 0;
}

int mount_idmapped(int base, char *const *names, size_t count, const char *into, char ***out,
		   const struct idmap_pair *map, struct error *err)
{
	_cleanup_(closep) int userns = -1;
	char **targets = calloc(count + 1, sizeof(*targets));
	int r = targets ? userns_open(&userns, map, err) : err_nomem(err);

	if (r == 0 && mkdirat(base, into, 0711) < 0 && errno != EEXIST)
		r = err_fail(err, ERR_IO, errno, "make directory '%s'", into);
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = asprintf(&targets[i], "%s/%zu", into, i) < 0
			    ? err_nomem(err)
			    : mount_one(base, names[i], targets[i], userns, err);
	}
	if (r < 0)
		layer_names_free(targets, count);
	else
		*out = targets;
	return r;
}
