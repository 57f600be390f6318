/* The records of one PAX extended header (POSIX.1 pax, "Extended Header"), with the rules of Go's
 * parsePAX and parsePAXRecord. A second extended header replaces the first as a whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "tar/reader.h"

enum pax_key {
	PAX_PATH,
	PAX_LINKPATH,
	PAX_UNAME,
	PAX_GNAME,
	PAX_UID,
	PAX_GID,
	PAX_SIZE,
	PAX_MTIME,
	PAX_ATIME,
	PAX_CTIME,
	PAX_SPARSE_MAJOR,
	PAX_SPARSE_MINOR,
	PAX_SPARSE_MAP,
	PAX_SPARSE_NUMBLOCKS,
	PAX_SPARSE_NAME,
	PAX_SPARSE_SIZE,
	PAX_SPARSE_REALSIZE,
	PAX_KEY_COUNT
};

struct pax_value {
	const char *s; /* NUL behind it */
	size_t n;      /* 0: no such record, or an empty value, which keeps what the header says */
};

struct pax_hash {
	uint32_t hash, next;
};

struct pax {
	struct pax_value v[PAX_KEY_COUNT];
	struct tar_xattr *xattrs; /* each name once: the last record of a name wins */
	struct pax_hash *hashes;  /* beside xattrs */
	size_t xattr_count, xattr_cap;
	uint32_t heads[256]; /* hash chains, set up with the first xattr of a header */
	struct buf map; /* GNU.sparse.offset and .numbytes records joined, as format 0.1 has them */
	size_t map_numbers;
	uint64_t records;
};

void pax_free(struct pax *p);

/* The record's key as a file has it. */
const char *pax_key_name(enum pax_key key);

/* Reads n bytes, which stay borrowed and in which a NUL takes the place of each record's '=' and
 * newline; offset is where they stand in the stream. What p held before is gone. ERR_BAD_INPUT,
 * ERR_LIMIT (tar-pax-records, tar-sparse), ERR_NOMEM. */
int pax_parse(struct pax *p, uint8_t *bytes, size_t n, uint64_t offset, const struct limits *limits,
	      struct error *err) _must_check_;

/* A PAX time: a number as tar_pax_number reads it, and an optional fraction of digits. */
bool pax_time(const char *s, size_t n, int64_t *seconds, uint32_t *nsec);
