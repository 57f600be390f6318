/* Names of tar entries made into paths of the image, as filepath.Join(root, name) of Go does.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Writes the cleaned path into out (cleared first): no leading or trailing slash, no empty, "." or
 * ".." component; what climbs above the root stops at the root and sets *escapes. "" is the root. 0
 * or -ERR_NOMEM. */
int path_clean(struct buf *out, const char *name, size_t n, bool *escapes) _must_check_;

/* True where path_clean would change nothing. */
bool path_is_clean(const char *path, size_t n);

/* Length of the parent's path: of "a/b" 1, of "a" and "" 0. */
size_t path_parent(const char *path, size_t n);

/* True where dir is a proper ancestor of path; the root ("") is one of everything but itself. */
bool path_is_below(const char *path, size_t n, const char *dir, size_t dir_len);
