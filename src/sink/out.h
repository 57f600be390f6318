/* Where files go: a directory, a tar that can be sought in, a tar in a pipe. The layouts of images
 * are written alike to each. One file is open at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/notes.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "sink/place.h"

struct out {
	const struct out_ops *ops;
};

#define OUT_SIZE_UNKNOWN UINT64_MAX
#define OUT_NAME_MAX	 180

struct out_ops {
	/* A new file. name is NULL and size OUT_SIZE_UNKNOWN where its end tells them. */
	int (*begin)(struct out *o, const char *name, uint64_t size, struct error *err);
	int (*write)(struct out *o, const void *bytes, size_t n, struct error *err);
	/* name as at begin, where it was known. */
	int (*end)(struct out *o, const char *name, struct error *err);
	/* The open file, of unknown name, is not wanted. */
	int (*drop)(struct out *o, struct error *err);
	/* Once, last: whole, synced, under its name. */
	int (*commit)(struct out *o, struct error *err);
	void (*close)(struct out *o);
	/* A file that may be there already, or come without its bytes: 0 where it is there now, 1
	 * where it is to be written. NULL: nothing is. */
	int (*take)(struct out *o, const char *name, struct error *err);
	/* See sink_watch. NULL where nothing is told. */
	void (*watch)(struct out *o, struct progress *progress, size_t line);
};

int out_dir_open(struct out **out, const char *path, bool replace, struct error *err) _must_check_;
int out_archive_open(struct out **out, const char *path, bool replace,
		     struct error *err) _must_check_;
/* fd is borrowed; shown (as long as the out) names it. Bodies of unknown size are spooled, which is
 * said in a note. */
int out_pipe_open(struct out **out, int fd, const char *shown, struct notes *notes,
		  struct error *err) _must_check_;
/* An engine of this host that loads what it is sent: ref is docker-daemon: or containers-storage:.
 * *name (malloc'd) is the image's name there. ERR_DENIED where the engine has it without replace.
 * Nothing is sent before the first file. *zstd: whether its layers may be compressed so; else
 * *reader (malloc'd) says who does not read it. */
int out_engine_open(struct out **out, const struct ref *ref, const struct limits *limits,
		    struct notes *notes, bool replace, char **name, char **reader,
		    struct error *err) _must_check_;

/* path is the name behind docker:, "//host/repository:tag". ERR_DENIED where the tag is there
 * without replace. from (may be NULL) names where blobs come from: those of the same registry are
 * mounted. What opts point to outlives it. Blobs are called by their digest, manifests
 * "manifests/DIGEST", and the one that gets the tag at commit: */
#define OUT_REGISTRY_TOP "manifests/"
int out_registry_open(struct out **out, const char *path, bool replace,
		      const struct registry_options *opts, const struct registry_name *from,
		      struct error *err) _must_check_;

/* All of it, from offset by pwrite, or by write where offset is below 0. */
int out_write(int fd, int64_t offset, const void *bytes, size_t n, const char *path,
	      struct error *err) _must_check_;

/* The tar headers of a regular file, or of a directory (name ends in '/'): owner 0, time 0. One
 * block where the name has at most 100 bytes. */
struct buf;
int out_header(struct buf *to, const char *name, uint64_t size, struct error *err) _must_check_;
