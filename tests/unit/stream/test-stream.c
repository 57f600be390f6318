/* Streams of files and memory, blocks, and the cursor over them. */
#include "pack.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "stream/cursor.h"

static int file_of(const void *bytes, size_t n)
{
	char path[] = "/tmp/uidfit-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	return fd;
}

static struct stream *memory(const void *bytes, size_t n, size_t chunk)
{
	struct stream *s, *in;
	struct error err;

	assert_int_equal(stream_open_memory(&in, bytes, n, &err), 0);
	if (!chunk)
		return in;
	assert_int_equal(stream_open_chunked(&s, in, chunk, &err), 0);
	return s;
}

static void expect_rest(struct stream *s, const void *bytes, size_t n)
{
	struct error err;
	uint8_t *all;
	size_t len;

	assert_int_equal(stream_read_all(s, UINT64_MAX, &all, &len, &err), 0);
	assert_int_equal(len, n);
	assert_memory_equal(all, bytes, n);
	assert_int_equal(all[len], 0);
	free(all);
}

static void test_blocks(void **state)
{
	struct block *b = block_new(), *view, *inner, *more[100];

	(void)state;
	assert_non_null(b);
	memcpy(b->buffer, "0123456789", 10);
	b->len = 10;
	view = block_view(b, 2, 6);
	inner = block_view(view, 1, 3);
	block_unref(b);
	block_unref(view);
	/* Both are gone; their bytes are not. */
	assert_int_equal(inner->len, 3);
	assert_memory_equal(inner->data, "345", 3);
	block_unref(block_ref(inner));
	block_unref(inner);
	block_unref(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = block_new();
		memset(more[i]->buffer, (int)i, BLOCK_SIZE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		assert_int_equal(more[i]->buffer[BLOCK_SIZE - 1], i);
		block_unref(more[i]);
	}
}

static void *churn(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		struct block *b = block_new();

		b->buffer[0] = 1;
		b->len = 1;
		block_unref(block_view(b, 0, 1));
		block_unref(b);
	}
	return arg;
}

static void test_blocks_in_threads(void **state)
{
	pthread_t t[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

static void test_range(void **state)
{
	static const struct {
		uint64_t offset, len;
	} rows[] = { { 0, 0 },	     { 0, 1 },	    { 0, 700000 }, { 1, 699999 },
		     { 5000, 4096 }, { 699999, 1 }, { 700000, 0 } };
	uint8_t *bytes = malloc(700000);
	int fd;

	(void)state;
	sample_fill(bytes, 700000, 1);
	fd = file_of(bytes, 700000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stream *s;
		struct error err;

		assert_int_equal(
			stream_open_range(&s, fd, false, rows[i].offset, rows[i].len, &err), 0);
		expect_rest(s, bytes + rows[i].offset, rows[i].len);
		stream_close(s);
	}
	close(fd);
	free(bytes);
}

static void test_range_owns(void **state)
{
	int fd = file_of("x", 1);
	struct stream *s;
	struct error err;

	(void)state;
	assert_int_equal(stream_open_range(&s, fd, true, 0, 1, &err), 0);
	stream_close(s);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_range_too_short(void **state)
{
	int fd = file_of("0123456789", 10);
	struct stream *s;
	struct error err;
	struct block *b;
	uint64_t skipped;

	(void)state;
	assert_int_equal(stream_open_range(&s, fd, false, 2, 20, &err), 0);
	assert_int_equal(stream_next(s, &b, &err), 0);
	assert_int_equal(b->len, 8);
	block_unref(b);
	assert_int_equal(stream_next(s, &b, &err), -ERR_TRUNCATED);
	assert_non_null(strstr(err.msg, "byte 10"));
	stream_close(s);
	/* Skipped instead of read. */
	assert_int_equal(stream_open_range(&s, fd, false, 2, 20, &err), 0);
	assert_int_equal(stream_skip(s, 20, &skipped, &err), -ERR_TRUNCATED);
	stream_close(s);
	assert_int_equal(stream_open_range(&s, fd, false, 2, 8, &err), 0);
	assert_int_equal(stream_skip(s, 9, &skipped, &err), -ERR_TRUNCATED);
	assert_int_equal(stream_skip(s, 8, &skipped, &err), 0);
	assert_int_equal(skipped, 8);
	assert_int_equal(stream_next(s, &b, &err), 1);
	stream_close(s);
	assert_int_equal(stream_open_range(&s, fd, false, UINT64_MAX, 1, &err), -ERR_BAD_INPUT);
	assert_int_equal(stream_open_range(&s, fd, false, 1, INT64_MAX, &err), -ERR_BAD_INPUT);
	close(fd);
}

/* Small reads behind a jump, growing again; a short skip is no jump. */
static void test_range_read_size(void **state)
{
	static const size_t sizes[] = { 4096, 8192, 16384, 32768, 65536, 131072, 262144, 262144 };
	int fd = file_of("", 0);
	struct stream *s;
	struct error err;
	struct block *b;
	uint64_t skipped;

	(void)state;
	assert_int_equal(ftruncate(fd, 8 << 20), 0);
	assert_int_equal(stream_open_range(&s, fd, true, 0, 8 << 20, &err), 0);
	for (int twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			assert_int_equal(stream_next(s, &b, &err), 0);
			assert_int_equal(b->len, sizes[i]);
			block_unref(b);
			assert_int_equal(stream_skip(s, 100, &skipped, &err), 0);
		}
		assert_int_equal(stream_skip(s, 1 << 20, &skipped, &err), 0);
		assert_int_equal(skipped, 1 << 20);
	}
	stream_close(s);
}

static void test_pipe(void **state)
{
	struct stream *s;
	struct error err;
	struct block *b;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "abc", 3), 3);
	close(fd[1]);
	assert_int_equal(stream_open_fd(&s, fd[0], true, &err), 0);
	assert_false(stream_can_skip(s));
	expect_rest(s, "abc", 3);
	assert_int_equal(stream_next(s, &b, &err), 1);
	stream_close(s);
	assert_int_equal(fcntl(fd[0], F_GETFD), -1);
	assert_int_equal(stream_open_fd(&s, -1, false, &err), 0);
	assert_int_equal(stream_next(s, &b, &err), -ERR_IO);
	stream_close(s);
}

static void *write_late(void *arg)
{
	int fd = *(int *)arg;

	usleep(20000);
	assert_int_equal(write(fd, "late", 4), 4);
	close(fd);
	return NULL;
}

static void test_pipe_nonblocking(void **state)
{
	struct stream *s;
	struct error err;
	pthread_t t;
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&t, NULL, write_late, &fd[1]), 0);
	assert_int_equal(stream_open_fd(&s, fd[0], true, &err), 0);
	expect_rest(s, "late", 4);
	stream_close(s);
	pthread_join(t, NULL);
}

static void test_read_all_limit(void **state)
{
	struct stream *s = memory("0123456789", 10, 3);
	struct error err;
	uint8_t *all = NULL;
	size_t len;

	(void)state;
	assert_int_equal(stream_read_all(s, 9, &all, &len, &err), -ERR_LIMIT);
	assert_null(all);
	stream_close(s);
	s = memory("0123456789", 10, 3);
	assert_int_equal(stream_read_all(s, 10, &all, &len, &err), 0);
	assert_string_equal((char *)all, "0123456789");
	free(all);
	stream_close(s);
	s = memory("", 0, 0);
	assert_int_equal(stream_read_all(s, 0, &all, &len, &err), 0);
	assert_int_equal(len, 0);
	free(all);
	stream_close(s);
	s = memory("0123456789", 10, 3);
	assert_int_equal(stream_drain(s, &err), 0);
	expect_rest(s, "", 0);
	stream_close(s);
	stream_close(NULL);
}

/* Every peek of every length at every offset, over pieces of 1 to 7 bytes. */
static void test_cursor_peek(void **state)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t chunk = 0; chunk < 8; chunk++) {
		for (size_t want = 0; want < n + 3; want++) {
			for (size_t step = 1; step < 9; step += 2) {
				struct stream *s = memory(text, n, chunk);
				struct cursor c;
				const uint8_t *p;
				struct error err;
				size_t got;

				cursor_init(&c, s);
				for (size_t at = 0; at <= n; at += step) {
					assert_int_equal(cursor_peek(&c, want, &p, &got, &err), 0);
					assert_int_equal(got, MIN(want, n - at));
					assert_memory_equal(p, text + at, got);
					assert_int_equal(c.offset, at);
					assert_int_equal(cursor_peek(&c, step, &p, &got, &err), 0);
					cursor_advance(&c, MIN(step, got));
				}
				cursor_done(&c);
				stream_close(s);
			}
		}
	}
}

/* A peek inside one block shows the block's own bytes. */
static void test_cursor_no_copy(void **state)
{
	static const char text[] = "0123456789";
	struct stream *s = memory(text, 10, 5);
	const uint8_t *p;
	struct cursor c;
	struct error err;
	size_t got;

	(void)state;
	cursor_init(&c, s);
	assert_int_equal(cursor_peek(&c, 3, &p, &got, &err), 0);
	assert_ptr_equal(p, text);
	cursor_advance(&c, 3);
	assert_int_equal(cursor_peek(&c, 4, &p, &got, &err), 0);
	assert_memory_equal(p, "3456", 4);
	cursor_advance(&c, 4);
	assert_int_equal(cursor_peek(&c, 3, &p, &got, &err), 0);
	assert_ptr_equal(p, text + 7);
	assert_int_equal(cursor_peek(&c, (16 << 20) + 1, &p, &got, &err), -ERR_BUG);
	cursor_done(&c);
	stream_close(s);
}

static void test_cursor_skip(void **state)
{
	uint8_t bytes[1000];

	(void)state;
	sample_fill(bytes, sizeof(bytes), 4);
	for (size_t chunk = 0; chunk < 300; chunk += 37) {
		for (uint64_t skip = 0; skip < 990; skip += 41) {
			struct stream *s = memory(bytes, sizeof(bytes), chunk);
			const uint8_t *p;
			struct cursor c;
			struct error err;
			uint64_t passed;
			size_t got;

			cursor_init(&c, s);
			assert_int_equal(cursor_peek(&c, chunk + 5, &p, &got, &err), 0);
			assert_int_equal(cursor_skip(&c, skip, &passed, &err), 0);
			assert_int_equal(passed, skip);
			assert_int_equal(c.offset, skip);
			assert_int_equal(cursor_peek(&c, 10, &p, &got, &err), 0);
			assert_int_equal(got, 10);
			assert_memory_equal(p, bytes + skip, 10);
			cursor_done(&c);
			stream_close(s);
		}
	}
}

static void test_cursor_skip_past_end(void **state)
{
	struct stream *s = memory("0123456789", 10, 0);
	struct cursor c;
	struct error err;
	uint64_t passed;
	int fd[2];

	(void)state;
	cursor_init(&c, s);
	assert_int_equal(cursor_skip(&c, 11, &passed, &err), -ERR_TRUNCATED);
	cursor_done(&c);
	stream_close(s);
	/* A stream that does not know its size comes to its end. */
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "0123456789", 10), 10);
	close(fd[1]);
	assert_int_equal(stream_open_fd(&s, fd[0], true, &err), 0);
	cursor_init(&c, s);
	assert_int_equal(cursor_skip(&c, 11, &passed, &err), 0);
	assert_int_equal(passed, 10);
	assert_int_equal(c.offset, 10);
	assert_int_equal(cursor_skip(&c, 1, &passed, &err), 0);
	assert_int_equal(passed, 0);
	cursor_done(&c);
	stream_close(s);
}

static void test_cursor_blocks(void **state)
{
	uint8_t bytes[1000];

	(void)state;
	sample_fill(bytes, sizeof(bytes), 9);
	for (size_t chunk = 0; chunk < 300; chunk += 23) {
		for (size_t piece = 1; piece < 400; piece += 57) {
			struct stream *s = memory(bytes, sizeof(bytes), chunk);
			const uint8_t *p;
			struct cursor c;
			struct error err;
			struct block *b;
			size_t got, at = 0;
			int r;

			cursor_init(&c, s);
			for (unsigned i = 0;; i++) {
				/* A joined peek before every third one. */
				if (i % 3 == 1)
					assert_int_equal(cursor_peek(&c, chunk + 3, &p, &got, &err),
							 0);
				r = cursor_next_block(&c, piece, &b, &err);
				if (r)
					break;
				assert_in_range(b->len, 1, piece);
				assert_memory_equal(b->data, bytes + at, b->len);
				at += b->len;
				assert_int_equal(c.offset, at);
				block_unref(b);
			}
			assert_int_equal(r, 1);
			assert_null(b);
			assert_int_equal(at, sizeof(bytes));
			cursor_done(&c);
			stream_close(s);
		}
	}
}

/* A block outlives cursor and stream. */
static void test_cursor_block_kept(void **state)
{
	int fd = file_of("0123456789", 10);
	struct block *part, *rest;
	struct stream *s;
	struct cursor c;
	struct error err;

	(void)state;
	assert_int_equal(stream_open_range(&s, fd, true, 0, 10, &err), 0);
	cursor_init(&c, s);
	assert_int_equal(cursor_next_block(&c, 4, &part, &err), 0);
	assert_int_equal(cursor_next_block(&c, UINT64_MAX, &rest, &err), 0);
	cursor_done(&c);
	stream_close(s);
	assert_memory_equal(part->data, "0123", part->len);
	assert_memory_equal(rest->data, "456789", rest->len);
	block_unref(part);
	block_unref(rest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_blocks_in_threads),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_owns),
		cmocka_unit_test(test_range_too_short),
		cmocka_unit_test(test_range_read_size),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_pipe_nonblocking),
		cmocka_unit_test(test_read_all_limit),
		cmocka_unit_test(test_cursor_peek),
		cmocka_unit_test(test_cursor_no_copy),
		cmocka_unit_test(test_cursor_skip),
		cmocka_unit_test(test_cursor_skip_past_end),
		cmocka_unit_test(test_cursor_blocks),
		cmocka_unit_test(test_cursor_block_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
