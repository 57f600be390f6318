#include "source/rootfs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "source/rootfs-walk.h"
#include "tar/reader.h"
#include "tar/write.h"

#define FILL_TARGET (64 * 1024) /* headers made at once */
#define ZEROS_INLINE                                                                               \
	4096 /* a body up to this is written among the headers: cheaper than a block of its own */
#define XATTR_VALUE_MAX 65536 /* XATTR_SIZE_MAX of linux/limits.h */

/* The first path of each inode that has several. Open addressing; a slot with path NULL is free. */
struct links {
	struct link_slot {
		dev_t dev;
		ino_t ino;
		char *path;
	} * slots;
	size_t count, size; /* size: a power of two */
};

struct rootfs {
	struct stream base;
	struct rootfs_walk walk;
	const struct limits *limits;
	struct notes *notes;
	struct links links;
	struct buf out; /* headers and small bodies, not yet handed out from pos on */
	size_t pos;
	uint64_t zeros; /* that follow them: a body that is not read */
	struct buf xattrs, link, name;
	bool ended;
};

static size_t link_hash(const struct links *l, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino ^ ((uint64_t)dev << 40)) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 20) & (l->size - 1);
}

static struct link_slot *link_slot(const struct links *l, dev_t dev, ino_t ino)
{
	size_t i = link_hash(l, dev, ino);

	while (l->slots[i].path && (l->slots[i].dev != dev || l->slots[i].ino != ino))
		i = (i + 1) & (l->size - 1);
	return &l->slots[i];
}

static int links_grow(struct links *l, struct error *err)
{
	struct links more = { .count = l->count, .size = l->size ? 2 * l->size : 64 };

	if (l->size && l->count < l->size / 2)
		return 0;
	more.slots = calloc(more.size, sizeof(*more.slots));
	if (!more.slots)
		return err_nomem(err);
	for (size_t i = 0; i < l->size; i++)
		if (l->slots[i].path)
			*link_slot(&more, l->slots[i].dev, l->slots[i].ino) = l->slots[i];
	free(l->slots);
	*l = more;
	return 0;
}

/* *first is the path under which the inode was met before, or NULL: then it is remembered. */
static int links_meet(struct links *l, const struct stat *st, const char *path, const char **first,
		      struct error *err)
{
	struct link_slot *slot;
	int r = links_grow(l, err);

	if (r < 0)
		return r;
	slot = link_slot(l, st->st_dev, st->st_ino);
	*first = slot->path;
	if (slot->path)
		return 0;
	*slot = (struct link_slot){ st->st_dev, st->st_ino, strdup(path) };
	l->count += slot->path != NULL;
	return slot->path ? 0 : err_nomem(err);
}

static const char *const wanted_xattrs[] = {
	"system.posix_acl_access",
	"system.posix_acl_default",
	"security.capability",
};

static int one_xattr(struct rootfs *f, const char *path, const char *name, struct error *err)
{
	uint8_t value[XATTR_VALUE_MAX];
	char key[64];
	ssize_t n = lgetxattr(path, name, value, sizeof(value));

	if (n < 0 && (errno == ENODATA || errno == ENOTSUP))
		return 0;
	if (n < 0)
		return rootfs_walk_fail(&f->walk, errno, "read the extended attributes of", err);
	snprintf(key, sizeof(key), "SCHILY.xattr.%s", name);
	return tar_write_record(&f->xattrs, key, value, (size_t)n) ? err_nomem(err) : 0;
}

/* No system call takes a directory's descriptor and a name; the path through /proc is the same
 * thing. */
static int read_xattrs(struct rootfs *f, struct error *err)
{
	char path[320], list[XATTR_VALUE_MAX];
	const char *name;
	ssize_t n;
	int dir = rootfs_walk_parent(&f->walk, &name), r = 0;

	buf_clear(&f->xattrs);
	if (S_ISLNK(f->walk.st.st_mode)) /* a link has neither an ACL nor capabilities */
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	n = llistxattr(path, list, sizeof(list));
	if (n < 0 && errno != ENOTSUP)
		return rootfs_walk_fail(&f->walk, errno, "read the extended attributes of", err);
	for (ssize_t at = 0; r == 0 && at < n; at += (ssize_t)strlen(list + at) + 1)
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wanted_xattrs); i++)
			if (strcmp(list + at, wanted_xattrs[i]) == 0)
				r = one_xattr(f, path, wanted_xattrs[i], err);
	return r;
}

static int read_link(struct rootfs *f, struct error *err)
{
	const char *name;
	int dir = rootfs_walk_parent(&f->walk, &name);
	ssize_t n;

	buf_clear(&f->link);
	if (buf_reserve(&f->link, 4096))
		return err_nomem(err);
	n = readlinkat(dir, name, (char *)f->link.data, 4096); /* PATH_MAX */
	if (n < 0)
		return rootfs_walk_fail(&f->walk, errno, "read the link", err);
	f->link.len = (size_t)n;
	f->link.data[n] = '\0';
	return 0;
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_small_file(const struct rootfs *f)
{
	const char *name;

	rootfs_walk_parent(&f->walk, &name);
	return (uint64_t)f->walk.st.st_size <= f->limits->v[LIMIT_SMALL_FILE] &&
	       (ends_in(name, "passwd") || ends_in(name, "group"));
}

/* Fewer blocks than bytes is a hole, or compression: only the file system knows. */
static int has_holes(struct rootfs *f, bool *sparse, struct error *err)
{
	const struct stat *st = &f->walk.st;
	_cleanup_(closep) int fd = -1;
	off_t hole;
	int r;

	*sparse = false;
	if (st->st_blocks >= (st->st_size + 511) / 512 || st->st_size <= ZEROS_INLINE)
		return 0;
	r = rootfs_walk_file(&f->walk, &fd, err);
	if (r < 0)
		return r;
	hole = lseek(fd, 0, SEEK_HOLE);
	*sparse = hole >= 0 ? hole < st->st_size : st->st_blocks == 0;
	return 0;
}

static int small_body(struct rootfs *f, struct error *err)
{
	size_t left = (size_t)f->walk.st.st_size;
	_cleanup_(closep) int fd = -1;
	int r = rootfs_walk_file(&f->walk, &fd, err);

	if (r < 0)
		return r;
	if (buf_reserve(&f->out, left + TAR_BLOCK))
		return err_nomem(err);
	while (left) {
		ssize_t n = read(fd, f->out.data + f->out.len, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return rootfs_walk_fail(&f->walk, n < 0 ? errno : 0,
						n < 0 ? "read" : "shrank while it was read:", err);
		f->out.len += (size_t)n;
		left -= (size_t)n;
	}
	return tar_write_pad(&f->out) ? err_nomem(err) : 0;
}

/* Zero bytes in place of a body, to the end of its last block. */
static int zero_body(struct rootfs *f, uint64_t size, struct error *err)
{
	uint64_t whole = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;

	if (whole > ZEROS_INLINE) {
		f->zeros = whole;
		return 0;
	}
	if (buf_reserve(&f->out, (size_t)whole))
		return err_nomem(err);
	memset(f->out.data + f->out.len, 0, (size_t)whole);
	f->out.len += (size_t)whole;
	return 0;
}

static int emit_regular(struct rootfs *f, struct tar_new *e, struct error *err)
{
	bool small = is_small_file(f);
	int r = small ? 0 : has_holes(f, &e->sparse, err);

	if (r < 0)
		return r;
	e->size = e->sparse ? 0 : (uint64_t)f->walk.st.st_size;
	r = tar_write_header(&f->out, e, err);
	if (r < 0 || !e->size)
		return r;
	return small ? small_body(f, err) : zero_body(f, e->size, err);
}

/* What stat's type is in tar; 0 for a socket. */
static char tar_type(mode_t mode)
{
	static const struct {
		mode_t mode;
		char type;
	} types[] = {
		{ S_IFREG, TAR_REG }, { S_IFDIR, TAR_DIR }, { S_IFLNK, TAR_SYMLINK },
		{ S_IFCHR, TAR_CHR }, { S_IFBLK, TAR_BLK }, { S_IFIFO, TAR_FIFO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].mode)
			return types[i].type;
	return 0;
}

static int emit(struct rootfs *f, struct error *err)
{
	const struct stat *st = &f->walk.st;
	struct tar_new e = { .name = buf_str(&f->walk.path),
			     .type = tar_type(st->st_mode),
			     .link = "",
			     .mode = st->st_mode & 07777,
			     .uid = (int64_t)st->st_uid,
			     .gid = (int64_t)st->st_gid,
			     .mtime = st->st_mtim.tv_sec,
			     .sparse_size = st->st_size,
			     .devmajor = major(st->st_rdev),
			     .devminor = minor(st->st_rdev),
			     .records = &f->xattrs };
	const char *first = NULL;
	int r;

	if (!e.type) {
		char text[200];

		notes_add(f->notes, "socket '%s' left out, as tar does",
			  err_text(text, sizeof(text), e.name, strlen(e.name)));
		return 0;
	}
	r = read_xattrs(f, err);
	if (r == 0 && e.type != TAR_DIR && st->st_nlink > 1)
		r = links_meet(&f->links, st, e.name, &first, err);
	if (r == 0 && e.type == TAR_SYMLINK)
		r = read_link(f, err);
	if (r < 0)
		return r;
	if (first) {
		e.type = TAR_HARDLINK;
		e.link = first;
	} else if (e.type == TAR_SYMLINK) {
		e.link = buf_str(&f->link);
	} else if (e.type == TAR_REG) {
		return emit_regular(f, &e, err);
	} else if (e.type == TAR_DIR) {
		buf_clear(&f->name);
		if (buf_printf(&f->name, "%s/", e.name))
			return err_nomem(err);
		e.name = buf_str(&f->name);
	}
	return tar_write_header(&f->out, &e, err);
}

/* Makes headers until there are enough, or a body comes that is not written out. */
static int fill(struct rootfs *f, struct error *err)
{
	static const uint8_t end[2 * TAR_BLOCK];

	buf_clear(&f->out);
	f->pos = 0;
	while (!f->ended && !f->zeros && f->out.len < FILL_TARGET) {
		int r = rootfs_walk_next(&f->walk, err);

		if (r == 1) {
			f->ended = true;
			return buf_append(&f->out, end, sizeof(end)) ? err_nomem(err) : 0;
		}
		if (r == 0)
			r = emit(f, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int rootfs_next(struct stream *s, struct block **out, struct error *err)
{
	static const uint8_t zeros[BLOCK_SIZE];
	struct rootfs *f = (struct rootfs *)s;
	size_t n;
	int r;

	if (f->pos == f->out.len && !f->zeros) {
		r = fill(f, err);
		if (r < 0)
			return r;
	}
	if (f->pos == f->out.len && f->zeros) {
		n = (size_t)MIN(f->zeros, (uint64_t)BLOCK_SIZE);
		*out = block_borrow(zeros, n);
		f->zeros -= *out ? n : 0;
		return *out ? 0 : err_nomem(err);
	}
	if (f->pos == f->out.len)
		return 1;
	*out = block_new();
	if (!*out)
		return err_nomem(err);
	n = MIN(f->out.len - f->pos, (size_t)BLOCK_SIZE);
	memcpy((*out)->buffer, f->out.data + f->pos, n);
	(*out)->len = n;
	f->pos += n;
	return 0;
}

/* Only bodies that are not read can be passed over. */
static int rootfs_skip(struct stream *s, uint64_t n, uint64_t *skipped, _unused_ struct error *err)
{
	struct rootfs *f = (struct rootfs *)s;

	if (f->pos < f->out.len)
		return 0;
	*skipped = MIN(n, f->zeros);
	f->zeros -= *skipped;
	return 0;
}

static void rootfs_close(struct stream *s)
{
	struct rootfs *f = (struct rootfs *)s;

	rootfs_walk_close(&f->walk);
	for (size_t i = 0; i < f->links.size; i++)
		free(f->links.slots[i].path);
	free(f->links.slots);
	buf_free(&f->out);
	buf_free(&f->xattrs);
	buf_free(&f->link);
	buf_free(&f->name);
	free(f);
}

static const struct stream_ops rootfs_ops = { rootfs_next, rootfs_skip, rootfs_close };

int rootfs_stream_open(struct stream **out, const char *dir, const struct limits *limits,
		       struct notes *notes, struct error *err)
{
	struct rootfs *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_nomem(err);
	f->base.ops = &rootfs_ops;
	f->limits = limits;
	f->notes = notes;
	r = rootfs_walk_open(&f->walk, dir, limits, notes, err);
	if (r < 0) {
		free(f);
		return r;
	}
	*out = &f->base;
	return 0;
}
