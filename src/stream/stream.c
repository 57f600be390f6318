#include "stream/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int stream_next(struct stream *s, struct block **out, struct error *err)
{
	*out = NULL;
	return s->ops->next(s, out, err);
}

int stream_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	*skipped = 0;
	if (!s->ops->skip || n == 0)
		return 0;
	return s->ops->skip(s, n, skipped, err);
}

bool stream_can_skip(const struct stream *s)
{
	return s->ops->skip != NULL;
}

void stream_close(struct stream *s)
{
	if (s)
		s->ops->close(s);
}

static int grow(uint8_t **data, size_t *cap, size_t need, struct error *err)
{
	size_t want = MAX(*cap * 2, need);
	uint8_t *p;

	if (*cap > SIZE_MAX / 2)
		return err_nomem(err);
	p = realloc(*data, want);
	if (!p)
		return err_nomem(err);
	*data = p;
	*cap = want;
	return 0;
}

int stream_read_all(struct stream *s, uint64_t max, uint8_t **data, size_t *len, struct error *err)
{
	_cleanup_(freep) uint8_t *all = NULL;
	size_t used = 0, cap = 0;
	int r;

	for (;;) {
		_cleanup_(block_unrefp) struct block *b = NULL;

		r = stream_next(s, &b, err);
		if (r < 0)
			return r;
		if (r == 1)
			break;
		if (b->len > max - used)
			return err_fail(err, ERR_LIMIT, 0, "more than %" PRIu64 " bytes", max);
		if (b->len >= cap - used) {
			r = grow(&all, &cap, used + b->len + 1, err);
			if (r < 0)
				return r;
		}
		memcpy(all + used, b->data, b->len);
		used += b->len;
	}
	if (!all) {
		r = grow(&all, &cap, 1, err);
		if (r < 0)
			return r;
	}
	all[used] = '\0';
	*data = STEAL(all);
	*len = used;
	return 0;
}

int stream_drain(struct stream *s, struct error *err)
{
	for (;;) {
		struct block *b;
		int r = stream_next(s, &b, err);

		if (r)
			return r < 0 ? r : 0;
		block_unref(b);
	}
}
