/* The spool: the same bytes whether they stayed in memory or went to a file. */
#include "pack.h"

#include <pthread.h>

#include "stream/spool.h"

static const size_t memory_max[] = { 0, 1, 100, 4096, 100000, 10u << 20 };

#define TOTAL 3000000u

static struct spool *filled(const uint8_t *bytes, size_t n, size_t max)
{
	struct spool *s = spool_new(max);
	struct error err;
	size_t at = 0, piece = 1;

	assert_non_null(s);
	while (at < n) {
		size_t k = MIN(piece, n - at);

		assert_int_equal(spool_append(s, bytes + at, k, &err), 0);
		at += k;
		piece = piece * 5 % 400009 + 1;
	}
	assert_int_equal(spool_append(s, bytes, 0, &err), 0);
	assert_int_equal(spool_size(s), n);
	assert_int_equal(spool_seal(s, &err), 0);
	assert_int_equal(spool_seal(s, &err), 0);
	return s;
}

static void read_back(const struct spool *s, const uint8_t *bytes, size_t n, size_t step)
{
	struct spool_reader r;
	struct error err;
	const uint8_t *p;
	size_t at = 0, got;

	spool_reader_init(&r, s);
	for (;;) {
		size_t want = MIN(step, (size_t)1 << 20);

		assert_int_equal(spool_peek(&r, want, &p, &got, &err), 0);
		if (got == 0)
			break;
		assert_true(got >= want || at + got == n);
		assert_memory_equal(p, bytes + at, MIN(got, want));
		got = MIN(got, want);
		spool_advance(&r, got);
		at += got;
		step = step * 7 % 1000003 + 1;
	}
	assert_int_equal(at, n);
	spool_reader_done(&r);
}

static void test_read_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 99, 100, 101, 5000, 300000, TOTAL };
	uint8_t *bytes = malloc(TOTAL);

	(void)state;
	sample_fill(bytes, TOTAL, 1);
	for (size_t m = 0; m < ARRAY_SIZE(memory_max); m++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct spool *s = filled(bytes, sizes[i], memory_max[m]);

			read_back(s, bytes, sizes[i], 1);
			read_back(s, bytes, sizes[i], 512);
			read_back(s, bytes, sizes[i], 1 << 20);
			spool_free(s);
		}
	}
	free(bytes);
}

struct job {
	const struct spool *s;
	const uint8_t *bytes;
};

static void *read_in_thread(void *arg)
{
	struct job *j = arg;

	read_back(j->s, j->bytes, TOTAL, 4000);
	return NULL;
}

static void test_threads(void **state)
{
	uint8_t *bytes = malloc(TOTAL);
	struct spool *s;
	struct job job;
	pthread_t t[3];

	(void)state;
	sample_fill(bytes, TOTAL, 2);
	s = filled(bytes, TOTAL, 5000);
	job = (struct job){ s, bytes };
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_in_thread, &job), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	spool_free(s);
	free(bytes);
}

static void test_sequence(void **state)
{
	struct spool *s = spool_new(10);
	struct spool_reader r;
	struct error err;
	const uint8_t *p;
	size_t got;

	(void)state;
	spool_reader_init(&r, s);
	assert_int_equal(spool_peek(&r, 1, &p, &got, &err), -ERR_SEQUENCE);
	assert_int_equal(spool_seal(s, &err), 0);
	assert_int_equal(spool_append(s, "x", 1, &err), -ERR_SEQUENCE);
	assert_int_equal(spool_peek(&r, (1 << 20) + 1, &p, &got, &err), -ERR_BUG);
	spool_reader_done(&r);
	spool_free(s);
	spool_free(NULL);
}

static void test_no_directory(void **state)
{
	const char *old = getenv("TMPDIR");
	char *keep = old ? strdup(old) : NULL;
	struct spool *s = spool_new(3);
	struct error err;

	(void)state;
	setenv("TMPDIR", "/nonexistent/uidfit", 1);
	assert_int_equal(spool_append(s, "abc", 3, &err), 0);
	assert_int_equal(spool_append(s, "d", 1, &err), -ERR_IO);
	assert_non_null(strstr(err.msg, "TMPDIR"));
	assert_int_equal(spool_append(s, "d", 1, &err), -ERR_SEQUENCE);
	assert_int_equal(spool_seal(s, &err), -ERR_SEQUENCE);
	spool_free(s);
	if (keep)
		setenv("TMPDIR", keep, 1);
	else
		unsetenv("TMPDIR");
	free(keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
