/* Writes the tar headers of a file system's entries: ustar, with PAX records for what does not fit
 * (pax(1), pax Interchange Format).
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"

/* What is written for one entry. Strings are borrowed. */
struct rootfs_entry {
	const char *name; /* a directory's ends in '/' */
	char type;	  /* typeflag */
	const char *link; /* "" where none */
	const struct stat *st;
	uint64_t size;		  /* of the body that follows */
	bool sparse;		  /* st_size by a sparse record; no body */
	const struct buf *xattrs; /* PAX records made by rootfs_record */
};

/* Appends "LEN key=value\n". 0 or -ERR_NOMEM. */
int rootfs_record(struct buf *out, const char *key, const void *value, size_t n) _must_check_;

/* Appends the headers (whole blocks). -ERR_NOMEM. */
int rootfs_header(struct buf *out, const struct rootfs_entry *e, struct error *err) _must_check_;

/* Appends zero bytes up to the next block boundary; only blocks were appended before. */
int rootfs_pad(struct buf *out) _must_check_;
