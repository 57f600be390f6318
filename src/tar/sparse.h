/* The maps of GNU sparse files, read and checked as Go's archive/tar does, and thrown away
 * unless they are asked for: what stays is the file's real size and where its bytes begin. Formats:
 * GNU tar manual, "Sparse Formats".
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "stream/cursor.h"
#include "tar/pax.h"
#include "tar/reader.h"

/* The extents of one map. */
struct sparse_map {
	struct tar_extent *v; /* owned */
	size_t count, cap;
	bool keep; /* false: they are checked and passed */
};

/* True where the records make their entry a sparse one, in a version that Go knows. */
bool sparse_in_records(const struct pax *p);

/* Reads the map that the records announce. A 1.0 map stands at the start of the body, of which
 * *body bytes are left: they become fewer. *size is the entry's size and becomes the real one.
 * kept is emptied first. ERR_BAD_INPUT, ERR_TRUNCATED, ERR_LIMIT. */
int sparse_from_records(const struct pax *p, struct cursor *cursor, uint64_t *body, int64_t *size,
			const struct limits *limits, struct sparse_map *kept,
			struct error *err) _must_check_;

/* Type S: gnu holds the HEADER_GNU_SPARSE_LEN bytes of its header; extension blocks follow at the
 * cursor and are passed. */
int sparse_from_header(const uint8_t *gnu, struct cursor *cursor, int64_t *size,
		       const struct limits *limits, struct sparse_map *kept,
		       struct error *err) _must_check_;
