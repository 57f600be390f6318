/* The mapping of an earlier report (uidfit/fix/1), so that related images keep sharing layers.
 */
#pragma once

#include "fix/policy.h"

/* Appends to *pairs (malloc'd, *count long). ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, ERR_BAD_INPUT where
 * it is no such report. */
int fix_like_read(struct fix_pair **pairs, size_t *count, const char *path,
		  struct error *err) _must_check_;
