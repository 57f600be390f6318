/* A stream that was peeked at still gives every byte, whatever the pieces and whatever is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "stream/peek.h"

static uint8_t bytes[3000];

static void test_peek(void **state)
{
	static const size_t peeks[] = { 0, 1, 512, 2999, 3000, 5000 };
	static const size_t pieces[] = { 1, 511, 513, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t p = 0; p < ARRAY_SIZE(peeks); p++)
		for (size_t c = 0; c < ARRAY_SIZE(pieces); c++)
			for (uint64_t skip = 0; skip <= 3000; skip += 600) {
				struct stream *memory, *chunked, *s;
				uint64_t passed, at = 0;
				const uint8_t *seen;
				struct error err;
				uint8_t *rest;
				size_t got, n;

				assert_int_equal(
					stream_open_memory(&memory, bytes, sizeof(bytes), &err), 0);
				assert_int_equal(
					stream_open_chunked(&chunked, memory, pieces[c], &err), 0);
				assert_int_equal(stream_open_peeked(&s, chunked, peeks[p], &seen,
								    &got, &err),
						 0);
				assert_int_equal(got, MIN(peeks[p], sizeof(bytes)));
				assert_memory_equal(seen, bytes, got);
				assert_true(stream_can_skip(s));
				while (at < skip) {
					assert_int_equal(stream_skip(s, skip - at, &passed, &err),
							 0);
					assert_true(passed > 0);
					at += passed;
				}
				assert_int_equal(at, skip);
				assert_int_equal(stream_read_all(s, sizeof(bytes), &rest, &n, &err),
						 0);
				assert_int_equal(n, sizeof(bytes) - skip);
				assert_memory_equal(rest, bytes + skip, n);
				free(rest);
				stream_close(s);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_peek) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
