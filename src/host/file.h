/* Files of the host, or of another one whose root directory is given.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define HOST_FILE_MAX (4u << 20) /* an /etc/subuid of a site of 50000 users has 1.5 MB */

/* root is "" for this host, else a directory without a slash at its end; path begins with one. */
int host_path(struct buf *out, const char *root, const char *path, struct error *err) _must_check_;

/* Appends the file's text to out: 0, or 1 where there is no such file. -ERR_IO where it cannot be
 * read, -ERR_LIMIT past HOST_FILE_MAX, -ERR_BAD_INPUT where it holds a NUL. */
int host_read(struct buf *out, const char *root, const char *path, struct error *err) _must_check_;

/* The number in a file of one line, as /proc/sys has them: 0, 1 where there is none. */
int host_read_number(long long *out, const char *root, const char *path,
		     struct error *err) _must_check_;

/* The next line of a text: true with its length (without the newline and a '\r' before it) in *n,
 * *text then at the line behind; false at the end. */
bool host_line(const char **text, const char **line, size_t *n);
