/* What an entry says of itself, in the order in which it lasts: chown(2) takes set-id bits and
 * capabilities, chmod(2) changes an ACL's mask, and every write changes the time. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tar/xattr.h"
#include "unpack/internal.h"

static bool is_link(const struct node *n)
{
	struct stat st;

	if (n->entry->kind != INV_HARDLINK)
		return n->entry->kind == INV_SYMLINK;
	return fstatat(n->dir, n->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static int set_owner(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	enum owners_how how = w->opts->owners->how;
	int r;

	if (how == OWNERS_OVERRIDE || how == OWNERS_DROP)
		return 0;
	r = fd >= 0 ? fchown(fd, n->owner.uid, n->owner.gid)
		    : fchownat(n->dir, n->name, n->owner.uid, n->owner.gid, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? node_fail(n, errno, "change the owner of", err) : 0;
}

/* A node of no descriptor by way of /proc: fchmodat(2) cannot leave a link unfollowed. */
static int set_mode(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	unsigned mode = n->mode;
	int r;

	/* Set-id bits would be the process's own user's. */
	if (w->opts->owners->how == OWNERS_OVERRIDE || w->opts->owners->how == OWNERS_DROP)
		mode = (mode & 0777) | (n->entry->kind == INV_DIR ? 0700 : 0600);
	if (fd >= 0) {
		r = fchmod(fd, mode);
	} else {
		_cleanup_(closep) int path =
			openat(n->dir, n->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		char proc[40];

		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path);
		r = path < 0 ? -1 : chmod(proc, mode);
	}
	return r < 0 ? node_fail(n, errno, "change the mode of", err) : 0;
}

static int set_xattr(const struct node *n, int fd, const char *name, const struct buf *value)
{
	char proc[64 + NAME_MAX];

	if (fd >= 0)
		return fsetxattr(fd, name, value->data ? (const void *)value->data : "", value->len,
				 0);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", n->dir, n->name);
	return lsetxattr(proc, name, value->data ? (const void *)value->data : "", value->len, 0);
}

/* Engines go on where a file system has no such xattrs, and where they may not write one. */
static bool may_go_without(int sys)
{
	return sys == ENOTSUP || sys == EPERM || sys == EACCES;
}

/* An ACL or a capability whose id has no place in the map: left out where the engine goes on. */
static bool may_leave(const struct layer_walk *w, const struct tar_xattr *x)
{
	const struct engine *e = w->opts->engine;
	enum outcome outcome;

	if (!e)
		return false;
	outcome = xattr_is_acl(x->name, x->name_len) ? e->acl_outcome : e->capability_outcome;
	return outcome != OUTCOME_ERROR;
}

/* Where files have no owners of their own, the ids of an ACL would be strangers', and a capability
 * that no namespace bounds the host's. */
static bool is_strangers(const struct owners *o, const struct tar_xattr *x)
{
	if (o->how != OWNERS_OVERRIDE && o->how != OWNERS_DROP)
		return false;
	return xattr_is_acl(x->name, x->name_len) ||
	       (!o->inside && xattr_is_capability(x->name, x->name_len));
}

static int set_xattrs(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	for (size_t i = 0; i < n->tar->xattr_count; i++) {
		const struct tar_xattr *x = &n->tar->xattrs[i];
		int r;

		if (is_strangers(w->opts->owners, x)) {
			w->counts->xattrs_left++;
			continue;
		}
		buf_clear(&w->value);
		r = owners_xattr(&w->value, w->opts->owners, x->name, x->name_len, x->value,
				 x->value_len, err);
		if (r == -ERR_DENIED && may_leave(w, x)) {
			w->counts->xattrs_left++;
			continue;
		}
		if (r < 0)
			return r;
		if (r > 0) {
			w->counts->forged++;
			continue;
		}
		if (set_xattr(n, fd, x->name, &w->value) == 0)
			continue;
		if (!may_go_without(errno)) {
			char what[120], text[80];

			snprintf(what, sizeof(what), "set %s of",
				 err_text(text, sizeof(text), x->name, x->name_len));
			return node_fail(n, errno, what, err);
		}
		w->counts->xattrs_left++;
	}
	return 0;
}

static int set_override(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	static const char *const types[INV_KIND_COUNT] = {
		[INV_REG] = "file",
		[INV_DIR] = "dir",
		[INV_ROOT] = "dir",
		[INV_FIFO] = "pipe",
	};
	const char *type = types[n->entry->kind];
	char device[64];

	if (w->opts->owners->how != OWNERS_OVERRIDE || is_link(n))
		return 0;
	if (n->entry->kind == INV_CHR || n->entry->kind == INV_BLK) {
		snprintf(device, sizeof(device), "%s-%u-%u",
			 n->entry->kind == INV_CHR ? "char" : "block", n->tar->devmajor,
			 n->tar->devminor);
		type = device;
	}
	if (!type) /* a hardlink: its target has one */
		return 0;
	buf_clear(&w->value);
	if (buf_printf(&w->value, "%u:%u:0%o:%s", n->owner.uid, n->owner.gid, n->mode, type))
		return err_nomem(err);
	if (set_xattr(n, fd, OWNERS_OVERRIDE_XATTR, &w->value) == 0)
		return 0;
	return node_fail(n, errno, "keep the owner (" OWNERS_OVERRIDE_XATTR ") of", err);
}

static int keep_time(struct layer_walk *w, const struct node *n, struct error *err)
{
	_cleanup_(buf_freep) struct buf record = { 0 };
	const struct inv_entry *e = n->entry;
	int64_t seconds = n->tar->mtime;
	uint32_t nsec = n->tar->mtime_nsec, len = (uint32_t)e->path_len;

	if (buf_append(&record, &seconds, sizeof(seconds)) ||
	    buf_append(&record, &nsec, sizeof(nsec)) || buf_append(&record, &len, sizeof(len)) ||
	    buf_append(&record, e->path, len))
		return err_nomem(err);
	return spool_append(w->times, record.data, record.len, err);
}

static int set_time(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	const struct timespec t[2] = {
		{ .tv_sec = n->tar->mtime, .tv_nsec = n->tar->mtime_nsec },
		{ .tv_sec = n->tar->mtime, .tv_nsec = n->tar->mtime_nsec },
	};
	int r;

	if (n->entry->kind == INV_DIR || n->entry->kind == INV_ROOT)
		return keep_time(w, n, err);
	r = fd >= 0 ? futimens(fd, t) : utimensat(n->dir, n->name, t, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? node_fail(n, errno, "set the time of", err) : 0;
}

int node_finish(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	bool link = is_link(n);
	int r;

	/* Where an engine passes over the root's entry, or takes a hardlink as a name and no more,
	 * the whole header is passed over. */
	if (!n->owned && (n->entry->kind == INV_HARDLINK || n->entry->kind == INV_ROOT))
		return 0;
	r = n->owned ? set_owner(w, n, fd, err) : 0;
	if (r == 0 && !link)
		r = set_mode(w, n, fd, err);
	if (r == 0)
		r = set_xattrs(w, n, fd, err);
	if (r == 0)
		r = set_override(w, n, fd, err);
	return r < 0 ? r : set_time(w, n, fd, err);
}

static int read_time(struct spool_reader *in, struct timespec *t, char *path, size_t *len,
		     struct error *err)
{
	const uint8_t *bytes;
	int64_t seconds;
	uint32_t nsec, n;
	size_t got;
	int r = spool_peek(in, 16, &bytes, &got, err);

	if (r < 0 || !got)
		return r < 0 ? r : 1;
	memcpy(&seconds, bytes, 8);
	memcpy(&nsec, bytes + 8, 4);
	memcpy(&n, bytes + 12, 4);
	spool_advance(in, 16);
	*t = (struct timespec){ .tv_sec = seconds, .tv_nsec = nsec };
	r = spool_peek(in, n, &bytes, &got, err);
	if (r < 0)
		return r;
	*len = n < PATH_MAX ? n : 0;
	memcpy(path, bytes, *len);
	path[*len] = '\0';
	spool_advance(in, n);
	return 0;
}

/* Where the directory is there no more, or is none now, nothing is to be set. */
static int set_directory_time(struct beneath *b, const char *path, size_t len,
			      const struct timespec *t, struct error *err)
{
	const struct timespec both[2] = { *t, *t };
	_cleanup_(closep) int fd = -1;
	const char *name;
	struct error gone;
	int dir;

	if (beneath_parent(b, path, len, NULL, NULL, &dir, &name, &gone) != 0)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;
	return futimens(fd, both) < 0
		       ? err_fail(err, ERR_IO, errno, "set the time of '%.100s'", path)
		       : 0;
}

int unpack_times(int root, struct spool *times, bool walk, struct error *err)
{
	_cleanup_(beneath_closep) struct beneath *b = NULL;
	struct spool_reader in;
	int r = spool_seal(times, err);

	if (r == 0)
		r = beneath_open(&b, root, walk, err);
	if (r < 0)
		return r;
	spool_reader_init(&in, times);
	while (r == 0) {
		char path[PATH_MAX];
		struct timespec t;
		size_t len;

		r = read_time(&in, &t, path, &len, err);
		if (r == 0)
			r = set_directory_time(b, path, len, &t, err);
	}
	spool_reader_done(&in);
	return MIN(r, 0);
}
