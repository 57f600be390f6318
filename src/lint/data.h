/* The rows that data/compile-lint.py makes of lint.conf. Private to this folder.
 */
#pragma once

#include "base/macro.h"
#include "lint/lint.h"

struct lint_archive {
	const char *match, *url, *owner;
};
extern const struct lint_archive lint_archives[];
extern const size_t lint_archive_count;

struct lint_npm {
	const char *image, *tags, *version;
	bool package;
};
extern const struct lint_npm lint_npm_rows[];
extern const size_t lint_npm_row_count;

extern const char *const lint_nonroot_images[];
extern const size_t lint_nonroot_image_count;
