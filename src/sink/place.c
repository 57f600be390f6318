#include "sink/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/macro.h"

#define TRIES	  100 /* random names before we give up */
#define DEPTH_MAX 8   /* of a tree that is removed; a layout has three levels */

static int denied(const struct place *p, const char *why, struct error *err)
{
	return err_fail(err, ERR_DENIED, 0, "'%s' %s", p->path, why);
}

/* What stands under the name: 0 nothing, 1 something that may be replaced. */
static int look(const struct place *p, struct error *err)
{
	_cleanup_(closep) int dir = -1;
	struct stat st;

	if (fstatat(p->parent, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_fail(err, ERR_IO, errno, "stat '%s'", p->path);
	if (!p->replace)
		return denied(p, "exists: --replace overwrites it", err);
	if (S_ISLNK(st.st_mode))
		return denied(p, "is a symbolic link: name what it leads to", err);
	if (!p->directory)
		return S_ISREG(st.st_mode) ? 1 : denied(p, "is no regular file: it stays", err);
	if (!S_ISDIR(st.st_mode))
		return denied(p, "is no directory: it stays", err);
	dir = openat(p->parent, p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_fail(err, ERR_IO, errno, "open '%s'", p->path);
	return place_check_image(dir, p->path, err) < 0 ? -ERR_DENIED : 1;
}

/* Without the slashes at the end; the part behind the last slash is the name. */
static int split(struct place *p, const char *path, char **folder, struct error *err)
{
	size_t n = strlen(path);
	const char *slash, *name;

	while (n > 1 && path[n - 1] == '/')
		n--;
	p->path = strndup(path, n);
	if (!p->path)
		return err_nomem(err);
	slash = strrchr(p->path, '/');
	name = slash ? slash + 1 : p->path;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_fail(err, ERR_USAGE, 0, "'%s' is no name that can be given", p->path);
	p->name = strdup(name);
	*folder = !slash	     ? strdup(".")
		  : slash == p->path ? strdup("/")
				     : strndup(p->path, (size_t)(slash - p->path));
	return p->name && *folder ? 0 : err_nomem(err);
}

int place_open(struct place *p, const char *path, bool directory, bool replace, struct error *err)
{
	_cleanup_(freep) char *folder = NULL;
	int r;

	*p = (struct place){ .parent = -1, .directory = directory, .replace = replace };
	r = split(p, path, &folder, err);
	if (r < 0)
		return r;
	p->parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->parent < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_fail(err, ERR_NOT_FOUND, errno, "the folder of '%s'", p->path);
	if (p->parent < 0)
		return err_fail(err, ERR_IO, errno, "open the folder of '%s'", p->path);
	return MIN(look(p, err), 0);
}

static int try_make(struct place *p)
{
	if (!p->directory)
		return openat(p->parent, p->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (mkdirat(p->parent, p->partial, 0777) < 0)
		return -1;
	return openat(p->parent, p->partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int place_make(struct place *p, int *fd, struct error *err)
{
	size_t n = strlen(p->name) + sizeof(".partial-XXXXXXXX");

	p->partial = calloc(1, n);
	if (!p->partial)
		return err_nomem(err);
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			break;
		snprintf(p->partial, n, "%s.partial-%08x", p->name, random);
		*fd = try_make(p);
		if (*fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	/* Not ours to remove. */
	p->partial[0] = '\0';
	return err_fail(err, ERR_IO, errno, "make a file beside '%s'", p->path);
}

static void remove_below(int parent, const char *name, unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) < 0 && depth < DEPTH_MAX) {
			remove_below(fd, e->d_name, depth + 1);
			unlinkat(fd, e->d_name, AT_REMOVEDIR);
		}
	}
	closedir(d);
}

static void remove_partial(struct place *p)
{
	if (!p->partial || !*p->partial)
		return;
	if (p->directory)
		remove_below(p->parent, p->partial, 0);
	unlinkat(p->parent, p->partial, p->directory ? AT_REMOVEDIR : 0);
	p->partial[0] = '\0';
}

void place_close(struct place *p)
{
	if (p->parent >= 0) {
		remove_partial(p);
		close(p->parent);
	}
	free(p->path);
	free(p->name);
	free(p->partial);
	*p = (struct place){ .parent = -1 };
}

static int rename_by(const struct place *p, unsigned flags)
{
	return renameat2(p->parent, p->partial, p->parent, p->name, flags);
}

/* For file systems without RENAME_NOREPLACE: a link never replaces, and a directory is renamed over
 * an empty one at most. */
static int rename_new_plainly(const struct place *p)
{
	if (p->directory)
		return rename_by(p, 0);
	if (linkat(p->parent, p->partial, p->parent, p->name, 0) < 0)
		return -1;
	unlinkat(p->parent, p->partial, 0);
	return 0;
}

static int rename_new(struct place *p, struct error *err)
{
	int r = rename_by(p, RENAME_NOREPLACE);

	if (r < 0 && (errno == EINVAL || errno == ENOSYS))
		r = rename_new_plainly(p);
	if (r == 0) {
		p->partial[0] = '\0';
		return 0;
	}
	if (errno == EEXIST || errno == ENOTEMPTY)
		return denied(p, "has appeared meanwhile", err);
	return err_fail(err, ERR_IO, errno, "rename to '%s'", p->path);
}

/* A file is replaced by its rename; two directories change names, and the old one goes. */
static int rename_over(struct place *p, struct error *err)
{
	if (rename_by(p, p->directory ? RENAME_EXCHANGE : 0) == 0) {
		if (!p->directory)
			p->partial[0] = '\0';
		return 0;
	}
	if (errno == EINVAL || errno == ENOSYS)
		return err_fail(err, ERR_IO, errno,
				"this file system cannot exchange '%s' at once; remove it first",
				p->path);
	return err_fail(err, ERR_IO, errno, "rename to '%s'", p->path);
}

int place_commit(struct place *p, struct error *err)
{
	int r = look(p, err);

	if (r < 0)
		return r;
	r = r ? rename_over(p, err) : rename_new(p, err);
	if (r < 0)
		return r;
	if (fsync(p->parent) < 0 && errno != EINVAL)
		return err_fail(err, ERR_IO, errno, "sync the folder of '%s'", p->path);
	remove_partial(p);
	return 0;
}
