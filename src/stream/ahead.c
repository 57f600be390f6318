#include "stream/ahead.h"

#include <pthread.h>
#include <stdbool.h>

/* A thread that waits for room is woken once there is some to fill, not for each block. */
#define ROOM (AHEAD_BLOCKS / 8)

struct part {
	struct stream base;
	struct ahead *ahead;
	struct stream *inner; /* NULL before it is opened */
	int end;	      /* what inner, or opening it, gave last: valid once over */
	struct error err;
	bool over;
};

struct ahead {
	ahead_open_fn *open;
	void *ctx;
	struct part *parts;
	size_t count, taken; /* parts; of these ahead_next has given out */
	bool threaded;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows, and taken */
	pthread_cond_t filled, emptied;
	struct block *queue[AHEAD_BLOCKS]; /* NULL: the end of a part */
	unsigned head, queued;
	bool cancelled;
};

/* b may be NULL. */
static bool put(struct ahead *a, struct block *b)
{
	bool go_on;

	pthread_mutex_lock(&a->lock);
	while (a->queued == AHEAD_BLOCKS && !a->cancelled)
		pthread_cond_wait(&a->emptied, &a->lock);
	go_on = !a->cancelled;
	if (go_on) {
		a->queue[(a->head + a->queued++) % AHEAD_BLOCKS] = b;
		pthread_cond_signal(&a->filled);
	}
	pthread_mutex_unlock(&a->lock);
	if (!go_on)
		block_unref(b);
	return go_on;
}

static bool wait_turn(struct ahead *a, size_t i)
{
	bool go_on;

	pthread_mutex_lock(&a->lock);
	while (i >= a->taken + AHEAD_STREAMS && !a->cancelled)
		pthread_cond_wait(&a->emptied, &a->lock);
	go_on = !a->cancelled;
	pthread_mutex_unlock(&a->lock);
	return go_on;
}

static int read_part(struct part *p, struct block **out)
{
	struct ahead *a = p->ahead;

	if (!p->inner) {
		int r = a->open(a->ctx, (size_t)(p - a->parts), &p->inner, &p->err);

		if (r < 0)
			return r;
	}
	return stream_next(p->inner, out, &p->err);
}

static void *read_all(void *arg)
{
	struct ahead *a = arg;

	for (size_t i = 0; i < a->count && wait_turn(a, i); i++) {
		struct part *p = &a->parts[i];
		struct block *b;

		while ((p->end = read_part(p, &b)) == 0)
			if (!put(a, b))
				return NULL;
		if (!put(a, NULL) || p->end < 0)
			return NULL;
	}
	return NULL;
}

static struct block *take(struct ahead *a)
{
	struct block *b;

	pthread_mutex_lock(&a->lock);
	while (!a->queued)
		pthread_cond_wait(&a->filled, &a->lock);
	b = a->queue[a->head];
	a->head = (a->head + 1) % AHEAD_BLOCKS;
	a->queued--;
	if (a->queued == AHEAD_BLOCKS - ROOM)
		pthread_cond_signal(&a->emptied);
	pthread_mutex_unlock(&a->lock);
	return b;
}

static int part_next(struct stream *s, struct block **out, struct error *err)
{
	struct part *p = (struct part *)s;
	struct block *b = NULL;

	if (!p->over && p->ahead->threaded)
		b = take(p->ahead);
	else if (!p->over)
		p->end = read_part(p, &b);
	if (b) {
		*out = b;
		return 0;
	}
	p->over = true;
	if (p->end < 0 && err)
		*err = p->err;
	return p->end;
}

static void part_close(struct stream *s)
{
	(void)s;
}

struct stream *ahead_next(struct ahead *a)
{
	size_t i = a->taken;

	if (i && a->parts[i - 1].over)
		stream_close(STEAL(a->parts[i - 1].inner));
	if (i == a->count)
		return NULL;
	pthread_mutex_lock(&a->lock);
	a->taken++;
	pthread_cond_signal(&a->emptied);
	pthread_mutex_unlock(&a->lock);
	return &a->parts[i].base;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	if (a->threaded) {
		pthread_mutex_lock(&a->lock);
		a->cancelled = true;
		pthread_cond_signal(&a->emptied);
		pthread_mutex_unlock(&a->lock);
		pthread_join(a->thread, NULL);
	}
	for (; a->queued; a->queued--, a->head = (a->head + 1) % AHEAD_BLOCKS)
		block_unref(a->queue[a->head]);
	for (size_t i = 0; i < a->count; i++)
		stream_close(a->parts[i].inner);
	pthread_cond_destroy(&a->filled);
	pthread_cond_destroy(&a->emptied);
	pthread_mutex_destroy(&a->lock);
	free(a->parts);
	free(a);
}

int ahead_new(struct ahead **out, size_t count, ahead_open_fn *open, void *ctx, struct error *err)
{
	static const struct stream_ops ops = { part_next, NULL, part_close };
	struct ahead *a = calloc(1, sizeof(*a));

	if (a)
		a->parts = calloc(count + 1, sizeof(*a->parts));
	if (!a || !a->parts) {
		free(a);
		return err_nomem(err);
	}
	a->open = open;
	a->ctx = ctx;
	a->count = count;
	for (size_t i = 0; i < count; i++) {
		a->parts[i].base.ops = &ops;
		a->parts[i].ahead = a;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->filled, NULL);
	pthread_cond_init(&a->emptied, NULL);
	a->threaded = pthread_create(&a->thread, NULL, read_all, a) == 0;
	*out = a;
	return 0;
}
