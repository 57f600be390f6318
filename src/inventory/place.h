/* Where an entry of a layer belongs in an image, and what it is to engines: a file, or the sign
 * that one goes (whiteouts: OCI image-spec layer.md, go-archive overlayWhiteoutConverter and
 * UnpackLayer).
 */
#pragma once

#include "inventory/layer.h"
#include "tar/reader.h"

/* Fills e's kind, path, name and the flags that the name tells (INV_ESCAPES, INV_ABSOLUTE). path is
 * a buffer of the caller that e's path borrows. -ERR_NOMEM. */
int inv_place(struct buf *path, const struct tar_entry *t, struct inv_entry *e) _must_check_;
