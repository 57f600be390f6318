/* A regular file's bytes; a sparse one's where its map has them, holes between. */
#include "unpack/internal.h"

static int write_at(const struct node *n, int fd, const uint8_t *bytes, size_t len, uint64_t at,
		    struct error *err)
{
	while (len) {
		ssize_t done = pwrite(fd, bytes, len, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return node_fail(n, done < 0 ? errno : EIO, "write", err);
		bytes += done;
		at += (uint64_t)done;
		len -= (size_t)done;
	}
	return 0;
}

/* Where the body's next byte belongs. */
struct place {
	const struct tar_extent *extents;
	size_t count, i;
	uint64_t done; /* bytes of extent i */
};

static int write_sparse(const struct node *n, int fd, const struct block *b, struct place *p,
			struct error *err)
{
	for (size_t pos = 0; pos < b->len;) {
		const struct tar_extent *e;
		size_t take;
		int r;

		if (p->i == p->count)
			return 0; /* padding behind the last run */
		e = &p->extents[p->i];
		take = (size_t)MIN((uint64_t)(b->len - pos), e->len - p->done);
		r = write_at(n, fd, b->data + pos, take, e->offset + p->done, err);
		if (r < 0)
			return r;
		pos += take;
		p->done += take;
		if (p->done == e->len) {
			p->i++;
			p->done = 0;
		}
	}
	return 0;
}

int node_write(struct layer_walk *w, const struct node *n, int fd, struct error *err)
{
	_cleanup_(stream_closep) struct stream *body = NULL;
	struct place place = { .extents = n->tar->extents, .count = n->tar->extent_count };
	bool sparse = n->tar->was_sparse;
	uint64_t at = 0;
	int r = tar_reader_body(w->tar, &body, err);

	while (r == 0) {
		_cleanup_(block_unrefp) struct block *b = NULL;

		r = stream_next(body, &b, err);
		if (r)
			break;
		r = sparse ? write_sparse(n, fd, b, &place, err)
			   : write_at(n, fd, b->data, b->len, at, err);
		at += b->len;
	}
	if (r < 0)
		return r;
	w->counts->bytes += at;
	if (sparse && ftruncate(fd, (off_t)n->tar->size) < 0)
		return node_fail(n, errno, "set the size of", err);
	return 0;
}
