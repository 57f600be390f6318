/* oci: and oci-archive: each case as a directory, an archive, a compressed one, and standard input:
 * the same answer.
 */
#include "layout.h"

static void single(struct files *f)
{
	put_index(f, put_image(f, "amd64", named("v1")));
}

static void nameless(struct files *f)
{
	put_index(f, put_image(f, "amd64", ""));
}

/* The i-th file that was put: 0 a layer, 1 a config, 2 a manifest. */
static void damage(struct files *f, size_t i)
{
	single(f);
	f->v[i].data.data[f->v[i].data.len - 1] ^= 1;
}

static void longer(struct files *f, size_t i)
{
	single(f);
	assert_int_equal(buf_append_str(&f->v[i].data, " "), 0);
}

static void bad_config(struct files *f)
{
	damage(f, 1);
}

static void bad_manifest(struct files *f)
{
	damage(f, 2);
}

static void long_layer(struct files *f)
{
	longer(f, 0);
}

static void long_config(struct files *f)
{
	longer(f, 1);
}

static void long_manifest(struct files *f)
{
	longer(f, 2);
}

static void drop(struct files *f, size_t i)
{
	single(f);
	drop_file(f, f->v[i].name);
}

static void no_layer(struct files *f)
{
	drop(f, 0);
}

static void no_config(struct files *f)
{
	drop(f, 1);
}

static void no_manifest(struct files *f)
{
	drop(f, 2);
}

static void no_index(struct files *f)
{
	single(f);
	drop_file(f, "index.json");
}

static void foreign(struct files *f)
{
	const char *config = put_document(
		f, TYPE_CONFIG,
		"{\"os\":\"windows\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":"
		"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}}",
		"");

	put_index(f,
		  put_document(
			  f, TYPE_MANIFEST,
			  text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[{\"mediaType\":"
			       "\"application/"
			       "vnd.oci.image.layer.nondistributable.v1.tar+gzip\",\"size\":9,"
			       "\"digest\":"
			       "\"sha256:"
			       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\","
			       "\"urls\":[\"https://foreign.example/layer\"]}]}",
			       config),
			  ""));
}

static void count_differs(struct files *f)
{
	const char *config = put_document(f, TYPE_CONFIG,
					  "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":"
					  "{\"type\":\"layers\",\"diff_ids\":[]}}",
					  "");

	put_index(f,
		  put_document(f, TYPE_MANIFEST,
			       text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[{\"mediaType\":"
				    "\"" TYPE_LAYER "\",\"size\":1536,\"digest\":\"sha256:%s\"}]}",
				    config, put_layer_blob(f, "a")),
			       ""));
}

static const char *two_platforms(struct files *f, const char *extra)
{
	const char *arm = put_image(f, "arm64", platform_of("arm64"));
	const char *amd = put_image(f, "amd64", platform_of("amd64"));

	return put_document(f, TYPE_INDEX,
			    text("{\"schemaVersion\":2,\"mediaType\":\"" TYPE_INDEX
				 "\",\"manifests\":[%s,%s]}",
				 arm, amd),
			    extra);
}

static void nested(struct files *f)
{
	put_index(f, two_platforms(f, named("multi")));
}

/* skopeo writes such: an index without platforms; the configs tell them. */
static void nested_untold(struct files *f)
{
	const char *arm = put_image(f, "arm64", ""), *amd = put_image(f, "amd64", "");

	put_index(f,
		  put_document(f, TYPE_INDEX,
			       text("{\"schemaVersion\":2,\"manifests\":[%s,%s]}", arm, amd), ""));
}

static void untyped(struct files *f)
{
	const char *json =
		text("{\"schemaVersion\":2,\"manifests\":[%s]}", put_image(f, "amd64", ""));
	const char *hex = sha(json, strlen(json));

	put(f, blob_name(document_format, hex), json);
	put_index(f, text("{\"digest\":\"sha256:%s\",\"size\":%zu}", hex, strlen(json)));
}

static void flat_platforms(struct files *f)
{
	const char *arm = put_image(f, "arm64", platform_of("arm64"));

	put_index(f, text("%s,%s", arm, put_image(f, "amd64", platform_of("amd64"))));
}

static void nested_partial(struct files *f)
{
	nested(f);
	drop_file(f, f->v[2].name); /* arm64's manifest, as docker save leaves it out */
}

static void deep(struct files *f)
{
	const char *d = two_platforms(f, "");

	for (int i = 0; i < 3; i++)
		d = put_document(f, TYPE_INDEX, text("{\"schemaVersion\":2,\"manifests\":[%s]}", d),
				 "");
	put_index(f, d);
}

/* An index that claims to hold itself: no such digest can be made, so that the claim fails. */
static void loop(struct files *f)
{
	static const char hex[] =
		"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
	const char *d =
		text("{\"mediaType\":\"" TYPE_INDEX "\",\"digest\":\"sha256:%s\",\"size\":%d}", hex,
		     216);

	put(f, blob_name(document_format, hex),
	    text("{\"schemaVersion\":2,\"manifests\":[%s]}", d));
	f->v[0].data.len = strlen(buf_str(&f->v[0].data));
	put_index(f,
		  text("{\"mediaType\":\"" TYPE_INDEX "\",\"digest\":\"sha256:%s\",\"size\":%zu}",
		       hex, f->v[0].data.len));
}

/* Each level names the one below eight times: 8^4 visits, if nobody counts. */
static void fan_out(struct files *f)
{
	const char *d = put_image(f, "amd64", "");

	for (int i = 0; i < 4; i++)
		d = put_document(
			f, TYPE_INDEX,
			text("{\"schemaVersion\":2,\"manifests\":[%s,%s,%s,%s,%s,%s,%s,%s]}", d, d,
			     d, d, d, d, d, d),
			"");
	put_index(f, d);
}

static void attested(struct files *f)
{
	const char *image = put_image(f, "amd64", platform_of("amd64"));
	const char *att = put_image(
		f, "unknown",
		",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"},"
		"\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}");

	put_index(f, put_document(f, TYPE_INDEX,
				  text("{\"schemaVersion\":2,\"manifests\":[%s,%s]}", att, image),
				  ""));
}

static const char *artifact(struct files *f)
{
	return put_document(
		f, TYPE_MANIFEST,
		"{\"schemaVersion\":2,\"artifactType\":\"application/x\",\"config\":{\"mediaType\":"
		"\"application/vnd.cncf.helm.config.v1+json\",\"size\":2,\"digest\":"
		"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"},"
		"\"layers\":[]}",
		"");
}

static void with_artifact(struct files *f)
{
	const char *a = artifact(f);

	put_index(f, text("%s,%s", a, put_image(f, "amd64", "")));
}

static void only_artifact(struct files *f)
{
	put_index(f, artifact(f));
}

/* An attestation that no annotation tells: an image config, but a layer that is none. */
static void in_toto(struct files *f)
{
	const char *config = put_document(
		f, TYPE_CONFIG,
		"{\"os\":\"unknown\",\"architecture\":\"unknown\",\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":"
		"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}}",
		"");

	put_index(f, put_document(f, TYPE_MANIFEST,
				  text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[{"
				       "\"mediaType\":\"application/vnd.in-toto+json\","
				       "\"size\":9,\"digest\":\"sha256:"
				       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				       "aaaaa\"}]}",
				       config),
				  ""));
}

static void two_names(struct files *f)
{
	const char *a = put_image(f, "amd64", named("one"));

	put_index(
		f,
		text("%s,%s", a,
		     put_image(f, "arm64",
			       ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"latest\","
			       "\"io.containerd.image.name\":\"docker.io/library/app:latest\"}")));
}

static void two_tags(struct files *f)
{
	const char *a = put_image(f, "amd64", named("one"));
	char b[1000];

	snprintf(b, sizeof(b), "%s", a);
	memcpy(strstr(b, "\"one\""), "\"two\"", 5);
	put_index(f, text("%s,%s", a, b));
}

static void schema1(struct files *f)
{
	put_index(f, put_document(f, "application/vnd.docker.distribution.manifest.v1+prettyjws",
				  "{}", ""));
}

static void posing(struct files *f)
{
	put_index(f, put_document(f, TYPE_MANIFEST,
				  "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[],"
				  "\"config\":{}}",
				  ""));
}

static void bad_digest_text(struct files *f)
{
	put_index(f, "{\"mediaType\":\"" TYPE_MANIFEST
		     "\",\"digest\":\"sha256:../../../etc/passwd\",\"size\":3}");
}

static const struct {
	const char *what;
	void (*make)(struct files *f);
	struct ask ask;
	struct expect expect;
} cases[] = {
	{ "single", single, { .suffix = "" }, { .images = 1, .name = ":v1" } },
	{ "nameless", nameless, { .suffix = "" }, { .images = 1 } },
	{ "named", single, { .suffix = ":v1" }, { .images = 1, .name = ":v1" } },
	{ "no such name",
	  single,
	  { .suffix = ":v2" },
	  { ERR_NOT_FOUND, "no image 'v2'; it has v1" } },
	{ "index 0", single, { .suffix = ":@0" }, { .images = 1, .name = ":@0" } },
	{ "index 1", single, { .suffix = ":@1" }, { ERR_NOT_FOUND, "has 1 images" } },
	{ "config's digest", bad_config, { .suffix = "" }, { ERR_DIGEST, "config sha256:" } },
	{ "manifest's digest", bad_manifest, { .suffix = "" }, { ERR_DIGEST, "manifest sha256:" } },
	{ "layer's size", long_layer, { .suffix = "" }, { ERR_DIGEST, "layer 0 sha256:" } },
	{ "config's size", long_config, { .suffix = "" }, { ERR_DIGEST, "config sha256:" } },
	{ "manifest's size", long_manifest, { .suffix = "" }, { ERR_DIGEST, "manifest sha256:" } },
	{ "no layer", no_layer, { .suffix = "" }, { ERR_NOT_FOUND, "layer 0 sha256:" } },
	{ "no config", no_config, { .suffix = "" }, { ERR_NOT_FOUND, "config sha256:" } },
	{ "no manifest", no_manifest, { .suffix = "" }, { ERR_NOT_FOUND, "manifest sha256:" } },
	{ "no index", no_index, { .suffix = "" }, { ERR_BAD_INPUT, "no index.json" } },
	{ "foreign layer",
	  foreign,
	  { .suffix = "" },
	  { ERR_NOT_FOUND, "https://foreign.example/layer" } },
	{ "counts differ",
	  count_differs,
	  { .suffix = "" },
	  { ERR_BAD_INPUT, "1 layers, the config 0" } },
	{ "index in an index",
	  nested,
	  { .suffix = "" },
	  { .images = 1, .name = ":multi", .arch = "amd64" } },
	{ "platform",
	  nested,
	  { .suffix = "", .platform = "linux/arm64" },
	  { .images = 1, .arch = "arm64" } },
	{ "no such platform",
	  nested,
	  { .suffix = "", .platform = "linux/s390x" },
	  { ERR_NOT_FOUND, "for linux/arm64, linux/amd64" } },
	{ "all platforms", nested, { .suffix = "", .all = true }, { .images = 2 } },
	{ "untold platforms",
	  nested_untold,
	  { .suffix = "", .platform = "linux/arm64" },
	  { .images = 1, .arch = "arm64" } },
	{ "untyped", untyped, { .suffix = "" }, { .images = 1 } },
	{ "flat platforms", flat_platforms, { .suffix = "" }, { .images = 1, .arch = "amd64" } },
	{ "flat platforms, all", flat_platforms, { .suffix = "", .all = true }, { .images = 2 } },
	{ "partial", nested_partial, { .suffix = "" }, { .images = 1 } },
	{ "partial, all",
	  nested_partial,
	  { .suffix = "", .all = true },
	  { .images = 1, .note = "of linux/arm64 is not in" } },
	{ "partial, the missing",
	  nested_partial,
	  { .suffix = "", .platform = "linux/arm64" },
	  { ERR_NOT_FOUND, "manifest sha256:" } },
	{ "deep", deep, { .suffix = "" }, { .images = 1 } },
	{ "too deep",
	  deep,
	  { .suffix = "", .limit = "index-depth=3" },
	  { ERR_LIMIT, "index-depth" } },
	{ "loop", loop, { .suffix = "" }, { ERR_DIGEST, "index sha256:cc" } },
	{ "fan-out", fan_out, { .suffix = "" }, { ERR_LIMIT, "images" } },
	{ "attestation",
	  attested,
	  { .suffix = "" },
	  { .images = 1, .arch = "amd64", .note = "attestation manifest sha256:" } },
	{ "attestation, all", attested, { .suffix = "", .all = true }, { .images = 1 } },
	{ "artifact",
	  with_artifact,
	  { .suffix = "" },
	  { .images = 1, .note = "artifact sha256:" } },
	{ "only an artifact",
	  only_artifact,
	  { .suffix = "" },
	  { ERR_NOT_FOUND, "no image", .note = "helm" } },
	{ "in-toto", in_toto, { .suffix = "" }, { ERR_NOT_FOUND, "no image", .note = "artifact" } },
	{ "two names",
	  two_names,
	  { .suffix = "" },
	  { .images = 2, .note = "is for linux/arm64, not linux/amd64" } },
	{ "familiar name", two_names, { .suffix = ":app" }, { .images = 1, .name = ":app" } },
	{ "full name", two_names, { .suffix = ":docker.io/library/app:latest" }, { .images = 1 } },
	{ "two tags", two_tags, { .suffix = "" }, { .images = 1, .name = ":one" } },
	{ "second tag", two_tags, { .suffix = ":two" }, { .images = 1, .name = ":two" } },
	{ "schema 1", schema1, { .suffix = "" }, { ERR_UNSUPPORTED, "schema 1" } },
	{ "index that poses", posing, { .suffix = "" }, { ERR_BAD_INPUT, "manifest sha256:" } },
	{ "digest with a path",
	  bad_digest_text,
	  { .suffix = "" },
	  { ERR_BAD_INPUT, "index.json" } },
};

static void test_cases(void **state)
{
	static const enum mode modes[] = { MODE_FILE, MODE_STDIN, MODE_GZIP, MODE_DIR };

	(void)state;
	setenv("DOCKER_DEFAULT_PLATFORM", "linux/amd64", 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
			struct ask ask = cases[i].ask;
			struct files f = { .n = 0 };
			struct outcome o;

			ask.transport = "oci-archive";
			cases[i].make(&f);
			o = look_at_files(&f, modes[m], &ask);
			check_outcome(cases[i].what, modes[m], &o, &cases[i].expect);
			outcome_free(&o);
			files_free(&f);
		}
}

/* No index for this machine: an error that tells which there are; but the only one is taken. */
static void test_other_machine(void **state)
{
	static const struct ask ask = { .transport = "oci", .suffix = "" };
	static const struct expect none = { ERR_NOT_FOUND,
					    "--platform takes one of linux/arm64, linux/amd64" };
	static const struct expect one = { .images = 1,
					   .note = "is for linux/amd64, not linux/s390x" };
	struct files f = { .n = 0 };
	struct outcome o;

	(void)state;
	setenv("DOCKER_DEFAULT_PLATFORM", "linux/s390x", 1);
	nested(&f);
	o = look_at_files(&f, MODE_DIR, &ask);
	check_outcome("none fits", MODE_DIR, &o, &none);
	outcome_free(&o);
	files_free(&f);
	single(&f);
	o = look_at_files(&f, MODE_DIR, &ask);
	check_outcome("the only one", MODE_DIR, &o, &one);
	outcome_free(&o);
	files_free(&f);
	setenv("DOCKER_DEFAULT_PLATFORM", "linux/amd64", 1);
}

/* A blob behind a symbolic link could be any file of the machine. */
static void test_symlinked_blob(void **state)
{
	static const struct ask ask = { .transport = "oci", .suffix = "" };
	static const struct expect expect = { ERR_BAD_INPUT, "symbolic link" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct files f = { .n = 0 };
		struct outcome o;
		char name[300];

		single(&f);
		snprintf(name, sizeof(name), "%s", f.v[i].name);
		rename_file(&f, name, "elsewhere");
		put_link(&f, name, TAR_SYMLINK, "../../elsewhere");
		o = look_at_files(&f, MODE_DIR, &ask);
		check_outcome(name, MODE_DIR, &o, &expect);
		outcome_free(&o);
		files_free(&f);
	}
}

/* What the image says must come out as it stands. */
static void test_fields(void **state)
{
	static const struct ask ask = { .transport = "oci", .suffix = "" };
	const struct source_layer *layer;
	struct files f = { .n = 0 };
	struct outcome o;

	(void)state;
	single(&f);
	o = look_at_files(&f, MODE_DIR, &ask);
	assert_int_equal(o.r, 0);
	assert_true(o.images[0].has_config);
	assert_string_equal(o.images[0].platform.architecture, "amd64");
	assert_string_equal(o.images[0].digest.text,
			    text("sha256:%s", sha(f.v[2].data.data, f.v[2].data.len)));
	assert_int_equal(o.images[0].layer_count, 1);
	layer = &o.images[0].layers[0];
	assert_string_equal(layer->blob, f.v[0].name);
	assert_string_equal(layer->media_type, TYPE_LAYER);
	assert_string_equal(layer->digest.text,
			    text("sha256:%s", sha(f.v[0].data.data, f.v[0].data.len)));
	assert_string_equal(layer->diff_id.text, layer->digest.text);
	assert_int_equal(layer->size, f.v[0].data.len);
	outcome_free(&o);
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
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_other_machine),
		cmocka_unit_test(test_symlinked_blob),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
