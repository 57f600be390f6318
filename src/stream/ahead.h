/* Streams one behind the other, read on one thread of its own, a bounded number of blocks ahead:
 * decoding goes on while its reader writes files, and on into the next stream while blocks of the
 * one before are still to be taken.
 */
#pragma once

#include "stream/stream.h"

#define AHEAD_BLOCKS  64 /* of at most BLOCK_SIZE bytes, of all streams together */
#define AHEAD_STREAMS 4	 /* that are open at once */

struct ahead;

/* Opens stream i of them, on the thread; never of two at once. */
typedef int ahead_open_fn(void *ctx, size_t i, struct stream **out, struct error *err);

/* Where no thread can be had, the streams are read when they are asked. */
int ahead_new(struct ahead **out, size_t count, ahead_open_fn *open, void *ctx,
	      struct error *err) _must_check_;
/* Ends the thread and closes what is open. */
void ahead_free(struct ahead *a);
DEFINE_CLEANUP(struct ahead, ahead_free)

/* The first stream, then the one behind it; NULL behind the last. The one before has to have ended,
 * and is closed. It cannot skip; its end, its error and that of open come in their place, behind
 * the blocks before them; after an error no other stream is opened. Valid, as what it was opened
 * from, until the next call or ahead_free; stream_close does nothing to it. */
struct stream *ahead_next(struct ahead *a);
