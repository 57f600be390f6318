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
	size_t told; /* bytes of the element that was handed out last, not passed yet */
};
#define TOC_ELEMENT_MAX (1u << 20) /* bytes of one element */

void toc_elements_init(struct toc_elements *e, struct stream *json);
void toc_elements_done(struct toc_elements *e);
/* 0 with the bytes of the next element, valid until the next call; 1 behind the document's end.
 * ERR_BAD_INPUT with the byte where it is no such document, has "entries" twice or not at all.
 * Whether the element is JSON is not judged. */
int toc_elements_next(struct toc_elements *e, const uint8_t **bytes, size_t *n,
		      struct error *err) _must_check_;

struct toc_chunk {
	uint64_t offset, len;	  /* in the blob, compressed; len 0: not said */
	uint64_t inner;		  /* in what decodes from there */
	uint64_t at, size;	  /* in the file */
	struct oci_digest digest; /* text "" where not said */
};

/* By the table's "endOffset", which is 0 where it says none. */
static inline void toc_chunk_end(struct toc_chunk *c, uint64_t end)
{
	if (end > c->offset)
		c->len = end - c->offset;
}

/* One entry as the table has it. Strings lie in text or json, and go with the next one. Zeroed is
 * empty. */
struct toc_entry {
	const char *type, *name, *link;
	uint64_t size, mode, devmajor, devminor;
	int64_t uid, gid;
	struct toc_chunk first;	  /* "reg" and "chunk" */
	struct oci_digest digest; /* of the whole file */
	json_t *xattrs;		  /* borrowed from json */
	json_t *json;		  /* owned; NULL where the entry was read without the parser */
	struct buf text;	  /* owned; kept from entry to entry */
};
/* Reads an element into e, in place of what it held. ERR_BAD_INPUT where it is no entry. */
int toc_entry_read(struct toc_entry *e, const void *bytes, size_t n,
		   struct error *err) _must_check_;
/* The two ways of it. An entry that is written as usual is read where it lies, in one pass: 1 where
 * it is not, and the parser is to judge. -ERR_NOMEM. */
int toc_entry_scan(struct toc_entry *e, const void *bytes, size_t n,
		   struct error *err) _must_check_;
int toc_entry_parse(struct toc_entry *e, const void *bytes, size_t n,
		    struct error *err) _must_check_;
/* Forgets what e held, but its buffer. */
void toc_entry_clear(struct toc_entry *e);
void toc_entry_done(struct toc_entry *e);
/* Names the entry in front of an error. */
int toc_entry_fail(const struct toc_entry *e, struct error *err);

/* Appends PAX records of the xattrs that carry ids. */
int toc_entry_xattrs(struct buf *out, const struct toc_entry *e, struct error *err) _must_check_;
