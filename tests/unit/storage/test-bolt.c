/* A bbolt file of a few pages, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"
#include "storage/bolt.h"

#define PAGE  1024
#define PAGES 8

static uint8_t file[PAGES * PAGE];

static void put16(size_t at, unsigned v)
{
	memcpy(file + at, &(uint16_t){ (uint16_t)v }, 2);
}

static void put32(size_t at, uint32_t v)
{
	memcpy(file + at, &v, 4);
}

static void put64(size_t at, uint64_t v)
{
	memcpy(file + at, &v, 8);
}

static void page(size_t id, unsigned flags, unsigned count)
{
	put64(id * PAGE, id);
	put16(id * PAGE + 8, flags);
	put16(id * PAGE + 10, count);
}

static void meta(size_t id, uint64_t root, uint64_t txid)
{
	size_t at = id * PAGE + 16;
	uint64_t h = 0xcbf29ce484222325u;

	page(id, 4, 0);
	put32(at, 0xed0cdaed);
	put32(at + 4, 2);
	put32(at + 8, PAGE);
	put64(at + 16, root);
	put64(at + 40, PAGES);
	put64(at + 48, txid);
	for (size_t i = 0; i < 56; i++)
		h = (h ^ file[at + i]) * 0x100000001b3u;
	put64(at + 56, h);
}

/* Puts key and value of the i-th element of a leaf that begins at start, at data bytes behind it.
 */
static void leaf(size_t start, unsigned i, unsigned flags, size_t data, const char *key,
		 const void *value, size_t n)
{
	size_t e = start + 16 + 16 * i;

	put32(e, flags);
	put32(e + 4, (uint32_t)(start + data - e));
	put32(e + 8, (uint32_t)strlen(key));
	put32(e + 12, (uint32_t)n);
	memcpy(file + start + data, key, strlen(key));
	memcpy(file + start + data + strlen(key), value, n);
}

static void branch(size_t id, unsigned i, size_t data, const char *key, uint64_t child)
{
	size_t e = id * PAGE + 16 + 16 * i;

	put32(e, (uint32_t)(id * PAGE + data - e));
	put32(e + 4, (uint32_t)strlen(key));
	put64(e + 8, child);
	memcpy(file + id * PAGE + data, key, strlen(key));
}

/* Root (3) is a branch of two leaves; "deep" in the second holds a bucket whose tree is page 6, and
 * "inline" one that stands in its own value. Page 2 is an older root. */
static void make(void)
{
	static uint8_t small[16 + 64];
	uint64_t bucket[2] = { 6, 0 };

	memset(file, 0, sizeof(file));
	meta(0, 2, 7);
	meta(1, 3, 8);
	page(2, 2, 1);
	leaf(2 * PAGE, 0, 0, 200, "alpha", "old", 3);
	page(3, 1, 2);
	branch(3, 0, 200, "alpha", 4);
	branch(3, 1, 220, "deep", 5);
	page(4, 2, 2);
	leaf(4 * PAGE, 0, 0, 200, "alpha", "one", 3);
	leaf(4 * PAGE, 1, 0, 220, "beta", "", 0);
	page(5, 2, 2);
	leaf(5 * PAGE, 0, 1, 200, "deep", bucket, 16);
	page(6, 2, 1);
	leaf(6 * PAGE, 0, 0, 200, "key", "value", 5);
	/* The inline leaf is made where it lies. */
	memset(small, 0, sizeof(small));
	leaf(5 * PAGE, 1, 1, 300, "inline", small, sizeof(small));
	put16(5 * PAGE + 300 + 6 + 16 + 8, 2);
	put16(5 * PAGE + 300 + 6 + 16 + 10, 1);
	leaf(5 * PAGE + 300 + 6 + 16, 0, 0, 40, "k", "v", 1);
}

static int get(const char *const *names, uint8_t **value, size_t *len, struct error *err)
{
	struct bolt_key path[8];
	size_t depth = 0;
	int fd = memfd_create("bolt", MFD_CLOEXEC), r;

	for (; names[depth]; depth++)
		path[depth] = (struct bolt_key){ names[depth], strlen(names[depth]) };
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, sizeof(file)), sizeof(file));
	r = bolt_get_fd(fd, path, depth, value, len, err);
	close(fd);
	return r;
}

static void test_values(void **state)
{
	static const struct {
		const char *path[4];
		const char *want; /* NULL: there is none */
	} rows[] = {
		{ { "alpha" }, "one" },		{ { "beta" }, "" },
		{ { "deep", "key" }, "value" }, { { "inline", "k" }, "v" },
		{ { "gamma" }, NULL },		{ { "a" }, NULL },
		{ { "zeta" }, NULL },		{ { "deep", "kez" }, NULL },
		{ { "inline", "l" }, NULL },
	};

	(void)state;
	make();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) uint8_t *value = NULL;
		struct error err = { 0 };
		size_t len = 0;
		int r = get(rows[i].path, &value, &len, &err);

		if (r != (rows[i].want ? 0 : 1))
			fail_msg("%s: %d %s", rows[i].path[0], r, err.msg);
		if (rows[i].want) {
			assert_int_equal(len, strlen(rows[i].want));
			assert_memory_equal(value, rows[i].want, len);
		}
	}
}

/* Of two metas the later counts where it is whole, else the other. */
static void test_metas(void **state)
{
	static const char *const path[] = { "alpha", NULL };
	_cleanup_(freep) uint8_t *a = NULL, *b = NULL, *c = NULL;
	struct error err;
	size_t len;

	(void)state;
	make();
	file[PAGE + 30] ^= 1;
	assert_int_equal(get(path, &a, &len, &err), 0);
	assert_string_equal((char *)a, "old");
	make();
	file[30] ^= 1;
	assert_int_equal(get(path, &b, &len, &err), 0);
	assert_string_equal((char *)b, "one");
	make();
	file[30] ^= 1;
	file[PAGE + 30] ^= 1;
	assert_int_equal(get(path, &c, &len, &err), -ERR_BAD_INPUT);
}

static void test_damage(void **state)
{
	static const struct {
		const char *path[4];
		size_t at;
		uint8_t bytes[4];
		const char *message;
	} rows[] = {
		{ { "alpha" }, 3 * PAGE + 8, { 16 }, "neither" },
		{ { "alpha" }, 3 * PAGE + 10, { 255, 255 }, "more elements" },
		{ { "alpha" }, 3 * PAGE + 12, { 255, 255, 255, 255 }, "another's header" },
		{ { "alpha" }, 3 * PAGE, { 4 }, "another's header" },
		{ { "alpha" }, 3 * PAGE + 24, { 3 }, "circle" },
		{ { "alpha" }, 3 * PAGE + 24, { 1 }, "not there" },
		{ { "alpha" }, 3 * PAGE + 24, { 99 }, "not there" },
		{ { "alpha" }, 4 * PAGE + 20, { 255, 255, 255, 255 }, "outside" },
		{ { "alpha" }, 4 * PAGE + 28, { 255, 255, 255, 255 }, "outside" },
		{ { "deep", "key" }, 5 * PAGE + 16, { 0 }, "a value where a bucket" },
		{ { "deep", "key" }, 5 * PAGE + 28, { 15 }, "a value where a bucket" },
		{ { "deep" }, 0, { 0 }, "a bucket where a value" },
		{ { "inline", "k" }, 5 * PAGE + 300 + 6 + 16 + 8, { 0 }, "neither" },
		{ { "inline", "k" }, 5 * PAGE + 300 + 6 + 16 + 10, { 9 }, "more elements" },
		{ { "alpha", "x" }, 0, { 0 }, "a value where a bucket" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *value = NULL;
		struct error err = { 0 };
		size_t len;
		int r;

		make();
		if (rows[i].at)
			memcpy(file + rows[i].at, rows[i].bytes, rows[i].bytes[1] ? 4 : 1);
		r = get(rows[i].path, &value, &len, &err);
		if (r != -ERR_BAD_INPUT || !strstr(err.msg, rows[i].message))
			fail_msg("%zu: %d %s", i, r, r < 0 ? err.msg : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_metas),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
