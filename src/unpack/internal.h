/* What the files that write a layer share.
 */
#pragma once

#include <sys/stat.h>

#include "base/buf.h"
#include "inventory/layer.h"
#include "tar/reader.h"
#include "unpack/layer.h"

/* Paths that this layer has made, by hash: a whiteout does not take them. */
struct made_set {
	uint64_t *slots; /* 0 where empty */
	size_t count, cap;
};
int made_set_add(struct made_set *s, const char *path, size_t n, struct error *err) _must_check_;
bool made_set_has(const struct made_set *s, const char *path, size_t n);

struct layer_walk {
	const struct unpack_layer_options *opts;
	struct unpack_counts *counts;
	struct unpack_stop *stop;
	struct beneath *beneath;
	struct spool *times;
	struct tar_reader *tar;
	struct made_set made;
	struct buf path, link, value;
	uint64_t index;
	int root;
};

/* An entry on its way to the disk. */
struct node {
	const struct tar_entry *tar;
	const struct inv_entry *entry;
	int dir; /* borrowed */
	const char *name;
	struct owners_entry owner;
	bool owned; /* false: the engine does not look at this kind's owner */
	unsigned mode;
};

/* make.c: the node itself, in place of what stands there; metadata too. */
int node_make(struct layer_walk *w, struct node *n, struct error *err) _must_check_;
/* body.c: a regular file's bytes. */
int node_write(struct layer_walk *w, const struct node *n, int fd, struct error *err) _must_check_;
/* meta.c: owner, mode, xattrs, times. fd is open for writing or a directory, or -1: by name. */
int node_finish(struct layer_walk *w, const struct node *n, int fd, struct error *err) _must_check_;
/* whiteout.c */
int whiteout_apply(struct layer_walk *w, struct node *n, struct error *err) _must_check_;
int opaque_apply(struct layer_walk *w, const struct inv_entry *e, struct error *err) _must_check_;

/* A directory that stands in no entry: root's. A beneath_made_fn. */
int implied_made(void *walk, int parent, const char *name, struct error *err) _must_check_;

/* ERR_IO, or ERR_BAD_INPUT for what the entry itself asks in vain. */
int node_fail(const struct node *n, int sys, const char *what, struct error *err);
