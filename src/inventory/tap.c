#include "inventory/tap.h"

struct tap {
	struct stream base;
	struct stream *inner;
	struct tap_options how;
	uint64_t *bytes;
};

static int gave_up(const struct tap *t, struct error *err)
{
	if (t->how.wanted && !atomic_load(t->how.wanted))
		return err_fail(err, ERR_SEQUENCE, 0,
				"not read to its end, other layers tell enough");
	if (!t->how.failed || atomic_load(t->how.failed) >= t->how.position)
		return 0;
	return err_fail(err, ERR_SEQUENCE, 0, "not read to its end, another layer failed first");
}

static int tap_next(struct stream *s, struct block **out, struct error *err)
{
	struct tap *t = (struct tap *)s;
	int r = gave_up(t, err);

	if (r == 0)
		r = stream_next(t->inner, out, err);
	if (r == 0)
		*t->bytes += (*out)->len;
	return r;
}

static int tap_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct tap *t = (struct tap *)s;
	int r = gave_up(t, err);

	*skipped = 0;
	if (r == 0)
		r = stream_skip(t->inner, n, skipped, err);
	if (r == 0)
		*t->bytes += *skipped;
	return r;
}

static void tap_close(struct stream *s)
{
	struct tap *t = (struct tap *)s;

	if (!t->how.leave_open)
		stream_close(t->inner);
	free(t);
}

int tap_open(struct stream **out, struct stream *inner, const struct tap_options *how,
	     uint64_t *bytes, struct error *err)
{
	static const struct stream_ops skipping = { tap_next, tap_skip, tap_close };
	static const struct stream_ops reading = { tap_next, NULL, tap_close };
	struct tap *t = calloc(1, sizeof(*t));

	if (!t)
		return err_nomem(err);
	*t = (struct tap){
		.base.ops = !how->read_all && stream_can_skip(inner) ? &skipping : &reading,
		.inner = inner,
		.how = *how,
		.bytes = bytes,
	};
	*bytes = 0;
	*out = &t->base;
	return 0;
}
