/* docker-archive: each case from a file, from a compressed file and from standard input: the same
 * answer. */
#include "make.h"

#define CONFIG(arch, diff_ids)                                                                     \
	"{\"os\":\"linux\",\"architecture\":\"" arch "\","                                         \
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" diff_ids "]}}"

static const char *config_of(const char *arch, const char *const *layers, size_t n)
{
	char ids[1000] = "";

	for (size_t i = 0; i < n; i++)
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s\"sha256:%s\"",
			 i ? "," : "", layers[i]);
	return text(CONFIG("%s", "%s"), arch, ids);
}

static void put_layer(struct files *f, const char *member, const char *file)
{
	struct buf layer = layer_of(file);

	put_bytes(f, member, buf_str(&layer), layer.len);
	buf_free(&layer);
}

/* Two layers, a and b, whose diff_ids need not be theirs: that is the inventory's business. */
static void config(struct files *f, const char *arch)
{
	static const char *const ids[] = {
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	};
	const char *json = config_of(arch, ids, 2);

	put(f, text("%s.json", sha(json, strlen(json))), json);
}

/* The old layout: <id>/layer.tar, HEX.json, manifest.json last. */
static void old(struct files *f)
{
	put_layer(f, "one/layer.tar", "a");
	put_layer(f, "two/layer.tar", "b");
	config(f, "amd64");
	put(f, "manifest.json",
	    text("[{\"Config\":\"%s\",\"RepoTags\":[\"app:1.0\",\"app:latest\"],"
		 "\"Layers\":[\"one/layer.tar\",\"two/layer.tar\"]}]",
		 f->v[2].name));
}

static void manifest_first(struct files *f)
{
	struct file last;

	old(f);
	last = f->v[f->n - 1];
	memmove(f->v + 1, f->v, (f->n - 1) * sizeof(*f->v));
	f->v[0] = last;
}

static void dot_slash(struct files *f)
{
	old(f);
	rename_file(f, "one/layer.tar", "./one/layer.tar");
	rename_file(f, "manifest.json", "./manifest.json");
}

static void symlinked(struct files *f)
{
	old(f);
	drop_file(f, "two/layer.tar");
	put_link(f, "two/layer.tar", TAR_SYMLINK, "../one/layer.tar");
}

static void hardlinked(struct files *f)
{
	old(f);
	drop_file(f, "two/layer.tar");
	put_link(f, "two/layer.tar", TAR_HARDLINK, "one/layer.tar");
}

static void link_loop(struct files *f)
{
	old(f);
	drop_file(f, "two/layer.tar");
	put_link(f, "two/layer.tar", TAR_SYMLINK, "../three/layer.tar");
	put_link(f, "three/layer.tar", TAR_SYMLINK, "../two/layer.tar");
}

static void link_outside(struct files *f)
{
	old(f);
	drop_file(f, "two/layer.tar");
	put_link(f, "two/layer.tar", TAR_SYMLINK, "../../../one/layer.tar");
}

static void link_absolute(struct files *f)
{
	old(f);
	drop_file(f, "two/layer.tar");
	put_link(f, "two/layer.tar", TAR_SYMLINK, "/one/layer.tar");
}

static void no_layer(struct files *f)
{
	old(f);
	drop_file(f, "two/layer.tar");
}

static void no_config(struct files *f)
{
	old(f);
	drop_file(f, f->v[2].name);
}

static void no_manifest(struct files *f)
{
	old(f);
	drop_file(f, "manifest.json");
}

static void before_1_10(struct files *f)
{
	no_manifest(f);
	put(f, "repositories", "{\"app\":{\"latest\":\"one\"}}");
}

static void layer_too_few(struct files *f)
{
	old(f);
	drop_file(f, "manifest.json");
	put(f, "manifest.json",
	    text("[{\"Config\":\"%s\",\"Layers\":[\"one/layer.tar\"]}]", f->v[2].name));
}

static void manifest_twice(struct files *f)
{
	struct file first;

	old(f);
	put(f, "manifest.json", "[{\"Config\":\"none.json\",\"Layers\":[]}]");
	first = f->v[f->n - 2];
	f->v[f->n - 2] = f->v[f->n - 1];
	f->v[f->n - 1] = first;
}

static void duplicate_keys(struct files *f)
{
	old(f);
	drop_file(f, "manifest.json");
	put(f, "manifest.json",
	    text("[{\"Config\":\"%s\",\"config\":\"x\",\"Layers\":[]}]", f->v[2].name));
}

static void not_json(struct files *f)
{
	old(f);
	drop_file(f, "manifest.json");
	put(f, "manifest.json", "[{\"Config\":");
}

static void config_is_text(struct files *f)
{
	old(f);
	drop_file(f, f->v[2].name);
	put(f, "config.json", "nothing");
	drop_file(f, "manifest.json");
	put(f, "manifest.json", "[{\"Config\":\"config.json\",\"Layers\":[]}]");
}

static void config_renamed(struct files *f)
{
	old(f);
	get(f, f->v[2].name)->data.data[0] = '\n';
	assert_int_equal(buf_append_str(&f->v[2].data, ""), 0);
	f->v[2].data.len = 0;
	assert_int_equal(
		buf_append_str(
			&f->v[2].data,
			" {\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{"
			"\"type\":\"layers\",\"diff_ids\":[\"sha256:"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
			"\"sha256:"
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]}}"),
		0);
}

static void other_machine(struct files *f)
{
	old(f);
	drop_file(f, f->v[2].name);
	config(f, "s390x");
	drop_file(f, "manifest.json");
	put(f, "manifest.json",
	    text("[{\"Config\":\"%s\",\"Layers\":[\"one/layer.tar\",\"two/layer.tar\"]}]",
		 f->v[2].name));
}

/* Two images: one with two tags, one with none. */
static void several(struct files *f)
{
	other_machine(f);
	drop_file(f, "manifest.json");
	config(f, "amd64");
	put(f, "manifest.json",
	    text("[{\"Config\":\"%s\",\"RepoTags\":[\"docker.io/library/app:latest\","
		 "\"host.example:5000/x/app:2\"],\"Layers\":[\"one/layer.tar\",\"two/layer.tar\"]},"
		 "{\"Config\":\"%s\",\"RepoTags\":null,\"Layers\":[\"one/layer.tar\",\"two/"
		 "layer.tar\"]}]",
		 f->v[2].name, f->v[3].name));
}

/* Docker 25: an OCI layout and manifest.json in one archive. */
static void hybrid_with(struct files *f, bool good)
{
	struct buf layer = layer_of("a");
	const char *diff = sha(layer.data, layer.len), *json, *config_hex, *manifest, *manifest_hex;

	json = config_of("amd64", &diff, 1);
	config_hex = sha(json, strlen(json));
	put_bytes(f, text("blobs/sha256/%s", diff), layer.data, layer.len);
	put(f, text("blobs/sha256/%s", config_hex), good ? json : text(" %s", json));
	manifest = text(
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"sha256:%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
		"\"application/"
		"vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%s\",\"size\":%zu}]}",
		config_hex, strlen(json), diff, layer.len);
	manifest_hex = sha(manifest, strlen(manifest));
	put(f, text("blobs/sha256/%s", manifest_hex), manifest);
	put(f, "index.json",
	    text("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
		 "\"application/"
		 "vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:%s\",\"size\":%zu,"
		 "\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/app:latest\","
		 "\"org.opencontainers.image.ref.name\":\"latest\"}}]}",
		 manifest_hex, strlen(manifest)));
	put(f, "manifest.json",
	    text("[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"app:latest\"],"
		 "\"Layers\":[\"blobs/sha256/%s\"],\"LayerSources\":{}}]",
		 config_hex, diff));
	put(f, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	buf_free(&layer);
}

static void hybrid(struct files *f)
{
	hybrid_with(f, true);
}

static void hybrid_damaged(struct files *f)
{
	hybrid_with(f, false);
}

static void only_layout(struct files *f)
{
	hybrid_with(f, true);
	drop_file(f, "manifest.json");
}

static void gzipped_layer(struct files *f)
{
	struct buf gz;

	old(f);
	gz = gzipped(&f->v[1].data);
	buf_free(&f->v[1].data);
	f->v[1].data = gz;
}

static void empty_layer(struct files *f)
{
	old(f);
	buf_free(&f->v[1].data);
}

/* GNU tar --sparse over an extracted archive: the body is not the layer's bytes. */
static void sparse_layer(struct files *f)
{
	struct file layer, records;

	old(f);
	put(f, "PaxHeaders/x",
	    "22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n24 GNU.sparse.size=1536\n"
	    "26 GNU.sparse.numblocks=1\n25 GNU.sparse.map=0,1536\n");
	records = f->v[f->n - 1];
	records.type = 'x';
	layer = f->v[0];
	memmove(f->v + 2, f->v + 1, (f->n - 2) * sizeof(*f->v));
	f->v[0] = records;
	f->v[1] = layer;
}

static const struct {
	const char *what;
	void (*make)(struct files *f);
	struct ask ask;
	struct expect expect;
} cases[] = {
	{ "old", old, { .suffix = "" }, { .images = 1, .name = ":app:1.0" } },
	{ "manifest first", manifest_first, { .suffix = "" }, { .images = 1 } },
	{ "dot slash", dot_slash, { .suffix = "" }, { .images = 1 } },
	{ "symbolic link", symlinked, { .suffix = "" }, { .images = 1 } },
	{ "hard link", hardlinked, { .suffix = "" }, { .images = 1 } },
	{ "link loop", link_loop, { .suffix = "" }, { ERR_NOT_FOUND, "layer 1 two/layer.tar" } },
	{ "link out", link_outside, { .suffix = "" }, { ERR_NOT_FOUND, "layer 1 two/layer.tar" } },
	{ "link from the root", link_absolute, { .suffix = "" }, { ERR_NOT_FOUND, "layer 1" } },
	{ "no layer",
	  no_layer,
	  { .suffix = "" },
	  { ERR_NOT_FOUND, "layer 1 two/layer.tar: not in" } },
	{ "no config", no_config, { .suffix = "" }, { ERR_NOT_FOUND, "config " } },
	{ "no manifest",
	  no_manifest,
	  { .suffix = "" },
	  { ERR_BAD_INPUT, "neither manifest.json" } },
	{ "before 1.10", before_1_10, { .suffix = "" }, { ERR_UNSUPPORTED, "before 1.10" } },
	{ "a layer too few",
	  layer_too_few,
	  { .suffix = "" },
	  { ERR_BAD_INPUT, "1 layers, the config 2" } },
	{ "manifest twice",
	  manifest_twice,
	  { .suffix = "" },
	  { .images = 1, .name = ":app:1.0", .note = "'manifest.json' more than once" } },
	{ "duplicate keys", duplicate_keys, { .suffix = "" }, { ERR_BAD_INPUT, NULL } },
	{ "not JSON", not_json, { .suffix = "" }, { ERR_BAD_INPUT, NULL } },
	{ "config is text", config_is_text, { .suffix = "" }, { ERR_BAD_INPUT, "config" } },
	{ "config renamed",
	  config_renamed,
	  { .suffix = "" },
	  { .images = 1, .note = "docker does not mind" } },
	{ "other machine",
	  other_machine,
	  { .suffix = "" },
	  { .images = 1, .note = "linux/s390x" } },
	{ "no such platform",
	  old,
	  { .suffix = "", .platform = "linux/s390x" },
	  { ERR_NOT_FOUND, "linux/s390x", .note = "skipped" } },
	{ "the platform",
	  several,
	  { .suffix = "", .platform = "linux/amd64" },
	  { .images = 1, .name = ":@1" } },
	{ "several", several, { .suffix = "" }, { .images = 2, .name = "app:latest" } },
	{ "familiar name", several, { .suffix = ":app" }, { .images = 1, .name = "app:latest" } },
	{ "full name",
	  old,
	  { .suffix = ":docker.io/library/app" },
	  { .images = 1, .name = ":app:latest" } },
	{ "second tag",
	  several,
	  { .suffix = ":host.example:5000/x/app:2" },
	  { .images = 1, .name = "/app:2" } },
	{ "other host",
	  several,
	  { .suffix = ":host.example:5000/app" },
	  { ERR_NOT_FOUND, "it has docker.io/library/app:latest, host.example:5000/x/app:2" } },
	{ "index 1", several, { .suffix = ":@1" }, { .images = 1, .name = ":@1" } },
	{ "index 2", several, { .suffix = ":@2" }, { ERR_NOT_FOUND, "has 2 images" } },
	{ "hybrid", hybrid, { .suffix = "" }, { .images = 1, .name = ":app:latest" } },
	{ "hybrid, all",
	  hybrid,
	  { .suffix = "", .all = true },
	  { .images = 1, .name = ":docker.io/library/app:latest" } },
	{ "hybrid, all, named", hybrid, { .suffix = ":app", .all = true }, { .images = 1 } },
	{ "hybrid, damaged",
	  hybrid_damaged,
	  { .suffix = "" },
	  { ERR_DIGEST, "config blobs/sha256/" } },
	{ "layout", only_layout, { .suffix = "" }, { .images = 1, .note = "no manifest.json" } },
	{ "gzip within", gzipped_layer, { .suffix = "" }, { .images = 1 } },
	{ "empty layer", empty_layer, { .suffix = "" }, { .images = 1 } },
	{ "sparse layer",
	  sparse_layer,
	  { .suffix = "" },
	  { ERR_UNSUPPORTED, "'one/layer.tar' is stored as a sparse file" } },
	{ "too many members",
	  old,
	  { .suffix = "", .limit = "archive-entries=3" },
	  { ERR_LIMIT, "archive-entries" } },
	{ "large manifest",
	  old,
	  { .suffix = "", .limit = "json-size=50" },
	  { ERR_LIMIT, "json-size" } },
};

static void test_cases(void **state)
{
	static const enum mode modes[] = { MODE_FILE, MODE_STDIN, MODE_GZIP };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
			struct ask ask = cases[i].ask;
			struct files f = { .n = 0 };
			struct outcome o;

			setenv("DOCKER_DEFAULT_PLATFORM", "linux/amd64", 1);
			ask.transport = "docker-archive";
			cases[i].make(&f);
			o = look_at_files(&f, modes[m], &ask);
			check_outcome(cases[i].what, modes[m], &o, &cases[i].expect);
			outcome_free(&o);
			files_free(&f);
		}
}

/* A repeated layer is one blob, whatever the archive calls it. */
static void test_same_blob(void **state)
{
	static const struct ask ask = { .transport = "docker-archive", .suffix = "" };
	static void (*const makers[])(struct files * f) = { symlinked, hardlinked };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (enum mode m = MODE_FILE; m <= MODE_STDIN; m++) {
			struct files f = { .n = 0 };
			struct outcome o;

			makers[i](&f);
			o = look_at_files(&f, m, &ask);
			assert_int_equal(o.r, 0);
			assert_string_equal(o.images[0].layers[0].blob, "one/layer.tar");
			assert_string_equal(o.images[0].layers[1].blob, "one/layer.tar");
			assert_true(source_same_blob(o.source, "two/layer.tar", "one/layer.tar"));
			assert_false(source_same_blob(o.source, "manifest.json", "one/layer.tar"));
			if (m == MODE_STDIN)
				assert_int_equal(o.scanned, 1);
			outcome_free(&o);
			files_free(&f);
		}
}

/* Cut anywhere, an archive is an error, never an image less: in a header, a body, or before
 * manifest.json. */
static void test_truncated(void **state)
{
	static const struct ask ask = { .transport = "docker-archive", .suffix = "" };
	struct files f = { .n = 0 };
	struct buf bytes;
	size_t full;

	(void)state;
	old(&f);
	bytes = as_tar(&f);
	full = bytes.len;
	for (size_t n = TAR_BLOCK; n < full - 3 * TAR_BLOCK;
	     n += 100) /* up to the manifest's body */
		for (enum mode m = MODE_FILE; m <= MODE_STDIN; m++) {
			struct outcome o;

			bytes.len = n;
			o = look_at_bytes(&bytes, m, &ask);
			assert_true(o.r == -ERR_TRUNCATED || o.r == -ERR_BAD_INPUT);
			outcome_free(&o);
		}
	buf_free(&bytes);
	files_free(&f);
}

static void test_no_end_marker(void **state)
{
	static const struct ask ask = { .transport = "docker-archive", .suffix = "" };
	static const struct expect expect = { .images = 1, .note = "without its end marker" };
	struct files f = { .n = 0 };
	struct buf bytes;

	(void)state;
	old(&f);
	bytes = as_tar(&f);
	bytes.len -= 2 * TAR_BLOCK;
	for (enum mode m = MODE_FILE; m <= MODE_GZIP; m++) {
		struct outcome o = look_at_bytes(&bytes, m, &ask);

		check_outcome("no end marker", m, &o, &expect);
		outcome_free(&o);
	}
	buf_free(&bytes);
	files_free(&f);
}

/* What looks like JSON and like a tar is both: a layer whose first file is called "{x". */
static void test_both(void **state)
{
	static const struct ask ask = { .transport = "docker-archive", .suffix = "" };
	struct files f = { .n = 0 };
	struct outcome o;

	(void)state;
	old(&f);
	buf_free(&f.v[0].data);
	f.v[0].data = layer_of("{x");
	o = look_at_files(&f, MODE_STDIN, &ask);
	assert_int_equal(o.r, 0);
	assert_int_equal(o.scanned, 2);
	outcome_free(&o);
	files_free(&f);
}

/* A layer that is none is told by a one-pass source itself: it was never handed on. */
static void test_no_tar(void **state)
{
	static const struct ask ask = { .transport = "docker-archive", .suffix = "" };
	static const struct expect expect = { ERR_BAD_INPUT, "layer 0 one/layer.tar: neither" };
	struct files f = { .n = 0 };
	struct outcome o;

	(void)state;
	old(&f);
	memset(f.v[0].data.data, 'x', f.v[0].data.len);
	o = look_at_files(&f, MODE_STDIN, &ask);
	check_outcome("no tar", MODE_STDIN, &o, &expect);
	assert_int_equal(o.scanned, 1);
	outcome_free(&o);
	files_free(&f);
}

static void test_sequence(void **state)
{
	static const struct ask ask = { .transport = "docker-archive", .suffix = "" };
	struct files f = { .n = 0 };
	struct outcome o;
	struct stream *in;

	(void)state;
	old(&f);
	o = look_at_files(&f, MODE_STDIN, &ask);
	assert_int_equal(o.r, 0);
	assert_int_equal(source_scan(o.source, count_blob, &o, &o.err), -ERR_SEQUENCE);
	assert_int_equal(source_layer_open(o.source, &o.images[0].layers[0], &in, &o.err),
			 -ERR_SEQUENCE);
	outcome_free(&o);
	o = look_at_files(&f, MODE_FILE, &ask);
	assert_int_equal(o.r, 0);
	assert_int_equal(source_scan(o.source, count_blob, &o, &o.err), -ERR_SEQUENCE);
	outcome_free(&o);
	files_free(&f);
}

static int stop(void *ctx, const char *blob, uint64_t size, struct stream *raw, struct error *err)
{
	(void)ctx, (void)blob, (void)size;
	stream_close(raw); /* allowed */
	return err_fail(err, ERR_DENIED, 0, "stop");
}

static void test_callback_fails(void **state)
{
	struct limits limits = limits_default();
	struct source_options opts = { .limits = &limits };
	const struct source_image *images;
	struct files f = { .n = 0 };
	struct buf bytes, gz;
	struct source *s;
	struct error err;
	struct ref ref;
	size_t count;

	(void)state;
	old(&f);
	bytes = as_tar(&f);
	gz = gzipped(&bytes);
	write_file(text("%s/gz", work_dir()), gz.data, gz.len);
	assert_int_equal(ref_parse(&ref, text("docker-archive:%s/gz", work_dir()), &err), 0);
	assert_int_equal(source_open(&s, &ref, &opts, &err), 0);
	assert_int_equal(source_images(s, &images, &count, &err), -ERR_SEQUENCE);
	assert_int_equal(source_scan(s, stop, NULL, &err), -ERR_DENIED);
	source_close(s);
	ref_free(&ref);
	buf_free(&bytes);
	buf_free(&gz);
	files_free(&f);
}

static int cleanup(void **state)
{
	(void)state;
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	  cmocka_unit_test(test_same_blob),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_no_end_marker),
		cmocka_unit_test(test_both),	  cmocka_unit_test(test_no_tar),
		cmocka_unit_test(test_sequence),  cmocka_unit_test(test_callback_fails),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
