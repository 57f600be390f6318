#include "source/rootfs-walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX_DEPTH                                                                             \
	32 /* descriptors kept open; a directory further up is opened again on the way back */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

int rootfs_walk_fail(const struct rootfs_walk *w, int sys, const char *what, struct error *err)
{
	char text[300];

	return err_fail(err, ERR_IO, sys, "%s '%s'", what,
			err_text(text, sizeof(text), buf_str(&w->path), w->path.len));
}

int rootfs_walk_open(struct rootfs_walk *w, const char *dir, const struct limits *limits,
		     struct notes *notes, struct error *err)
{
	*w = (struct rootfs_walk){ .limits = limits, .notes = notes };
	w->root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->root < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'",
				dir);
	return 0;
}

static void frame_done(struct walk_frame *f)
{
	closep(&f->fd);
	for (size_t i = 0; i < f->count; i++)
		free(f->names[i]);
	free(f->names);
}

void rootfs_walk_close(struct rootfs_walk *w)
{
	while (w->depth)
		frame_done(&w->frames[--w->depth]);
	free(w->frames);
	buf_free(&w->path);
	closep(&w->root);
	w->frames = NULL;
	w->root = -1;
}

int rootfs_walk_parent(const struct rootfs_walk *w, const char **name)
{
	const char *slash = strrchr(buf_str(&w->path), '/');

	*name = slash ? slash + 1 : ".";
	return slash ? w->frames[w->depth - 1].fd : w->root;
}

int rootfs_walk_file(const struct rootfs_walk *w, int *out, struct error *err)
{
	const char *name;
	int dir = rootfs_walk_parent(w, &name);
	_cleanup_(closep) int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return rootfs_walk_fail(w, errno, "open", err);
	if (st.st_dev != w->st.st_dev || st.st_ino != w->st.st_ino)
		return rootfs_walk_fail(w, 0, "changed while it was read:", err);
	*out = fd;
	fd = -1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct rootfs_walk *w, struct walk_frame *f, size_t *cap, const char *name,
		    struct error *err)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (f->count >= w->limits->v[LIMIT_LAYER_ENTRIES])
		return limit_passed(w->limits, LIMIT_LAYER_ENTRIES, buf_str(&w->path), err);
	if (f->count == *cap) {
		size_t more = *cap ? 2 * *cap : 16;
		char **names = reallocarray(f->names, more, sizeof(*names));

		if (!names)
			return err_nomem(err);
		f->names = names;
		*cap = more;
	}
	f->names[f->count] = strdup(name);
	return f->names[f->count] ? (f->count++, 0) : err_nomem(err);
}

static int read_names(struct rootfs_walk *w, struct walk_frame *f, struct error *err)
{
	int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t cap = 0;

	if (!d) {
		r = rootfs_walk_fail(w, errno, "read", err);
		closep(&fd);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(d)))
		r = add_name(w, f, &cap, e->d_name, err);
	if (r == 0 && errno)
		r = rootfs_walk_fail(w, errno, "read", err);
	closedir(d);
	if (r == 0 && f->count)
		qsort(f->names, f->count, sizeof(*f->names), compare);
	return r;
}

static bool is_frame(int fd, const struct walk_frame *f)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino;
}

/* Enters the current entry. */
static int push(struct rootfs_walk *w, struct error *err)
{
	struct walk_frame f = { .dev = w->st.st_dev, .ino = w->st.st_ino, .path_len = w->path.len };
	const char *name;
	int dir = rootfs_walk_parent(w, &name), r;

	if (w->depth == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 16;
		struct walk_frame *frames = reallocarray(w->frames, cap, sizeof(*frames));

		if (!frames)
			return err_nomem(err);
		w->frames = frames;
		w->cap = cap;
	}
	f.fd = openat(dir, name, DIR_FLAGS);
	if (f.fd < 0)
		r = rootfs_walk_fail(w, errno, "open", err);
	else if (!is_frame(f.fd, &f))
		r = rootfs_walk_fail(w, 0, "changed while it was read:", err);
	else
		r = read_names(w, &f, err);
	if (r < 0) {
		frame_done(&f);
		return r;
	}
	w->frames[w->depth++] = f;
	if (w->depth > OPEN_MAX_DEPTH) {
		closep(&w->frames[w->depth - OPEN_MAX_DEPTH - 1].fd);
		w->frames[w->depth - OPEN_MAX_DEPTH - 1].fd = -1;
	}
	return 0;
}

/* Leaves a directory. Its parent, if parked, is what ".." opens, unless somebody moved it: unpark()
 * then. */
static void pop(struct rootfs_walk *w)
{
	struct walk_frame *f = &w->frames[--w->depth], *up = f - 1;

	if (w->depth && up->fd < 0 && f->fd >= 0) {
		up->fd = openat(f->fd, "..", DIR_FLAGS);
		if (!is_frame(up->fd, up)) {
			closep(&up->fd);
			up->fd = -1;
		}
	}
	frame_done(f);
}

/* Opens a parked directory again, from the root, part by part. */
static int unpark(struct rootfs_walk *w, struct walk_frame *f, struct error *err)
{
	_cleanup_(closep) int fd = fcntl(w->root, F_DUPFD_CLOEXEC, 3);
	char *path = (char *)w->path.data;

	w->path.len = f->path_len;
	path[f->path_len] = '\0';
	for (size_t at = 2; fd >= 0 && at < f->path_len;) {
		size_t n = strcspn(path + at, "/");
		char saved = path[at + n];
		int next;

		path[at + n] = '\0';
		next = openat(fd, path + at, DIR_FLAGS);
		path[at + n] = saved;
		closep(&fd);
		fd = next;
		at += n + 1;
	}
	if (fd < 0)
		return rootfs_walk_fail(w, errno, "open", err);
	if (!is_frame(fd, f))
		return rootfs_walk_fail(w, 0, "changed while it was read:", err);
	f->fd = fd;
	fd = -1;
	return 0;
}

static int set_path(struct rootfs_walk *w, const struct walk_frame *f, const char *name,
		    struct error *err)
{
	w->path.len = f->path_len;
	if (f->path_len + strlen(name) + 2 > w->limits->v[LIMIT_TAR_NAME])
		return limit_passed(w->limits, LIMIT_TAR_NAME, "a path of the directory", err);
	if (buf_append_str(&w->path, "/") || buf_append_str(&w->path, name))
		return err_nomem(err);
	return 0;
}

static int look(struct rootfs_walk *w, int dir, const char *name, struct error *err)
{
	char text[200];

	if (fstatat(dir, name, &w->st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0) {
		w->descend = S_ISDIR(w->st.st_mode);
		return 0;
	}
	if (errno != ENOENT)
		return rootfs_walk_fail(w, errno, "stat", err);
	notes_add(w->notes, "'%s' was removed while the directory was read",
		  err_text(text, sizeof(text), buf_str(&w->path), w->path.len));
	return 1;
}

static int start(struct rootfs_walk *w, struct error *err)
{
	w->started = true;
	if (buf_append_str(&w->path, "."))
		return err_nomem(err);
	if (fstat(w->root, &w->st) < 0)
		return rootfs_walk_fail(w, errno, "stat", err);
	w->descend = true;
	return 0;
}

int rootfs_walk_next(struct rootfs_walk *w, struct error *err)
{
	int r;

	if (!w->started)
		return start(w, err);
	if (w->descend) {
		w->descend = false;
		r = push(w, err);
		if (r < 0)
			return r;
	}
	while (w->depth) {
		struct walk_frame *f = &w->frames[w->depth - 1];
		const char *name;

		if (f->next == f->count) {
			pop(w);
			continue;
		}
		if (f->fd < 0) {
			r = unpark(w, f, err);
			if (r < 0)
				return r;
		}
		name = f->names[f->next++];
		r = set_path(w, f, name, err);
		if (r == 0)
			r = look(w, f->fd, name, err);
		if (r <= 0)
			return r;
	}
	return 1;
}
