/* Whiteouts: what lower layers have goes, what this layer has made stays, whichever came first
 * (OCI image-spec layer.md, "Whiteouts"). In overlay's form they are kept for the mount. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "unpack/internal.h"

#define DEPTH_MAX 1000 /* directories of one layer in each other, below an opaque one */

static int make_device(struct layer_walk *w, struct node *n, struct error *err)
{
	int r = mknodat(n->dir, n->name, S_IFCHR | 0, makedev(0, 0));

	if (r < 0 && errno == EEXIST) {
		r = beneath_remove(n->dir, n->name, err);
		if (r < 0)
			return r;
		r = mknodat(n->dir, n->name, S_IFCHR | 0, makedev(0, 0));
	}
	if (r < 0)
		return node_fail(n, errno, "make the whiteout of", err);
	if (n->owned && w->opts->owners->how == OWNERS_CHOWN &&
	    fchownat(n->dir, n->name, n->owner.uid, n->owner.gid, AT_SYMLINK_NOFOLLOW) < 0)
		return node_fail(n, errno, "change the owner of the whiteout of", err);
	return 0;
}

int whiteout_apply(struct layer_walk *w, struct node *n, struct error *err)
{
	int r;

	if (w->opts->form != UNPACK_MERGED)
		return make_device(w, n, err);
	if (!n->entry->path_len || made_set_has(&w->made, n->entry->path, n->entry->path_len))
		return 0;
	r = beneath_remove(n->dir, n->name, err);
	beneath_forget(w->beneath);
	return MIN(r, 0);
}

/* path is that of the directory, and comes back as it was. */
static int empty(struct layer_walk *w, int fd, struct buf *path, unsigned depth, struct error *err)
{
	size_t len = path->len;
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		closep(&fd);
		return err_fail(err, ERR_IO, errno, "list '%.100s'", buf_str(path));
	}
	if (depth > DEPTH_MAX)
		r = err_fail(err, ERR_LIMIT, 0, "'%.100s': directories too deep to empty",
			     buf_str(path));
	while (r == 0 && (errno = 0, e = readdir(d))) {
		int child;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((len && buf_append_str(path, "/")) || buf_append_str(path, e->d_name)) {
			r = err_nomem(err);
			break;
		}
		if (!made_set_has(&w->made, buf_str(path), path->len)) {
			r = beneath_remove(fd, e->d_name, err);
		} else {
			child = openat(fd, e->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (child >= 0)
				r = empty(w, child, path, depth + 1, err);
		}
		r = MIN(r, 0);
		path->len = len;
		path->data[len] = '\0';
	}
	if (r == 0 && errno)
		r = err_fail(err, ERR_IO, errno, "list '%.100s'", buf_str(path));
	closedir(d);
	return r;
}

static int open_directory(struct layer_walk *w, const struct inv_entry *e, int *out,
			  struct error *err)
{
	const char *name;
	int dir, r = beneath_parent(w->beneath, e->path, e->path_len, implied_made, w, &dir, &name,
				    err);

	if (r < 0)
		return r;
	*out = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return 0;
}

int opaque_apply(struct layer_walk *w, const struct inv_entry *e, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	const char *name = w->opts->form == UNPACK_OVERLAY_USER ? "user.overlay.opaque"
								: "trusted.overlay.opaque";
	int fd, r = open_directory(w, e, &fd, err);

	/* No such directory: nothing below it to hide. */
	if (r < 0 || fd < 0)
		return r;
	if (w->opts->form != UNPACK_MERGED) {
		r = fsetxattr(fd, name, "y", 1, 0) < 0
			    ? err_fail(err, ERR_IO, errno, "set %s of '%.100s'", name, e->path)
			    : 0;
		closep(&fd);
		return r;
	}
	if (buf_append(&path, e->path, e->path_len)) {
		closep(&fd);
		return err_nomem(err);
	}
	beneath_forget(w->beneath);
	return empty(w, fd, &path, 0, err);
}
