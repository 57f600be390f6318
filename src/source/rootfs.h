/* A directory as one layer: rootfs:DIR makes the tar stream that `tar -C DIR -c .` would make of it, headers alone carrying what
 * the inventory asks (owner, mode, type, size, link, xattrs); bodies are not read but for small passwd and group files.
 * Nothing is followed out of DIR, no file system boundary is a limit.
 */
#pragma once

#include "base/notes.h"
#include "stream/stream.h"

/* Unreadable directories or xattrs are an error (ERR_IO): what could not be looked at is never silently left out. */
int rootfs_stream_open(struct stream **out, const char *dir, struct notes *notes,
		       struct error *err) _must_check_;
