/* A reading position in a stream: peek and take across block boundaries, without a copy unless a
 * request straddles two blocks. Counts the offset, so that an error can name it.
 */
#pragma once

#include "stream/stream.h"

struct cursor {
	struct stream *stream; /* borrowed */
	struct block *block;   /* the current one, or NULL */
	size_t pos;	       /* in block */
	uint64_t offset;       /* bytes passed since the start */
	uint8_t *join; /* grown for requests that straddle blocks; its bytes come before the block's
			*/
	size_t join_pos, join_len, join_cap;
	bool ended;
};

void cursor_init(struct cursor *c, struct stream *s);
void cursor_done(struct cursor *c); /* releases block and join, not the stream */

/* *bytes points at the next n bytes, valid until the next call; nothing is passed. *got may be less
 * than n only at the end of the stream (0 there). n <= 16 MiB. */
int cursor_peek(struct cursor *c, size_t n, const uint8_t **bytes, size_t *got,
		struct error *err) _must_check_;

/* Passes n bytes that a peek has shown. */
void cursor_advance(struct cursor *c, size_t n);

/* Passes n bytes, by the stream's skip where it can; *passed < n only at the end of the stream. */
int cursor_skip(struct cursor *c, uint64_t n, uint64_t *passed, struct error *err) _must_check_;

/* Next run of at most n bytes as a block (one reference): a whole block is handed on, a part of one
 * as a view that keeps it. 1 at the end. For sub-streams. */
int cursor_next_block(struct cursor *c, uint64_t n, struct block **out,
		      struct error *err) _must_check_;
