#include "stream/peek.h"

#include <stdlib.h>

#include "stream/cursor.h"

struct peeked {
	struct stream base;
	struct stream *inner;
	struct cursor cursor;
};

static int peeked_next(struct stream *s, struct block **out, struct error *err)
{
	struct peeked *p = (struct peeked *)s;

	return cursor_next_block(&p->cursor, UINT64_MAX, out, err);
}

static int peeked_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct peeked *p = (struct peeked *)s;

	return cursor_skip(&p->cursor, n, skipped, err);
}

static void peeked_close(struct stream *s)
{
	struct peeked *p = (struct peeked *)s;

	cursor_done(&p->cursor);
	stream_close(p->inner);
	free(p);
}

void stream_unpeek(struct stream *s)
{
	struct peeked *p = (struct peeked *)s;

	p->inner = NULL;
	peeked_close(s);
}

static const struct stream_ops peeked_ops = { peeked_next, NULL, peeked_close };
static const struct stream_ops peeked_skip_ops = { peeked_next, peeked_skip, peeked_close };

int stream_open_peeked(struct stream **out, struct stream *inner, size_t n, const uint8_t **bytes,
		       size_t *got, struct error *err)
{
	struct peeked *p = malloc(sizeof(*p));
	int r;

	if (!p)
		return err_nomem(err);
	p->base.ops = stream_can_skip(inner) ? &peeked_skip_ops : &peeked_ops;
	cursor_init(&p->cursor, inner);
	r = cursor_peek(&p->cursor, n, bytes, got, err);
	if (r < 0) {
		cursor_done(&p->cursor);
		free(p);
		return r;
	}
	p->inner = inner;
	*out = &p->base;
	return 0;
}
