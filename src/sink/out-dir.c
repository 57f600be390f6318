#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "sink/out.h"

struct out_dir {
	struct out base;
	struct place place;
	int dir, fd;
};

/* A blob before its digest is known. */
#define UNNAMED "unnamed"

static struct out_dir *of(struct out *o)
{
	return (struct out_dir *)o;
}

static int dir_begin(struct out *o, const char *name, uint64_t size, struct error *err)
{
	struct out_dir *d = of(o);

	(void)name;
	(void)size;
	d->fd = openat(d->dir, UNNAMED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return d->fd >= 0 ? 0 : err_fail(err, ERR_IO, errno, "make a file in '%s'", d->place.path);
}

static int dir_write(struct out *o, const void *bytes, size_t n, struct error *err)
{
	return out_write(of(o)->fd, -1, bytes, n, of(o)->place.path, err);
}

static void close_file(struct out_dir *d)
{
	closep(&d->fd);
	d->fd = -1;
}

/* blobs/ and blobs/sha256/, where they are not there. */
static int make_folders(const struct out_dir *d, const char *name, struct error *err)
{
	char part[OUT_NAME_MAX];

	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		memcpy(part, name, (size_t)(slash - name));
		part[slash - name] = '\0';
		if (mkdirat(d->dir, part, 0777) < 0 && errno != EEXIST)
			return err_fail(err, ERR_IO, errno, "make '%s' in '%s'", part,
					d->place.path);
	}
	return 0;
}

static int dir_end(struct out *o, const char *name, struct error *err)
{
	struct out_dir *d = of(o);
	int r = make_folders(d, name, err);

	if (r == 0 && fsync(d->fd) < 0)
		r = err_fail(err, ERR_IO, errno, "write '%s'", d->place.path);
	if (r == 0 && renameat(d->dir, UNNAMED, d->dir, name) < 0)
		r = err_fail(err, ERR_IO, errno, "rename to '%s' in '%s'", name, d->place.path);
	close_file(d);
	return r;
}

static int dir_drop(struct out *o, struct error *err)
{
	struct out_dir *d = of(o);

	close_file(d);
	if (unlinkat(d->dir, UNNAMED, 0) < 0)
		return err_fail(err, ERR_IO, errno, "remove a file from '%s'", d->place.path);
	return 0;
}

static int dir_commit(struct out *o, struct error *err)
{
	static const char *const folders[] = { "blobs/sha256", "blobs/sha512", "blobs", "." };
	struct out_dir *d = of(o);

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_(closep) int fd =
			openat(d->dir, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
			return err_fail(err, ERR_IO, errno, "sync '%s'", d->place.path);
	}
	return place_commit(&d->place, err);
}

static void dir_close(struct out *o)
{
	struct out_dir *d = of(o);

	closep(&d->fd);
	closep(&d->dir);
	place_close(&d->place);
	free(d);
}

static const struct out_ops dir_ops = { dir_begin, dir_write,  dir_end,
					dir_drop,  dir_commit, dir_close };

int out_dir_open(struct out **out, const char *path, bool replace, struct error *err)
{
	struct out_dir *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_nomem(err);
	d->base.ops = &dir_ops;
	d->dir = d->fd = -1;
	r = place_open(&d->place, path, true, replace, err);
	if (r == 0)
		r = place_make(&d->place, &d->dir, err);
	if (r < 0)
		dir_close(&d->base);
	else
		*out = &d->base;
	return r;
}
