/* dir: as skopeo writes it. */
#include "layout.h"

static void put_version(struct files *f)
{
	put(f, "version", "Directory Transport Version: 1.1\n");
}

/* The manifest is manifest.json itself. */
static void single(struct files *f)
{
	put_image(f, "amd64", "");
	rename_file(f, f->v[2].name, "manifest.json");
	put_version(f);
}

/* skopeo copy --all */
static void several(struct files *f)
{
	const char *arm = put_image(f, "arm64", platform_of("arm64"));

	put(f, "manifest.json",
	    text("{\"schemaVersion\":2,\"mediaType\":\"" TYPE_INDEX "\",\"manifests\":[%s,%s]}",
		 arm, put_image(f, "amd64", platform_of("amd64"))));
	put_version(f);
}

static void no_version(struct files *f)
{
	single(f);
	drop_file(f, "version");
}

static void other_version(struct files *f)
{
	no_version(f);
	put(f, "version", "Directory Transport Version: 2.0\n");
}

static void no_manifest(struct files *f)
{
	single(f);
	drop_file(f, "manifest.json");
}

static void no_blob(struct files *f)
{
	single(f);
	drop_file(f, f->v[0].name);
}

static void bad_config(struct files *f)
{
	single(f);
	f->v[1].data.data[2] ^= 1;
}

static void schema1(struct files *f)
{
	no_manifest(f);
	put(f, "manifest.json",
	    "{\"schemaVersion\":1,\"name\":\"x\",\"fsLayers\":[],\"history\":[]}");
}

static const struct {
	const char *what;
	void (*make)(struct files *f);
	struct ask ask;
	struct expect expect;
} cases[] = {
	{ "single", single, { .suffix = "" }, { .images = 1, .arch = "amd64" } },
	{ "several", several, { .suffix = "" }, { .images = 1, .arch = "amd64" } },
	{ "several, arm64",
	  several,
	  { .suffix = "", .platform = "linux/arm64" },
	  { .images = 1, .arch = "arm64" } },
	{ "several, all", several, { .suffix = "", .all = true }, { .images = 2 } },
	{ "no version", no_version, { .suffix = "" }, { ERR_BAD_INPUT, "version" } },
	{ "other version", other_version, { .suffix = "" }, { ERR_UNSUPPORTED, "2.0" } },
	{ "no manifest", no_manifest, { .suffix = "" }, { ERR_BAD_INPUT, "no manifest.json" } },
	{ "no blob", no_blob, { .suffix = "" }, { ERR_NOT_FOUND, "layer 0 sha256:" } },
	{ "bad config", bad_config, { .suffix = "" }, { ERR_DIGEST, "config sha256:" } },
	{ "schema 1", schema1, { .suffix = "" }, { ERR_UNSUPPORTED, "schema 1" } },
};

static void test_cases(void **state)
{
	(void)state;
	setenv("DOCKER_DEFAULT_PLATFORM", "linux/amd64", 1);
	blob_format = "%s";
	document_format = "%s.manifest.json";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask ask = cases[i].ask;
		struct files f = { .n = 0 };
		struct outcome o;

		ask.transport = "dir";
		cases[i].make(&f);
		o = look_at_files(&f, MODE_DIR, &ask);
		check_outcome(cases[i].what, MODE_DIR, &o, &cases[i].expect);
		outcome_free(&o);
		files_free(&f);
	}
}

static int cleanup(void **state)
{
	(void)state;
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
