/* Streams over descriptors: a range by pread(2), and whatever read(2) gives. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream/stream.h"

#define READ_MIN 4096 /* enough for a tar header and its extended headers */

struct range {
	struct stream base;
	int fd;
	bool own_fd;
	bool advised;
	uint64_t pos, end; /* offsets in the file */
	size_t read_size;  /* of the next read */
};

static int range_read(struct range *r, void *to, size_t n, uint64_t at, size_t *got,
		      struct error *err)
{
	ssize_t k;

	do
		k = pread(r->fd, to, n, (off_t)at);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return err_fail(err, ERR_IO, errno, "read at byte %" PRIu64, at);
	if (k == 0)
		return err_fail(err, ERR_TRUNCATED, 0,
				"the file ends at or before byte %" PRIu64 ", %" PRIu64
				" bytes were expected behind it",
				at, r->end - at);
	*got = (size_t)k;
	return 0;
}

/* Doubles the read size; the kernel is told to read ahead only once reading has proved sequential.
 */
static void range_grow(struct range *r)
{
	if (r->read_size < BLOCK_SIZE) {
		r->read_size *= 2;
	} else if (!r->advised) {
		r->advised = true;
		posix_fadvise(r->fd, (off_t)r->pos, (off_t)(r->end - r->pos),
			      POSIX_FADV_SEQUENTIAL);
	}
}

static int range_next(struct stream *s, struct block **out, struct error *err)
{
	struct range *r = (struct range *)s;
	_cleanup_(block_unrefp) struct block *b = NULL;
	int ret;

	if (r->pos == r->end)
		return 1;
	b = block_new();
	if (!b)
		return err_nomem(err);
	ret = range_read(r, b->buffer, (size_t)MIN(r->end - r->pos, (uint64_t)r->read_size), r->pos,
			 &b->len, err);
	if (ret < 0)
		return ret;
	r->pos += b->len;
	range_grow(r);
	*out = STEAL(b);
	return 0;
}

static int range_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct range *r = (struct range *)s;

	if (n > r->end - r->pos)
		return err_fail(err, ERR_TRUNCATED, 0,
				"%" PRIu64 " bytes to pass at byte %" PRIu64
				" of the file, but only %" PRIu64 " are left",
				n, r->pos, r->end - r->pos);
	/* What the next read would have brought anyway does not count as a jump. */
	if (n >= r->read_size)
		r->read_size = READ_MIN;
	if (n == r->end - r->pos) {
		/* Nothing will be read any more: make sure that the file is that long. */
		uint8_t last;
		size_t got;
		int ret = range_read(r, &last, 1, r->end - 1, &got, err);

		if (ret < 0)
			return ret;
	}
	r->pos += n;
	*skipped = n;
	return 0;
}

static void range_close(struct stream *s)
{
	struct range *r = (struct range *)s;

	if (r->own_fd)
		close(r->fd);
	free(r);
}

static const struct stream_ops range_ops = { range_next, range_skip, range_close };

int stream_open_range(struct stream **out, int fd, bool own_fd, uint64_t offset, uint64_t len,
		      struct error *err)
{
	struct range *r;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"a part of %" PRIu64 " bytes at byte %" PRIu64 " fits into no file",
				len, offset);
	r = malloc(sizeof(*r));
	if (!r)
		return err_nomem(err);
	*r = (struct range){ .base = { &range_ops },
			     .fd = fd,
			     .own_fd = own_fd,
			     .pos = offset,
			     .end = offset + len,
			     .read_size = READ_MIN };
	*out = &r->base;
	return 0;
}

struct pipe_stream {
	struct stream base;
	int fd;
	bool own_fd, ended;
	uint64_t pos; /* bytes read so far, for messages */
};

static int pipe_next(struct stream *s, struct block **out, struct error *err)
{
	struct pipe_stream *p = (struct pipe_stream *)s;
	_cleanup_(block_unrefp) struct block *b = NULL;
	ssize_t n;

	if (p->ended)
		return 1;
	b = block_new();
	if (!b)
		return err_nomem(err);
	while ((n = read(p->fd, b->buffer, BLOCK_SIZE)) < 0) {
		struct pollfd wait = { .fd = p->fd, .events = POLLIN };

		if (errno == EINTR)
			continue;
		/* Somebody else's O_NONBLOCK on a shared pipe. */
		if (errno == EAGAIN && (poll(&wait, 1, -1) >= 0 || errno == EINTR))
			continue;
		return err_fail(err, ERR_IO, errno, "read at byte %" PRIu64, p->pos);
	}
	if (n == 0) {
		p->ended = true;
		return 1;
	}
	b->len = (size_t)n;
	p->pos += b->len;
	*out = STEAL(b);
	return 0;
}

static void pipe_close(struct stream *s)
{
	struct pipe_stream *p = (struct pipe_stream *)s;

	if (p->own_fd)
		close(p->fd);
	free(p);
}

static const struct stream_ops pipe_ops = { pipe_next, NULL, pipe_close };

int stream_open_fd(struct stream **out, int fd, bool own_fd, struct error *err)
{
	struct pipe_stream *p = malloc(sizeof(*p));

	if (!p)
		return err_nomem(err);
	*p = (struct pipe_stream){ .base = { &pipe_ops }, .fd = fd, .own_fd = own_fd };
	*out = &p->base;
	return 0;
}
