/* A difference made while bytes are patched, packed, and carried out: the old bytes come back. And
 * what is damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "fix/difference.h"

static struct limits limits;
static struct error err;

static int collect(void *ctx, const void *bytes, size_t n, struct error *e)
{
	return buf_append(ctx, bytes, n) < 0 ? err_nomem(e) : 0;
}

static struct stream *memory(const void *bytes, size_t n, size_t piece)
{
	struct stream *s, *cut;

	assert_int_equal(stream_open_memory(&s, bytes, n, &err), 0);
	assert_int_equal(stream_open_chunked(&cut, s, piece, &err), 0);
	return cut;
}

/* The status of the last read; what came before it is in out. */
static int carry_out(struct buf *out, struct stream *tar, struct stream *operations, uint64_t old,
		     uint64_t new)
{
	const struct fix_sizes sizes = { old, new };
	struct stream *s;
	struct block *b;
	int r;

	buf_clear(out);
	assert_int_equal(fix_difference_open(&s, tar, operations, &sizes, &err), 0);
	while ((r = stream_next(s, &b, &err)) == 0) {
		assert_true(b->len > 0);
		assert_int_equal(buf_append(out, b->data, b->len), 0);
		block_unref(b);
	}
	if (r > 0)
		assert_int_equal(stream_next(s, &b, &err), 1);
	stream_close(s);
	return r;
}

/* Packs d, unpacks it, and holds the bytes that new becomes to old. */
static void comes_back(struct fix_difference *d, const struct buf *old, const struct buf *new,
		       size_t piece)
{
	struct buf packed = { 0 }, out = { 0 };
	struct stream *operations;

	assert_int_equal(fix_difference_old_size(d), old->len);
	assert_int_equal(fix_difference_new_size(d), new->len);
	assert_int_equal(fix_difference_pack(d, collect, &packed, &err), 0);
	assert_int_equal(codec_open(&operations, CODEC_ZSTD, memory(packed.data, packed.len, piece),
				    &limits, &err),
			 0);
	assert_int_equal(
		carry_out(&out, memory(new->data, new->len, piece), operations, old->len, new->len),
		1);
	assert_int_equal(out.len, old->len);
	if (old->len)
		assert_memory_equal(out.data, old->data, old->len);
	buf_free(&packed);
	buf_free(&out);
}

static const struct {
	const char *old, *new;
} pairs[] = {
	{ "", "" },
	{ "same", "same" },
	{ "one", "two" },
	{ "0001750 and what follows", "0000000 and what follows" },
	{ "a.b.c.d.e.f", "A.B.C.D.E.F" },
	{ "a......b......c", "A......B......C" },
	{ "x", "" },
	{ "", "x" },
	{ "11 uid=100\nrest", "15 uid=1000000\nrest" },
	{ "aaaa", "aaaaaaaa" },
	{ "aaaaaaaa", "aaaa" },
};

static void headers(_unused_ void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct fix_difference *d = fix_difference_new();
		struct buf old = { 0 }, new = { 0 };

		assert_non_null(d);
		assert_int_equal(buf_append_str(&old, pairs[i].old), 0);
		assert_int_equal(buf_append_str(&new, pairs[i].new), 0);
		assert_int_equal(
			fix_difference_patch(d, old.data, old.len, new.data, new.len, &err), 0);
		assert_int_equal(fix_difference_end(d, &err), 0);
		comes_back(d, &old, &new, 1);
		comes_back(d, &old, &new, SIZE_MAX);
		fix_difference_free(d);
		buf_free(&old);
		buf_free(&new);
	}
}

static uint32_t seed = 1;

static uint32_t random_to(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void append_random(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)random_to(4);

		assert_int_equal(buf_append(b, &byte, 1), 0);
	}
}

static void one_step(struct fix_difference *d, struct buf *old, struct buf *new)
{
	static const uint32_t sizes[] = { 1, 40, 600, 40000, 300000 };
	size_t n = random_to(sizes[random_to(ARRAY_SIZE(sizes))]) + 1, at = old->len,
	       was = new->len;

	switch (random_to(4)) {
	case 0:
		append_random(old, n);
		assert_int_equal(buf_append(new, old->data + at, n), 0);
		assert_int_equal(fix_difference_copy(d, n, &err), 0);
		return;
	case 1:
		append_random(new, n);
		assert_int_equal(fix_difference_new_bytes(d, n, &err), 0);
		return;
	case 2:
		append_random(old, n);
		assert_int_equal(fix_difference_old_bytes(d, old->data + at, n, &err), 0);
		return;
	default:
		n = n % 2000 + 1;
		append_random(old, n);
		assert_int_equal(buf_append(new, old->data + at, n), 0);
		for (size_t i = 0; i < 5; i++)
			new->data[was + random_to((uint32_t)n)] ^= 1;
		if (random_to(3) == 0)
			append_random(new, random_to(700));
		assert_int_equal(fix_difference_patch(d, old->data + at, n, new->data + was,
						      new->len - was, &err),
				 0);
	}
}

/* Every kind of step in any order, larger than a block and than what stays in memory. */
static void any_order(_unused_ void **state)
{
	for (size_t round = 0; round < 12; round++) {
		struct fix_difference *d = fix_difference_new();
		struct buf old = { 0 }, new = { 0 };

		assert_non_null(d);
		for (size_t i = random_to(60); i > 0; i--)
			one_step(d, &old, &new);
		assert_int_equal(fix_difference_end(d, &err), 0);
		comes_back(d, &old, &new, 100000);
		comes_back(d, &old, &new, 7 + random_to(3000));
		fix_difference_free(d);
		buf_free(&old);
		buf_free(&new);
	}
}

/* 20000 headers cost a few bytes each. */
static void is_small(_unused_ void **state)
{
	struct fix_difference *d = fix_difference_new();
	uint8_t old[512] = { 0 }, new[512] = { 0 };
	struct buf packed = { 0 };

	memcpy(old + 108, "0210560", 7);
	memcpy(new + 108, "0000000", 7);
	for (size_t i = 0; i < 20000; i++) {
		snprintf((char *)old + 148, 8, "%06zo", 5000 + i % 700);
		snprintf((char *)new + 148, 8, "%06zo", 4982 + i % 700);
		assert_int_equal(fix_difference_patch(d, old, 512, new, 512, &err), 0);
		assert_int_equal(fix_difference_copy(d, 512 * (i % 3), &err), 0);
	}
	assert_int_equal(fix_difference_end(d, &err), 0);
	assert_int_equal(fix_difference_pack(d, collect, &packed, &err), 0);
	assert_in_range(packed.len, 1, 20000 * 6);
	buf_free(&packed);
	fix_difference_free(d);
}

#define HUGE_NUMBER "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"

static const struct {
	const char *operations;
	size_t n;
	uint64_t old, new;
	int status;
} damage[] = {
	{ "\x05\x00\x00", 3, 5, 5, 1 },
	{ "\x05\x00\x00", 3, 5, 6, -ERR_BAD_INPUT }, /* the sizes are not reached */
	{ "\x05\x00\x00", 3, 6, 5, -ERR_BAD_INPUT },
	{ "\x05\x00\x00\x00\x00\x00", 6, 5, 5, -ERR_BAD_INPUT }, /* does nothing */
	{ "\x06\x00\x00", 3, 5, 5, -ERR_BAD_INPUT },
	{ "\x04\x00\x00", 3, 4, 4, -ERR_DIGEST }, /* the tar is longer */
	{ "\x06\x00\x00", 3, 6, 6, -ERR_DIGEST }, /* shorter */
	{ "\x00\x06\x00", 3, 0, 6, -ERR_DIGEST },
	{ "\x00\x05\x03xyz", 6, 3, 5, 1 },
	{ "\x00\x05\x03xy", 5, 3, 5, -ERR_BAD_INPUT },
	{ "\x00\x05\x03", 3, 3, 5, -ERR_BAD_INPUT },
	{ "\x00\x05", 2, 3, 5, -ERR_BAD_INPUT },
	{ "\x05", 1, 5, 5, -ERR_BAD_INPUT },
	{ "\xff", 1, 5, 5, -ERR_BAD_INPUT },
	{ HUGE_NUMBER "\x00\x00", 12, 5, 5, -ERR_BAD_INPUT },
	{ "\x00" HUGE_NUMBER "\x00", 12, 5, 5, -ERR_BAD_INPUT },
	{ "\x00\x00" HUGE_NUMBER, 12, 5, 5, -ERR_BAD_INPUT },
	{ HUGE_NUMBER "\x00\x00", 12, UINT64_MAX, UINT64_MAX, -ERR_DIGEST },
	{ HUGE_NUMBER HUGE_NUMBER HUGE_NUMBER, 30, UINT64_MAX, UINT64_MAX, -ERR_BAD_INPUT },
	{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00", 13, 5, 5, -ERR_BAD_INPUT },
	{ "", 0, 5, 5, -ERR_BAD_INPUT },
	{ "", 0, 0, 0, -ERR_DIGEST },
};

static void damaged(_unused_ void **state)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(damage); i++)
		for (size_t piece = 1; piece < 40; piece += 13)
			assert_int_equal(carry_out(&out, memory("12345", 5, piece),
						   memory(damage[i].operations, damage[i].n, piece),
						   damage[i].old, damage[i].new),
					 damage[i].status);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(any_order),
		cmocka_unit_test(is_small),
		cmocka_unit_test(damaged),
	};

	limits = limits_default();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
