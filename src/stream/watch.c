#include "stream/watch.h"

#include <stdlib.h>

struct watch {
	struct stream base;
	struct stream *inner;
	struct progress *progress;
	size_t id;
	enum progress_step step;
	uint64_t bytes, told;
};

static void tell(struct watch *w, uint64_t n)
{
	w->bytes += n;
	if (w->bytes - w->told < WATCH_STEP || w->step == PROGRESS_WAITING)
		return;
	w->told = w->bytes;
	progress_advance(w->progress, w->id, w->step, w->bytes);
}

static int watch_next(struct stream *s, struct block **out, struct error *err)
{
	struct watch *w = (struct watch *)s;
	int r;

	if (progress_stopped(w->progress))
		return err_fail(err, ERR_SEQUENCE, 0, "interrupted");
	r = stream_next(w->inner, out, err);
	if (r == 0)
		tell(w, (*out)->len);
	return r;
}

static int watch_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct watch *w = (struct watch *)s;
	int r = stream_skip(w->inner, n, skipped, err);

	if (r == 0)
		tell(w, *skipped);
	return r;
}

static void watch_close(struct stream *s)
{
	struct watch *w = (struct watch *)s;

	stream_close(w->inner);
	free(w);
}

int stream_open_watched(struct stream **out, struct stream *inner, struct progress *progress,
			size_t id, enum progress_step step, struct error *err)
{
	static const struct stream_ops skipping = { watch_next, watch_skip, watch_close };
	static const struct stream_ops reading = { watch_next, NULL, watch_close };
	struct watch *w;

	if (!progress) {
		*out = inner;
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_nomem(err);
	*w = (struct watch){
		.base.ops = stream_can_skip(inner) ? &skipping : &reading,
		.inner = inner,
		.progress = progress,
		.id = id,
		.step = step,
	};
	*out = &w->base;
	return 0;
}
