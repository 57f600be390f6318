/* image_file: which bytes an engine would read at a path of the merged image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"

struct row {
	const char *name, *path;
	const char *text; /* NULL: no file */
	size_t layer;
	const char *why; /* a part of it; NULL: none */
	struct made layers[4][6];
};

#define P "etc/passwd"

static const struct row rows[] = {
	{ "plain", P, "x", 0, NULL, { { { 'f', P, "x" } } } },
	{ "asked with slashes", "//etc/./passwd", "x", 0, NULL, { { { 'f', P, "x" } } } },
	{ "the topmost wins", P, "y", 1, NULL, { { { 'f', P, "x" } }, { { 'f', P, "y" } } } },
	{ "the last of a layer wins", P, "y", 0, NULL, { { { 'f', P, "x" }, { 'f', P, "y" } } } },
	{ "none", P, NULL, 0, NULL, { { { 'f', "etc/shadow", "x" } } } },
	{ "empty", P, "", 0, NULL, { { { 'f', P, "" } } } },
	{ "whiteout", P, NULL, 0, NULL, { { { 'f', P, "x" } }, { { 'f', "etc/.wh.passwd" } } } },
	{ "whiteout of etc", P, NULL, 0, NULL, { { { 'f', P, "x" } }, { { 'f', ".wh.etc" } } } },
	{ "whiteout beside the new file", P, "y", 1, NULL,
	  { { { 'f', P, "x" } }, { { 'f', P, "y" }, { 'f', "etc/.wh.passwd" } } } },
	{ "opaque", P, NULL, 0, NULL, { { { 'f', P, "x" } }, { { 'd', "etc" }, { 'f', "etc/.wh..wh..opq" } } } },
	{ "opaque root", P, NULL, 0, NULL, { { { 'f', P, "x" } }, { { 'f', ".wh..wh..opq" } } } },
	{ "opaque, then again", P, "z", 2, NULL,
	  { { { 'f', P, "x" } }, { { 'f', "etc/.wh..wh..opq" } }, { { 'f', P, "z" } } } },
	{ "etc became a file", P, NULL, 0, NULL, { { { 'f', P, "x" } }, { { 'f', "etc", "no" } } } },
	{ "etc became a file and a directory again", P, NULL, 0, NULL,
	  { { { 'f', P, "x" } }, { { 'f', "etc", "no" } }, { { 'd', "etc" } } } },
	{ "etc became a file and a directory again in the same layer", P, NULL, 0, NULL,
	  { { { 'f', P, "x" }, { 'f', "etc", "no" }, { 'd', "etc" } } } },
	{ "etc was a file for a while in a higher layer", P, "x", 0, NULL,
	  { { { 'f', P, "x" } }, { { 'f', "etc", "no" }, { 'd', "etc" } } } },
	{ "relative link", P, "x", 0, NULL,
	  { { { 'f', "usr/lib/passwd", "x" }, { 'l', P, "../usr/lib/passwd" } } } },
	{ "absolute link", P, "x", 0, NULL,
	  { { { 'f', "usr/lib/passwd", "x" } }, { { 'l', P, "/usr/lib/passwd" } } } },
	{ "link beyond the root", P, "x", 0, NULL,
	  { { { 'f', "usr/lib/passwd", "x" }, { 'l', P, "../../../../usr/lib/passwd" } } } },
	{ "linked directory", P, "x", 0, NULL, { { { 'l', "etc", "usr/etc" }, { 'f', "usr/etc/passwd", "x" } } } },
	{ "two links", P, "x", 1, NULL,
	  { { { 'l', "etc", "/usr/etc/" }, { 'l', "usr/etc/passwd", "../share/x/./passwd" } },
	    { { 'f', "usr/share/x/passwd", "x" } } } },
	{ "target removed", P, NULL, 0, NULL,
	  { { { 'l', P, "../usr/passwd" }, { 'f', "usr/passwd", "x" } }, { { 'f', "usr/.wh.passwd" } } } },
	{ "loop", P, NULL, 0, "loop", { { { 'l', P, "passwd" } } } },
	{ "loop of two", P, NULL, 0, "loop", { { { 'l', "etc", "var" }, { 'l', "var", "etc" } } } },
	{ "dangling", P, NULL, 0, NULL, { { { 'l', P, "nowhere" } } } },
	{ "a directory", P, NULL, 0, "regular", { { { 'd', P } } } },
	{ "a directory that its content implies", P, NULL, 0, "regular", { { { 'f', "etc/passwd/x", "x" } } } },
	{ "a fifo", P, NULL, 0, "regular", { { { 'p', P } } } },
	{ "hardlink", P, "x", 0, NULL, { { { 'f', "a-passwd", "x" }, { 'h', P, "a-passwd" } } } },
	{ "hardlink into a lower layer", P, "x", 0, NULL,
	  { { { 'f', "a-passwd", "x" } }, { { 'h', P, "./a-passwd" } } } },
	{ "hardlink to a hardlink", P, "x", 0, NULL,
	  { { { 'f', "a-passwd", "x" }, { 'h', "b-passwd", "a-passwd" } }, { { 'h', P, "b-passwd" } } } },
	{ "hardlink to what came later", P, "x", 0, NULL,
	  { { { 'f', "a-passwd", "x" } }, { { 'h', P, "a-passwd" }, { 'f', "a-passwd", "y" } } } },
	{ "hardlink to nothing", P, NULL, 0, "hard link", { { { 'h', P, "a-passwd" } } } },
	{ "hardlink to itself", P, NULL, 0, "hard link", { { { 'h', P, P } } } },
	{ "hardlink to a file that is not kept", P, NULL, 0, "not kept",
	  { { { 'f', "data", "x" }, { 'h', P, "data" } } } },
	{ "linked to a file that is not kept", P, NULL, 0, "not kept", { { { 'f', "data", "x" }, { 'l', P, "/data" } } } },
	{ "a directory that a higher layer implies hides a link", P, "y", 1, NULL,
	  { { { 'l', "etc", "usr/etc" }, { 'f', "usr/etc/passwd", "x" } }, { { 'f', P, "y" } } } },
	{ "below a file", "etc/passwd/x", NULL, 0, NULL, { { { 'f', P, "x" } } } },
};

static void image_of(struct image *img, const struct row *row)
{
	for (size_t i = 0; i < 4 && row->layers[i][0].name; i++)
		made_image_add(img, made_layer(row->layers[i], 6));
}

static void check(const struct row *row, struct image *img)
{
	const struct inv_file *f;
	struct error err = { 0 };
	const char *why;
	size_t layer;

	assert_int_equal(image_file(img, row->path, &f, &layer, &why, &err), 0);
	if (!f != !row->text)
		fail_msg("%s: %s", row->name, f ? "found" : "not found");
	if (f) {
		assert_int_equal(f->len, strlen(row->text));
		assert_memory_equal(f->data, row->text, f->len);
		assert_int_equal(layer, row->layer);
	}
	if (!why != !row->why || (why && !strstr(why, row->why)))
		fail_msg("%s: why '%s'", row->name, why ? why : "none");
}

static void files(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image img = { 0 };

		image_of(&img, &rows[i]);
		check(&rows[i], &img);
		check(&rows[i], &img); /* from what is remembered */
		image_forget(&img);
		check(&rows[i], &img);
		made_image_free(&img);
	}
}

static void large(void **state)
{
	struct limits limits = limits_default();
	const struct made entry = { 'f', P, "root:x:0:0" };
	struct layer_build how = { .limits = &limits };
	struct layer_inventory *inv;
	struct image img = { 0 };
	struct error err = { 0 };
	struct buf tar = { 0 };
	struct stream *s;
	const struct inv_file *f;
	const char *why;
	size_t layer;

	limits.v[LIMIT_SMALL_FILE] = 9;
	made_header(&tar, &entry);
	made_end(&tar);
	assert_int_equal(stream_open_memory(&s, tar.data, tar.len, &err), 0);
	assert_int_equal(layer_inventory_build(&inv, s, &how, &err), 0);
	made_image_add(&img, inv);
	assert_int_equal(image_file(&img, P, &f, &layer, &why, &err), 0);
	assert_null(f);
	assert_non_null(strstr(why, "small-file"));
	made_image_free(&img);
	buf_free(&tar);
}

/* Links that lead through ever new directories: it ends with a reason, not with a walk over the records for each. */
static void winding(void **state)
{
	struct buf tar = { 0 };
	struct image img = { 0 };
	struct error err = { 0 };
	const struct inv_file *f;
	const char *why;
	size_t layer;

	for (int i = 0; i < 6; i++) {
		char name[32], link[100] = "";
		struct made m = { 'l', name, link };

		for (int k = 0; k < 14; k++)
			snprintf(link + 6 * k, 7, "%02d/../", i * 14 + k);
		snprintf(link + 6 * 14, 8, "l%d", i + 1);
		snprintf(name, sizeof(name), i ? "etc/l%d" : P, i);
		made_header(&tar, &m);
	}
	for (int i = 0; i < 6 * 14; i++) {
		char name[32];
		struct made m = { 'd', name };

		snprintf(name, sizeof(name), "etc/%02d", i);
		made_header(&tar, &m);
	}
	made_end(&tar);
	made_image_add(&img, made_build(tar.data, tar.len));
	assert_int_equal(image_file(&img, P, &f, &layer, &why, &err), 0);
	assert_null(f);
	assert_non_null(strstr(why, "too many"));
	made_image_free(&img);
	buf_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(large),
		cmocka_unit_test(winding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
