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

static void read_some(unsigned blocks, unsigned taken, int end)
{
	static const struct stream_ops ops = { source_next, NULL, source_close };
	unsigned closed = 0;
	struct source f = { { &ops }, blocks, end, &closed };
	struct error err = { 0 };
	struct stream *s;
	struct block *b;
	int r = 0;

	assert_int_equal(stream_open_ahead(&s, &f.base, &err), 0);
	assert_false(stream_can_skip(s));
	for (unsigned i = 0; i < taken && i < blocks; i++) {
		assert_int_equal(stream_next(s, &b, &err), 0);
		assert_int_equal(b->data[0], (uint8_t)(blocks - i));
		block_unref(b);
	}
	if (taken > blocks) {
		r = stream_next(s, &b, &err);
		assert_int_equal(r, end);
		assert_int_equal(stream_next(s, &b, &err), end);
		if (end < 0)
			assert_string_equal(err.msg, "broken here");
	}
	stream_close(s);
	assert_int_equal(closed, 1);
}

static void test_order_and_end(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 5 * AHEAD_BLOCKS; n += 13) {
		read_some(n, n + 1, 1);
		read_some(n, n + 1, -ERR_TRUNCATED);
	}
}

static void test_given_up(void **state)
{
	(void)state;
	read_some(1000, 0, 1);
	read_some(1000, 3, 1);
	read_some(1000, AHEAD_BLOCKS + 2, -ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_end),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
