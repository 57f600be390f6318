/* Streams over bytes at hand: memory, and another stream cut into small pieces. */
#include <inttypes.h>
#include <stdlib.h>

#include "stream/stream.h"

struct memory {
	struct stream base;
	const uint8_t *bytes;
	size_t pos, len;
};

static int memory_next(struct stream *s, struct block **out, struct error *err)
{
	struct memory *m = (struct memory *)s;
	size_t n = MIN(m->len - m->pos, (size_t)BLOCK_SIZE);

	if (n == 0)
		return 1;
	*out = block_borrow(m->bytes + m->pos, n);
	if (!*out)
		return err_nomem(err);
	m->pos += n;
	return 0;
}

static int memory_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct memory *m = (struct memory *)s;

	if (n > m->len - m->pos)
		return err_fail(err, ERR_TRUNCATED, 0,
				"%" PRIu64 " bytes to pass at byte %zu, but only %zu are left", n,
				m->pos, m->len - m->pos);
	m->pos += (size_t)n;
	*skipped = n;
	return 0;
}

static void memory_close(struct stream *s)
{
	free(s);
}

static const struct stream_ops memory_ops = { memory_next, memory_skip, memory_close };

int stream_open_memory(struct stream **out, const void *bytes, size_t n, struct error *err)
{
	struct memory *m = malloc(sizeof(*m));

	if (!m)
		return err_nomem(err);
	*m = (struct memory){ .base = { &memory_ops }, .bytes = bytes, .len = n };
	*out = &m->base;
	return 0;
}

struct chunked {
	struct stream base;
	struct stream *inner;
	struct block *block; /* what is left of it begins at pos */
	size_t pos, max;
};

static void chunked_pass(struct chunked *c, size_t n)
{
	c->pos += n;
	if (c->pos == c->block->len) {
		block_unref(STEAL(c->block));
		c->pos = 0;
	}
}

static int chunked_next(struct stream *s, struct block **out, struct error *err)
{
	struct chunked *c = (struct chunked *)s;
	size_t n;

	if (!c->block) {
		int r = stream_next(c->inner, &c->block, err);

		if (r)
			return r;
	}
	n = MIN(c->block->len - c->pos, c->max);
	*out = block_view(c->block, c->pos, n);
	if (!*out)
		return err_nomem(err);
	chunked_pass(c, n);
	return 0;
}

static int chunked_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct chunked *c = (struct chunked *)s;

	if (!c->block)
		return stream_skip(c->inner, n, skipped, err);
	n = MIN(n, (uint64_t)(c->block->len - c->pos));
	chunked_pass(c, (size_t)n);
	*skipped = n;
	return 0;
}

static void chunked_close(struct stream *s)
{
	struct chunked *c = (struct chunked *)s;

	block_unref(c->block);
	stream_close(c->inner);
	free(c);
}

static const struct stream_ops chunked_ops = { chunked_next, NULL, chunked_close };
static const struct stream_ops chunked_skip_ops = { chunked_next, chunked_skip, chunked_close };

int stream_open_chunked(struct stream **out, struct stream *inner, size_t n, struct error *err)
{
	struct chunked *c = malloc(sizeof(*c));

	if (!c)
		return err_nomem(err);
	*c = (struct chunked){ .base = { stream_can_skip(inner) ? &chunked_skip_ops
								: &chunked_ops },
			       .inner = inner,
			       .max = MAX(n, (size_t)1) };
	*out = &c->base;
	return 0;
}
