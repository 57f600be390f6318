/* Notes: once each, bounded, from any thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/notes.h"
#include "base/text.h"

static void test_once_each(void **state)
{
	struct notes *n = notes_new();

	(void)state;
	notes_add(n, "a %d", 1);
	notes_add(n, "b");
	notes_add(n, "a %d", 1);
	assert_int_equal(notes_count(n), 2);
	assert_int_equal(notes_dropped(n), 0);
	assert_string_equal(notes_get(n, 0), "a 1");
	assert_string_equal(notes_get(n, 1), "b");
	notes_free(n);
}

static void test_bounded(void **state)
{
	struct notes *n = notes_new();
	char text[3000];

	(void)state;
	for (int i = 0; i < NOTES_MAX + 10; i++)
		notes_add(n, "note %d", i);
	notes_add(n, "note 0");
	assert_int_equal(notes_count(n), NOTES_MAX);
	assert_int_equal(notes_dropped(n), 10);
	notes_free(n);
	/* A long one is cut, and not within a character. */
	n = notes_new();
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[sizeof(text) - 2] = '\0';
	notes_add(n, "%s", text);
	notes_add(n, "x%s", text);
	for (size_t i = 0; i < 2; i++) {
		assert_true(strlen(notes_get(n, i)) > 1000);
		assert_true(text_is_utf8(notes_get(n, i), strlen(notes_get(n, i))));
	}
	notes_free(n);
}

static void test_null(void **state)
{
	(void)state;
	notes_add(NULL, "x");
	assert_int_equal(notes_count(NULL), 0);
	assert_int_equal(notes_dropped(NULL), 0);
	notes_free(NULL);
}

static void *add_many(void *n)
{
	for (int i = 0; i < 1000; i++)
		notes_add(n, "note %d", i % 100);
	return NULL;
}

static void test_threads(void **state)
{
	struct notes *n = notes_new();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, n), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(notes_count(n), 100);
	assert_int_equal(notes_dropped(n), 0);
	notes_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_each),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
