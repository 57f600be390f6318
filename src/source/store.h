/* Where a source's documents and blobs lie, by name: a directory, an archive that can be sought in,
 * or what a pass over one has kept. The formats (docker-archive, oci, dir) are read alike from
 * each.
 */
#pragma once

#include "base/limits.h"
#include "base/notes.h"
#include "source/source.h"
#include "stream/stream.h"

struct stored {
	char name[513]; /* the store's own name: links followed, so that equal names are equal blobs
			 */
	uint64_t size;	/* SOURCE_SIZE_UNKNOWN where only opening tells */
	bool layer;	/* false where its first bytes told that it is no layer (one-pass only) */
};

struct store {
	const struct store_ops *ops;
};

struct store_ops {
	/* 0, or 1 where there is no such member, or an error: it is there and is no regular file.
	 */
	int (*find)(struct store *st, const char *name, struct stored *out, struct error *err);
	/* The bytes; the name exists. ERR_SEQUENCE where they have passed. */
	int (*open)(struct store *st, const char *name, struct stream **out, struct error *err);
	void (*close)(struct store *st);
};

void store_close(struct store *st); /* NULL does nothing */

/* True where a regular member of that name can be found. */
bool store_has(struct store *st, const char *name);

/* A whole document of at most limit json-size: 0 with *data (malloc'd, NUL behind it), 1 where it
 * is not there. what names it. */
int store_read(struct store *st, const char *name, const char *what, const struct limits *limits,
	       uint8_t **data, size_t *len, struct error *err) _must_check_;

/* The directory at path. Nothing below it is followed through a symbolic link. */
int store_dir_open(struct store **out, const char *path, struct error *err) _must_check_;

/* The members of an uncompressed tar in a regular file; takes the descriptor over on success.
 * Bodies are passed over, not read. */
int store_archive_open(struct store **out, int fd, const struct limits *limits, struct notes *notes,
		       struct error *err) _must_check_;

/* An archive that can be read but once, compressed or not: owns in on success. Its members are
 * known after store_onepass_scan. */
int store_onepass_open(struct store **out, struct stream *in, struct error *err) _must_check_;
int store_onepass_scan(struct store *st, source_blob_fn *fn, void *ctx, const struct limits *limits,
		       struct notes *notes, struct error *err) _must_check_;

/* True where match() is for the name of any member of an archive that the function above opened. */
bool store_archive_any(const struct store *st, bool (*match)(const char *name));
