/* Nodes of each kind. What stands at the name gives way, but a directory for a directory. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "inventory/path.h"
#include "unpack/internal.h"

int node_fail(const struct node *n, int sys, const char *what, struct error *err)
{
	char text[200];
	/* What no file system could do is the entry's fault. */
	enum err_code code =
		sys == ENAMETOOLONG || sys == ENOTDIR || sys == EISDIR ? ERR_BAD_INPUT : ERR_IO;

	return err_fail(err, code, sys, "%s '%s'", what,
			err_text(text, sizeof(text), n->entry->path, n->entry->path_len));
}

static int clear_place(struct layer_walk *w, const struct node *n, struct error *err)
{
	int r = beneath_remove(n->dir, n->name, err);

	/* The parent that is kept may have been in it. */
	beneath_forget(w->beneath);
	return MIN(r, 0);
}

static int make_directory(struct layer_walk *w, struct node *n, struct error *err)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;
	int r;

	if (n->entry->kind != INV_ROOT && mkdirat(n->dir, n->name, 0700) < 0) {
		if (errno != EEXIST)
			return node_fail(n, errno, "make directory", err);
		if (fstatat(n->dir, n->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return node_fail(n, errno, "look at", err);
		if (!S_ISDIR(st.st_mode)) {
			r = clear_place(w, n, err);
			if (r == 0 && mkdirat(n->dir, n->name, 0700) < 0)
				r = node_fail(n, errno, "make directory", err);
			if (r < 0)
				return r;
		}
	}
	fd = openat(n->dir, n->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return node_fail(n, errno, "open directory", err);
	return node_finish(w, n, fd, err);
}

static int make_file(struct layer_walk *w, struct node *n, struct error *err)
{
	static const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_(closep) int fd = openat(n->dir, n->name, flags, 0600);
	int r;

	if (fd < 0 && errno == EEXIST) {
		r = clear_place(w, n, err);
		if (r < 0)
			return r;
		fd = openat(n->dir, n->name, flags, 0600);
	}
	if (fd < 0)
		return node_fail(n, errno, "make file", err);
	r = n->tar->body_size || n->tar->size ? node_write(w, n, fd, err) : 0;
	return r < 0 ? r : node_finish(w, n, fd, err);
}

/* Calls again where something stood there. */
static int make_by(struct layer_walk *w, struct node *n,
		   int (*make)(struct layer_walk *, struct node *), const char *what,
		   struct error *err)
{
	int r;

	if (make(w, n) == 0)
		return 0;
	if (errno == EEXIST) {
		r = clear_place(w, n, err);
		if (r < 0)
			return r;
		if (make(w, n) == 0)
			return 0;
	}
	return node_fail(n, errno, what, err);
}

static int call_symlink(struct layer_walk *w, struct node *n)
{
	(void)w;
	return symlinkat(n->tar->link, n->dir, n->name);
}

static int call_fifo(struct layer_walk *w, struct node *n)
{
	(void)w;
	return mkfifoat(n->dir, n->name, 0600);
}

static int call_device(struct layer_walk *w, struct node *n)
{
	mode_t type = n->entry->kind == INV_BLK ? S_IFBLK : S_IFCHR;

	(void)w;
	return mknodat(n->dir, n->name, type | 0600, makedev(n->tar->devmajor, n->tar->devminor));
}

/* An empty file that carries the description of a device, or a FIFO, in its override xattr: neither
 * takes a user.* xattr (xattr(7)). */
static int call_stand_in(struct layer_walk *w, struct node *n)
{
	_cleanup_(closep) int fd =
		openat(n->dir, n->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	(void)w;
	return fd < 0 ? -1 : 0;
}

static int make_device(struct layer_walk *w, struct node *n, struct error *err)
{
	bool stand_in = w->opts->owners->how == OWNERS_OVERRIDE;
	int r;

	if (!stand_in && !w->opts->devices) {
		w->counts->devices_left++;
		return 0;
	}
	r = make_by(w, n, stand_in ? call_stand_in : call_device, "make device", err);
	return r < 0 ? r : node_finish(w, n, -1, err);
}

/* The target's place, resolved beneath the root too: its parents may be links, it itself is not
 * followed. beneath keeps one parent, so that the node's own comes from a descriptor of its own. */
static int make_hardlink(struct layer_walk *w, struct node *n, struct error *err)
{
	_cleanup_(closep) int own = openat(n->dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct tar_entry *t = n->tar;
	char text[160];
	const char *target;
	bool escapes;
	int dir, r;

	if (own < 0)
		return node_fail(n, errno, "open the directory of", err);
	if (path_clean(&w->link, t->link, t->link_len, &escapes) < 0)
		return err_nomem(err);
	w->counts->confined += escapes;
	r = beneath_parent(w->beneath, buf_str(&w->link), w->link.len, NULL, NULL, &dir, &target,
			   err);
	if (r < 0)
		return r;
	if (r == 0 && linkat(dir, target, own, n->name, 0) < 0) {
		r = errno;
		if (r == EEXIST) {
			struct stat a, b;

			/* A name linked to itself stays. */
			if (fstatat(dir, target, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
			    fstatat(own, n->name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
			    a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
				r = 0;
			} else {
				r = beneath_remove(own, n->name, err);
				beneath_forget(w->beneath);
				if (r < 0)
					return r;
				r = linkat(dir, target, own, n->name, 0) < 0 ? errno : 0;
			}
		}
		if (r && r != ENOENT)
			return node_fail(n, r, "link", err);
	}
	if (r)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"hardlink '%.80s' to '%s', which is not there", n->entry->path,
				err_text(text, sizeof(text), t->link, t->link_len));
	n->dir = own;
	r = node_finish(w, n, -1, err);
	n->dir = -1;
	return r;
}

int node_make(struct layer_walk *w, struct node *n, struct error *err)
{
	int r;

	switch (n->entry->kind) {
	case INV_ROOT:
	case INV_DIR:
		return make_directory(w, n, err);
	case INV_REG:
		return make_file(w, n, err);
	case INV_SYMLINK:
		r = make_by(w, n, call_symlink, "make symbolic link", err);
		break;
	case INV_FIFO:
		r = make_by(w, n,
			    w->opts->owners->how == OWNERS_OVERRIDE ? call_stand_in : call_fifo,
			    "make FIFO", err);
		break;
	case INV_CHR:
	case INV_BLK:
		return make_device(w, n, err);
	case INV_HARDLINK:
		return make_hardlink(w, n, err);
	default:
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"'%.80s' is of a type that no engine knows", n->entry->path);
	}
	return r < 0 ? r : node_finish(w, n, -1, err);
}
