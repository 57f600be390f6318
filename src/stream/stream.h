/* Pull streams of blocks: a file, memory, a decoder, a digest tee, a part of another stream.
 *
 * A stream belongs to one thread at a time. A stream that wraps another owns it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "stream/block.h"

struct stream;

struct stream_ops {
	/* Next bytes: 0 with *out (one reference, len > 0), 1 at the end, or an error. */
	int (*next)(struct stream *s, struct block **out, struct error *err);
	/* Passes over up to n bytes without reading them; *skipped <= n. May be NULL: nothing is
	 * skipped. */
	int (*skip)(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err);
	void (*close)(struct stream *s);
};

/* First member of every implementation. */
struct stream {
	const struct stream_ops *ops;
};

int stream_next(struct stream *s, struct block **out, struct error *err) _must_check_;
/* *skipped is 0 where the stream cannot: the caller then reads. Skipping past the end is
 * ERR_TRUNCATED where the stream knows its size. */
int stream_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err) _must_check_;
bool stream_can_skip(const struct stream *s);
void stream_close(struct stream *s); /* NULL does nothing */
DEFINE_CLEANUP(struct stream, stream_close)

/* len bytes of fd from offset, by pread: several may share one descriptor. The fd is borrowed, or
 * owned where own_fd. After a skip it reads little (4 KiB) and grows again, so that headers far
 * apart cost little. ERR_TRUNCATED, with the offset, where the file ends before len bytes. */
int stream_open_range(struct stream **out, int fd, bool own_fd, uint64_t offset, uint64_t len,
		      struct error *err) _must_check_;

/* fd (a pipe, a terminal, a socket) from where it stands to its end, by read(2). */
int stream_open_fd(struct stream **out, int fd, bool own_fd, struct error *err) _must_check_;

/* Borrowed bytes that outlive the stream and its blocks. */
int stream_open_memory(struct stream **out, const void *bytes, size_t n,
		       struct error *err) _must_check_;

/* Hands the inner stream on in pieces of at most n bytes (tests: every boundary). Owns inner on
 * success. */
int stream_open_chunked(struct stream **out, struct stream *inner, size_t n,
			struct error *err) _must_check_;

/* Reads s to its end into *data (malloc'd, NUL behind it, owned by the caller), at most max bytes:
 * past that ERR_LIMIT. */
int stream_read_all(struct stream *s, uint64_t max, uint8_t **data, size_t *len,
		    struct error *err) _must_check_;

/* Reads and drops the rest. */
int stream_drain(struct stream *s, struct error *err) _must_check_;
