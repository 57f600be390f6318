/* Lines of progress: words, bars of every width, names; and the plain form as a pipe gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "report/progress-line.h"
#include "report/progress.h"

static void test_name(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "0123456789ab" },
		{ "blobs/sha256/f0123456789abcdef0123456789abcde", "f0123456789a" },
		{ "ffff0123456789abcdef0123456789abcdef/layer.tar", "ffff01234567" },
		{ "app.tar", "app.tar" },
		{ "", "" },
		{ "abc\033[31m", "abc\\x1b[31m" },
		{ "a name that is much longer than what is shown", "a name that is mu..." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[PROGRESS_NAME + 1];

		progress_name(out, rows[i].name);
		assert_string_equal(out, rows[i].want);
	}
}

static void test_words(void **state)
{
	static const struct {
		struct progress_line line;
		const char *want;
	} rows[] = {
		{ { .step = PROGRESS_WAITING, .total = 5 }, "Waiting" },
		{ { .step = PROGRESS_READING, .total = 308000000, .bytes = 32000000 }, "Checking 32 MB / 308 MB" },
		{ { .step = PROGRESS_READING, .total = UINT64_MAX, .bytes = 32000 }, "Checking 32 kB" },
		{ { .step = PROGRESS_WRITING, .total = 10, .moved = PROGRESS_WRITING }, "Writing 0 B / 10 B" },
		{ { .step = PROGRESS_DONE }, "Check complete" },
		{ { .step = PROGRESS_DONE, .moved = PROGRESS_WRITING }, "Write complete" },
		{ { .step = PROGRESS_EXTRACTING, .total = 10, .bytes = 5 }, "Extracting 5 B / 10 B" },
		{ { .step = PROGRESS_DONE, .moved = PROGRESS_EXTRACTING }, "Extract complete" },
		{ { .step = PROGRESS_CACHED }, "Known from the cache" },
		{ { .step = PROGRESS_EXISTS }, "Already exists" },
		{ { .step = PROGRESS_LEFT }, "No longer needed" },
		{ { .step = PROGRESS_FAILED }, "Failed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };

		assert_int_equal(progress_words(&out, &rows[i].line), 0);
		assert_string_equal(buf_str(&out), rows[i].want);
		buf_free(&out);
	}
}

static void test_bar(void **state)
{
	struct progress_line l = { .name = "0123456789ab", .step = PROGRESS_READING, .total = 100, .bytes = 50, .rate = 2000000 };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(progress_bar(&out, &l, 80), 0);
	assert_string_equal(buf_str(&out),
			    "0123456789ab  Checking [===============>              ]  50 B / 100 B  2.0 MB/s");
	for (size_t width = 1; width < 200; width++) {
		for (l.bytes = 0; l.bytes <= 200; l.bytes += 40) {
			buf_clear(&out);
			assert_int_equal(progress_bar(&out, &l, width), 0);
			assert_true(out.len < width);
		}
	}
	l.total = 0;
	assert_int_equal(progress_bar(&out, &l, 80), 0);
	buf_clear(&out);
	assert_int_equal(progress_summary(&out, &l, 1, 80), 0);
	assert_string_equal(buf_str(&out), "0 of 1 done, 240 B");
	buf_free(&out);
}

static void test_plain(void **state)
{
	struct progress_options opts = { .form = PROGRESS_PLAIN };
	struct progress *p;
	char text[2000] = "";
	size_t a, b;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	opts.fd = fds[1];
	p = progress_show(&opts);
	a = progress_begin(p, "first", 100);
	b = progress_begin(p, "second", UINT64_MAX);
	assert_int_not_equal(a, b);
	progress_advance(p, a, PROGRESS_READING, 50);
	progress_end(p, a, PROGRESS_DONE);
	progress_end(p, a, PROGRESS_FAILED);
	progress_end(p, b, PROGRESS_CACHED);
	progress_end(p, 12345, PROGRESS_CACHED);
	progress_clear(p);
	/* Forgotten. */
	progress_end(p, b, PROGRESS_FAILED);
	a = progress_begin(p, "third", 1);
	progress_end(p, a, PROGRESS_FAILED);
	progress_hide(p);
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	close(fds[0]);
	assert_string_equal(text + strcspn(text, " "), strstr(text, " first: Check complete\n"));
	assert_non_null(strstr(text, " second: Known from the cache\n"));
	assert_non_null(strstr(text, " third: Failed\n"));
	assert_null(strstr(text, "first: Failed"));
	assert_null(strstr(text, "second: Failed"));
}

static void test_none(void **state)
{
	static const volatile sig_atomic_t stop = 1;
	const struct progress_options opts = { .fd = -1, .stop = &stop };
	struct progress *p = progress_show(&opts);

	(void)state;
	progress_end(p, progress_begin(p, "x", 1), PROGRESS_DONE);
	assert_true(progress_stopped(p));
	assert_false(progress_stopped(NULL));
	progress_hide(p);
	progress_hide(NULL);
	progress_clear(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name), cmocka_unit_test(test_words), cmocka_unit_test(test_bar),
		cmocka_unit_test(test_plain), cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
