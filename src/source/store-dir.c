/* A directory as a store. Names come from documents that the layout itself holds, so that they are
 * taken apart and each part is opened beneath the one before, none through a symbolic link.
 */
#include "source/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "source/members.h"

struct store_dir {
	struct store base;
	int fd;
};

/* 0 with *fd open, 1 where it is not there. O_NONBLOCK: a FIFO in place of a blob must not block.
 */
static int open_beneath(const struct store_dir *d, const char *name, int *out, struct stat *st,
			struct error *err)
{
	char part[MEMBER_NAME_MAX + 1];
	_cleanup_(closep) int dir = -1;
	_cleanup_(closep) int fd = -1;
	const char *slash;

	for (const char *p = name;; p = slash + 1) {
		int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

		slash = strchr(p, '/');
		memcpy(part, p, slash ? (size_t)(slash - p) : strlen(p) + 1);
		if (slash)
			part[slash - p] = '\0';
		fd = openat(dir < 0 ? d->fd : dir, part, flags | (slash ? O_DIRECTORY : 0));
		if (fd < 0 && errno == ENOENT)
			return 1;
		if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
			return err_fail(err, ERR_BAD_INPUT, 0,
					"'%s' lies behind a symbolic link: a layout's blobs are "
					"regular files in it",
					name);
		if (fd < 0)
			return err_fail(err, ERR_IO, errno, "open '%s'", name);
		if (!slash)
			break;
		closep(&dir);
		dir = fd;
		fd = -1;
	}
	if (fstat(fd, st) < 0)
		return err_fail(err, ERR_IO, errno, "stat '%s'", name);
	if (!S_ISREG(st->st_mode))
		return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is no regular file", name);
	*out = fd;
	fd = -1;
	return 0;
}

static int dir_find(struct store *st, const char *name, struct stored *out, struct error *err)
{
	struct store_dir *d = (struct store_dir *)st;
	_cleanup_(closep) int fd = -1;
	struct stat sb;
	int r;

	if (!member_clean(out->name, name, strlen(name)))
		return 1;
	r = open_beneath(d, out->name, &fd, &sb, err);
	if (r)
		return r;
	out->size = (uint64_t)sb.st_size;
	out->layer = true;
	return 0;
}

static int dir_open(struct store *st, const char *name, struct stream **out, struct error *err)
{
	struct store_dir *d = (struct store_dir *)st;
	char clean[MEMBER_NAME_MAX + 1];
	_cleanup_(closep) int fd = -1;
	struct stat sb;
	int r = 1;

	if (member_clean(clean, name, strlen(name)))
		r = open_beneath(d, clean, &fd, &sb, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "'%s' is gone", name);
	if (r == 0)
		r = stream_open_range(out, fd, true, 0, (uint64_t)sb.st_size, err);
	if (r == 0)
		fd = -1;
	return r;
}

static void dir_close(struct store *st)
{
	struct store_dir *d = (struct store_dir *)st;

	close(d->fd);
	free(d);
}

static const struct store_ops dir_ops = { .find = dir_find, .open = dir_open, .close = dir_close };

int store_dir_open(struct store **out, const char *path, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store_dir *d;

	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'",
				path);
	d = malloc(sizeof(*d));
	if (!d)
		return err_nomem(err);
	*d = (struct store_dir){ .base = { &dir_ops }, .fd = fd };
	fd = -1;
	*out = &d->base;
	return 0;
}
