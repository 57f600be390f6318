/* Between the readers of notations (inside this folder only): where their extents go. */
#pragma once

#include "idmap/notation.h"

struct idmap_builder {
	struct idmap_pair maps; /* owned; a copy of the caller's until all is read */
	enum idmap_which which; /* for a piece that names no kind */
	size_t extents;		/* added so far */
	uint64_t next[2];	/* where subuid lines run on: uid, gid */
	const char *owner;	/* of the subuid lines so far, borrowed; NULL before the first */
	size_t owner_len;
	bool plain; /* a piece NUMBER:NUMBER:NUMBER was seen */
};

/* Puts an extent into the maps of kinds; replace as idmap_replace(). */
int idmap_builder_put(struct idmap_builder *b, enum idmap_which kinds, struct idmap_extent e,
		      bool has_host, bool replace, struct error *err) _must_check_;

/* One piece of text, n bytes without separators around it; empty pieces do nothing. */
int idmap_builder_piece(struct idmap_builder *b, const char *s, size_t n,
			struct error *err) _must_check_;

/* A whole JSON text. */
int idmap_builder_json(struct idmap_builder *b, const char *text, struct error *err) _must_check_;
