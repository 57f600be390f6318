#include "stream/base64.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct base64 {
	struct stream base;
	struct stream *inner;
	uint64_t offset; /* digits passed */
	uint32_t group;
	unsigned have;	 /* digits in group */
	unsigned padded; /* of them '=': nothing comes behind */
	struct block *block;
	size_t pos;
};

/* 0-63, 64 for '=', 65 for what is neither. */
static uint8_t digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 64 : 65;
}

static int bad(const struct base64 *b, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "no base64 at byte %" PRIu64, b->offset);
}

/* Bits that a short last group leaves over are zero. */
static bool group_ends_well(const struct base64 *b)
{
	return !b->padded || (b->padded == 1 && !(b->group & 0xff)) ||
	       (b->padded == 2 && !(b->group & 0xffff));
}

static int take(struct base64 *b, uint8_t c, struct block *out, struct error *err)
{
	uint8_t v = digit(c);

	if (v > 64 || (b->padded && (v != 64 || !b->have)) || (v == 64 && b->have < 2))
		return bad(b, err);
	b->padded += v == 64;
	b->group = b->group << 6 | (v & 63u);
	b->offset++;
	if (++b->have < 4)
		return 0;
	if (!group_ends_well(b))
		return bad(b, err);
	for (unsigned i = 0; i < 3 - b->padded; i++)
		out->buffer[out->len++] = (uint8_t)(b->group >> (16 - 8 * i));
	b->have = 0;
	b->group = 0;
	return 0;
}

static int fill(struct base64 *b, struct block *out, struct error *err)
{
	while (out->len + 3 <= BLOCK_SIZE) {
		int r;

		if (!b->block) {
			r = stream_next(b->inner, &b->block, err);
			b->pos = 0;
			if (r > 0 && b->have)
				return bad(b, err);
			if (r)
				return MIN(r, 0);
		}
		r = take(b, b->block->data[b->pos++], out, err);
		if (r < 0)
			return r;
		if (b->pos == b->block->len)
			block_unref(STEAL(b->block));
	}
	return 0;
}

static int base64_next(struct stream *s, struct block **out, struct error *err)
{
	_cleanup_(block_unrefp) struct block *block = block_new();
	int r;

	if (!block)
		return err_nomem(err);
	block->data = block->buffer;
	block->len = 0;
	r = fill((struct base64 *)s, block, err);
	if (r < 0 || !block->len)
		return r < 0 ? r : 1;
	*out = STEAL(block);
	return 0;
}

static void base64_close(struct stream *s)
{
	struct base64 *b = (struct base64 *)s;

	block_unref(b->block);
	stream_close(b->inner);
	free(b);
}

int base64_open(struct stream **out, struct stream *inner, struct error *err)
{
	static const struct stream_ops ops = { base64_next, NULL, base64_close };
	struct base64 *b = calloc(1, sizeof(*b));

	if (!b)
		return err_nomem(err);
	b->base.ops = &ops;
	b->inner = inner;
	*out = &b->base;
	return 0;
}
