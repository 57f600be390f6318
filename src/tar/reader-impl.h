/* What reader.c and entry.c share: the first reads headers, the second makes an entry of them. */
#pragma once

#include "stream/cursor.h"
#include "tar/header.h"
#include "tar/pax.h"
#include "tar/sparse.h"

enum state { STATE_READING, STATE_ENDED, STATE_FAILED };

/* A global id in force, as GNU tar keeps it: the last 'g' header replaces the ones before. */
struct global_id {
	bool set;
	int64_t id;
};

struct body {
	struct stream base;
	struct tar_reader *reader;
	bool open, taken;
};

struct tar_reader {
	struct cursor cursor;
	const struct limits *limits;
	enum state state;
	unsigned oddities;
	uint64_t body_left;
	uint32_t padding; /* behind the body; passed together with the next header */
	struct body body;

	/* The header block at hand. */
	char flag;
	enum tar_dialect dialect;
	uint64_t header_offset;
	int64_t v[FIELD_COUNT];
	bool base256_uid, base256_gid;
	char name[TAR_HEADER_NAME_MAX + 1];
	size_t name_len;
	char link[HEADER_LINK_LEN + 1];
	size_t link_len;
	char uname[HEADER_OWNER_LEN + 1], gname[HEADER_OWNER_LEN + 1];
	size_t uname_len, gname_len;
	uint8_t gnu_sparse[HEADER_GNU_SPARSE_LEN];

	struct sparse_map sparse;

	bool leaves_rest;

	/* Extended headers that wait for their entry. */
	bool has_pax;
	struct pax pax;
	struct buf pax_bytes, long_name, long_link;
	uint64_t extended_bytes;
	struct global_id global_uid, global_gid;

	/* Of the entry handed out, for messages on its body. */
	const char *said_name;
	size_t said_len;
	uint64_t said_offset, said_body, said_size;
};

/* Types '1' to '6' have no body, whatever their size field says. */
static inline bool tar_has_no_body(char flag)
{
	return flag >= TAR_HARDLINK && flag <= TAR_FIFO;
}

static inline uint32_t tar_padding(uint64_t size)
{
	return (uint32_t)(-size & (TAR_BLOCK - 1));
}

/* -ERR_BAD_INPUT, "FIELD 'BYTES' is no number". */
int tar_bad_number(struct error *err, const char *field, const void *bytes, size_t n);

/* Make *e, whose start_offset is set, of the header and the extended headers at hand, and set the
 * body up. A sparse map is passed. */
int tar_finish_entry(struct tar_reader *r, struct tar_entry *e, struct error *err) _must_check_;
int tar_finish_global(struct tar_reader *r, struct tar_entry *e, struct error *err) _must_check_;
