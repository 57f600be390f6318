/* What the files of this folder share. */
#pragma once

#include "base/buf.h"
#include "oci/json.h"
#include "stream/cursor.h"
#include "toc/toc.h"

#define TOC_MEMBER "stargz.index.json" /* of eStargz */

/* The table's JSON as a stream, and the tee whose digest the annotation tells. */
struct toc_text {
	struct stream *stream; /* the decoded JSON; owns everything below but tar */
	struct digest_tee *tee;
	struct stream *tar; /* eStargz: the small archive that holds it */
	struct tar_reader *reader;
	uint64_t end; /* bytes of the blob in front of the table: chunks end there */
	/* eStargz: the table's own entry, which no table tells of and every engine unpacks. */
	int64_t uid, gid;
	uint32_t mode;
	uint64_t size;
};

/* Opens it: ranged reads of the footer (eStargz) and of the table. */
int toc_text_open(struct toc_text *t, const struct toc_place *toc, uint64_t size, toc_read_fn *read,
		  void *ctx, const struct limits *limits, struct error *err) _must_check_;
/* After the JSON's end: the rest is read and the digest compared. */
int toc_text_verify(struct toc_text *t, const struct oci_digest *want,
		    struct error *err) _must_check_;
void toc_text_close(struct toc_text *t);

/* The elements of the document's "entries", one after the other, without the rest in memory. */
struct toc_elements {
	struct cursor cursor;
	enum { TOC_BEFORE, TOC_INSIDE, TOC_BEHIND } where;
	uint64_t count;
};
#define TOC_ELEMENT_MAX (1u << 20) /* bytes of one element */

void toc_elements_init(struct toc_elements *e, struct stream *json);
void toc_elements_done(struct toc_elements *e);
/* 0 with the next object (owned by the caller), 1 behind the document's end. ERR_BAD_INPUT with the
 * byte where it is no such document, has "entries" twice or not at all. */
int toc_elements_next(struct toc_elements *e, json_t **out, struct error *err) _must_check_;

struct toc_chunk {
	uint64_t offset, len;	  /* in the blob, compressed; len 0: not said */
	uint64_t inner;		  /* in what decodes from there */
	uint64_t at, size;	  /* in the file */
	struct oci_digest digest; /* text "" where not said */
};

/* One entry as the table has it. Strings are borrowed from json. */
struct toc_entry {
	const char *type, *name, *link;
	uint64_t size, mode, devmajor, devminor;
	int64_t uid, gid;
	struct toc_chunk first;	  /* "reg" and "chunk" */
	struct oci_digest digest; /* of the whole file */
	json_t *xattrs;
};
int toc_entry_read(struct toc_entry *out, json_t *json, struct error *err) _must_check_;

/* Appends PAX records of the xattrs that carry ids. */
int toc_entry_xattrs(struct buf *out, const struct toc_entry *e, struct error *err) _must_check_;
