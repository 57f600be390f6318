/* A directory as one layer: rootfs:DIR makes the tar stream that `tar -C DIR -c .` would make of
 * it, headers alone carrying what the inventory asks (owner, mode, type, size, link, xattrs);
 * bodies are not read but for small passwd and group files. Nothing is followed out of DIR, no file
 * system boundary is a limit.
 *
 * In place of a body that is not read stand as many zero bytes, which the stream can skip, so that
 * sizes are right and cost nothing. A file with holes has a GNU sparse record (version 0.1) with
 * its size and no body at all. Entries are sorted by name within each directory. Owners are what
 * lstat(2) says: within a user namespace, that namespace's.
 */
#pragma once

#include "base/limits.h"
#include "base/notes.h"
#include "stream/stream.h"

/* limits and notes (may be NULL) are borrowed and outlive the stream. Unreadable directories or
 * xattrs are an error (ERR_IO): what could not be looked at is never silently left out. A file that
 * goes while it is looked at, and a socket (which no tar holds), is left out with a note. ERR_LIMIT
 * for paths longer than tar-name. */
int rootfs_stream_open(struct stream **out, const char *dir, const struct limits *limits,
		       struct notes *notes, struct error *err) _must_check_;
