/* image_options.enough: what is asked, in which order, and what is left unread. */
#include "../source/layout.h"

#include <pthread.h>

#include "inventory/image.h"
#include "inventory/tap.h"
#include "made.h"

/* Layers by their one file's name; the body makes them larger in the order of the alphabet. */
struct plan {
	const char *images[2]; /* a letter a layer; capital: its blob is damaged */
	const char *enough;    /* what says yes: "." is the image itself */
	const char *asked;     /* what was asked, one thread, in this order */
	const char *unread[2]; /* letters */
	const char *error;     /* a part of it */
};

static const struct plan plans[] = {
	{ { "cab" }, "", ".abc", { "" } },
	{ { "cab" }, "a", ".a", { "cb" } },
	{ { "cab" }, "b", ".ab", { "c" } },
	{ { "cab" }, "c", ".abc", { "" } },
	{ { "cab" }, ".", ".", { "cab" } },
	{ { "caba" }, "b", ".aab", { "c" } },
	{ { "caa" }, "a", ".a", { "c" } },
	{ { "Ca" }, "a", ".a", { "C" } },
	{ { "Ca" }, "", NULL, { 0 }, "layer 0 sha256:" },
	{ { "Cab" }, "b", ".ab", { "C" } },
	/* A blob is left where all images that have it are decided. */
	{ { "abd", "bc" }, "a", "..abc", { "d", "" } },
	{ { "abd", "bcd" }, "b", "..abb", { "d", "cd" } },
	{ { "ad", "bd" }, "a", "..abd", { "", "" } },
	{ { "ad", "bd" }, "ab", "..ab", { "d", "d" } },
	{ { "ad", "bD" }, "ab", "..ab", { "d", "D" } },
};

struct asked {
	const struct plan *plan;
	char what[64];
	size_t n;
	pthread_mutex_t lock;
};

/* The name of the layer's file, "" where nothing is there. */
static char letter_of(const struct layer_inventory *inv)
{
	struct error err = { 0 };
	struct inv_iter it;
	struct inv_entry e;
	char c = '?';

	inv_iter_init(&it, inv);
	if (inv_iter_next(&it, &e, &err) == 0)
		c = e.path[0];
	inv_iter_done(&it);
	return c;
}

static bool enough(void *ctx, const struct source_image *image, const struct source_layer *layer,
		   const struct layer_inventory *inv)
{
	struct asked *a = ctx;
	char c = inv ? letter_of(inv) : '.';

	assert_non_null(image);
	assert_true(!layer == !inv);
	pthread_mutex_lock(&a->lock);
	assert_true(a->n + 1 < sizeof(a->what));
	a->what[a->n++] = c;
	pthread_mutex_unlock(&a->lock);
	return strchr(a->plan->enough, c);
}

static void put_letter(struct files *f, char letter, struct buf *descriptors, struct buf *diffs)
{
	bool damaged = letter < 'a';
	size_t size = (size_t)((letter | 32) - 'a') * 4000;
	struct made m = { 'f', text("%c", letter | 32), NULL, 0, 0 };
	const char *comma = descriptors->len ? "," : "", *hex;
	struct buf tar = { 0 };
	char body[40000] = "";

	memset(body, 'x', size);
	m.text = body;
	made_header(&tar, &m);
	made_end(&tar);
	hex = sha(tar.data, tar.len);
	assert_int_equal(buf_printf(descriptors, "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%zu}",
				    comma, TYPE_LAYER, hex, tar.len), 0);
	assert_int_equal(buf_printf(diffs, "%s\"sha256:%s\"", comma, hex), 0);
	if (damaged)
		tar.data[150] ^= 1;
	put_bytes(f, blob_name(blob_format, hex), tar.data, tar.len);
	buf_free(&tar);
}

static const char *put_letters(struct files *f, const char *letters, const char *name)
{
	struct buf descriptors = { 0 }, diffs = { 0 };
	const char *config, *out;

	for (; *letters; letters++)
		put_letter(f, *letters, &descriptors, &diffs);
	config = put_document(f, TYPE_CONFIG,
			      text("{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}",
				   name, buf_str(&diffs)), "");
	out = put_document(f, TYPE_MANIFEST,
			   text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}", config, buf_str(&descriptors)),
			   text("%s,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}", named("v1"), name));
	buf_free(&descriptors);
	buf_free(&diffs);
	return out;
}

static void check_image_of(const struct plan *p, size_t i, const struct image *img)
{
	const char *letters = p->images[i];
	size_t unread = 0;

	assert_int_equal(img->layer_count, strlen(letters));
	for (size_t k = 0; k < img->layer_count; k++) {
		const struct image_layer *l = &img->layers[k];
		bool want = strchr(p->unread[i], letters[k]), above = strpbrk(letters + k, p->unread[i]);

		if (l->unread != want)
			fail_msg("%s, %s: layer %zu is %s", letters, p->enough, k, want ? "read" : "unread");
		unread += want;
		assert_int_equal(letter_of(l->inventory), want ? '?' : letters[k]);
		assert_int_equal(image_visibility_known(img, k), !above);
		if (want)
			assert_int_equal(image_layer_size(l), l->source->size);
		assert_false(want && l->verified != INV_VERIFIED_NONE);
	}
	assert_int_equal(img->unread, unread);
}

static void load(const struct plan *p, enum mode mode, unsigned threads)
{
	static struct files files;
	const struct limits limits = limits_default();
	struct source_options so = { .limits = &limits, .stdin_fd = -1, .all_platforms = true };
	struct asked asked = { .plan = p, .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct image_options opts = { .limits = &limits, .threads = threads, .enough = enough, .enough_ctx = &asked };
	struct buf index = { 0 };
	const char *path;
	struct image_set set;
	struct source *source;
	struct buf tar, bytes;
	struct error err = { 0 };
	struct ref ref;
	int r;

	for (size_t i = 0; i < 2 && p->images[i]; i++)
		assert_int_equal(buf_printf(&index, "%s%s", i ? "," : "", put_letters(&files, p->images[i], i ? "arm64" : "amd64")), 0);
	put_index(&files, buf_str(&index));
	buf_free(&index);
	tar = as_tar(&files);
	path = text("%s/image", work_dir());
	bytes = mode == MODE_GZIP ? gzipped(&tar) : tar;
	write_file(path, bytes.data, bytes.len);
	assert_int_equal(ref_parse(&ref, text("oci-archive:%s", path), &err), 0);
	if (source_open(&source, &ref, &so, &err) < 0)
		fail_msg("%s: %s", p->images[0], err.msg);
	r = image_set_load(&set, source, &opts, &err);
	if (mode == MODE_GZIP) {
		/* Whose a layer is stands at the end: all is read, whatever would be said. */
		assert_int_equal(asked.n, 0);
		for (size_t i = 0; i < set.count; i++)
			assert_int_equal(set.images[i].unread, 0);
	} else if (threads == 1) {
		if (!r != !p->error || (r < 0 && !strstr(err.msg, p->error)))
			fail_msg("%s, %s: %s", p->images[0], p->enough, r < 0 ? err.msg : "loaded");
		if (p->asked)
			assert_string_equal(asked.what, p->asked);
		for (size_t i = 0; i < set.count; i++)
			check_image_of(p, i, &set.images[i]);
	}
	/* Else what was begun before the answer came may be read too. */
	for (size_t i = 0; i < set.count; i++)
		for (size_t k = 0; k < set.images[i].layer_count; k++)
			assert_non_null(set.images[i].layers[k].inventory);
	image_set_free(&set);
	source_close(source);
	ref_free(&ref);
	if (mode == MODE_GZIP)
		buf_free(&bytes);
	buf_free(&tar);
	files_free(&files);
}

static void one_thread(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		load(&plans[i], MODE_FILE, 1);
}

static void many_threads(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		for (unsigned threads = 2; threads <= 16; threads *= 2)
			load(&plans[i], MODE_FILE, threads);
}

static void one_pass(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		load(&plans[i], MODE_GZIP, 1);
}

struct at {
	const char *path; /* the entry that is enough */
	char asked[64];
};

static bool enough_at(void *ctx, const struct source_image *image, const struct inv_entry *e)
{
	struct at *at = ctx;

	strncat(at->asked, e->path, 8);
	return strcmp(e->path, at->path) == 0;
}

static bool enough_layer(void *ctx, const struct source_image *image, const struct source_layer *layer,
			 const struct layer_inventory *inv)
{
	struct at *at = ctx;
	struct error err = { 0 };
	struct inv_iter it;
	struct inv_entry e;
	bool found = false;

	if (!inv)
		return false;
	inv_iter_init(&it, inv);
	while (inv_iter_next(&it, &e, &err) == 0)
		found |= strcmp(e.path, at->path) == 0;
	inv_iter_done(&it);
	return found;
}

/* A large layer ends behind the entry that is enough; a small one is read to its end. */
static void load_at(size_t body, bool gzip, const char *path, uint64_t entries, bool cut, const char *asked)
{
	static uint8_t noise[3 << 20];
	const struct made made[] = {
		{ 'f', "a", "1", 0, 0 }, { 'f', "b", "2", 0, 0 }, { 'f', "c", "3", 70000, 0 }, { 'd', "d", NULL, 70000, 0 },
		{ 'f', "e", "4", 70000, 0 }, { 'f', "f", NULL, 0, 0 }, { 'f', "g", "5", 80000, 0 },
	};
	const struct limits limits = limits_default();
	struct at at = { .path = path };
	const struct image_options opts = { .limits = &limits, .threads = 1, .enough = enough_layer,
					    .enough_at = enough_at, .enough_ctx = &at };
	struct source_options so = { .limits = &limits, .stdin_fd = -1 };
	static struct files files;
	struct buf tar = { 0 }, blob;
	struct image_set set;
	struct source *source;
	struct error err = { 0 };
	const char *hex, *diff, *config;
	uint32_t seed = 1;
	struct ref ref;

	for (size_t i = 0; i < sizeof(noise); i++) {
		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		noise[i] = (uint8_t)seed;
	}
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (i != 5)
			made_header(&tar, &made[i]);
		else
			tar_header(&tar, "f", TAR_REG, "", body), assert_int_equal(buf_append(&tar, noise, body), 0);
	made_end(&tar);
	diff = sha(tar.data, tar.len);
	blob = gzip ? gzipped(&tar) : tar;
	hex = sha(blob.data, blob.len);
	put_bytes(&files, blob_name(blob_format, hex), blob.data, blob.len);
	config = put_document(&files, TYPE_CONFIG, text("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
							"\"diff_ids\":[\"sha256:%s\"]}}", diff), "");
	put_index(&files, put_document(&files, TYPE_MANIFEST,
				       text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[{\"mediaType\":\"" TYPE_LAYER "%s\",\"digest\":"
					    "\"sha256:%s\",\"size\":%zu}]}", config, gzip ? "+gzip" : "", hex, blob.len), named("v1")));
	as_dir(&files, text("%s/layout", work_dir()));
	assert_int_equal(ref_parse(&ref, text("oci:%s/layout", work_dir()), &err), 0);
	if (source_open(&source, &ref, &so, &err) < 0 || image_set_load(&set, source, &opts, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	assert_int_equal(set.images[0].layers[0].inventory->entries, entries);
	assert_int_equal(set.images[0].layers[0].inventory->cut, cut);
	assert_int_equal(set.images[0].layers[0].unread, cut);
	assert_int_equal(set.images[0].unread, cut);
	assert_int_equal(image_visibility_known(&set.images[0], 0), !cut);
	assert_int_equal(image_layer_size(&set.images[0].layers[0]), blob.len);
	assert_string_equal(at.asked, asked);
	image_set_free(&set);
	source_close(source);
	ref_free(&ref);
	if (gzip)
		buf_free(&blob);
	buf_free(&tar);
	files_free(&files);
}

static void one_entry(void **state)
{
	load_at(2 << 20, false, "c", 3, true, "ac");
	load_at(2 << 20, true, "c", 3, true, "ac");
	load_at(2 << 20, true, "d", 4, true, "acd");
	/* Another file of that owner was asked about. */
	load_at(2 << 20, true, "e", 7, false, "acdg");
	load_at(2 << 20, true, "g", 7, true, "acdg");
	load_at(2 << 20, true, "nothing", 7, false, "acdg");
	load_at(512, true, "c", 7, false, "");
}

/* A layer that is half read is given up at its next block, read or skipped. */
static void half_read(void **state)
{
	static const uint8_t bytes[3 << 20];
	atomic_size_t wanted = 1;
	struct tap_options how = { .wanted = &wanted };
	struct error err = { 0 };
	struct stream *raw, *tap;
	struct block *b;
	uint64_t count, skipped;

	assert_int_equal(stream_open_memory(&raw, bytes, sizeof(bytes), &err), 0);
	assert_int_equal(tap_open(&tap, raw, &how, &count, &err), 0);
	assert_int_equal(stream_next(tap, &b, &err), 0);
	assert_int_equal(count, b->len);
	assert_true(count < sizeof(bytes));
	block_unref(b);
	atomic_store(&wanted, 0);
	assert_int_equal(stream_next(tap, &b, &err), -ERR_SEQUENCE);
	if (stream_can_skip(tap))
		assert_int_equal(stream_skip(tap, 512, &skipped, &err), -ERR_SEQUENCE);
	stream_close(tap);
}

static int clean_up(void **state)
{
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(one_pass),
		cmocka_unit_test(one_entry),
		cmocka_unit_test(half_read),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
