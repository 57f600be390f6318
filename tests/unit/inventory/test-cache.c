/* The cache: what is put is what comes back, under the same name and the same limits; whatever is
 * done to its file, no other answer comes, and no run ends by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "inventory/cache-place.h"
#include "inventory/cache.h"
#include "made.h"

static char folder[64], file[96];
static struct limits limits;
static struct notes *notes;

static int make_folder(void **state)
{
	(void)state;
	limits = limits_default();
	notes = notes_new();
	strcpy(folder, "/tmp/test-cache-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/" CACHE_FILE, folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[200];

	(void)state;
	notes_free(notes);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct oci_digest digest(unsigned n)
{
	struct oci_digest d;
	char text[80];

	snprintf(text, sizeof(text), "sha256:%064x", n);
	assert_int_equal(oci_digest_parse(&d, text, NULL), 0);
	return d;
}

static const char *noise(unsigned seed, size_t n)
{
	static char text[1 << 16];
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = (char)('a' + (x >> 24) % 26);
	}
	text[n] = '\0';
	return text;
}

/* A layer whose uid says which it is, with a kept file of so many bytes that do not compress. */
static struct layer_inventory *layer(unsigned n, size_t bytes)
{
	const struct made m[] = { { 'd', "etc", NULL, n, n }, { 'f', "etc/passwd", noise(n, bytes), n, n } };
	struct layer_inventory *inv = made_layer(m, 2);

	inv->blob_digest = digest(n);
	return inv;
}

static struct inventory_cache *open_cache(uint64_t size)
{
	struct inventory_cache *c;

	inventory_cache_open(&c, folder, size, &limits, notes);
	assert_non_null(c);
	return c;
}

static void put(struct inventory_cache *c, unsigned n, size_t bytes, enum inv_verified v)
{
	struct layer_inventory *inv = layer(n, bytes);
	struct oci_digest d = digest(n);

	inventory_cache_put(c, &(struct cache_key){ .digest = &d }, v, inv);
	layer_inventory_free(inv);
}

/* Whether it is there; fails where it is another. */
static bool get(struct inventory_cache *c, unsigned n, enum inv_verified least)
{
	struct layer_inventory *inv = NULL;
	enum inv_verified verified;
	struct oci_digest d = digest(n);

	if (inventory_cache_get(c, &(struct cache_key){ .digest = &d }, least, 0, &inv, &verified))
		return false;
	assert_int_equal(inv->entries, 2);
	assert_int_equal(inv->owners[0].uid, n);
	assert_int_equal(inv->file_count, 1);
	assert_string_equal(inv->blob_digest.text, d.text);
	layer_inventory_free(inv);
	return true;
}

static void test_put_and_get(void **state)
{
	struct inventory_cache *c = open_cache(0);
	struct stat s;

	(void)state;
	assert_false(get(NULL, 1, INV_VERIFIED_BLOB));
	put(NULL, 1, 10, INV_VERIFIED_FULL);
	assert_false(get(c, 1, INV_VERIFIED_BLOB));
	put(c, 1, 10, INV_VERIFIED_FULL);
	put(c, 2, 60000, INV_VERIFIED_FULL);
	assert_true(get(c, 1, INV_VERIFIED_FULL));
	inventory_cache_close(c);
	c = open_cache(0);
	assert_true(get(c, 1, INV_VERIFIED_FULL));
	assert_true(get(c, 2, INV_VERIFIED_FULL));
	assert_false(get(c, 3, INV_VERIFIED_BLOB));
	inventory_cache_close(c);
	assert_int_equal(stat(file, &s), 0);
	assert_int_equal(notes_count(notes), 0);
}

/* Nothing is made before it is needed. */
static void test_lazy(void **state)
{
	(void)state;
	inventory_cache_close(open_cache(0));
	assert_int_equal(access(file, F_OK), -1);
}

static void test_evidence(void **state)
{
	static const enum inv_verified refused[] = { INV_VERIFIED_NONE, INV_VERIFIED_STORE, INV_VERIFIED_TOC };
	struct inventory_cache *c = open_cache(0);
	struct oci_digest toc = digest(100), other = digest(101), d = digest(7);
	struct cache_key key = { &d, &toc };
	struct layer_inventory *inv, *out;
	enum inv_verified v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		put(c, 1, 10, refused[i]);
		assert_false(get(c, 1, INV_VERIFIED_NONE));
	}
	put(c, 1, 10, INV_VERIFIED_BLOB);
	assert_false(get(c, 1, INV_VERIFIED_FULL));
	assert_true(get(c, 1, INV_VERIFIED_BLOB));
	put(c, 1, 10, INV_VERIFIED_FULL);
	assert_true(get(c, 1, INV_VERIFIED_FULL));
	put(c, 1, 10, INV_VERIFIED_BLOB);
	assert_true(get(c, 1, INV_VERIFIED_FULL));

	/* What was put is not what it is called. */
	inv = layer(8, 10);
	inventory_cache_put(c, &(struct cache_key){ .digest = &d }, INV_VERIFIED_FULL, inv);
	assert_false(get(c, 7, INV_VERIFIED_BLOB));

	/* A table of contents vouches under its own name alone. */
	inv->blob_digest = (struct oci_digest){ 0 };
	inventory_cache_put(c, &key, INV_VERIFIED_FULL, inv);
	assert_int_equal(inventory_cache_get(c, &key, INV_VERIFIED_TOC, 0, &out, &v), 1);
	inventory_cache_put(c, &key, INV_VERIFIED_TOC, inv);
	layer_inventory_free(inv);
	assert_int_equal(inventory_cache_get(c, &key, INV_VERIFIED_TOC, 0, &out, &v), 0);
	assert_int_equal(v, INV_VERIFIED_TOC);
	layer_inventory_free(out);
	assert_int_equal(inventory_cache_get(c, &key, INV_VERIFIED_BLOB, 0, &out, &v), 1);
	key.toc = &other;
	assert_int_equal(inventory_cache_get(c, &key, INV_VERIFIED_TOC, 0, &out, &v), 1);
	assert_false(get(c, 7, INV_VERIFIED_TOC));
	inventory_cache_close(c);
}

/* Another limit may read another thing: its inventories are others. */
static void test_limits(void **state)
{
	struct inventory_cache *c = open_cache(0);

	(void)state;
	put(c, 1, 10, INV_VERIFIED_FULL);
	inventory_cache_close(c);
	limits.v[LIMIT_SMALL_FILE] = 5;
	c = open_cache(0);
	assert_false(get(c, 1, INV_VERIFIED_BLOB));
	inventory_cache_close(c);
	limits = limits_default();
	limits.v[LIMIT_JSON_SIZE] *= 2;
	c = open_cache(0);
	assert_true(get(c, 1, INV_VERIFIED_BLOB));
	inventory_cache_close(c);
}

static void test_bounded(void **state)
{
	struct inventory_cache *c = open_cache(600000);
	unsigned kept = 0;
	struct stat s;

	(void)state;
	for (unsigned i = 1; i <= 60; i++)
		put(c, i, 50000, INV_VERIFIED_FULL);
	for (unsigned i = 1; i <= 60; i++)
		kept += get(c, i, INV_VERIFIED_FULL);
	assert_in_range(kept, 5, 30);
	assert_true(get(c, 60, INV_VERIFIED_FULL));
	assert_false(get(c, 1, INV_VERIFIED_FULL));
	inventory_cache_close(c);
	assert_int_equal(stat(file, &s), 0);
	assert_in_range(s.st_size, 1, 2 * 600000);
}

static void fill(void)
{
	struct inventory_cache *c = open_cache(0);

	for (unsigned i = 1; i <= 4; i++)
		put(c, i, i * 9000, INV_VERIFIED_FULL);
	inventory_cache_close(c);
}

/* True answers or none. */
static unsigned all_right(void)
{
	struct inventory_cache *c = open_cache(0);
	unsigned found = 0;

	for (unsigned i = 1; i <= 4; i++)
		found += get(c, i, INV_VERIFIED_FULL);
	inventory_cache_close(c);
	return found;
}

/* That, and a cache that works again at the end. */
static unsigned still_right(void)
{
	unsigned found = all_right();
	struct inventory_cache *c = open_cache(0);

	put(c, 5, 100, INV_VERIFIED_FULL);
	inventory_cache_close(c);
	c = open_cache(0);
	assert_true(get(c, 5, INV_VERIFIED_FULL));
	inventory_cache_close(c);
	return found;
}

static uint8_t *read_file(size_t *len)
{
	FILE *f = fopen(file, "rb");
	uint8_t *bytes = malloc(1 << 20);

	assert_non_null(f);
	*len = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

static void write_file(const void *bytes, size_t n)
{
	FILE *f;

	unlink(file);
	f = fopen(file, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* One byte is another, at many places: of the header each, then everywhere. */
static void test_flipped(void **state)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	unsigned least = 4;
	size_t len;

	(void)state;
	fill();
	bytes = read_file(&len);
	for (size_t at = 0; at < len; at += at < 128 ? 1 : 997) {
		unsigned found;

		bytes[at] ^= 0x41;
		write_file(bytes, len);
		bytes[at] ^= 0x41;
		/* user_version: who could tell it from a later program's? */
		found = at >= 60 && at < 64 ? all_right() : still_right();
		least = MIN(least, found);
	}
	/* Some of them were seen. */
	assert_in_range(least, 0, 3);
}

static void test_truncated(void **state)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	size_t len;

	(void)state;
	fill();
	bytes = read_file(&len);
	for (size_t n = 0; n < len; n += n < 20 ? 1 : 3001) {
		write_file(bytes, n);
		still_right();
	}
}

static void test_foreign(void **state)
{
	static const char *const made[] = {
		"sqlite3 \"$CACHE\" 'CREATE TABLE layers (id, digest); PRAGMA user_version=1'",
		"sqlite3 \"$CACHE\" 'CREATE TABLE x (y); PRAGMA application_id=5'",
		"sqlite3 \"$CACHE\" 'PRAGMA application_id=1430865475; PRAGMA user_version=1; CREATE TABLE layers (id)'",
		"echo no database at all, but a text of some length that nobody asked for > \"$CACHE\"",
	};

	(void)state;
	setenv("CACHE", file, 1);
	if (system("sqlite3 --version >/dev/null 2>&1"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		unlink(file);
		assert_int_equal(system(made[i]), 0);
		still_right();
	}
}

/* A later version's file is left as it is. */
static void test_future(void **state)
{
	_cleanup_(freep) uint8_t *before = NULL, *after = NULL;
	struct inventory_cache *c;
	size_t len, len_after;

	(void)state;
	fill();
	before = read_file(&len);
	before[63] = 9; /* user_version, big-endian at 60: file format section 1.3 */
	write_file(before, len);
	c = open_cache(0);
	assert_false(get(c, 1, INV_VERIFIED_BLOB));
	put(c, 5, 10, INV_VERIFIED_FULL);
	inventory_cache_close(c);
	after = read_file(&len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	assert_non_null(strstr(notes_get(notes, 0), "later version"));
}

static void test_not_trusted(void **state)
{
	struct inventory_cache *c;
	char other[96];

	(void)state;
	fill();
	for (int i = 0; i < 5; i++) {
		snprintf(other, sizeof(other), "%s/other", folder);
		if (i == 0)
			assert_int_equal(chmod(file, 0666), 0);
		if (i == 1)
			assert_int_equal(chmod(folder, 0777), 0);
		if (i == 2)
			assert_int_equal(link(file, other), 0);
		if (i == 3)
			assert_int_equal(rename(file, other), 0), assert_int_equal(symlink("other", file), 0);
		if (i == 4)
			assert_int_equal(mkdir(file, 0700), 0);
		c = open_cache(0);
		assert_false(get(c, 1, INV_VERIFIED_BLOB));
		put(c, 9, 10, INV_VERIFIED_FULL);
		assert_false(get(c, 9, INV_VERIFIED_BLOB));
		inventory_cache_close(c);
		assert_int_equal(chmod(folder, 0700), 0);
		if (i == 0)
			assert_int_equal(chmod(file, 0600), 0);
		if (i == 2)
			unlink(other);
		if (i == 3)
			unlink(file);
	}
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(rename(other, file), 0);
	c = open_cache(0);
	assert_true(get(c, 1, INV_VERIFIED_BLOB));
	inventory_cache_close(c);
	if (geteuid() != 0)
		return;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chown(i ? folder : file, 12345, 12345), 0);
		c = open_cache(0);
		assert_false(get(c, 1, INV_VERIFIED_BLOB));
		inventory_cache_close(c);
		assert_int_equal(chown(i ? folder : file, 0, 0), 0);
	}
}

/* HOME of another user, as sudo may keep it: nothing is made there. */
static void test_other_home(void **state)
{
	struct inventory_cache *c;
	char cache[96];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(folder, 12345, 12345), 0);
	assert_int_equal(setenv("HOME", folder, 1), 0);
	unsetenv("XDG_CACHE_HOME");
	for (int i = 0; i < 2; i++) {
		inventory_cache_open(&c, NULL, 0, &limits, notes);
		put(c, 1, 10, INV_VERIFIED_FULL);
		assert_false(get(c, 1, INV_VERIFIED_BLOB));
		inventory_cache_close(c);
		snprintf(cache, sizeof(cache), "%s/.cache", folder);
		if (!i) {
			assert_int_equal(access(cache, F_OK), -1);
			assert_int_equal(mkdir(cache, 0755), 0);
			assert_int_equal(chown(cache, 12345, 12345), 0);
		}
	}
	snprintf(cache, sizeof(cache), "%s/.cache/uidfit", folder);
	assert_int_equal(access(cache, F_OK), -1);
	assert_non_null(strstr(notes_get(notes, 0), "another user"));
}

static void test_environment(void **state)
{
	struct inventory_cache *c;
	char path[128];

	(void)state;
	assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0);
	assert_int_equal(setenv("HOME", folder, 1), 0);
	inventory_cache_open(&c, NULL, 0, &limits, notes);
	put(c, 1, 10, INV_VERIFIED_FULL);
	inventory_cache_close(c);
	snprintf(path, sizeof(path), "%s/.cache/uidfit/" CACHE_FILE, folder);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(setenv("XDG_CACHE_HOME", "/dev/null", 1), 0);
	inventory_cache_open(&c, NULL, 0, &limits, notes);
	put(c, 1, 10, INV_VERIFIED_FULL);
	assert_false(get(c, 1, INV_VERIFIED_BLOB));
	inventory_cache_close(c);
	unsetenv("XDG_CACHE_HOME");
}

static void *many_threads(void *arg)
{
	struct inventory_cache *c = arg;

	for (unsigned i = 0; i < 40; i++) {
		put(c, i % 7, 3000, INV_VERIFIED_FULL);
		get(c, (i * 3) % 7, INV_VERIFIED_BLOB);
	}
	return NULL;
}

/* Threads of several processes; some remove the file under the others. */
static void test_shared(void **state)
{
	pid_t pids[8];
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int round = 0; round < 3; round++) {
			struct inventory_cache *c = open_cache(i % 2 ? 0 : 20000);
			pthread_t threads[2];

			for (size_t k = 0; k < 2; k++)
				pthread_create(&threads[k], NULL, many_threads, c);
			for (size_t k = 0; k < 2; k++)
				pthread_join(threads[k], NULL);
			inventory_cache_close(c);
			if (i == 0)
				write_file("damage", 6);
		}
		_exit(0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	still_right();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_and_get, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_lazy, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_evidence, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_limits, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_bounded, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_flipped, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_truncated, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_foreign, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_future, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_not_trusted, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_other_home, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_environment, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_shared, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
