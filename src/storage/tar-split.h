/* A layer's tar put together again from what an engine kept of it: tar-split metadata (vbatts
 * tar-split, tar/storage: gzip'd JSON lines of raw segments and file entries) and the layer's own
 * directory for the bodies.
 *
 * Headers are byte for byte those of the layer that was pulled, so that every verb reads the
 * image's owners and not the mapped ones on disk. Bodies can be skipped without opening a file;
 * where all are read, the stream's digest is the layer's diff_id.
 */
#pragma once

#include "stream/stream.h"

struct tar_split_options {
	/* The layer's directory (O_PATH or O_DIRECTORY, borrowed, outlives the stream), or -1: a
	 * body that is read is ERR_NOT_FOUND. Nothing is followed out of it. */
	int diff;
	bool own_diff; /* closed with the stream */
	/* For messages, "layer 3 of storage ..."; borrowed, outlives the stream; or NULL. */
	const char *what;
};

/* json is the decoded text (owned on success). Sizes, names, base64 and order are checked:
 * ERR_BAD_INPUT with the line. A skip that does not end where a body does is ERR_BAD_INPUT too: the
 * two readers disagree (a sparse file, whose bytes tar-split does not keep). A body whose file is
 * missing, shorter, or not readable (EACCES: the message names `podman unshare`), or without the
 * checksum that is kept of it (ERR_DIGEST) is an error at the time when it is read. */
int tar_split_open(struct stream **out, struct stream *json, const struct tar_split_options *opts,
		   struct error *err) _must_check_;
