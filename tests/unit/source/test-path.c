/* What a bare path, standard input and tar: turn out to be; names of members and images. */
#include "layout.h"
#include "oci/familiar.h"
#include "source/members.h"

static void docker(struct files *f)
{
	struct buf layer = layer_of("a");
	const char *config =
		text("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
		     "\"diff_ids\":[\"sha256:%s\"]}}",
		     sha(layer.data, layer.len));

	put_bytes(f, "some/layer.tar", layer.data, layer.len);
	put(f, "config.json", config);
	put(f, "manifest.json",
	    "\n [{\"Config\":\"config.json\",\"Layers\":[\"some/layer.tar\"]}]");
	buf_free(&layer);
}

static void layout(struct files *f)
{
	put_index(f, put_image(f, "amd64", ""));
}

static void plain(struct files *f)
{
	put(f, "package/index.js", "x");
	put(f, "package/package.json", "{}");
}

/* A browser's extension has a manifest.json, too. */
static void extension(struct files *f)
{
	put(f, "manifest.json", "{\"manifest_version\":3}");
	put(f, "index.json", "{}");
	put(f, "background.js", "x");
}

static const struct {
	const char *what;
	void (*make)(struct files *f);
	const char *name; /* how the image's name begins */
	bool is_layer;
} cases[] = {
	{ "docker", docker, "docker-archive:", false },
	{ "layout", layout, "oci-archive:", false },
	{ "plain", plain, "tar:", true },
	{ "extension", extension, "tar:", true },
};

static void check_path(size_t i, const struct buf *bytes)
{
	static const struct ask ask = { .transport = "", .suffix = "" };
	struct outcome o = look_at_bytes(bytes, MODE_PATH, &ask);

	if (o.r)
		fail_msg("%s: %s", cases[i].what, o.err.msg);
	assert_int_equal(o.count, 1);
	assert_int_equal(strncmp(o.images[0].name, cases[i].name, strlen(cases[i].name)), 0);
	assert_int_equal(has_note(&o, "read as one layer"), cases[i].is_layer);
	assert_int_equal(o.images[0].has_config, !cases[i].is_layer);
	outcome_free(&o);
}

static void test_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct files f = { .n = 0 };
		struct buf bytes, gz;

		cases[i].make(&f);
		bytes = as_tar(&f);
		gz = gzipped(&bytes);
		check_path(i, &bytes);
		check_path(i, &gz);
		buf_free(&bytes);
		buf_free(&gz);
		files_free(&f);
	}
}

static struct outcome at(enum transport transport, const char *path)
{
	static const struct ask ask = { .suffix = "" };
	struct outcome o = outcome_new(&ask);
	struct ref ref = { transport, strdup(path), NULL, -1 };

	o.r = look_at(&o, &ref, &ask, -1);
	ref_free(&ref);
	return o;
}

static void check_at(enum transport transport, const char *path, enum err_code code,
		     const char *part)
{
	struct outcome o = at(transport, path);

	if (o.r != -(int)code)
		fail_msg("%s: %d instead of %d: %s", path, o.r, -(int)code, o.err.msg);
	if (code && !strstr(o.err.msg, part))
		fail_msg("%s: %s", path, o.err.msg);
	if (!code)
		assert_int_equal(strncmp(o.images[0].name, part, strlen(part)), 0);
	outcome_free(&o);
}

static void test_directories(void **state)
{
	const char *dir = text("%s/d", work_dir());
	struct files f = { .n = 0 };

	(void)state;
	blob_format = document_format = "blobs/sha256/%s";
	layout(&f);
	as_dir(&f, dir);
	check_at(TRANSPORT_PATH, dir, 0, "oci:");
	files_free(&f);
	blob_format = "%s";
	put_image(&f, "amd64", "");
	rename_file(&f, f.v[2].name, "manifest.json");
	put(&f, "version", "Directory Transport Version: 1.1\n");
	as_dir(&f, dir);
	check_at(TRANSPORT_PATH, dir, 0, "dir:");
	blob_format = "blobs/sha256/%s";
	check_at(TRANSPORT_OCI, dir, ERR_BAD_INPUT, "docker-archive: or dir:");
	check_at(TRANSPORT_DOCKER_ARCHIVE, dir, ERR_BAD_INPUT, "is a directory");
	check_at(TRANSPORT_TAR, dir, ERR_BAD_INPUT, "rootfs:");
	check_at(TRANSPORT_DIR, text("%s/none", dir), ERR_NOT_FOUND, "none");
	files_free(&f);
	put(&f, "etc/passwd", "");
	as_dir(&f, dir);
	check_at(TRANSPORT_PATH, dir, ERR_BAD_INPUT, "rootfs:");
	check_at(TRANSPORT_ROOTFS, dir, 0, "rootfs:");
	check_at(TRANSPORT_ROOTFS, text("%s/etc/passwd", dir), ERR_BAD_INPUT, "no directory");
	files_free(&f);
}

static void test_refused(void **state)
{
	const char *path = text("%s/file", work_dir());

	(void)state;
	check_at(TRANSPORT_PATH, text("%s/none", work_dir()), ERR_NOT_FOUND, "is no file here");
	check_at(TRANSPORT_PATH, "x/none.tar.gz", ERR_NOT_FOUND, "is no file here");
	check_at(TRANSPORT_PATH, "No Name", ERR_NOT_FOUND, "no image's name");
	check_at(TRANSPORT_TAR, text("%s/none", work_dir()), ERR_NOT_FOUND, "none");
	write_file(path, "hello", 5);
	check_at(TRANSPORT_PATH, path, ERR_BAD_INPUT, "neither a tar");
	write_file(path, "", 0);
	check_at(TRANSPORT_OCI_ARCHIVE, path, ERR_BAD_INPUT, "neither a tar");
	/* Nobody is asked for what is no name. */
	check_at(TRANSPORT_DOCKER, "//No Name", ERR_USAGE, "No Name");
}

/* tar: hands the file on as it is. */
static void test_tar(void **state)
{
	struct buf layer = layer_of("a"), gz = gzipped(&layer);
	static const struct ask ask = { .transport = "tar", .suffix = "" };
	struct outcome o;

	(void)state;
	o = look_at_bytes(&gz, MODE_FILE, &ask);
	assert_int_equal(o.r, 0);
	assert_int_equal(o.images[0].layer_count, 1);
	assert_int_equal(o.images[0].layers[0].size, gz.len);
	assert_string_equal(o.images[0].digest.text, "");
	outcome_free(&o);
	buf_free(&layer);
	buf_free(&gz);
}

static void test_tar_stdin(void **state)
{
	static const struct ask ask = { .suffix = "" };
	struct outcome o = outcome_new(&ask);
	struct buf layer = layer_of("a");
	struct ref ref = { TRANSPORT_TAR, strdup("-"), NULL, -1 };
	int in = memfd_create("stdin", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(in, layer.data, layer.len), layer.len);
	lseek(in, 0, SEEK_SET);
	o.r = look_at(&o, &ref, &ask, in);
	assert_int_equal(o.r, 0);
	assert_int_equal(o.scanned, 1);
	assert_string_equal(o.last_scanned, o.images[0].layers[0].blob);
	assert_true(source_same_blob(o.source, o.images[0].layers[0].blob, o.last_scanned));
	outcome_free(&o);
	ref_free(&ref);
	close(in);
	buf_free(&layer);
}

static void test_clean(void **state)
{
	static const struct {
		const char *name, *clean;
	} names[] = {
		{ "a", "a" },	      { "./a", "a" },	     { "/a//b/", "a/b" },
		{ "a/./b", "a/b" },   { "a/../b", "b" },     { "a/b/../../c", "c" },
		{ "..", NULL },	      { "a/../../b", NULL }, { ".", NULL },
		{ "", NULL },	      { "a/..", NULL },	     { "...", "..." },
		{ "..a/b", "..a/b" },
	};
	char out[MEMBER_NAME_MAX + 1], longest[MEMBER_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool ok = member_clean(out, names[i].name, strlen(names[i].name));

		assert_int_equal(ok, names[i].clean != NULL);
		if (ok)
			assert_string_equal(out, names[i].clean);
	}
	memset(longest, 'x', sizeof(longest));
	assert_true(member_clean(out, longest, MEMBER_NAME_MAX - 1));
	assert_false(member_clean(out, longest, MEMBER_NAME_MAX + 1));
}

static void test_familiar(void **state)
{
	static const struct {
		const char *name, *full;
	} names[] = {
		{ "app", "docker.io/library/app:latest" },
		{ "app:1", "docker.io/library/app:1" },
		{ "me/app", "docker.io/me/app:latest" },
		{ "docker.io/app", "docker.io/library/app:latest" },
		{ "docker.io/library/app:1", "docker.io/library/app:1" },
		{ "index.docker.io/me/app", "docker.io/me/app:latest" },
		{ "localhost/app", "localhost/app:latest" },
		{ "localhost:5000/app", "localhost:5000/app:latest" },
		{ "host.example/app:2", "host.example/app:2" },
		{ "app@sha256:ab", "docker.io/library/app@sha256:ab" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *full = familiar_full(names[i].name);

		assert_string_equal(full, names[i].full);
		assert_true(familiar_equal(names[i].name, names[i].full));
		free(full);
	}
	assert_false(familiar_equal("app", "localhost/app"));
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
		cmocka_unit_test(test_path),	  cmocka_unit_test(test_directories),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_tar),
		cmocka_unit_test(test_tar_stdin), cmocka_unit_test(test_clean),
		cmocka_unit_test(test_familiar),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
