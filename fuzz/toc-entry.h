/* What fuzz/fuzz-toc-entry.c and tests/unit/toc/test-entry.c ask of the two ways to read an entry.
 */
#pragma once

#include <string.h>

#include "toc/internal.h"

static inline bool toc_chunks_same(const struct toc_chunk *a, const struct toc_chunk *b)
{
	return a->offset == b->offset && a->len == b->len && a->inner == b->inner &&
	       a->at == b->at && a->size == b->size && a->digest.algo == b->digest.algo &&
	       strcmp(a->digest.text, b->digest.text) == 0;
}

static inline bool toc_entries_same(const struct toc_entry *a, const struct toc_entry *b)
{
	return strcmp(a->type, b->type) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->link, b->link) == 0 && a->size == b->size && a->mode == b->mode &&
	       a->devmajor == b->devmajor && a->devminor == b->devminor && a->uid == b->uid &&
	       a->gid == b->gid && toc_chunks_same(&a->first, &b->first) &&
	       a->digest.algo == b->digest.algo && strcmp(a->digest.text, b->digest.text) == 0 &&
	       json_object_size(a->xattrs) == json_object_size(b->xattrs);
}

/* 0 where it was scanned, and the parser had it so too; 1 where it is the parser's; -1 where they
 * differ. */
static inline int toc_entry_both(const void *bytes, size_t n)
{
	struct toc_entry scanned = { 0 }, parsed = { 0 };
	struct error err;
	int r = toc_entry_scan(&scanned, bytes, n, &err);

	if (r == 0 &&
	    (toc_entry_parse(&parsed, bytes, n, &err) || !toc_entries_same(&scanned, &parsed)))
		r = -1;
	toc_entry_done(&scanned);
	toc_entry_done(&parsed);
	return r;
}
