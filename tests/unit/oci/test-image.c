/* Indexes, manifests, configs, docker-archive's manifest.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macro.h"
#include "oci/image.h"

#define H16 "0123456789abcdef"
#define D   "sha256:" H16 H16 H16 H16
#define DESC                                                                                       \
	"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" D           \
	"\",\"size\":7}"
#define M_OCI	 "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\""
#define I_OCI	 "\"mediaType\":\"application/vnd.oci.image.index.v1+json\""
#define M_DOCKER "\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\""
#define I_DOCKER "\"mediaType\":\"application/vnd.docker.distribution.manifest.list.v2+json\""

enum what { INDEX, MANIFEST, CONFIG, ARCHIVE };

static int parse_any(enum what what, const char *text, const struct limits *limits, size_t *count,
		     struct error *err)
{
	struct docker_archive_image *images = NULL;
	struct oci_manifest m = { 0 };
	struct oci_config c = { 0 };
	struct oci_index i = { 0 };
	size_t n = strlen(text);
	int r = -1;

	switch (what) {
	case INDEX:
		r = oci_index_parse(&i, text, n, limits, err);
		*count = i.count;
		break;
	case MANIFEST:
		r = oci_manifest_parse(&m, text, n, limits, err);
		*count = m.layer_count;
		break;
	case CONFIG:
		r = oci_config_parse(&c, text, n, limits, err);
		*count = c.diff_id_count;
		break;
	case ARCHIVE:
		r = docker_archive_parse(&images, count, text, n, limits, err);
		break;
	}
	oci_index_free(&i);
	oci_manifest_free(&m);
	oci_config_free(&c);
	docker_archive_free(images, images ? *count : 0);
	return r;
}

static const struct {
	enum what what;
	const char *text;
	int want;
	size_t count;
	const char *message;
} rows[] = {
	{ INDEX, "{\"schemaVersion\":2,\"manifests\":[" DESC "," DESC "]}", 0, 2, "" },
	{ INDEX, "{\"schemaVersion\":2," I_DOCKER ",\"manifests\":[]}", 0, 0, "" },
	{ INDEX, "{\"manifests\":[]}", 0, 0, "" },
	{ INDEX, "{}", -ERR_BAD_INPUT, 0, "no 'manifests'" },
	{ INDEX, "[]", -ERR_BAD_INPUT, 0, "index: " },
	{ INDEX, "{\"manifests\":null}", -ERR_BAD_INPUT, 0, "" },
	{ INDEX, "{\"manifests\":{}}", -ERR_BAD_INPUT, 0, "" },
	{ INDEX, "{\"manifests\":[null]}", -ERR_BAD_INPUT, 0, "manifests[0]" },
	{ INDEX, "{\"manifests\":[" DESC ",{}]}", -ERR_BAD_INPUT, 0,
	  "index: manifests[1]: no 'digest'" },
	{ INDEX, "{\"manifests\":[],\"layers\":[]}", -ERR_BAD_INPUT, 0, "'layers'" },
	{ INDEX, "{\"manifests\":[],\"Layer\\u017f\":[]}", -ERR_BAD_INPUT, 0, "'layers'" },
	{ INDEX, "{\"manifests\":[],\"config\":" DESC "}", -ERR_BAD_INPUT, 0, "'config'" },
	{ INDEX, "{" M_OCI ",\"manifests\":[]}", -ERR_BAD_INPUT, 0, "mediaType" },
	{ INDEX, "{\"manifests\":[],\"Manifests\":[]}", -ERR_BAD_INPUT, 0, "" },
	{ INDEX, "{\"schemaVersion\":1,\"manifests\":[]}", -ERR_UNSUPPORTED, 0, "schemaVersion" },
	{ INDEX, "{\"schemaVersion\":\"2\",\"manifests\":[]}", -ERR_BAD_INPUT, 0, "" },
	{ INDEX, "{\"manifests\":[" DESC "," DESC "," DESC "," DESC "]}", -ERR_LIMIT, 0, "images" },
	{ MANIFEST, "{\"schemaVersion\":2," M_OCI ",\"config\":" DESC ",\"layers\":[" DESC "]}", 0,
	  1, "" },
	{ MANIFEST, "{\"schemaVersion\":2," M_DOCKER ",\"config\":" DESC ",\"layers\":[]}", 0, 0,
	  "" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[" DESC "," DESC "," DESC "]}", 0, 3, "" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[" DESC "," DESC "," DESC "," DESC "]}",
	  -ERR_LIMIT, 0, "layers" },
	{ MANIFEST, "{\"layers\":[]}", -ERR_BAD_INPUT, 0, "no 'config'" },
	{ MANIFEST, "{\"config\":" DESC "}", -ERR_BAD_INPUT, 0, "no 'layers'" },
	{ MANIFEST, "{\"config\":{},\"layers\":[]}", -ERR_BAD_INPUT, 0, "manifest: config: " },
	{ MANIFEST, "{\"config\":\"x\",\"layers\":[]}", -ERR_BAD_INPUT, 0, "" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[5]}", -ERR_BAD_INPUT, 0, "layers[0]" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[],\"manifests\":[]}", -ERR_BAD_INPUT, 0,
	  "'manifests'" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[],\"fsLayers\":[]}", -ERR_BAD_INPUT, 0, "" },
	{ MANIFEST, "{" I_OCI ",\"config\":" DESC ",\"layers\":[]}", -ERR_BAD_INPUT, 0,
	  "mediaType" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[" DESC "],\"layers\":[]}", -ERR_BAD_INPUT, 0,
	  "duplicate" },
	{ MANIFEST, "{\"config\":" DESC ",\"layers\":[" DESC "],\"LAYERS\":[]}", -ERR_BAD_INPUT, 0,
	  "two keys" },
	{ CONFIG, "{}", 0, 0, "" },
	{ CONFIG, "{\"rootfs\":null,\"history\":null,\"config\":null}", 0, 0, "" },
	{ CONFIG, "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D "\"]}}", 0, 1, "" },
	{ CONFIG, "{\"rootfs\":{\"diff_ids\":[\"" D "\",5]}}", -ERR_BAD_INPUT, 0, "diff_ids[1]" },
	{ CONFIG, "{\"rootfs\":{\"diff_ids\":[\"x\"]}}", -ERR_BAD_INPUT, 0, "diff_ids[0]" },
	{ CONFIG, "{\"rootfs\":[]}", -ERR_BAD_INPUT, 0, "'rootfs'" },
	{ CONFIG, "{\"rootfs\":{\"diff_ids\":[1,2,3,4]}}", -ERR_LIMIT, 0, "layers" },
	{ CONFIG, "{\"config\":{\"User\":5}}", -ERR_BAD_INPUT, 0, "'User'" },
	{ CONFIG, "{\"config\":{\"User\":\"a\",\"user\":\"root\"}}", -ERR_BAD_INPUT, 0,
	  "two keys" },
	{ CONFIG, "{\"config\":{\"User\":\"root\\u0000x\"}}", -ERR_BAD_INPUT, 0, "NUL" },
	{ CONFIG, "{\"config\":{\"Labels\":{\"a\":\"x\\u0000y\",\"A\":\"b\"}}}", 0, 0, "" },
	{ CONFIG, "{\"history\":[{\"created_by\":5}]}", -ERR_BAD_INPUT, 0, "history[0]" },
	{ CONFIG, "{\"history\":[{},{\"empty_layer\":\"yes\"}]}", -ERR_BAD_INPUT, 0, "history[1]" },
	{ CONFIG, "{\"history\":[5]}", -ERR_BAD_INPUT, 0, "history[0]" },
	{ CONFIG, "{\"os\":\"a b\"}", -ERR_BAD_INPUT, 0, "'os'" },
	{ CONFIG, "[]", -ERR_BAD_INPUT, 0, "" },
	{ ARCHIVE, "[{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":[\"a\",\"b\"]}]", 0, 1, "" },
	{ ARCHIVE, "[{\"Config\":\"c\"},{\"config\":\"d\"}]", 0, 2, "" },
	{ ARCHIVE, "[]", -ERR_BAD_INPUT, 0, "" },
	{ ARCHIVE, "{}", -ERR_BAD_INPUT, 0, "" },
	{ ARCHIVE, "[{\"Layers\":[]}]", -ERR_BAD_INPUT, 0, "image 0: no 'Config'" },
	{ ARCHIVE, "[{\"Config\":\"\"}]", -ERR_BAD_INPUT, 0, "" },
	{ ARCHIVE, "[null]", -ERR_BAD_INPUT, 0, "" },
	{ ARCHIVE, "[{\"Config\":\"c\",\"Layers\":[\"a\",null]}]", -ERR_BAD_INPUT, 0, "Layers" },
	{ ARCHIVE, "[{\"Config\":\"c\",\"Layers\":[\"a\\u0000b\"]}]", -ERR_BAD_INPUT, 0, "NUL" },
	{ ARCHIVE, "[{\"Config\":\"c\",\"RepoTags\":\"x\"}]", -ERR_BAD_INPUT, 0, "RepoTags" },
	{ ARCHIVE, "[{\"Config\":\"c\",\"Layers\":[\"a\",\"b\",\"c\",\"d\"]}]", -ERR_LIMIT, 0,
	  "layers" },
	{ ARCHIVE, "[{\"Config\":\"c\"},{\"Config\":\"c\"},{\"Config\":\"c\"},{\"Config\":\"c\"}]",
	  -ERR_LIMIT, 0, "images" },
};

static void test_rows(void **state)
{
	struct limits limits = limits_default();

	(void)state;
	limits.v[LIMIT_LAYERS] = limits.v[LIMIT_IMAGES] = 3;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		size_t count = 0;
		int r = parse_any(rows[i].what, rows[i].text, &limits, &count, &err);

		if (r != rows[i].want || count != rows[i].count ||
		    !strstr(err.msg, rows[i].message))
			fail_msg("%s: %d, %zu, %s", rows[i].text, r, count, err.msg);
	}
}

static void test_history_limit(void **state)
{
	struct limits limits = limits_default();
	struct oci_config c = { 0 };
	struct error err = { 0 };
	char text[4000] = "{\"history\":[{}";

	(void)state;
	limits.v[LIMIT_LAYERS] = 1;
	for (int i = 0; i < 30; i++)
		strcat(text, ",{}");
	strcat(text, "]}");
	assert_int_equal(oci_config_parse(&c, text, strlen(text), &limits, &err), 0);
	assert_int_equal(c.history_count, 31);
	oci_config_free(&c);
	text[strlen(text) - 2] = '\0';
	strcat(text, ",{}]}");
	assert_int_equal(oci_config_parse(&c, text, strlen(text), &limits, &err), -ERR_LIMIT);
}

static void test_values(void **state)
{
	static const char config[] =
		"{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\",\"config\":{"
		"\"User\":\"1:2\"},"
		"\"rootfs\":{\"diff_ids\":[\"" D "\"]},\"history\":[{\"created_by\":\"x\"},null,"
		"{\"created_by\":\"y\",\"empty_layer\":true}]}";
	static const char archive[] = "[{\"Config\":\"blobs/sha256/"
				      "x\",\"RepoTags\":[\"a:1\",\"b:2\"],\"Layers\":[\"l.tar\"],"
				      "\"LayerSources\":{\"q\":{}}}]";
	struct docker_archive_image *images = NULL;
	struct limits limits = limits_default();
	struct oci_config c = { 0 };
	struct error err = { 0 };
	size_t count = 0;

	(void)state;
	assert_int_equal(oci_config_parse(&c, config, strlen(config), &limits, &err), 0);
	assert_string_equal(c.user, "1:2");
	assert_string_equal(c.platform.architecture, "arm64");
	assert_string_equal(c.platform.variant, "v8");
	assert_string_equal(c.diff_ids[0].text, D);
	assert_int_equal(c.history_count, 3);
	assert_string_equal(c.history[0].created_by, "x");
	assert_string_equal(c.history[1].created_by, "");
	assert_false(c.history[1].empty_layer);
	assert_true(c.history[2].empty_layer);
	oci_config_free(&c);
	assert_int_equal(
		docker_archive_parse(&images, &count, archive, strlen(archive), &limits, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(images[0].config, "blobs/sha256/x");
	assert_int_equal(images[0].repo_tag_count, 2);
	assert_string_equal(images[0].repo_tags[1], "b:2");
	assert_string_equal(images[0].layers[0], "l.tar");
	docker_archive_free(images, count);
	docker_archive_free(NULL, 0);
}

static void test_kind(void **state)
{
	static const struct {
		const char *text;
		enum media_kind kind;
	} kinds[] = {
		{ "{\"manifests\":[]}", MEDIA_INDEX },
		{ "{" I_DOCKER ",\"manifests\":[]}", MEDIA_INDEX },
		{ "{\"config\":{},\"layers\":[]}", MEDIA_MANIFEST },
		{ "{" M_OCI ",\"layers\":[]}", MEDIA_MANIFEST },
		{ "{\"mediaType\":\"x/y\",\"layers\":[]}", MEDIA_MANIFEST },
		{ "{" M_OCI ",\"manifests\":[]}", MEDIA_UNKNOWN },
		{ "{\"manifests\":[],\"layers\":[]}", MEDIA_UNKNOWN },
		{ "{\"manifests\":[],\"Manifests\":[]}", MEDIA_UNKNOWN },
		{ "{\"mediaType\":5,\"manifests\":[]}", MEDIA_UNKNOWN },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", MEDIA_SCHEMA1 },
		{ "{\"architecture\":\"a\",\"rootfs\":{}}", MEDIA_CONFIG },
		{ "{}", MEDIA_UNKNOWN },
		{ "[{\"Config\":\"x\"}]", MEDIA_UNKNOWN },
		{ "nonsense", MEDIA_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (oci_document_kind(kinds[i].text, strlen(kinds[i].text)) != kinds[i].kind)
			fail_msg("%s", kinds[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_history_limit),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
