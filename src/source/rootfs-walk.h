/* Walks a directory's entries in the order of their names, parents first, without ever following a
 * symbolic link and with few descriptors open, however deep it goes.
 */
#pragma once

#include <sys/stat.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/notes.h"

struct walk_frame {
	int fd; /* -1 while parked */
	dev_t dev;
	ino_t ino;
	char **names; /* sorted */
	size_t count, next;
	size_t path_len; /* of this directory's path, without the slash */
};

struct rootfs_walk {
	int root;
	const struct limits *limits;
	struct notes *notes;
	struct walk_frame *frames;
	size_t depth, cap;
	struct buf path; /* of the current entry, from "." on: "./etc/passwd" */
	struct stat st;	 /* of the current entry, by lstat */
	bool descend;	 /* the current entry is a directory that was not entered yet */
	bool started;
};

/* dir itself may be a symbolic link. */
int rootfs_walk_open(struct rootfs_walk *w, const char *dir, const struct limits *limits,
		     struct notes *notes, struct error *err) _must_check_;
void rootfs_walk_close(struct rootfs_walk *w);

/* 0 with path and st, 1 at the end. The first is the directory itself, ".". */
int rootfs_walk_next(struct rootfs_walk *w, struct error *err) _must_check_;

/* The directory that holds the current entry and its name in it (the root itself: "."). */
int rootfs_walk_parent(const struct rootfs_walk *w, const char **name);

/* Opens the current entry, a regular file; it must still be the one that was looked at. */
int rootfs_walk_file(const struct rootfs_walk *w, int *fd, struct error *err) _must_check_;

/* ERR_IO with the current path, escaped. */
int rootfs_walk_fail(const struct rootfs_walk *w, int sys, const char *what, struct error *err);
