/* The same bytes and the same end as without the thread, and no thread left behind where the reader
 * gives up. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "stream/ahead.h"

struct source {
	struct stream base;
	unsigned left;
	int end;
	unsigned *closed;
};

static int source_next(struct stream *s, struct block **out, struct error *err)
{
	struct source *f = (struct source *)s;
	struct block *b;

	if (!f->left)
		return f->end < 0 ? err_fail(err, (enum err_code) - f->end, 0, "broken here") : 1;
	b = block_new();
	assert_non_null(b);
	b->buffer[0] = (uint8_t)f->left--;
	b->data = b->buffer;
	b->len = 1;
	*out = b;
	return 0;
}

static void source_close(struct stream *s)
{
	++*((struct source *)s)->closed;
}

struct many {
	struct source v[12];
	size_t opened, refuse; /* refuse: the stream that cannot be opened */
};

static int open_one(void *ctx, size_t i, struct stream **out, struct error *err)
{
	struct many *m = ctx;

	if (i == m->refuse)
		return err_fail(err, ERR_NOT_FOUND, 0, "nothing there");
	m->opened++;
	*out = &m->v[i].base;
	return 0;
}

/* Reads streams until taken blocks are had, or all of them. */
static void read_some(size_t count, unsigned blocks, unsigned taken, int end, size_t refuse)
{
	static const struct stream_ops ops = { source_next, NULL, source_close };
	struct many m = { .refuse = refuse };
	unsigned closed = 0;
	struct error err = { 0 };
	struct ahead *a;
	struct stream *s;
	struct block *b;

	for (size_t i = 0; i < count; i++)
		m.v[i] = (struct source){ { &ops }, blocks, end, &closed };
	assert_int_equal(ahead_new(&a, count, open_one, &m, &err), 0);
	for (size_t n = 0; (s = ahead_next(a)); n++) {
		int r = 0;

		assert_false(stream_can_skip(s));
		for (unsigned i = 0; r == 0 && i <= blocks && taken; i++, taken--) {
			r = stream_next(s, &b, &err);
			if (r)
				break;
			assert_int_equal(b->data[0], (uint8_t)(blocks - i));
			block_unref(b);
		}
		if (!taken)
			break;
		assert_int_equal(r, n == refuse ? -ERR_NOT_FOUND : end);
		assert_int_equal(stream_next(s, &b, &err), r);
		if (r < 0) {
			assert_string_equal(err.msg, n == refuse ? "nothing there" : "broken here");
			break;
		}
		stream_close(s); /* nothing */
	}
	ahead_free(a);
	assert_int_equal(closed, m.opened);
}

static void test_order_and_end(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 5 * AHEAD_BLOCKS; n += 13)
		for (size_t count = 1; count <= 12; count += 5) {
			read_some(count, n, UINT32_MAX, 1, SIZE_MAX);
			read_some(count, n, UINT32_MAX, -ERR_TRUNCATED, SIZE_MAX);
			read_some(count, n, UINT32_MAX, 1, count / 2);
		}
	read_some(0, 0, UINT32_MAX, 1, SIZE_MAX);
}

static void test_given_up(void **state)
{
	(void)state;
	for (size_t count = 1; count <= 12; count += 11) {
		read_some(count, 1000, 0, 1, SIZE_MAX);
		read_some(count, 1000, 3, 1, SIZE_MAX);
		read_some(count, 1000, AHEAD_BLOCKS + 2, -ERR_IO, SIZE_MAX);
		read_some(count, 1, 3, 1, SIZE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_end),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
