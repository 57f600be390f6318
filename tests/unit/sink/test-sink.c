/* Destinations: what was put is what a source reads there, nothing else is ever replaced, and
 * the calls are refused in a wrong order.
 */
#include "put.h"

#include <dirent.h>

#include "oci/json.h"

static const char *at(const char *format)
{
	return text(format, work_dir());
}

static size_t entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static struct buf read_path(const char *path)
{
	struct buf out = { 0 };
	FILE *f = fopen(path, "rb");
	char part[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)))
		assert_int_equal(buf_append(&out, part, n), 0);
	fclose(f);
	return out;
}

static bool file_has(const char *path, const char *part)
{
	struct buf b = read_path(path);
	bool found = memmem(b.data, b.len, part, strlen(part)) != NULL;

	buf_free(&b);
	return found;
}

static const char *const kinds[] = { "docker-archive:%s/out", "oci:%s/out", "oci-archive:%s/out",
				     "dir:%s/out" };

static void fresh(void)
{
	remove_tree(at("%s/out"));
}

static void test_round_trip(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (unsigned given = 0; given < 2; given++) {
			struct picture p = picture_of(at(kinds[i]));
			size_t before = entries(work_dir());

			p.manifest = given;
			if (put_picture(&p, &err) < 0)
				fail_msg("%s: %s", p.ref, err.msg);
			assert_int_equal(read_picture(p.ref, &p, 1), 0);
			/* Recognised by its content too. */
			assert_int_equal(read_picture(at("%s/out"), &p, 1), 0);
			/* No partial is left. */
			assert_int_equal(entries(work_dir()), before + 1);
			fresh();
		}
}

/* What was there stays without --replace, and is another after it; what is no image stays. */
static void test_replace(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = picture_of(at(kinds[i]));

		assert_int_equal(put_picture(&p, &err), 0);
		p.salt = 2;
		assert_int_equal(put_picture(&p, &err), -ERR_DENIED);
		assert_non_null(strstr(err.msg, "--replace"));
		assert_int_equal(read_picture(p.ref, &p, 1), 1);
		p.opts.replace = true;
		if (put_picture(&p, &err) < 0)
			fail_msg("%s: %s", p.ref, err.msg);
		assert_int_equal(read_picture(p.ref, &p, 1), 0);
		assert_int_equal(entries(work_dir()), 1);
		fresh();
	}
}

static void refused(const char *ref, enum err_code code)
{
	struct picture p = picture_of(ref);
	struct error err = { 0 };
	int r;

	p.opts.replace = true;
	r = put_picture(&p, &err);
	if (r != -(int)code)
		fail_msg("%s: %d, %s", ref, r, r ? err.msg : "");
}

static void test_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("%s/home"), 0700), 0);
	write_file(at("%s/home/letter"), "dear", 4);
	assert_int_equal(symlink("home/letter", at("%s/link")), 0);
	assert_int_equal(mkfifo(at("%s/fifo"), 0600), 0);
	refused(at("oci:%s/home"), ERR_DENIED);
	refused(at("dir:%s/home/"), ERR_DENIED);
	refused(at("oci:%s/home/letter"), ERR_DENIED);
	refused(at("docker-archive:%s/home"), ERR_DENIED);
	refused(at("docker-archive:%s/link"), ERR_DENIED);
	refused(at("oci:%s/link"), ERR_DENIED);
	refused(at("docker-archive:%s/fifo"), ERR_DENIED);
	/* A layout in somebody's project. */
	write_file(at("%s/home/oci-layout"), "{}", 2);
	refused(at("oci:%s/home"), ERR_DENIED);
	refused(at("oci:%s/nowhere/out"), ERR_NOT_FOUND);
	refused(at("oci:%s/home/letter/out"), ERR_NOT_FOUND);
	refused(at("oci:%s/home/.."), ERR_USAGE);
	refused("oci:.", ERR_USAGE);
	refused("oci:/", ERR_USAGE);
	refused("dir:///", ERR_USAGE);
	refused("some/path", ERR_USAGE);
	refused("tar:x", ERR_USAGE);
	/* No engine and no registry is asked for a name that cannot be one. */
	refused("docker://No Name", ERR_USAGE);
	refused("containers-storage:No Name", ERR_USAGE);
	refused("docker-daemon:No Name", ERR_USAGE);
	refused(at("oci:%s/out:@1"), ERR_USAGE);
	refused(at("docker-archive:%s/out:UPPER"), ERR_USAGE);
	refused(at("docker-archive:%s/out:a:b/c"), ERR_USAGE);
	refused(at("oci:%s/out:\xff"), ERR_USAGE);
	assert_true(file_has(at("%s/home/letter"), "dear"));
	assert_int_equal(entries(at("%s/home")), 2);
	assert_int_equal(entries(work_dir()), 3);
	remove_tree(at("%s/home"));
	unlink(at("%s/link"));
	unlink(at("%s/fifo"));
}

static void test_names(void **state)
{
	static const char *const names[] = { "app:1.0", "registry.example:5000/a/b:x", "no-tag",
					     "UPPER:1" };
	struct picture p = picture_of(at("docker-archive:%s/out"));
	struct notes *notes = notes_new();
	struct error err;

	(void)state;
	p.names = names;
	p.name_count = ARRAY_SIZE(names);
	p.opts.notes = notes;
	p.opts.repositories = true;
	assert_int_equal(put_picture(&p, &err), 0);
	assert_int_equal(notes_count(notes), 2);
	assert_int_equal(read_picture(at("docker-archive:%s/out:app:1.0"), &p, 1), 0);
	assert_int_equal(read_picture(at("oci-archive:%s/out:docker.io/library/app:1.0"), &p, 1),
			 0);
	assert_true(file_has(at("%s/out"),
			     "\"RepoTags\":[\"app:1.0\",\"registry.example:5000/a/b:x\"]"));
	assert_true(file_has(at("%s/out"), "{\"app\":{\"1.0\":\""));
	fresh();
	aim(&p, at("docker-archive:%s/out:other"));
	assert_int_equal(put_picture(&p, &err), 0);
	assert_true(file_has(at("%s/out"), "\"RepoTags\":[\"other:latest\"]"));
	fresh();
	aim(&p, at("oci:%s/out:v2"));
	assert_int_equal(put_picture(&p, &err), 0);
	assert_int_equal(read_picture(p.ref, &p, 1), 0);
	assert_false(file_has(at("%s/out/index.json"), "app:1.0"));
	fresh();
	aim(&p, at("oci:%s/out"));
	assert_int_equal(put_picture(&p, &err), 0);
	assert_int_equal(read_picture(at("oci:%s/out:no-tag"), &p, 1), 0);
	fresh();
	notes_free(notes);
}

static int put_index_of(struct sink *s, const struct picture *p, struct error *err)
{
	struct sink_document doc, index;
	struct oci_digest digest;
	const char *json;
	int r = put_image_of(s, p, true, &doc, err);

	if (r < 0)
		return r;
	json = text("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
		    "\"size\":%llu,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
		    doc.media_type, doc.digest.text, (unsigned long long)doc.size);
	r = sink_add_index(s, json, strlen(json), p->names, p->name_count, false, &index, err);
	if (r < 0)
		return r;
	assert_string_equal(index.digest.text + 7, sha(json, strlen(json)));
	/* A document of no image; the second time for nothing. */
	assert_int_equal(sink_put_json(s, "{}", 2, &digest, err), 0);
	assert_int_equal(sink_put_json(s, "{}", 2, NULL, err), 0);
	assert_true(sink_has_blob(s, &digest));
	return 0;
}

static void test_index(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = picture_of(at(kinds[i]));
		struct sink *s;

		assert_int_equal(open_for(&s, &p, &err), 0);
		assert_int_equal(put_index_of(s, &p, &err), 0);
		assert_int_equal(sink_commit(s, &err), 0);
		sink_close(s);
		assert_int_equal(read_picture(p.ref, &p, 1), 0);
		fresh();
	}
}

/* index.json as it was given; two images. */
static void test_root(void **state)
{
	struct picture p = picture_of(at("oci:%s/out"));
	struct sink_document a, b;
	const char *json;
	struct error err;
	struct sink *s;

	(void)state;
	assert_int_equal(open_for(&s, &p, &err), 0);
	assert_int_equal(put_image_of(s, &p, false, &a, &err), 0);
	p.salt = 2;
	assert_int_equal(put_image_of(s, &p, false, &b, &err), 0);
	json = text(
		"{\"own\":1,\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":"
		"\"%s\",\"size\":%llu}]}",
		b.media_type, b.digest.text, (unsigned long long)b.size);
	assert_int_equal(sink_set_root_index(s, json, strlen(json), &err), 0);
	assert_int_equal(sink_commit(s, &err), 0);
	sink_close(s);
	assert_int_equal(read_picture(p.ref, &p, 1), 0);
	assert_true(file_has(at("%s/out/index.json"), "{\"own\":1,"));
	fresh();
	/* Under a name, its one descriptor gets it. */
	aim(&p, at("oci:%s/out:name"));
	assert_int_equal(open_for(&s, &p, &err), 0);
	assert_int_equal(put_image_of(s, &p, false, &b, &err), 0);
	json = text("{\"own\":1,\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%llu}]}",
		    b.media_type, b.digest.text, (unsigned long long)b.size);
	assert_int_equal(sink_set_root_index(s, json, strlen(json), &err), 0);
	assert_int_equal(sink_commit(s, &err), 0);
	sink_close(s);
	assert_int_equal(read_picture(p.ref, &p, 1), 0);
	assert_true(file_has(at("%s/out/index.json"), "{\"own\":1,"));
	assert_true(file_has(at("%s/out/index.json"), "\"org.opencontainers.image.ref.name\":\"name\""));
	fresh();
	/* dir: has one top, and one name is for one image. */
	for (unsigned i = 0; i < 2; i++) {
		aim(&p, at(i ? "dir:%s/out" : "oci:%s/out:name"));
		p.salt = 1;
		assert_int_equal(open_for(&s, &p, &err), 0);
		assert_int_equal(put_image_of(s, &p, false, NULL, &err), 0);
		p.salt = 2;
		assert_int_equal(put_image_of(s, &p, false, NULL, &err), -ERR_USAGE);
		assert_int_equal(sink_commit(s, &err), -ERR_SEQUENCE);
		sink_close(s);
		assert_int_equal(entries(work_dir()), 0);
	}
}

/* The same bytes each time, on any number of threads. */
static void test_same_bytes(void **state)
{
	struct picture p = picture_of(at("docker-archive:%s/out"));
	struct buf first = { 0 };
	struct error err;

	(void)state;
	p.size = 3u << 20;
	for (p.threads = 1; p.threads <= 4; p.threads++) {
		struct buf b;

		assert_int_equal(put_picture(&p, &err), 0);
		b = read_path(at("%s/out"));
		fresh();
		if (!first.len) {
			first = b;
			continue;
		}
		assert_int_equal(b.len, first.len);
		assert_memory_equal(b.data, first.data, b.len);
		buf_free(&b);
	}
	/* The pipe has the same, though it cannot go back. */
	aim(&p, "-");
	p.opts.stdout_fd = open(at("%s/out"), O_CREAT | O_RDWR | O_TRUNC, 0600);
	p.opts.notes = notes_new();
	assert_int_equal(put_picture(&p, &err), 0);
	close(p.opts.stdout_fd);
	notes_free(p.opts.notes);
	{
		struct buf b = read_path(at("%s/out"));

		assert_int_equal(b.len, first.len);
		assert_memory_equal(b.data, first.data, b.len);
		buf_free(&b);
	}
	fresh();
	buf_free(&first);
}

/* A large layer waits in a file, and a note says so. */
static void test_spooled(void **state)
{
	struct picture p = picture_of("docker-archive:-");
	struct notes *notes = notes_new();
	struct error err;

	(void)state;
	p.size = 9u << 20;
	p.opts.notes = notes;
	p.opts.stdout_fd = open(at("%s/out"), O_CREAT | O_RDWR | O_TRUNC, 0600);
	assert_int_equal(put_picture(&p, &err), 0);
	close(p.opts.stdout_fd);
	assert_int_equal(notes_count(notes), 2);
	assert_non_null(strstr(notes_get(notes, 0), "unlinked"));
	assert_int_equal(read_picture(at("docker-archive:%s/out"), &p, 1), 0);
	notes_free(notes);
	fresh();
}

/* A terminal gets no archive. */
static void test_terminal(void **state)
{
	struct picture p = picture_of("-");
	struct error err;

	(void)state;
	p.opts.stdout_fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p.opts.stdout_fd < 0)
		skip();
	assert_int_equal(put_picture(&p, &err), -ERR_USAGE);
	close(p.opts.stdout_fd);
}

/* The second copy of a blob takes no room. */
static void test_twice(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = picture_of(at(kinds[i]));
		struct buf once, twice;
		struct sink *s;

		if (i % 2 == 0) {
			assert_int_equal(put_picture(&p, &err), 0);
			once = read_path(at("%s/out"));
			fresh();
		}
		assert_int_equal(open_for(&s, &p, &err), 0);
		for (unsigned k = 0; k < 2 * LAYERS; k++) {
			struct sink_layer layer;

			assert_int_equal(put_layer(s, &p, k / 2, &layer, &err), 0);
			assert_true(sink_has_blob(s, &layer.digest));
		}
		assert_int_equal(put_image_of(s, &p, false, NULL, &err), 0);
		assert_int_equal(sink_commit(s, &err), 0);
		sink_close(s);
		assert_int_equal(read_picture(p.ref, &p, 1), 0);
		if (i % 2 == 0) {
			twice = read_path(at("%s/out"));
			assert_int_equal(once.len, twice.len);
			assert_memory_equal(once.data, twice.data, once.len);
			buf_free(&once);
			buf_free(&twice);
		}
		fresh();
	}
}

/* Bytes that are not what names them; a stream that ends half-way. Nothing is left. */
static void test_bad_copy(void **state)
{
	static const struct {
		const char *bytes;
		uint64_t size;
		enum err_code code;
	} cases[] = { { "abc", 3, ERR_DIGEST },
		      { "abcd", 3, ERR_DIGEST },
		      { "ab", 3, ERR_DIGEST } };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			struct picture p = picture_of(at(kinds[k]));
			struct oci_digest d = { .algo = DIGEST_SHA256 };
			struct stream *in;
			struct sink *s;

			snprintf(d.text, sizeof(d.text), "sha256:%s", sha("xyz", 3));
			assert_int_equal(open_for(&s, &p, &err), 0);
			assert_int_equal(stream_open_memory(&in, cases[i].bytes,
							    strlen(cases[i].bytes), &err),
					 0);
			assert_int_equal(sink_blob_copy(s, in, &d, cases[i].size, &err),
					 -(int)cases[i].code);
			stream_close(in);
			assert_int_equal(sink_blob_begin(s, &err), -ERR_SEQUENCE);
			assert_int_equal(sink_commit(s, &err), -ERR_SEQUENCE);
			sink_close(s);
			assert_int_equal(entries(work_dir()), 0);
		}
}

static void test_sha512(void **state)
{
	static const char *const config =
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{"
		"\"type\":\"layers\",\"diff_ids\":[]}}";
	struct error err;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct picture p = picture_of(at(kinds[k]));
		struct sink_image image = { .config = config, .config_len = strlen(config) };
		struct oci_digest d = { .algo = DIGEST_SHA512 };
		char hex[DIGEST_HEX_MAX + 1];
		struct stream *in;
		struct sink *s;

		assert_int_equal(digest_hex(DIGEST_SHA512, "xyz", 3, hex, &err), 0);
		snprintf(d.text, sizeof(d.text), "sha512:%s", hex);
		assert_int_equal(open_for(&s, &p, &err), 0);
		assert_int_equal(stream_open_memory(&in, "xyz", 3, &err), 0);
		assert_int_equal(sink_blob_copy(s, in, &d, 3, &err), 0);
		stream_close(in);
		assert_int_equal(sink_add_image(s, &image, NULL, &err), 0);
		assert_int_equal(sink_commit(s, &err), 0);
		sink_close(s);
		if (k == 1)
			assert_true(
				file_has(text("%s/out/blobs/sha512/%s", work_dir(), hex), "xyz"));
		if (k == 3)
			assert_true(file_has(text("%s/out/sha512-%s", work_dir(), hex), "xyz"));
		if (k == 3)
			assert_true(file_has(at("%s/out/version"), "1.2"));
		fresh();
	}
}

static void test_order(void **state)
{
	struct picture p = picture_of(at("oci:%s/out"));
	struct sink_image image = { .config = "{}", .config_len = 2 };
	struct sink_layer missing = { .size = 3 };
	struct error err;
	struct sink *s;

	(void)state;
	snprintf(missing.digest.text, sizeof(missing.digest.text), "sha256:%s", sha("xyz", 3));
	assert_int_equal(open_for(&s, &p, &err), 0);
	assert_int_equal(sink_commit(s, &err), -ERR_SEQUENCE);
	assert_int_equal(sink_blob_write(s, "a", 1, &err), -ERR_SEQUENCE);
	assert_int_equal(sink_blob_finish(s, NULL, NULL, &err), -ERR_SEQUENCE);
	assert_int_equal(sink_blob_begin(s, &err), 0);
	assert_int_equal(sink_blob_begin(s, &err), -ERR_SEQUENCE);
	assert_int_equal(sink_commit(s, &err), -ERR_SEQUENCE);
	assert_int_equal(sink_blob_finish(s, NULL, NULL, &err), 0);
	/* A manifest that names something else. */
	image.manifest = "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:"
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
			 "\"size\":2},\"layers\":[]}";
	image.manifest_len = strlen(image.manifest);
	assert_int_equal(sink_add_image(s, &image, NULL, &err), -ERR_BUG);
	sink_close(s);
	assert_int_equal(open_for(&s, &p, &err), 0);
	image.layers = &missing;
	image.layer_count = 1;
	assert_int_equal(sink_add_image(s, &image, NULL, &err), -ERR_SEQUENCE);
	sink_close(s);
	assert_int_equal(entries(work_dir()), 0);
}

/* What appears while we write is not overwritten. */
static void test_appeared(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = picture_of(at(kinds[i]));
		struct sink *s;

		assert_int_equal(open_for(&s, &p, &err), 0);
		assert_int_equal(put_image_of(s, &p, false, NULL, &err), 0);
		write_file(at("%s/out"), "mine", 4);
		assert_int_equal(sink_commit(s, &err), -ERR_DENIED);
		sink_close(s);
		assert_true(file_has(at("%s/out"), "mine"));
		assert_int_equal(entries(work_dir()), 1);
		fresh();
	}
}

static void test_modes(void **state)
{
	struct error err;
	mode_t old = umask(027);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct picture p = picture_of(at(kinds[i]));
		struct stat st;

		assert_int_equal(put_picture(&p, &err), 0);
		assert_int_equal(stat(at("%s/out"), &st), 0);
		assert_int_equal(st.st_mode & 07777, i ? 0750 : 0640);
		fresh();
	}
	umask(old);
}

static int teardown(void **state)
{
	(void)state;
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_replace),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_names),
		cmocka_unit_test(test_index),	   cmocka_unit_test(test_root),
		cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_spooled),
		cmocka_unit_test(test_terminal),   cmocka_unit_test(test_twice),
		cmocka_unit_test(test_bad_copy),   cmocka_unit_test(test_sha512),
		cmocka_unit_test(test_order),	   cmocka_unit_test(test_appeared),
		cmocka_unit_test(test_modes),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
