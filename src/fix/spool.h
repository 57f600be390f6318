/* An archive that can be read once (standard input, a compressed file), kept whole where it can be
 * read twice.
 */
#pragma once

#include "base/limits.h"
#include "base/notes.h"
#include "base/progress.h"
#include "oci/ref.h"

/* Copies what ref names, decompressed, to an unlinked file under TMPDIR and makes ref name that
 * file; *fd (-1 where nothing was kept) is to be closed when the source is. A note says how much
 * was kept and where. progress may be NULL. Does nothing for a directory, a plain archive, or what
 * cannot be opened (the source says why). */
int fix_spool(struct ref *ref, int stdin_fd, const struct limits *limits, struct notes *notes,
	      struct progress *progress, int *fd, struct error *err) _must_check_;
