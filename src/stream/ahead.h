/* A stream whose inner one is read on a thread of its own, a bounded number of blocks ahead:
 * decoding goes on while its reader writes files.
 */
#pragma once

#include "stream/stream.h"

#define AHEAD_BLOCKS 32 /* of at most BLOCK_SIZE bytes */

/* Owns inner on success. The end and an error of inner come in their place, behind the blocks
 * before them. It cannot skip. Where no thread can be had, inner is read when it is asked. */
int stream_open_ahead(struct stream **out, struct stream *inner, struct error *err) _must_check_;
