/* What can be read once, kept in an unlinked file so that it can be read again. */
#pragma once

#include "stream/stream.h"

/* Reads in to its end into a file under $TMPDIR, else /tmp. *fd is the caller's; *dir (borrowed)
 * and *total are for a note: what is kept, and where, is said. ERR_IO where the disk is full. in
 * is not closed. */
int stream_keep(struct stream *in, int *fd, const char **dir, uint64_t *total,
		struct error *err) _must_check_;
