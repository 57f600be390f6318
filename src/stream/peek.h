/* A look at a stream's first bytes, with the whole stream still to be read behind it. */
#pragma once

#include "stream/stream.h"

/* *out gives all of inner's bytes; *bytes shows the first n of them (*got < n only where inner is
 * shorter) and is valid until *out is read, skipped or closed. Skips where inner can. Owns inner on
 * success. n <= 1 MiB. */
int stream_open_peeked(struct stream **out, struct stream *inner, size_t n, const uint8_t **bytes,
		       size_t *got, struct error *err) _must_check_;

/* Gives up a stream that stream_open_peeked made, and leaves inner, short of the bytes seen, to the
 * caller. */
void stream_unpeek(struct stream *s);
