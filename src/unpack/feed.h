/* Layers' blobs as tars, one after the other, with the digests that vouch for them.
 */
#pragma once

#include "base/progress.h"
#include "source/source.h"

struct feed;

/* count layers, decoded on a thread of their own (stream/ahead.h). All is borrowed until
 * feed_close; progress, which is told of each blob and ends the feed on an interrupt, may be NULL.
 */
int feed_open(struct feed **out, struct source *s, const struct source_layer *layers, size_t count,
	      const struct limits *limits, struct progress *progress,
	      struct error *err) _must_check_;
void feed_close(struct feed *f);
DEFINE_CLEANUP(struct feed, feed_close)

/* The next layer's tar, valid until the next call; what hinders opening it is its first read's
 * error. ERR_SEQUENCE behind the last. */
int feed_next(struct feed *f, struct stream **tar, struct error *err) _must_check_;
/* ERR_DIGEST where the blob or the tar is not what names it; the tar has been read to its end. */
int feed_verify(struct feed *f, struct error *err) _must_check_;
