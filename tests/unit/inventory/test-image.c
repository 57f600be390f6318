/* image_set_load: each case as a directory, an archive, a compressed archive and standard input. */
#include "../source/layout.h"

#include "inventory/image.h"
#include "made.h"

enum flaw {
	SOUND,
	FLIPPED,    /* a byte of the blob is another than its digest says */
	OTHER_DIFF, /* the config's diff_id is another's */
	NO_END,     /* no end marker */
	CUT,	    /* in the middle of a body; the digests are those of what is left */
	JUNK,	    /* behind the end marker */
	GLOBAL_ID,  /* a PAX global header sets uid */
	OTHER_TYPE, /* the media type says gzip */
};

struct spec {
	const char *name; /* of its one file */
	enum flaw flaw;
	bool gzip;
	size_t body;
};

struct image_case {
	const char *name;
	struct spec layers[4];
	const char *error; /* a part of it */
	const char *note;
	size_t inventories; /* 0: one a layer */
	bool skipped; /* without verify, from an uncompressed file: nothing is hashed whole */
};

static const struct image_case cases[] = {
	{ "one", { { "a" } }, NULL, NULL, 0, false },
	{ "gzip", { { "a", SOUND, true }, { "b" }, { "c", SOUND, true } }, NULL, NULL, 0, false },
	{ "shared", { { "a" }, { "b" }, { "a" } }, NULL, NULL, 2, false },
	{ "large", { { "a", SOUND, false, 3 << 20 } }, NULL, NULL, 0, true },
	{ "large, gzip", { { "a", SOUND, true, 3 << 20 } }, NULL, NULL, 0, false },
	{ "large, no end marker", { { "a", NO_END, false, 3 << 20 } }, NULL, "no end marker", 0, false },
	{ "flipped", { { "a" }, { "b", FLIPPED } }, "layer 1 sha256:", NULL, 0, false },
	{ "flipped, gzip", { { "a" }, { "b", FLIPPED, true } }, "layer 1 sha256:", NULL, 0, false },
	{ "the lowest is told", { { "a" }, { "b", FLIPPED }, { "c", CUT, false, 600 }, { "d", OTHER_DIFF } }, "layer 1 sha256:", NULL, 0, false },
	{ "the lowest is told, though larger ones are read first",
	  { { "a", OTHER_DIFF }, { "b", FLIPPED, false, 1 << 20 }, { "c", CUT, false, 1 << 20 } }, "layer 0 sha256:", NULL, 0, false },
	{ "diff_id", { { "a", OTHER_DIFF, true } }, "the config says sha256:", NULL, 0, false },
	{ "no end marker", { { "a", NO_END } }, NULL, "no end marker", 0, false },
	{ "cut", { { "a", CUT, false, 600 } }, "layer 0 sha256:", NULL, 0, false },
	{ "junk", { { "a", JUNK } }, NULL, "follows the tar's end marker", 0, false },
	{ "global id", { { "a", GLOBAL_ID } }, NULL, "PAX global header", 0, false },
	{ "media type", { { "a", OTHER_TYPE } }, NULL, "the media type says gzip, the bytes are uncompressed", 0, false },
};

static struct buf tar_of(const struct spec *s)
{
	static char body[4 << 20];
	const struct made global = { 'g', "pax_global_header", "12 uid=5000\n" };
	struct made m = { 'f', s->name, body, 70000, 5 };
	struct buf tar = { 0 };

	memset(body, 'b', s->body);
	body[s->body] = '\0';
	if (s->flaw == GLOBAL_ID)
		made_header(&tar, &global);
	made_header(&tar, &m);
	if (s->flaw == CUT)
		tar.len = 512 + 100;
	else if (s->flaw != NO_END)
		made_end(&tar);
	if (s->flaw == JUNK)
		made_header(&tar, &m);
	return tar;
}

/* The blob of a layer: its descriptor and its diff_id. */
static void put_spec(struct files *f, const struct spec *s, struct buf *descriptors,
		     struct buf *diffs)
{
	struct buf tar = tar_of(s), blob = s->gzip ? gzipped(&tar) : tar;
	const char *diff = sha(tar.data, tar.len), *hex = sha(blob.data, blob.len);
	const char *type = s->gzip || s->flaw == OTHER_TYPE ? TYPE_LAYER "+gzip" : TYPE_LAYER;
	const char *comma = descriptors->len ? "," : "";

	if (s->flaw == OTHER_DIFF)
		diff = sha("", 0);
	if (s->flaw == FLIPPED)
		blob.data[blob.len / 2] ^= 1;
	put_bytes(f, blob_name(blob_format, hex), blob.data, blob.len);
	assert_int_equal(buf_printf(descriptors, "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%zu}",
				    comma, type, hex, blob.len),
			 0);
	assert_int_equal(buf_printf(diffs, "%s\"sha256:%s\"", comma, diff), 0);
	if (s->gzip)
		buf_free(&blob);
	buf_free(&tar);
}

static size_t put_case(struct files *f, const struct image_case *c)
{
	struct buf descriptors = { 0 }, diffs = { 0 }, history = { 0 };
	const char *config;
	size_t n = 0;

	for (; n < 4 && c->layers[n].name; n++) {
		put_spec(f, &c->layers[n], &descriptors, &diffs);
		assert_int_equal(buf_printf(&history, "%s{\"created_by\":\"RUN %zu\"}", n ? "," : "", n), 0);
	}
	config = put_document(f, TYPE_CONFIG,
			      text("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
				   "\"diff_ids\":[%s]},\"history\":[%s]}",
				   buf_str(&diffs), buf_str(&history)),
			      "");
	put_index(f, put_document(f, TYPE_MANIFEST,
				  text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}", config,
				       buf_str(&descriptors)),
				  named("v1")));
	buf_free(&descriptors);
	buf_free(&diffs);
	buf_free(&history);
	return n;
}

static bool noted(const struct notes *n, const char *part)
{
	for (size_t i = 0; i < notes_count(n); i++)
		if (strstr(notes_get(n, i), part))
			return true;
	return false;
}

static void check_set(const struct image_case *c, struct image_set *set, size_t layers, bool hashed,
		      const struct notes *notes)
{
	const struct image *img = &set->images[0];

	assert_int_equal(set->count, 1);
	assert_int_equal(img->layer_count, layers);
	assert_int_equal(set->inventory_count, c->inventories ? c->inventories : layers);
	assert_null(img->no_steps);
	for (size_t i = 0; i < layers; i++) {
		const struct image_layer *l = &img->layers[i];
		struct error err = { 0 };
		struct inv_iter it;
		struct inv_entry e;

		assert_int_equal(l->verified, hashed ? INV_VERIFIED_FULL : INV_VERIFIED_NONE);
		assert_string_equal(l->created_by, text("RUN %zu", i));
		inv_iter_init(&it, l->inventory);
		do
			assert_int_equal(inv_iter_next(&it, &e, &err), 0);
		while (e.kind == INV_GLOBAL);
		assert_string_equal(e.path, c->layers[i].name);
		assert_int_equal(e.uid, 70000);
		inv_iter_done(&it);
	}
	if (c->note)
		assert_true(noted(notes, c->note));
	else
		assert_int_equal(notes_count(notes), 0);
}

static void load_source(const struct image_case *c, struct source *source, const struct limits *limits,
			size_t layers, bool file, bool verify, unsigned threads)
{
	struct notes *notes = notes_new();
	const struct image_options opts = { .limits = limits, .notes = notes, .verify = verify,
					    .threads = threads };
	struct image_set set;
	struct error err = { 0 };
	int r = image_set_load(&set, source, &opts, &err);

	if (!r != !c->error || (r < 0 && !strstr(err.msg, c->error)))
		fail_msg("%s: %s", c->name, r < 0 ? err.msg : "loaded");
	if (r == 0)
		check_set(c, &set, layers, verify || !file || !c->skipped, notes);
	image_set_free(&set);
	notes_free(notes);
}

static void load_case(const struct image_case *c, enum mode mode, bool verify, unsigned threads)
{
	static struct files files;
	size_t layers = put_case(&files, c);
	const struct limits limits = limits_default();
	struct source_options so = { .limits = &limits, .stdin_fd = -1 };
	const char *path = text("%s/image", work_dir());
	struct buf tar = as_tar(&files), bytes = mode == MODE_GZIP ? gzipped(&tar) : tar;
	struct source *source;
	struct error err = { 0 };
	struct ref ref;

	if (mode == MODE_DIR)
		as_dir(&files, path = text("%s/layout", work_dir()));
	else
		write_file(path, bytes.data, bytes.len);
	if (mode == MODE_STDIN) {
		so.stdin_fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(so.stdin_fd >= 0);
		path = "-";
	}
	assert_int_equal(ref_parse(&ref, text("%s:%s", mode == MODE_DIR ? "oci" : "oci-archive", path), &err), 0);
	if (source_open(&source, &ref, &so, &err) < 0)
		fail_msg("%s: %s", c->name, err.msg);
	load_source(c, source, &limits, layers, mode == MODE_FILE || mode == MODE_DIR, verify, threads);
	source_close(source);
	ref_free(&ref);
	if (so.stdin_fd >= 0)
		close(so.stdin_fd);
	if (mode == MODE_GZIP)
		buf_free(&bytes);
	buf_free(&tar);
	files_free(&files);
}

static void every_way(void **state)
{
	static const enum mode modes[] = { MODE_DIR, MODE_FILE, MODE_GZIP, MODE_STDIN };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < ARRAY_SIZE(modes); k++)
			for (unsigned verify = 0; verify < 2; verify++)
				load_case(&cases[i], modes[k], verify, 3 * verify);
}

/* The error is that of the lowest layer however the threads run. */
static void many_threads(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (unsigned threads = 1; threads <= 16 && cases[i].error; threads *= 2)
			load_case(&cases[i], MODE_FILE, true, threads);
}

static int clean_up(void **state)
{
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
