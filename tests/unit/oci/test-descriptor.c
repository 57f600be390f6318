/* Digests, platforms, media types, descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "oci/descriptor.h"
#include "oci/json.h"

#define H16 "0123456789abcdef"
#define H64 H16 H16 H16 H16
#define D   "sha256:" H64

static void test_digest(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ D, 0 },
		{ "sha512:" H64 H64, 0 },
		{ "", -ERR_BAD_INPUT },
		{ "sha256:", -ERR_BAD_INPUT },
		{ H64, -ERR_BAD_INPUT },
		{ D "0", -ERR_BAD_INPUT },
		{ "sha512:" H64, -ERR_BAD_INPUT },
		{ "sha256:" H64 H64, -ERR_BAD_INPUT },
		{ "SHA256:" H64, -ERR_BAD_INPUT },
		{ "sha256:0123456789ABCDEF" H16 H16 H16, -ERR_BAD_INPUT },
		{ "sha256:../../../../etc/passwd" H16 H16 "01234567", -ERR_BAD_INPUT },
		{ "md5:" H16 H16, -ERR_BAD_INPUT },
		{ "sha384:" H64 H16 H16, -ERR_BAD_INPUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct oci_digest d = { 0 };
		struct error err = { 0 };

		if (oci_digest_parse(&d, rows[i].text, &err) != rows[i].want)
			fail_msg("%s: %s", rows[i].text, err.msg);
		assert_string_equal(d.text, rows[i].want ? "" : rows[i].text);
	}
	{
		struct oci_digest d;

		assert_int_equal(oci_digest_parse(&d, D, NULL), 0);
		assert_string_equal(oci_digest_hex(&d), H64);
		assert_int_equal(d.algo, DIGEST_SHA256);
		d.text[0] = '\0';
		assert_string_equal(oci_digest_hex(&d), "");
	}
}

static void test_platform_parse(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"linux",
		"linux/",
		"/amd64",
		"linux//v7",
		"linux/arm/",
		"linux/arm/v7/x",
		"linux/a b",
		"linux/0123456789abcdef0123456789abcdef",
		"linux/am\x1b",
	};
	struct platform p;
	char text[100];

	(void)state;
	assert_int_equal(platform_parse(&p, "linux/arm/v7", NULL), 0);
	platform_print(&p, text);
	assert_string_equal(text, "linux/arm/v7");
	assert_int_equal(platform_parse(&p, "linux/amd64", NULL), 0);
	platform_print(&p, text);
	assert_string_equal(text, "linux/amd64");
	platform_print(&(struct platform){ 0 }, text);
	assert_string_equal(text, "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (platform_parse(&p, bad[i], NULL) != -ERR_USAGE)
			fail_msg("%s", bad[i]);
}

static void test_platform_matches(void **state)
{
	static const struct {
		const char *have, *want;
		bool matches;
	} rows[] = {
		{ "linux/amd64", "linux/amd64", true },
		{ "linux/amd64", "linux/x86_64", true },
		{ "linux/x86_64", "linux/amd64", true },
		{ "linux/amd64", "linux/arm64", false },
		{ "windows/amd64", "linux/amd64", false },
		{ "linux/arm64", "linux/aarch64", true },
		{ "linux/arm64/v8", "linux/arm64", true },
		{ "linux/arm64", "linux/arm64/v8", true },
		{ "linux/arm64/v8", "linux/aarch64/8", true },
		{ "linux/arm64/v9", "linux/arm64/v8", false },
		{ "linux/arm64/v9", "linux/arm64", true },
		{ "linux/arm/v6", "linux/arm", true },
		{ "linux/arm/v6", "linux/arm/v7", false },
		{ "linux/arm", "linux/arm/v7", true },
		{ "linux/arm", "linux/arm/v6", false },
		{ "linux/arm/v6", "linux/armhf", false },
		{ "linux/arm/v7", "linux/armv7l", true },
		{ "linux/amd64/v2", "linux/amd64", true },
		{ "linux/amd64", "linux/amd64/v2", false },
		{ "linux/amd64", "linux/amd64/v1", true },
		{ "linux/386", "linux/i686", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct platform have, want;

		assert_int_equal(platform_parse(&have, rows[i].have, NULL), 0);
		assert_int_equal(platform_parse(&want, rows[i].want, NULL), 0);
		if (platform_matches(&have, &want) != rows[i].matches)
			fail_msg("%s for %s", rows[i].have, rows[i].want);
	}
}

static void test_platform_host(void **state)
{
	struct platform p;
	char text[100];

	(void)state;
	setenv("DOCKER_DEFAULT_PLATFORM", "linux/armv7l", 1);
	p = platform_host();
	platform_print(&p, text);
	assert_string_equal(text, "linux/arm/v7");
	setenv("DOCKER_DEFAULT_PLATFORM", "nonsense", 1);
	p = platform_host();
	assert_string_equal(p.os, "linux");
	assert_true(p.architecture[0]);
	unsetenv("DOCKER_DEFAULT_PLATFORM");
#ifdef __x86_64__
	p = platform_host();
	platform_print(&p, text);
	assert_true(strcmp(text, "linux/amd64") == 0 || strcmp(text, "linux/386") == 0);
#endif
}

static void test_media(void **state)
{
	static const struct {
		const char *type;
		enum media_kind kind;
		enum codec codec;
	} rows[] = {
		{ "application/vnd.oci.image.index.v1+json", MEDIA_INDEX, CODEC_NONE },
		{ "application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_INDEX,
		  CODEC_NONE },
		{ "application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST, CODEC_NONE },
		{ "application/vnd.docker.distribution.manifest.v2+json; charset=utf-8",
		  MEDIA_MANIFEST, CODEC_NONE },
		{ "application/vnd.oci.image.config.v1+json", MEDIA_CONFIG, CODEC_NONE },
		{ "application/vnd.docker.container.image.v1+json", MEDIA_CONFIG, CODEC_NONE },
		{ "application/vnd.oci.image.layer.v1.tar", MEDIA_LAYER, CODEC_NONE },
		{ "application/vnd.oci.image.layer.v1.tar+gzip", MEDIA_LAYER, CODEC_GZIP },
		{ "application/vnd.oci.image.layer.v1.tar+zstd ;x", MEDIA_LAYER, CODEC_ZSTD },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_LAYER,
		  CODEC_NONE },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", MEDIA_LAYER,
		  CODEC_GZIP },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MEDIA_LAYER,
		  CODEC_ZSTD },
		{ "application/vnd.docker.image.rootfs.diff.tar", MEDIA_LAYER, CODEC_NONE },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_LAYER, CODEC_GZIP },
		{ "application/vnd.docker.image.rootfs.diff.tar.zstd", MEDIA_LAYER, CODEC_ZSTD },
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER,
		  CODEC_GZIP },
		{ "application/vnd.docker.distribution.manifest.v1+prettyjws", MEDIA_SCHEMA1,
		  CODEC_NONE },
		{ "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", MEDIA_UNKNOWN,
		  CODEC_COUNT },
		{ "application/vnd.oci.image.layer.v1.tar+gzi", MEDIA_UNKNOWN, CODEC_COUNT },
		{ "application/vnd.oci.empty.v1+json", MEDIA_UNKNOWN, CODEC_COUNT },
		{ "", MEDIA_UNKNOWN, CODEC_COUNT },
		{ ";", MEDIA_UNKNOWN, CODEC_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum codec codec = CODEC_COUNT;

		if (media_kind(rows[i].type, &codec) != rows[i].kind || codec != rows[i].codec)
			fail_msg("%s", rows[i].type);
		assert_int_equal(media_kind(rows[i].type, NULL), rows[i].kind);
	}
}

static int read_descriptor(struct descriptor *d, const char *text, json_t **json, struct error *err)
{
	if (oci_json_parse(json, text, strlen(text), "t", err) < 0)
		fail_msg("%s: %s", text, err->msg);
	return descriptor_from_json(d, *json, err);
}

static void test_descriptor(void **state)
{
	static const char text[] =
		"{\"mediaType\":\"m\",\"Digest\":\"" D "\",\"size\":9007199254740993,"
		"\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\","
		"\"os.version\":\"5\"},\"artifactType\":\"a/b\",\"annotations\":{"
		"\"org.opencontainers.image.ref.name\":\"latest\",\"ORG.opencontainers.image.ref."
		"name\":"
		"\"other\",\"io.containerd.image.name\":\"x\","
		"\"vnd.docker.reference.type\":\"attestation-manifest\"}}";
	struct descriptor d = { 0 };
	struct error err = { 0 };
	json_t *json;

	(void)state;
	assert_int_equal(read_descriptor(&d, text, &json, &err), 0);
	assert_string_equal(d.media_type, "m");
	assert_string_equal(d.digest.text, D);
	assert_true(d.size == 9007199254740993u);
	assert_true(d.has_platform);
	assert_string_equal(d.platform.variant, "v7");
	assert_string_equal(d.ref_name, "latest");
	assert_string_equal(d.image_name, "x");
	assert_string_equal(d.artifact_type, "a/b");
	assert_true(d.is_attestation);
	assert_ptr_equal(d.json, json);
	descriptor_free(&d);
	json_decref(json);
	assert_int_equal(read_descriptor(&d, "{\"digest\":\"" D "\",\"size\":0}", &json, &err), 0);
	assert_string_equal(d.media_type, "");
	assert_null(d.ref_name);
	assert_null(d.artifact_type);
	assert_false(d.has_platform || d.is_attestation);
	descriptor_free(&d);
	json_decref(json);
}

static void test_descriptor_bad(void **state)
{
	static const char *const rows[] = {
		"[]",
		"{}",
		"{\"size\":1}",
		"{\"digest\":\"" D "\"}",
		"{\"digest\":\"" D "\",\"size\":null}",
		"{\"digest\":\"" D "\",\"size\":-1}",
		"{\"digest\":\"" D "\",\"size\":1.5}",
		"{\"digest\":\"" D "\",\"size\":\"1\"}",
		"{\"digest\":5,\"size\":1}",
		"{\"digest\":\"sha256:x\",\"size\":1}",
		"{\"digest\":\"" D "\",\"size\":1,\"Size\":2}",
		"{\"digest\":\"" D "\",\"\\u017fize\":1,\"size\":2}",
		"{\"digest\":\"" D "\",\"size\":1,\"mediaType\":{}}",
		"{\"digest\":\"" D "\",\"size\":1,\"mediaType\":\"a\\u0000b\"}",
		"{\"digest\":\"" D "\",\"size\":1,\"platform\":\"linux/amd64\"}",
		"{\"digest\":\"" D "\",\"size\":1,\"platform\":{\"os\":5}}",
		"{\"digest\":\"" D "\",\"size\":1,\"platform\":{\"os\":\"\\u001b[31m\"}}",
		"{\"digest\":\"" D "\",\"size\":1,\"platform\":{\"os\":\"" H64 "\"}}",
		"{\"digest\":\"" D "\",\"size\":1,\"annotations\":[]}",
		"{\"digest\":\"" D "\",\"size\":1,\"annotations\":{"
		"\"org.opencontainers.image.ref.name\":\"a\",\"io.containerd.image.name\":5}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct descriptor d = { 0 };
		struct error err = { 0 };
		json_t *json;
		int r = read_descriptor(&d, rows[i], &json, &err);

		if (r != -ERR_BAD_INPUT || !err.msg[0] || d.media_type)
			fail_msg("%s: %d %s", rows[i], r, err.msg);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_platform_parse),
		cmocka_unit_test(test_platform_matches),
		cmocka_unit_test(test_platform_host),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_descriptor_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
