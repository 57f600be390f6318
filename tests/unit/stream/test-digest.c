/* The digest tee: the right digest, and a thread that ends whatever the reader does. */
#include "pack.h"

#include <dlfcn.h>
#include <pthread.h>

#include "stream/digest.h"

/* Stands before the C library's: a host that gives no more threads. */
static bool no_threads;
static unsigned refused;

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (no_threads) {
		refused++;
		return EAGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(t, attr, fn, arg);
}

static struct stream *tee_over(const void *bytes, size_t n, size_t chunk, enum digest_algo algo,
			       struct digest_tee **tee)
{
	struct stream *in, *s;
	struct error err;

	assert_int_equal(stream_open_memory(&in, bytes, n, &err), 0);
	if (chunk) {
		assert_int_equal(stream_open_chunked(&s, in, chunk, &err), 0);
		in = s;
	}
	assert_int_equal(digest_tee_open(&s, tee, in, algo, &err), 0);
	return s;
}

static void test_known(void **state)
{
	char hex[DIGEST_HEX_MAX + 1];
	struct error err;

	(void)state;
	/* FIPS 180-2, appendix B.1 and C.1. */
	assert_int_equal(digest_hex(DIGEST_SHA256, "abc", 3, hex, &err), 0);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_hex(DIGEST_SHA512, "abc", 3, hex, &err), 0);
	assert_string_equal(hex,
			    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	assert_int_equal(digest_hex(DIGEST_SHA256, "", 0, hex, &err), 0);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_tee(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, BLOCK_SIZE, 20 * BLOCK_SIZE + 5 };
	static const size_t chunks[] = { 0, 7, 4096 };
	uint8_t *bytes = malloc(20 * BLOCK_SIZE + 5);

	(void)state;
	sample_fill(bytes, 20 * BLOCK_SIZE + 5, 1);
	for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(chunks) * 4; i++) {
		size_t n = sizes[i % ARRAY_SIZE(sizes)];
		size_t chunk = chunks[i / ARRAY_SIZE(sizes) % ARRAY_SIZE(chunks)];
		enum digest_algo algo = i % 2 ? DIGEST_SHA512 : DIGEST_SHA256;
		char want[DIGEST_HEX_MAX + 1], hex[DIGEST_HEX_MAX + 1];
		struct digest_tee *tee;
		struct error err;
		struct stream *s;
		uint8_t *all;
		size_t len;

		if (chunk == 7)
			n = MIN(n, (size_t)100000);
		no_threads = i >= ARRAY_SIZE(sizes) * ARRAY_SIZE(chunks) * 2;
		s = tee_over(bytes, n, chunk, algo, &tee);
		assert_int_equal(stream_read_all(s, UINT64_MAX, &all, &len, &err), 0);
		assert_int_equal(len, n);
		assert_memory_equal(all, bytes, n);
		free(all);
		assert_int_equal(digest_tee_bytes(tee), n);
		assert_true(digest_tee_complete(tee));
		assert_int_equal(digest_hex(algo, bytes, n, want, &err), 0);
		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(digest_tee_hex(tee, hex, &err), 0);
			assert_string_equal(hex, want);
		}
		stream_close(s);
	}
	assert_int_equal(refused, ARRAY_SIZE(sizes) * ARRAY_SIZE(chunks) * 2);
	no_threads = false;
	free(bytes);
}

/* Closed after k blocks, the queue full or empty; asked too early. */
static void test_closed_early(void **state)
{
	size_t n = 30 * BLOCK_SIZE;
	uint8_t *bytes = calloc(1, n);

	(void)state;
	for (int k = 0; k < 60; k++) {
		char hex[DIGEST_HEX_MAX + 1];
		struct digest_tee *tee;
		struct error err;
		struct block *b;
		struct stream *s;

		no_threads = k >= 30;
		s = tee_over(bytes, n, 0, DIGEST_SHA256, &tee);
		for (int i = 0; i < k % 30; i++) {
			assert_int_equal(stream_next(s, &b, &err), 0);
			block_unref(b);
		}
		assert_int_equal(digest_tee_hex(tee, hex, &err), -ERR_SEQUENCE);
		assert_int_equal(digest_tee_bytes(tee), (uint64_t)(k % 30) * BLOCK_SIZE);
		stream_close(s);
	}
	no_threads = false;
	free(bytes);
}

/* Blocks that the reader keeps are still whole after the tee is gone. */
static void test_blocks_kept(void **state)
{
	static const char bytes[] = "0123456789";
	struct digest_tee *tee;
	struct stream *s = tee_over(bytes, 10, 5, DIGEST_SHA256, &tee);
	struct block *a, *b;
	struct error err;

	(void)state;
	assert_int_equal(stream_next(s, &a, &err), 0);
	assert_int_equal(stream_next(s, &b, &err), 0);
	stream_close(s);
	assert_memory_equal(a->data, "01234", 5);
	assert_memory_equal(b->data, "56789", 5);
	block_unref(a);
	block_unref(b);
}

static void test_skipped(void **state)
{
	char hex[DIGEST_HEX_MAX + 1];
	struct digest_tee *tee;
	struct stream *s = tee_over("0123456789", 10, 0, DIGEST_SHA256, &tee);
	struct error err;
	uint64_t skipped;

	(void)state;
	assert_true(stream_can_skip(s));
	assert_int_equal(stream_skip(s, 4, &skipped, &err), 0);
	assert_int_equal(skipped, 4);
	assert_false(digest_tee_complete(tee));
	assert_int_equal(stream_drain(s, &err), 0);
	assert_int_equal(digest_tee_bytes(tee), 10);
	assert_int_equal(digest_tee_hex(tee, hex, &err), -ERR_SEQUENCE);
	stream_close(s);
}

static void test_inner_fails(void **state)
{
	char hex[DIGEST_HEX_MAX + 1];
	struct digest_tee *tee;
	struct stream *in, *s;
	struct error err;
	struct block *b;

	(void)state;
	assert_int_equal(stream_open_fd(&in, -1, false, &err), 0);
	assert_int_equal(digest_tee_open(&s, &tee, in, DIGEST_SHA256, &err), 0);
	assert_false(stream_can_skip(s));
	assert_int_equal(stream_next(s, &b, &err), -ERR_IO);
	assert_int_equal(digest_tee_hex(tee, hex, &err), -ERR_SEQUENCE);
	stream_close(s);
}

/* Pushed in pieces: as one. */
static void test_push(void **state)
{
	char hex[DIGEST_HEX_MAX + 1], again[DIGEST_HEX_MAX + 1];
	struct digest *d;
	struct error err;

	(void)state;
	assert_int_equal(digest_new(&d, DIGEST_SHA256, &err), 0);
	assert_int_equal(digest_update(d, "a", 1, &err), 0);
	assert_int_equal(digest_update(d, "", 0, &err), 0);
	assert_int_equal(digest_update(d, "bc", 2, &err), 0);
	assert_int_equal(digest_final_hex(d, hex, &err), 0);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_final_hex(d, again, &err), 0);
	assert_string_equal(hex, again);
	assert_int_equal(digest_update(d, "d", 1, &err), -ERR_SEQUENCE);
	digest_free(d);
	digest_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	     cmocka_unit_test(test_tee),
		cmocka_unit_test(test_closed_early), cmocka_unit_test(test_blocks_kept),
		cmocka_unit_test(test_skipped),	     cmocka_unit_test(test_inner_fails),
		cmocka_unit_test(test_push),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
