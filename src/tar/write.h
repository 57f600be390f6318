/* Writes the tar headers of entries that come from elsewhere than a tar: ustar, with PAX records
 * for what does not fit (pax(1), pax Interchange Format).
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* What is written for one entry. Strings are borrowed. */
struct tar_new {
	const char *name; /* a directory's ends in '/' */
	char type;	  /* typeflag */
	const char *link; /* "" where none */
	unsigned mode;	  /* 07777 */
	int64_t uid, gid, mtime;
	uint64_t size; /* of the body that follows */
	bool sparse;   /* sparse_size by a sparse record; no body */
	int64_t sparse_size;
	unsigned devmajor, devminor;
	const struct buf
		*records; /* PAX records made by tar_write_record (SCHILY.xattr.*), or NULL */
};

/* Appends "LEN key=value\n". 0 or -ERR_NOMEM. */
int tar_write_record(struct buf *out, const char *key, const void *value, size_t n) _must_check_;

/* Appends the headers (whole blocks). -ERR_NOMEM. */
int tar_write_header(struct buf *out, const struct tar_new *e, struct error *err) _must_check_;

/* Appends zero bytes up to the next block boundary; only blocks were appended before. */
int tar_write_pad(struct buf *out) _must_check_;
