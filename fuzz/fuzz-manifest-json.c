/* Indexes and manifests, and that no document is both. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "oci/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_error(int r, const struct error *err)
{
	require(r == 0 || (r == -(int)err->code && err->msg[0]));
	require(text_is_utf8(err->msg, strlen(err->msg)));
}

static void check_descriptor(const struct descriptor *d)
{
	struct oci_digest again;

	require(d->media_type && d->size <= INT64_MAX);
	require(oci_digest_parse(&again, d->digest.text, NULL) == 0);
	require(platform_matches(&d->platform, &d->platform));
	require(json_is_object(d->json));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = limits_default();
	enum media_kind kind = oci_document_kind(data, size);
	struct oci_manifest m = { 0 };
	struct oci_index index = { 0 };
	struct error err = { 0 };
	int r_index, r_manifest;

	limits.v[LIMIT_LAYERS] = limits.v[LIMIT_IMAGES] = 8;
	r_index = oci_index_parse(&index, data, size, &limits, &err);
	check_error(r_index, &err);
	require(index.count <= 8);
	for (size_t i = 0; i < index.count; i++)
		check_descriptor(&index.manifests[i]);
	r_manifest = oci_manifest_parse(&m, data, size, &limits, &err);
	check_error(r_manifest, &err);
	require(m.layer_count <= 8);
	for (size_t i = 0; i < m.layer_count; i++)
		check_descriptor(&m.layers[i]);
	if (r_manifest == 0)
		check_descriptor(&m.config);
	require(r_index < 0 || r_manifest < 0);
	require(r_index < 0 || kind == MEDIA_INDEX || kind == MEDIA_UNKNOWN);
	require(r_manifest < 0 || kind == MEDIA_MANIFEST || kind == MEDIA_UNKNOWN);
	oci_index_free(&index);
	oci_manifest_free(&m);
	return 0;
}
