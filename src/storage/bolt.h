/* One value out of a bbolt file (go.etcd.io/bbolt page.go, bucket.go), read while its owner may
 * write to it: a tree of pages of fixed size, in which buckets are trees of their own. Nothing is
 * mapped or locked, each page is checked as it is read, and a file that changed meanwhile is read
 * again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BOLT_PAGE_MAX  (64u << 10)
#define BOLT_NODE_MAX  (16u << 20) /* bytes of a page with the pages that it goes on in */
#define BOLT_DEPTH_MAX 32	   /* levels of one tree */

/* A key; the names of buckets are keys. */
struct bolt_key {
	const char *bytes;
	size_t len;
};

/* The value of path[depth - 1] in the bucket path[depth - 2] of ...: 0 with *value (malloc'd, NUL
 * behind it), 1 where there is none. ERR_DENIED where the file may not be read, ERR_NOT_FOUND where
 * there is none, ERR_BAD_INPUT where it is damaged. */
int bolt_get(const char *file, const struct bolt_key *path, size_t depth, uint8_t **value,
	     size_t *len, struct error *err) _must_check_;

/* The same of an open file. */
int bolt_get_fd(int fd, const struct bolt_key *path, size_t depth, uint8_t **value, size_t *len,
		struct error *err) _must_check_;
