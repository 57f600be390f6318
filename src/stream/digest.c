#include "stream/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#define QUEUE_MAX 8 /* blocks: what the hash may lag behind */

struct digest_tee {
	struct stream base;
	struct stream *inner;
	EVP_MD_CTX *ctx;
	uint64_t bytes;
	bool ended, skipped;
	bool hashed; /* md holds the result */
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned md_len;

	bool threaded; /* a thread runs; else the reader hashes by itself */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed_by_reader, changed_by_hash;
	struct block *queue[QUEUE_MAX];
	unsigned head, count;
	bool done;	/* nothing more will be queued */
	bool cancelled; /* nobody wants the result */
	bool failed;	/* EVP refused */
};

static const EVP_MD *md_of(enum digest_algo algo)
{
	return algo == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256();
}

static int evp_failed(struct error *err)
{
	return err_fail(err, ERR_BUG, 0, "the digest library failed");
}

static void hex_of(const unsigned char *md, unsigned n, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < n; i++) {
		hex[2 * i] = digits[md[i] >> 4];
		hex[2 * i + 1] = digits[md[i] & 15];
	}
	hex[2 * n] = '\0';
}

/* The next block to hash, or NULL when there is nothing more to do. */
static struct block *dequeue(struct digest_tee *t)
{
	struct block *b = NULL;

	pthread_mutex_lock(&t->lock);
	while (t->count == 0 && !t->done && !t->cancelled)
		pthread_cond_wait(&t->changed_by_reader, &t->lock);
	if (t->count > 0 && !t->cancelled) {
		b = t->queue[t->head];
		t->head = (t->head + 1) % QUEUE_MAX;
		t->count--;
		pthread_cond_signal(&t->changed_by_hash);
	}
	pthread_mutex_unlock(&t->lock);
	return b;
}

static void *hash_thread(void *arg)
{
	struct digest_tee *t = arg;
	struct block *b;

	while ((b = dequeue(t))) {
		bool ok = EVP_DigestUpdate(t->ctx, b->data, b->len) == 1;

		block_unref(b);
		if (!ok) {
			pthread_mutex_lock(&t->lock);
			t->failed = true;
			pthread_mutex_unlock(&t->lock);
		}
	}
	return NULL;
}

static void enqueue(struct digest_tee *t, struct block *b)
{
	if (!t->threaded) {
		if (EVP_DigestUpdate(t->ctx, b->data, b->len) != 1)
			t->failed = true;
		return;
	}
	block_ref(b);
	pthread_mutex_lock(&t->lock);
	while (t->count == QUEUE_MAX)
		pthread_cond_wait(&t->changed_by_hash, &t->lock);
	t->queue[(t->head + t->count++) % QUEUE_MAX] = b;
	pthread_cond_signal(&t->changed_by_reader);
	pthread_mutex_unlock(&t->lock);
}

/* Ends the thread: after all that is queued, or at once where cancelled. */
static void join(struct digest_tee *t, bool cancel)
{
	if (!t->threaded)
		return;
	pthread_mutex_lock(&t->lock);
	t->done = true;
	t->cancelled = cancel;
	pthread_cond_signal(&t->changed_by_reader);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	t->threaded = false;
}

static int tee_next(struct stream *s, struct block **out, struct error *err)
{
	struct digest_tee *t = (struct digest_tee *)s;
	int r;

	if (t->ended)
		return 1;
	r = stream_next(t->inner, out, err);
	if (r == 1)
		t->ended = true;
	if (r)
		return r;
	t->bytes += (*out)->len;
	/* With a gap the result is worth nothing. */
	if (!t->skipped)
		enqueue(t, *out);
	return 0;
}

static int tee_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct digest_tee *t = (struct digest_tee *)s;
	int r = stream_skip(t->inner, n, skipped, err);

	if (r < 0)
		return r;
	t->bytes += *skipped;
	if (*skipped)
		t->skipped = true;
	return 0;
}

static void tee_close(struct stream *s)
{
	struct digest_tee *t = (struct digest_tee *)s;

	join(t, true);
	for (; t->count > 0; t->count--, t->head = (t->head + 1) % QUEUE_MAX)
		block_unref(t->queue[t->head]);
	stream_close(t->inner);
	EVP_MD_CTX_free(t->ctx);
	pthread_cond_destroy(&t->changed_by_reader);
	pthread_cond_destroy(&t->changed_by_hash);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static const struct stream_ops tee_ops = { tee_next, NULL, tee_close };
static const struct stream_ops tee_skip_ops = { tee_next, tee_skip, tee_close };

static int tee_open(struct stream **out, struct digest_tee **tee, struct stream *inner,
		    enum digest_algo algo, bool threaded, struct error *err)
{
	struct digest_tee *t = calloc(1, sizeof(*t));

	if (!t)
		return err_nomem(err);
	t->ctx = EVP_MD_CTX_new();
	if (!t->ctx || EVP_DigestInit_ex(t->ctx, md_of(algo), NULL) != 1) {
		EVP_MD_CTX_free(t->ctx);
		free(t);
		return evp_failed(err);
	}
	t->base.ops = stream_can_skip(inner) ? &tee_skip_ops : &tee_ops;
	t->inner = inner;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed_by_reader, NULL);
	pthread_cond_init(&t->changed_by_hash, NULL);
	/* A host that gives no thread gets a slower answer, not none. */
	t->threaded = threaded && pthread_create(&t->thread, NULL, hash_thread, t) == 0;
	*tee = t;
	*out = &t->base;
	return 0;
}

int digest_tee_open(struct stream **out, struct digest_tee **tee, struct stream *inner,
		    enum digest_algo algo, struct error *err)
{
	return tee_open(out, tee, inner, algo, true, err);
}

int digest_tee_open_here(struct stream **out, struct digest_tee **tee, struct stream *inner,
			 enum digest_algo algo, struct error *err)
{
	return tee_open(out, tee, inner, algo, false, err);
}

uint64_t digest_tee_bytes(const struct digest_tee *tee)
{
	return tee->bytes;
}

bool digest_tee_complete(const struct digest_tee *tee)
{
	return !tee->skipped;
}

int digest_tee_hex(struct digest_tee *tee, char hex[DIGEST_HEX_MAX + 1], struct error *err)
{
	if (!tee->ended || tee->skipped)
		return err_fail(err, ERR_SEQUENCE, 0, "digest of a stream that %s",
				tee->skipped ? "was skipped in" : "was not read to its end");
	if (!tee->hashed) {
		join(tee, false);
		if (!tee->failed)
			tee->failed = EVP_DigestFinal_ex(tee->ctx, tee->md, &tee->md_len) != 1;
		tee->hashed = true;
	}
	if (tee->failed)
		return evp_failed(err);
	hex_of(tee->md, tee->md_len, hex);
	return 0;
}

int digest_hex(enum digest_algo algo, const void *bytes, size_t n, char hex[DIGEST_HEX_MAX + 1],
	       struct error *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len;

	if (EVP_Digest(bytes, n, md, &len, md_of(algo), NULL) != 1)
		return evp_failed(err);
	hex_of(md, len, hex);
	return 0;
}

struct digest {
	EVP_MD_CTX *ctx;
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned md_len; /* 0 until it is final */
};

int digest_new(struct digest **out, enum digest_algo algo, struct error *err)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return err_nomem(err);
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, md_of(algo), NULL) != 1) {
		digest_free(d);
		return evp_failed(err);
	}
	*out = d;
	return 0;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

int digest_update(struct digest *d, const void *bytes, size_t n, struct error *err)
{
	if (d->md_len)
		return err_fail(err, ERR_SEQUENCE, 0, "bytes for a digest that is final");
	return EVP_DigestUpdate(d->ctx, bytes, n) == 1 ? 0 : evp_failed(err);
}

int digest_final_hex(struct digest *d, char hex[DIGEST_HEX_MAX + 1], struct error *err)
{
	if (!d->md_len && EVP_DigestFinal_ex(d->ctx, d->md, &d->md_len) != 1)
		return evp_failed(err);
	hex_of(d->md, d->md_len, hex);
	return 0;
}
