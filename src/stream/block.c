#include "stream/block.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

/* A tee's queue and a reader's hands hold about a dozen, two layers that are decoded ahead of their
 * writing eighty: fresh ones cost a page fault for each 4 KiB. Under AddressSanitizer nothing is
 * kept, so that a use after the last unref is seen. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define FREE_MAX 0
#else
#define FREE_MAX 96
#endif

static struct {
	pthread_mutex_t lock;
	struct block *first;
	int count;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct block *pool_take(void)
{
	struct block *b;

	pthread_mutex_lock(&pool.lock);
	b = pool.first;
	if (b) {
		pool.first = b->parent;
		pool.count--;
	}
	pthread_mutex_unlock(&pool.lock);
	return b;
}

static void pool_put(struct block *b)
{
	pthread_mutex_lock(&pool.lock);
	if (pool.count < FREE_MAX) {
		b->parent = pool.first;
		pool.first = b;
		pool.count++;
		b = NULL;
	}
	pthread_mutex_unlock(&pool.lock);
	if (b) {
		free(b->buffer);
		free(b);
	}
}

static struct block *block_make(const uint8_t *data, size_t len, struct block *parent)
{
	struct block *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	*b = (struct block){ .data = data, .len = len, .parent = parent };
	atomic_init(&b->refs, 1);
	return b;
}

struct block *block_new(void)
{
	struct block *b = pool_take();
	void *buffer;

	if (!b) {
		b = block_make(NULL, 0, NULL);
		if (!b)
			return NULL;
		if (posix_memalign(&buffer, 64, BLOCK_SIZE)) {
			free(b);
			return NULL;
		}
		b->buffer = buffer;
	}
	b->data = b->buffer;
	b->len = 0;
	b->parent = NULL;
	atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

struct block *block_borrow(const void *bytes, size_t n)
{
	return block_make(bytes, n, NULL);
}

struct block *block_view(struct block *b, size_t offset, size_t n)
{
	struct block *root = b->parent ? b->parent : b;
	struct block *view = block_make(b->data + offset, n, root);

	if (view)
		block_ref(root);
	return view;
}

struct block *block_ref(struct block *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void block_unref(struct block *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (b->buffer) {
		pool_put(b);
		return;
	}
	/* A view's parent is never a view: this goes one level deep. */
	block_unref(b->parent);
	free(b);
}
