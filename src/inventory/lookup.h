/* One path of the merged image, found by walking the records. Private to this folder.
 */
#pragma once

#include "inventory/image.h"

/* What stands at a path. */
struct node {
	char *path; /* owned */
	size_t path_len;
	bool exists;
	enum inv_kind kind;
	size_t layer;
	uint64_t index; /* of its entry; a directory that only its content implies has none */
	char *link;	/* owned; symlink or hardlink target, else NULL */
	size_t link_len;
};

#define LOOKUP_BATCH 16 /* paths that one walk over the records looks for */

/* Fills count (<= LOOKUP_BATCH) nodes whose path is set, a cleaned one whose ancestors are
 * directories; only entries of layers below top are seen, and of layer top itself those before
 * index (0: none). */
int lookup_nodes(const struct image *img, size_t top, uint64_t index, struct node *nodes,
		 size_t count, struct error *err) _must_check_;
void node_done(struct node *n);

struct lookups;
void lookups_free(struct lookups *l);
