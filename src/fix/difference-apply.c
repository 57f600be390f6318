/* A difference carried out. The operations may be anybody's: each is held to the sizes before a
 * byte is made of it, and one that does nothing is refused, so that the sizes bound the work.
 */
#include <string.h>

#include "fix/difference.h"
#include "inventory/record.h"
#include "stream/cursor.h"

#define RUN_SMALL     (32u << 10) /* copied into a block with its neighbours */
#define OPERATION_MAX 30	  /* bytes of three numbers */

struct apply {
	struct stream base;
	struct stream *tar_stream, *operations_stream;
	struct cursor tar, operations;
	struct fix_sizes left;
	uint64_t copy, pass, put; /* what is left of the operation at hand */
	struct block *fresh;	  /* being filled, or NULL */
};

static int damaged(struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "its operations do not make the old layer");
}

static int another(struct error *err)
{
	return err_fail(err, ERR_DIGEST, 0, "the layer has another size than the report says");
}

static bool fits(const struct apply *a)
{
	return (a->copy || a->pass || a->put) && a->copy <= a->left.old &&
	       a->put <= a->left.old - a->copy && a->copy <= a->left.new &&
	       a->pass <= a->left.new - a->copy;
}

/* 1 where both tars have ended. */
static int at_end(struct apply *a, struct error *err)
{
	const uint8_t *bytes;
	size_t got;
	int r;

	if (a->left.old || a->left.new)
		return damaged(err);
	r = cursor_peek(&a->tar, 1, &bytes, &got, err);
	return r < 0 ? r : got ? another(err) : 1;
}

static int next_operation(struct apply *a, struct error *err)
{
	const uint8_t *bytes, *p, *end;
	size_t got;
	int r = cursor_peek(&a->operations, OPERATION_MAX, &bytes, &got, err);

	if (r < 0)
		return r;
	if (!got)
		return at_end(a, err);
	end = bytes + got;
	p = varint_get(bytes, end, &a->copy);
	p = p ? varint_get(p, end, &a->pass) : NULL;
	p = p ? varint_get(p, end, &a->put) : NULL;
	if (!p || !fits(a))
		return damaged(err);
	cursor_advance(&a->operations, (size_t)(p - bytes));
	a->left.old -= a->copy + a->put;
	a->left.new -= a->copy + a->pass;
	return 0;
}

static size_t room(const struct apply *a)
{
	return BLOCK_SIZE - a->fresh->len;
}

static void append(struct apply *a, const uint8_t *bytes, size_t n)
{
	memcpy(a->fresh->buffer + a->fresh->len, bytes, n);
	a->fresh->len += n;
}

static int copy_some(struct apply *a, struct error *err)
{
	_cleanup_(block_unrefp) struct block *b = NULL;
	int r = cursor_next_block(&a->tar, MIN(a->copy, (uint64_t)room(a)), &b, err);

	if (r)
		return r < 0 ? r : another(err);
	append(a, b->data, b->len);
	a->copy -= b->len;
	return 0;
}

/* Read, not skipped: a digest of the new tar may be made below. */
static int pass_some(struct apply *a, struct error *err)
{
	_cleanup_(block_unrefp) struct block *b = NULL;
	int r = cursor_next_block(&a->tar, a->pass, &b, err);

	if (r)
		return r < 0 ? r : another(err);
	a->pass -= b->len;
	return 0;
}

static int put_some(struct apply *a, struct error *err)
{
	const uint8_t *bytes;
	size_t n = (size_t)MIN(a->put, (uint64_t)MIN(room(a), (size_t)RUN_SMALL)), got;
	int r = cursor_peek(&a->operations, n, &bytes, &got, err);

	if (r < 0)
		return r;
	if (!got)
		return damaged(err);
	append(a, bytes, got);
	cursor_advance(&a->operations, got);
	a->put -= got;
	return 0;
}

static int step(struct apply *a, struct error *err)
{
	if (a->copy)
		return copy_some(a, err);
	if (a->pass)
		return pass_some(a, err);
	return a->put ? put_some(a, err) : next_operation(a, err);
}

/* A long run goes on as the block that it stands in. */
static int long_run(struct apply *a, struct block **out, struct error *err)
{
	int r = cursor_next_block(&a->tar, a->copy, out, err);

	if (r)
		return r < 0 ? r : another(err);
	a->copy -= (*out)->len;
	return 0;
}

static int apply_next(struct stream *s, struct block **out, struct error *err)
{
	struct apply *a = (struct apply *)s;
	_cleanup_(block_unrefp) struct block *fresh = NULL;
	int r = 0;

	if (a->copy >= RUN_SMALL)
		return long_run(a, out, err);
	fresh = a->fresh = block_new();
	if (!fresh)
		return err_nomem(err);
	fresh->data = fresh->buffer;
	fresh->len = 0;
	while (r == 0 && room(a) && a->copy < RUN_SMALL)
		r = step(a, err);
	if (r == 0 && !fresh->len)
		return long_run(a, out, err);
	if (r < 0 || !fresh->len)
		return r;
	*out = STEAL(fresh);
	return 0;
}

static void apply_close(struct stream *s)
{
	struct apply *a = (struct apply *)s;

	cursor_done(&a->tar);
	cursor_done(&a->operations);
	stream_close(a->tar_stream);
	stream_close(a->operations_stream);
	free(a);
}

int fix_difference_open(struct stream **out, struct stream *tar, struct stream *operations,
			const struct fix_sizes *sizes, struct error *err)
{
	static const struct stream_ops ops = { apply_next, NULL, apply_close };
	struct apply *a = calloc(1, sizeof(*a));

	if (!a)
		return err_nomem(err);
	a->base.ops = &ops;
	a->left = *sizes;
	a->tar_stream = tar;
	a->operations_stream = operations;
	cursor_init(&a->tar, tar);
	cursor_init(&a->operations, operations);
	*out = &a->base;
	return 0;
}
