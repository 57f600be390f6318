/* Which layer hides what: each case is an image and, for each entry, what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"

struct expected {
	struct made entry;
	enum visible visible;
	long by;
};

struct layered {
	const char *name;
	struct expected layers[4][6];
};

static const struct layered cases[] = {
	{ "one layer", { { { { 'd', "a" }, VISIBLE, -1 }, { { 'f', "a/b" }, VISIBLE, -1 } } } },
	{ "whiteout of the file",
	  { { { { 'f', "a/b" }, REMOVED, 1 }, { { 'f', "a/c" }, VISIBLE, -1 } },
	    { { { 'f', "a/.wh.b" }, REMOVED, 1 } } } },
	{ "whiteout of an ancestor",
	  { { { { 'd', "a" }, REMOVED, 1 }, { { 'd', "a/b" }, REMOVED, 1 }, { { 'f', "a/b/c" }, REMOVED, 1 } },
	    { { { 'f', ".wh.a" }, REMOVED, 1 } } } },
	{ "opaque directory",
	  { { { { 'd', "a" }, REPLACED, 1 }, { { 'd', "a/b" }, REMOVED, 1 }, { { 'f', "a/b/c" }, REMOVED, 1 } },
	    { { { 'd', "a" }, VISIBLE, -1 }, { { 'f', "a/.wh..wh..opq" }, REMOVED, 1 }, { { 'f', "a/d" }, VISIBLE, -1 } } } },
	{ "opaque root",
	  { { { { 'd', "./" }, VISIBLE, -1 }, { { 'f', "a" }, REMOVED, 1 } },
	    { { { 'f', ".wh..wh..opq" }, REMOVED, 1 } } } },
	{ "opaque marker does not hide the directory itself",
	  { { { { 'd', "a" }, VISIBLE, -1 }, { { 'f', "a/b" }, REMOVED, 1 } },
	    { { { 'f', "a/.wh..wh..opq" }, REMOVED, 1 } } } },
	{ "file over directory",
	  { { { { 'd', "a" }, REPLACED, 1 }, { { 'f', "a/b" }, REPLACED, 1 } },
	    { { { 'f', "a" }, VISIBLE, -1 } } } },
	{ "symlink over directory",
	  { { { { 'd', "a" }, REPLACED, 1 }, { { 'f', "a/b/c" }, REPLACED, 1 } },
	    { { { 'l', "a", "b" }, VISIBLE, -1 } } } },
	{ "directory over directory",
	  { { { { 'd', "a" }, REPLACED, 1 }, { { 'f', "a/b" }, VISIBLE, -1 } },
	    { { { 'd', "a" }, VISIBLE, -1 } } } },
	{ "directory over file",
	  { { { { 'f', "a" }, REPLACED, 1 } }, { { { 'd', "a" }, VISIBLE, -1 } } } },
	{ "the same path twice in a layer",
	  { { { { 'f', "a" }, REPLACED, 0 }, { { 'f', "b" }, VISIBLE, -1 }, { { 'f', "./a" }, VISIBLE, -1 } } } },
	{ "a file in place of an ancestor, later in the layer",
	  { { { { 'f', "a/b" }, REPLACED, 0 }, { { 'f', "a" }, VISIBLE, -1 } } } },
	{ "hardlinks are entries",
	  { { { { 'f', "a" }, REMOVED, 1 }, { { 'h', "b", "a" }, VISIBLE, -1 }, { { 'h', "c", "a" }, REPLACED, 1 } },
	    { { { 'f', ".wh.a" }, REMOVED, 1 }, { { 'h', "c", "b" }, VISIBLE, -1 } } } },
	{ "a whiteout does not hide its own layer",
	  { { { { 'f', "a" }, REPLACED, 1 }, { { 'f', "d/x" }, REMOVED, 1 } },
	    { { { 'f', ".wh.a" }, REMOVED, 1 },
	      { { 'f', "a" }, VISIBLE, -1 },
	      { { 'f', "d/y" }, VISIBLE, -1 },
	      { { 'f', ".wh.d" }, REMOVED, 1 } } } },
	{ "removed, then added again",
	  { { { { 'f', "a" }, REMOVED, 1 } },
	    { { { 'f', ".wh.a" }, REMOVED, 1 } },
	    { { { 'f', "a" }, VISIBLE, -1 } } } },
	{ "the lowest layer that hides is told",
	  { { { { 'f', "a/b" }, REPLACED, 1 } },
	    { { { 'f', "a/b" }, REMOVED, 2 } },
	    { { { 'f', ".wh.a" }, REMOVED, 2 } },
	    { { { 'f', "a/b" }, VISIBLE, -1 } } } },
	{ "an ancestor goes before the file is replaced",
	  { { { { 'f', "a/b" }, REMOVED, 1 } },
	    { { { 'f', ".wh.a" }, REMOVED, 1 } },
	    { { { 'f', "a/b" }, VISIBLE, -1 } } } },
	{ "removed and replaced by one layer is replaced",
	  { { { { 'f', "a/b" }, REPLACED, 1 }, { { 'f', "a/c" }, REMOVED, 1 } },
	    { { { 'f', "a/.wh..wh..opq" }, REMOVED, 1 }, { { 'f', "a/b" }, VISIBLE, -1 } } } },
	{ "a file and then a directory in one layer hides nothing below",
	  { { { { 'f', "a/b" }, VISIBLE, -1 } },
	    { { { 'f', "a" }, REPLACED, 1 }, { { 'd', "a" }, VISIBLE, -1 } } } },
	{ "siblings whose names begin alike",
	  { { { { 'f', "ab" }, VISIBLE, -1 }, { { 'f', "a.b/c" }, VISIBLE, -1 } },
	    { { { 'f', ".wh.a" }, REMOVED, 1 } } } },
	{ "AUFS metadata and global headers are no files",
	  { { { { 'd', ".wh..wh.plnk" }, REMOVED, 0 },
	      { { 'f', ".wh..wh.plnk/1.2" }, REMOVED, 0 },
	      { { 'g', "pax_global_header" }, REMOVED, 0 } } } },
	{ "a prefix alone means the directory that it stands in",
	  { { { { 'f', "a/b" }, REMOVED, 1 }, { { 'f', "c" }, VISIBLE, -1 } },
	    { { { 'f', "a/.wh." }, REMOVED, 1 } } } },
};

static void check_layer(struct image *img, const struct layered *c, size_t layer)
{
	struct error err = { 0 };
	struct inv_iter it;
	struct inv_entry e;
	int r;

	inv_iter_init(&it, img->layers[layer].inventory);
	while ((r = inv_iter_next(&it, &e, &err)) == 0) {
		const struct expected *want = &c->layers[layer][e.index];
		enum visible visible;
		long by;

		assert_int_equal(image_visibility(img, layer, &e, &visible, &by, &err), 0);
		if (visible != want->visible || by != want->by)
			fail_msg("%s: layer %zu '%s': %s by %ld, want %s by %ld", c->name, layer,
				 want->entry.name, visible_name(visible), by,
				 visible_name(want->visible), want->by);
	}
	assert_int_equal(r, 1);
	inv_iter_done(&it);
}

static void image_of(struct image *img, const struct layered *c)
{
	for (size_t i = 0; i < 4 && c->layers[i][0].entry.name; i++) {
		struct made entries[6] = { 0 };

		for (size_t k = 0; k < 6; k++)
			entries[k] = c->layers[i][k].entry;
		made_image_add(img, made_layer(entries, 6));
	}
}

static void upwards(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image img = { 0 };

		image_of(&img, &cases[i]);
		for (size_t layer = 0; layer < img.layer_count; layer++)
			check_layer(&img, &cases[i], layer);
		made_image_free(&img);
	}
}

/* The table is made anew for a lower layer; the answers stay. */
static void downwards(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image img = { 0 };

		image_of(&img, &cases[i]);
		for (size_t layer = img.layer_count; layer-- > 0;)
			check_layer(&img, &cases[i], layer);
		made_image_free(&img);
	}
}

/* Enough paths for long runs in the table. */
static void many(void **state)
{
	enum { N = 20000 };
	struct error err = { 0 };
	struct image img = { 0 };
	struct buf lower = { 0 }, upper = { 0 };
	char name[64];
	struct inv_iter it;
	struct inv_entry e;

	for (int i = 0; i < N; i++) {
		struct made m = { 'f', name };

		snprintf(name, sizeof(name), "d%d/f%d", i / 100, i);
		made_header(&lower, &m);
		snprintf(name, sizeof(name), i % 2 ? "d%d/.wh.f%d" : "d%d/f%d", i / 100, i);
		if (i % 3 == 0)
			made_header(&upper, &m);
	}
	made_end(&lower);
	made_end(&upper);
	made_image_add(&img, made_build(lower.data, lower.len));
	made_image_add(&img, made_build(upper.data, upper.len));
	inv_iter_init(&it, img.layers[0].inventory);
	for (int i = 0; i < N; i++) {
		enum visible visible;
		long by;

		assert_int_equal(inv_iter_next(&it, &e, &err), 0);
		assert_int_equal(image_visibility(&img, 0, &e, &visible, &by, &err), 0);
		assert_int_equal(visible, i % 3 ? VISIBLE : i % 2 ? REMOVED : REPLACED);
		assert_int_equal(by, i % 3 ? -1 : 1);
	}
	inv_iter_done(&it);
	made_image_free(&img);
	buf_free(&lower);
	buf_free(&upper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upwards),
		cmocka_unit_test(downwards),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
