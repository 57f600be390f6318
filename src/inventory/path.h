/* Names of tar entries made into paths of the image, as filepath.Join(root, name) of Go does.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Writes the cleaned path into out (cleared first): no leading or trailing slash, no empty, "." or ".." component; what
 * climbs above the root stops at the root and sets *escapes. "" is the root. 0 or -ERR_NOMEM. */
int path_clean(struct buf *out, const char *name, size_t n, bool *escapes) _must_check_;
