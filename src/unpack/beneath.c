#include "unpack/beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/buf.h"

#define LINKS_MAX  40 /* of one path, as the kernel's MAXSYMLINKS */
#define TRIES	   64 /* openat2 says EAGAIN where a rename ran beside it */
#define PATH_SHOWN 160

struct beneath {
	int fd;
	bool walk;
	int parent;	 /* the last one, or -1: the root itself */
	struct buf path; /* of parent */
	bool have;
};

static int try_openat2(int dir, const char *path, uint64_t flags)
{
	const struct open_how how = { .flags = flags,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int beneath_open(struct beneath **out, int fd, bool walk, struct error *err)
{
	struct beneath *b = calloc(1, sizeof(*b));
	int probe;

	if (!b)
		return err_nomem(err);
	b->fd = fd;
	b->parent = -1;
	b->walk = walk;
	if (!walk) {
		probe = try_openat2(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* ENOSYS before 5.6; EPERM from seccomp profiles that do not know it. */
		b->walk = probe < 0;
		closep(&probe);
	}
	*out = b;
	return 0;
}

void beneath_close(struct beneath *b)
{
	if (!b)
		return;
	closep(&b->parent);
	buf_free(&b->path);
	free(b);
}

bool beneath_walks(const struct beneath *b)
{
	return b->walk;
}

void beneath_forget(struct beneath *b)
{
	b->have = false;
}

/* The fallback: real is the path so far without links or "..", left what is still to be walked. */
struct walk {
	int root, at; /* at is root, or owned */
	struct buf real, left;
	size_t links, pos;
};

static void walk_done(struct walk *w)
{
	if (w->at != w->root)
		closep(&w->at);
	buf_free(&w->real);
	buf_free(&w->left);
}

static void walk_to(struct walk *w, int fd)
{
	if (w->at != w->root)
		closep(&w->at);
	w->at = fd;
}

/* Opens real anew from the root: its parts were directories when they were walked. */
static int walk_again(struct walk *w)
{
	char *save = NULL, *copy, *part;
	int at = w->root;

	copy = strdup(buf_str(&w->real));
	if (!copy)
		return -ENOMEM;
	for (part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		int next = openat(at, part, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);

		if (at != w->root)
			closep(&at);
		if (next < 0) {
			free(copy);
			return -errno;
		}
		at = next;
	}
	free(copy);
	walk_to(w, at);
	return 0;
}

static int walk_up(struct walk *w)
{
	const char *slash = strrchr(buf_str(&w->real), '/');

	if (!w->real.len)
		return 0; /* the root's parent is the root */
	w->real.len = slash ? (size_t)(slash - buf_str(&w->real)) : 0;
	w->real.data[w->real.len] = '\0';
	return walk_again(w);
}

/* The link's text takes the place of its name. */
static int walk_link(struct walk *w, int link)
{
	_cleanup_(buf_freep) struct buf left = { 0 };
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text));

	if (n < 0)
		return -errno;
	if ((size_t)n >= sizeof(text) || ++w->links > LINKS_MAX)
		return -ELOOP;
	if (buf_append(&left, text, (size_t)n) || buf_append_str(&left, "/") ||
	    buf_append_str(&left, buf_str(&w->left) + w->pos))
		return -ENOMEM;
	buf_free(&w->left);
	w->left = left;
	left = (struct buf){ 0 };
	w->pos = 0;
	if (text[0] == '/') {
		buf_clear(&w->real);
		walk_to(w, w->root);
	}
	return 0;
}

static int walk_part(struct walk *w, const char *part)
{
	int fd = openat(w->at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && S_ISLNK(st.st_mode)) {
		r = walk_link(w, fd);
	} else if (r == 0 && !S_ISDIR(st.st_mode)) {
		r = -ENOTDIR;
	} else if (r == 0) {
		walk_to(w, fd);
		if ((w->real.len && buf_append_str(&w->real, "/")) ||
		    buf_append_str(&w->real, part))
			return -ENOMEM;
		return 0;
	}
	closep(&fd);
	return r;
}

static int walk_open(int root, const char *path)
{
	_cleanup_(walk_done) struct walk w = { .root = root, .at = root };
	int fd;

	if (buf_append_str(&w.left, path))
		return -ENOMEM;
	while (w.left.data[w.pos]) {
		char part[NAME_MAX + 1];
		const char *at = buf_str(&w.left) + w.pos;
		size_t n = strcspn(at, "/");
		int r = 0;

		w.pos += n + (at[n] == '/');
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(part, at, n);
		part[n] = '\0';
		if (n == 2 && memcmp(part, "..", 2) == 0)
			r = walk_up(&w);
		else if (n && strcmp(part, ".") != 0)
			r = walk_part(&w, part);
		if (r < 0)
			return r;
	}
	if (w.at == w.root) {
		fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	fd = w.at;
	w.at = w.root;
	return fd;
}

/* A directory by its path, or -errno. */
static int open_dir(const struct beneath *b, const char *path)
{
	int fd = -1;

	if (b->walk)
		return walk_open(b->fd, path);
	for (unsigned i = 0; i < TRIES; i++) {
		fd = try_openat2(b->fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static int fail(int sys, const char *path, size_t len, struct error *err)
{
	char text[PATH_SHOWN];
	const char *shown = err_text(text, sizeof(text), path, len);

	if (sys == ENOTDIR || sys == ELOOP || sys == ENOENT || sys == ENAMETOOLONG)
		return err_fail(err, ERR_BAD_INPUT, sys, "directory '%s'", shown);
	return sys == ENOMEM ? err_nomem(err) : err_fail(err, ERR_IO, sys, "open '%s'", shown);
}

/* The directory of path, made where it is not there; its parents first. The depth is that of a path
 * of at most limit tar-name bytes, so the parts are made from the top in a loop. */
static int make_dirs(struct beneath *b, const char *path, size_t len, beneath_made_fn *made,
		     void *ctx, struct error *err)
{
	_cleanup_(closep) int at = -1;
	int fd = -1;

	at = openat(b->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_fail(err, ERR_IO, errno, "open the root directory");
	for (size_t end = 0; end < len;) {
		char prefix[PATH_MAX], name[NAME_MAX + 1];
		size_t from = end + (end != 0), n = strcspn(path + from, "/");
		int r;

		n = MIN(n, len - from);
		end = from + n;
		if (end >= sizeof(prefix) || n > NAME_MAX)
			return fail(ENAMETOOLONG, path, end, err);
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		memcpy(name, path + from, n);
		name[n] = '\0';
		fd = open_dir(b, prefix);
		if (fd == -ENOENT) {
			/* A link that leads nowhere is there all the same: EEXIST. */
			if (mkdirat(at, name, 0755) < 0)
				return fail(errno == EEXIST ? ENOENT : errno, path, end, err);
			r = made(ctx, at, name, err);
			if (r < 0)
				return r;
			fd = open_dir(b, prefix);
		}
		if (fd < 0)
			return fail(-fd, path, end, err);
		closep(&at);
		at = fd;
	}
	b->parent = at;
	at = -1;
	return 0;
}

static int open_parent(struct beneath *b, const char *path, size_t len, beneath_made_fn *made,
		       void *ctx, struct error *err)
{
	int fd;

	beneath_forget(b);
	closep(&b->parent);
	b->parent = -1;
	buf_clear(&b->path);
	if (buf_append(&b->path, path, len))
		return err_nomem(err);
	if (len >= PATH_MAX)
		return fail(ENAMETOOLONG, path, len, err);
	fd = open_dir(b, buf_str(&b->path));
	if (fd == -ENOENT && made) {
		int r = make_dirs(b, path, len, made, ctx, err);

		if (r < 0)
			return r;
	} else if (fd == -ENOENT) {
		return 1;
	} else if (fd < 0) {
		return fail(-fd, path, len, err);
	} else {
		b->parent = fd;
	}
	b->have = true;
	return 0;
}

int beneath_parent(struct beneath *b, const char *path, size_t len, beneath_made_fn *made,
		   void *ctx, int *fd, const char **name, struct error *err)
{
	const char *slash = len ? memrchr(path, '/', len) : NULL;
	size_t parent = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : len ? path : ".";
	if (!parent) {
		*fd = b->fd;
		return 0;
	}
	if (!b->have || b->path.len != parent || memcmp(b->path.data, path, parent) != 0) {
		int r = open_parent(b, path, parent, made, ctx, err);

		if (r)
			return r;
	}
	*fd = b->parent;
	return 0;
}

#define DEPTH_MAX 64 /* directories that are open at once while a tree goes */

static int remove_fail(int sys, const char *name, struct error *err)
{
	char text[PATH_SHOWN];

	return err_fail(err, ERR_IO, sys, "remove '%s'",
			err_text(text, sizeof(text), name, strlen(name)));
}

/* Empties the directory fd (owned). What lies deeper than DEPTH_MAX is moved up to top, and found
 * there by the next round. */
static int empty_dir(int top, int fd, dev_t dev, unsigned depth, unsigned *moved, struct error *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		closep(&fd);
		return err_fail(err, ERR_IO, errno, "list a directory");
	}
	while (r == 0 && (errno = 0, e = readdir(d))) {
		struct stat st;
		int child;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type != DT_DIR && unlinkat(fd, e->d_name, 0) == 0)
			continue;
		if (depth >= DEPTH_MAX) {
			char name[40];

			snprintf(name, sizeof(name), ".uidfit-moved-%u", ++*moved);
			if (renameat(fd, e->d_name, top, name) < 0)
				r = remove_fail(errno, e->d_name, err);
			continue;
		}
		child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0 || fstat(child, &st) < 0) {
			r = errno == ENOENT ? 0 : remove_fail(errno, e->d_name, err);
			closep(&child);
			continue;
		}
		if (st.st_dev != dev) {
			closep(&child);
			r = err_fail(err, ERR_DENIED, 0,
				     "'%.80s' is a mount: nothing in it is removed", e->d_name);
			continue;
		}
		r = empty_dir(top, child, dev, depth + 1, moved, err);
		if (r == 0 && unlinkat(fd, e->d_name, AT_REMOVEDIR) < 0)
			r = remove_fail(errno, e->d_name, err);
	}
	if (r == 0 && errno)
		r = err_fail(err, ERR_IO, errno, "list a directory");
	closedir(d);
	return r;
}

int beneath_remove(int dir, const char *name, struct error *err)
{
	unsigned moved = 0, before;
	struct stat st;

	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno == ENOENT)
		return 1;
	if (errno != EISDIR && errno != EPERM)
		return remove_fail(errno, name, err);
	do {
		int top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

		before = moved;
		if (top < 0 || fstat(top, &st) < 0) {
			closep(&top);
			return remove_fail(errno, name, err);
		}
		r = empty_dir(top, top, st.st_dev, 0, &moved, err);
		if (r < 0)
			return r;
	} while (moved != before);
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? remove_fail(errno, name, err) : 0;
}
