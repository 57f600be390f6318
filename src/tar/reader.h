/* Reads tar headers one after the other: v7, ustar, GNU and PAX, as Go's archive/tar reads them
 * (reader.go), with what a rewriter needs besides: offsets and raw records. Knows nothing of
 * images.
 *
 * Memory is flat: an entry's strings live in buffers of the reader, reused by the next entry.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "stream/stream.h"

#define TAR_BLOCK 512

/* Values of the typeflag field, tar(5). Others are handed on as they are. */
enum {
	TAR_REG = '0', /* NUL and GNU 'S' and '7' are told as TAR_REG; see was_sparse */
	TAR_HARDLINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHR = '3',
	TAR_BLK = '4',
	TAR_DIR = '5',
	TAR_FIFO = '6',
	TAR_PAX_GLOBAL =
		'g', /* handed on as an entry, as Go does; its name may be its own path record,
		      * ids, size and body are 0, and extended headers before it are lost */
};

/* Which field said the id. */
enum tar_id_source { TAR_ID_OCTAL, TAR_ID_BASE256, TAR_ID_PAX };

struct tar_xattr {
	const char *name; /* without SCHILY.xattr., NUL behind */
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
	uint64_t value_offset; /* of the value in the stream */
};

struct tar_entry {
	char type; /* after Go's rules: a name that ends in '/' makes a NUL entry (not a '0' one) a
		      TAR_DIR */
	char flag; /* the typeflag as written, but NUL as in type: engines refuse 'S' and '7', which
		      type hides */
	bool was_sparse;  /* GNU type S, or GNU.sparse.* records */
	const char *name; /* raw bytes, NUL behind; from prefix/name, GNU 'L', PAX path or
			     GNU.sparse.name */
	size_t name_len;
	const char *link; /* link target, "" where none */
	size_t link_len;
	int64_t uid, gid; /* exactly as Go reads them */
	enum tar_id_source uid_source, gid_source;
	/* A PAX global header in force would give GNU tar another id than Go; else equal to uid,
	 * gid. */
	int64_t uid_gnu, gid_gnu;
	uint32_t mode; /* the mode field & 07777 */
	uint64_t size; /* logical size: of the file that is extracted, holes included; 0 for what
			  has no body */
	uint64_t body_size; /* bytes of body in the archive */
	const char *uname, *gname;
	size_t uname_len, gname_len;
	int64_t mtime;	     /* seconds, rounded down */
	uint32_t mtime_nsec; /* below 10^9; 0 but for a PAX record */
	/* Of a sparse entry, where tar_reader_keep_extents asked for them; the last may end before
	 * the file does. */
	const struct tar_extent *extents;
	size_t extent_count;
	uint32_t devmajor, devminor;
	const struct tar_xattr *
		xattrs; /* SCHILY.xattr.* of this entry; LIBARCHIVE.xattr.* are not applied by Go */
	size_t xattr_count;
	uint64_t start_offset; /* of the first header block of this entry (its extended headers too,
				  and lost ones) */
	uint64_t header_offset; /* of the block that holds its uid and gid fields */
	uint64_t body_offset;
};

/* A run of a sparse file's bytes; the runs stand in the body one behind the other, holes between.
 */
struct tar_extent {
	uint64_t offset, len; /* in the file */
};

/* What is odd about the archive as a whole; told once. */
enum tar_oddity {
	TAR_ODD_NO_END_MARKER = 1 << 0, /* fewer than two zero blocks at the end */
	TAR_ODD_TRAILING_DATA =
		1 << 1, /* bytes that are not zero behind the end marker (Go ignores them) */
	TAR_ODD_GLOBAL_IDS =
		1 << 2, /* a PAX global header sets uid or gid: GNU tar obeys, Go does not */
};

struct tar_reader;

/* Borrows in and limits for as long as the reader lives. */
int tar_reader_new(struct tar_reader **out, struct stream *in, const struct limits *limits,
		   struct error *err) _must_check_;
void tar_reader_free(struct tar_reader *r);
DEFINE_CLEANUP(struct tar_reader, tar_reader_free)

/* The next entry, valid until the next call: 0, or 1 at the end marker or at a clean end of the
 * stream: on a block boundary, in the padding of a body, or behind an extended header, where Go
 * sees an end too. What was not read of the previous body is passed over (skipped where the stream
 * can). At the end the rest of the stream is read too, so that a digest tee sees every byte.
 * ERR_BAD_INPUT with entry, byte offset and field: what Go calls "archive/tar: invalid tar header".
 * ERR_TRUNCATED where the stream ends inside a header, an extended header or a body. ERR_LIMIT.
 * ERR_SEQUENCE after an error or while a body is open. */
int tar_reader_next(struct tar_reader *r, struct tar_entry *entry, struct error *err) _must_check_;

/* From here on sparse maps are kept with their entries (16 bytes an extent, at most limit
 * tar-sparse). */
void tar_reader_keep_extents(struct tar_reader *r);

/* At the end what lies behind the end marker is not read: whoever owns the stream goes on with it.
 * No oddity tells of it then. */
void tar_reader_leave_rest(struct tar_reader *r);

/* The body of the current entry as a stream of body_size raw bytes (a sparse entry's map is passed
 * already). It borrows the reader and must be closed before tar_reader_next. Once an entry:
 * ERR_SEQUENCE. Where the stream may not read it (ERR_DENIED) but can skip, the next entry can be
 * had all the same. */
int tar_reader_body(struct tar_reader *r, struct stream **out, struct error *err) _must_check_;

unsigned
tar_reader_oddities(const struct tar_reader *r); /* enum tar_oddity bits; whole only at the end */
uint64_t tar_reader_offset(const struct tar_reader *r); /* bytes passed so far */

/* True where the block could begin a tar: its header sum is right, or it is all zero bytes (an
 * empty tar). */
bool tar_looks_like(const uint8_t block[TAR_BLOCK]);
