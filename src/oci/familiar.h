/* Docker's familiar names (distribution/reference): "app" is docker.io/library/app:latest. */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

/* The full name of a familiar one, malloc'd; NULL where memory is short. A name with a digest gets
 * no tag. Nothing is refused: what is no valid name only equals itself. */
char *familiar_full(const char *name) _must_check_;

/* True where both mean the same image name; where memory is short, where they are the same bytes.
 */
bool familiar_equal(const char *a, const char *b);
