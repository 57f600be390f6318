#include "stream/ahead.h"

#include <pthread.h>
#include <stdbool.h>

struct ahead {
	struct stream base;
	struct stream *inner;
	bool threaded;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t filled, emptied;
	struct block *queue[AHEAD_BLOCKS];
	unsigned head, count;
	bool cancelled;
	int ended; /* 0, or what inner gave last */
	struct error err;
};

static bool queue_block(struct ahead *a, struct block *b)
{
	bool go_on;

	pthread_mutex_lock(&a->lock);
	while (a->count == AHEAD_BLOCKS && !a->cancelled)
		pthread_cond_wait(&a->emptied, &a->lock);
	go_on = !a->cancelled;
	if (go_on) {
		a->queue[(a->head + a->count++) % AHEAD_BLOCKS] = b;
		pthread_cond_signal(&a->filled);
	}
	pthread_mutex_unlock(&a->lock);
	if (!go_on)
		block_unref(b);
	return go_on;
}

static void *read_inner(void *arg)
{
	struct ahead *a = arg;
	struct error err = { 0 };
	struct block *b;
	int r;

	while ((r = stream_next(a->inner, &b, &err)) == 0)
		if (!queue_block(a, b))
			return NULL;
	pthread_mutex_lock(&a->lock);
	a->ended = r;
	a->err = err;
	pthread_cond_signal(&a->filled);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static int ahead_next(struct stream *s, struct block **out, struct error *err)
{
	struct ahead *a = (struct ahead *)s;
	int r = 0;

	if (!a->threaded)
		return stream_next(a->inner, out, err);
	pthread_mutex_lock(&a->lock);
	while (!a->count && !a->ended)
		pthread_cond_wait(&a->filled, &a->lock);
	if (a->count) {
		*out = a->queue[a->head];
		a->head = (a->head + 1) % AHEAD_BLOCKS;
		a->count--;
		pthread_cond_signal(&a->emptied);
	} else {
		r = a->ended;
		if (r < 0 && err)
			*err = a->err;
	}
	pthread_mutex_unlock(&a->lock);
	return r;
}

static void ahead_close(struct stream *s)
{
	struct ahead *a = (struct ahead *)s;

	if (a->threaded) {
		pthread_mutex_lock(&a->lock);
		a->cancelled = true;
		pthread_cond_signal(&a->emptied);
		pthread_mutex_unlock(&a->lock);
		pthread_join(a->thread, NULL);
	}
	for (; a->count; a->count--, a->head = (a->head + 1) % AHEAD_BLOCKS)
		block_unref(a->queue[a->head]);
	stream_close(a->inner);
	pthread_cond_destroy(&a->filled);
	pthread_cond_destroy(&a->emptied);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

int stream_open_ahead(struct stream **out, struct stream *inner, struct error *err)
{
	static const struct stream_ops ops = { ahead_next, NULL, ahead_close };
	struct ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return err_nomem(err);
	a->base.ops = &ops;
	a->inner = inner;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->filled, NULL);
	pthread_cond_init(&a->emptied, NULL);
	a->threaded = pthread_create(&a->thread, NULL, read_inner, a) == 0;
	*out = &a->base;
	return 0;
}
