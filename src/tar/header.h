/* One header block: its sum, its dialect, its fields. Layouts: POSIX.1 ustar, GNU tar's
 * oldgnu_header, star(4); what a reader takes from each: Go's archive/tar (format.go, readHeader).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tar/reader.h"

enum tar_dialect { TAR_V7, TAR_USTAR, TAR_GNU, TAR_STAR };

enum tar_field {
	FIELD_MODE,
	FIELD_UID,
	FIELD_GID,
	FIELD_SIZE,
	FIELD_MTIME, /* a V7 header ends here */
	FIELD_DEVMAJOR,
	FIELD_DEVMINOR,
	FIELD_STAR_ATIME, /* only a STAR header has these two */
	FIELD_STAR_CTIME,
	FIELD_COUNT
};

struct tar_field_row {
	uint16_t at;
	uint16_t len;
	const char *name;
};

extern const struct tar_field_row tar_fields[FIELD_COUNT];

enum {
	HEADER_NAME = 0,
	HEADER_NAME_LEN = 100,
	HEADER_SUM = 148,
	HEADER_SUM_LEN = 8,
	HEADER_FLAG = 156,
	HEADER_LINK = 157,
	HEADER_LINK_LEN = 100,
	HEADER_UNAME = 265,
	HEADER_GNAME = 297,
	HEADER_OWNER_LEN = 32, /* of each of the two */
	HEADER_PREFIX = 345,
	HEADER_PREFIX_LEN = 155,
	HEADER_GNU_SPARSE = 386,
	HEADER_GNU_SPARSE_LEN = 109, /* 4 extents, a flag, the real size */
};

#define TAR_HEADER_NAME_MAX (HEADER_PREFIX_LEN + 1 + HEADER_NAME_LEN)

/* Sum of all 512 bytes as they stand; 0 says that the block is all zero. */
uint32_t tar_block_sum(const uint8_t block[TAR_BLOCK]);

/* True where the sum field holds the sum, of unsigned or of signed bytes, with itself as blanks.
 * sum is what tar_block_sum gave. */
bool tar_block_checks(const uint8_t block[TAR_BLOCK], uint32_t sum);

enum tar_dialect tar_block_dialect(const uint8_t block[TAR_BLOCK]);

/* Reads the numbers that the dialect has into v and sets the others to 0; false with *bad where one
 * is junk. */
bool tar_block_numbers(const uint8_t block[TAR_BLOCK], enum tar_dialect dialect,
		       int64_t v[FIELD_COUNT], const struct tar_field_row **bad);

/* Copies a string field of n bytes, which need not end in NUL, to out (n + 1 bytes); returns its
 * length. */
size_t tar_block_string(const uint8_t *field, size_t n, char *out);

/* The name, with the prefix where the dialect has one; out has TAR_HEADER_NAME_MAX + 1 bytes. */
size_t tar_block_name(const uint8_t block[TAR_BLOCK], enum tar_dialect dialect, char *out);
