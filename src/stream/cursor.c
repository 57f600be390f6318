/* What is pending lies in two places, in this order: join[join_pos..join_len), then the rest of the
 * block. join is used only while a request straddles blocks, and takes no more of the next block
 * than that request wants: the bytes behind it are read in place again.
 */
#include "stream/cursor.h"

#include <stdlib.h>
#include <string.h>

#define PEEK_MAX (16u << 20)

void cursor_init(struct cursor *c, struct stream *s)
{
	*c = (struct cursor){ .stream = s };
}

void cursor_done(struct cursor *c)
{
	block_unref(c->block);
	free(c->join);
	*c = (struct cursor){ .stream = c->stream, .offset = c->offset, .ended = true };
}

static size_t block_left(const struct cursor *c)
{
	return c->block ? c->block->len - c->pos : 0;
}

static size_t join_left(const struct cursor *c)
{
	return c->join_len - c->join_pos;
}

static void block_pass(struct cursor *c, size_t n)
{
	c->pos += n;
	if (c->block && c->pos == c->block->len) {
		block_unref(STEAL(c->block));
		c->pos = 0;
	}
}

/* Makes the next block current; only when the last one is used up. 1 at the end. */
static int pull(struct cursor *c, struct error *err)
{
	int r;

	if (c->ended)
		return 1;
	r = stream_next(c->stream, &c->block, err);
	c->pos = 0;
	if (r == 1)
		c->ended = true;
	return r;
}

static int join_reserve(struct cursor *c, size_t n, struct error *err)
{
	size_t want;
	uint8_t *p;

	if (c->join_pos) {
		memmove(c->join, c->join + c->join_pos, join_left(c));
		c->join_len -= c->join_pos;
		c->join_pos = 0;
	}
	if (n <= c->join_cap)
		return 0;
	want = MAX(MAX(n, c->join_cap * 2), (size_t)4096);
	p = realloc(c->join, want);
	if (!p)
		return err_nomem(err);
	c->join = p;
	c->join_cap = want;
	return 0;
}

static int peek_joined(struct cursor *c, size_t n, struct error *err)
{
	while (join_left(c) < n) {
		size_t take;
		int r;

		if (!c->block) {
			r = pull(c, err);
			if (r)
				return r < 0 ? r : 0;
		}
		take = MIN(block_left(c), n - join_left(c));
		/* Room for what is at hand, not for what was asked: a length that an image claims
		 * costs nothing until its bytes are there. */
		r = join_reserve(c, join_left(c) + take, err);
		if (r < 0)
			return r;
		memcpy(c->join + c->join_len, c->block->data + c->pos, take);
		c->join_len += take;
		block_pass(c, take);
	}
	return 0;
}

int cursor_peek(struct cursor *c, size_t n, const uint8_t **bytes, size_t *got, struct error *err)
{
	int r;

	if (n > PEEK_MAX)
		return err_fail(err, ERR_BUG, 0, "peek of %zu bytes", n);
	if (!c->block && join_left(c) == 0 && n > 0) {
		r = pull(c, err);
		if (r < 0)
			return r;
	}
	if (join_left(c) == 0 && block_left(c) >= n) {
		*bytes = c->block ? c->block->data + c->pos : (const uint8_t *)"";
		*got = n;
		return 0;
	}
	r = peek_joined(c, n, err);
	if (r < 0)
		return r;
	*bytes = c->join ? c->join + c->join_pos : (const uint8_t *)"";
	*got = MIN(join_left(c), n);
	return 0;
}

void cursor_advance(struct cursor *c, size_t n)
{
	size_t joined = MIN(n, join_left(c));

	c->offset += n;
	c->join_pos += joined;
	if (c->join_pos == c->join_len)
		c->join_pos = c->join_len = 0;
	block_pass(c, n - joined);
}

int cursor_skip(struct cursor *c, uint64_t n, uint64_t *passed, struct error *err)
{
	*passed = 0;
	for (;;) {
		uint64_t left = n - *passed, skipped = 0;
		size_t pending = join_left(c) + block_left(c);
		int r;

		if (pending) {
			skipped = MIN((uint64_t)pending, left);
			cursor_advance(c, (size_t)skipped);
			*passed += skipped;
			left -= skipped;
		}
		if (left == 0)
			return 0;
		if (c->ended)
			return 0;
		r = stream_skip(c->stream, left, &skipped, err);
		if (r < 0)
			return r;
		c->offset += skipped;
		*passed += skipped;
		if (skipped)
			continue;
		r = pull(c, err);
		if (r)
			return r < 0 ? r : 0;
	}
}

/* Bytes that a peek has joined are copied out: they belong to no block. */
static int next_joined(struct cursor *c, uint64_t n, struct block **out, struct error *err)
{
	size_t take = (size_t)MIN(MIN(n, (uint64_t)join_left(c)), (uint64_t)BLOCK_SIZE);
	struct block *b = block_new();

	if (!b)
		return err_nomem(err);
	memcpy(b->buffer, c->join + c->join_pos, take);
	b->len = take;
	cursor_advance(c, take);
	*out = b;
	return 0;
}

int cursor_next_block(struct cursor *c, uint64_t n, struct block **out, struct error *err)
{
	size_t take;
	int r;

	*out = NULL;
	if (n == 0)
		return 1;
	if (join_left(c))
		return next_joined(c, n, out, err);
	if (!c->block) {
		r = pull(c, err);
		if (r)
			return r;
	}
	take = (size_t)MIN((uint64_t)block_left(c), n);
	if (c->pos == 0 && take == c->block->len) {
		c->offset += take;
		*out = STEAL(c->block);
		return 0;
	}
	*out = block_view(c->block, c->pos, take);
	if (!*out)
		return err_nomem(err);
	cursor_advance(c, take);
	return 0;
}
