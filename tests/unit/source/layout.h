/* OCI layouts made by hand. */
#pragma once

#include "make.h"

#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX    "application/vnd.oci.image.index.v1+json"
#define TYPE_CONFIG   "application/vnd.oci.image.config.v1+json"
#define TYPE_LAYER    "application/vnd.oci.image.layer.v1.tar"

/* How a test's layout names its blobs. */
static const char *blob_format = "blobs/sha256/%s", *document_format = "blobs/sha256/%s";

static inline const char *blob_name(const char *format, const char *hex)
{
	static char out[4][300];
	static size_t turn;
	char *p = out[turn++ % 4];
	const char *at = strstr(format, "%s");

	snprintf(p, 300, "%.*s%s%s", (int)(at - format), format, hex, at + 2);
	return p;
}

/* Puts a document and gives its descriptor: extra begins with a comma, or is "". */
static inline const char *put_document(struct files *f, const char *type, const char *json,
				       const char *extra)
{
	const char *hex = sha(json, strlen(json));

	put(f, blob_name(strcmp(type, TYPE_CONFIG) == 0 ? blob_format : document_format, hex),
	    json);
	return text("{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%zu%s}", type, hex,
		    strlen(json), extra);
}

static inline const char *put_layer_blob(struct files *f, const char *file)
{
	struct buf layer = layer_of(file);
	const char *hex = sha(layer.data, layer.len);

	put_bytes(f, blob_name(blob_format, hex), layer.data, layer.len);
	buf_free(&layer);
	return hex;
}

/* An image of one layer; gives the manifest's descriptor. */
static inline const char *put_image(struct files *f, const char *arch, const char *extra)
{
	const char *layer = put_layer_blob(f, arch), *config;

	config = put_document(f, TYPE_CONFIG,
			      text("{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"type\":"
				   "\"layers\",\"diff_ids\":[\"sha256:%s\"]}}",
				   arch, layer),
			      "");
	return put_document(
		f, TYPE_MANIFEST,
		text("{\"schemaVersion\":2,\"config\":%s,\"layers\":[{\"mediaType\":\"" TYPE_LAYER
		     "\",\"digest\":\"sha256:%s\",\"size\":%d}]}",
		     config, layer, 3 * TAR_BLOCK),
		extra);
}

static inline const char *platform_of(const char *arch)
{
	return text(",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}", arch);
}

static inline const char *named(const char *name)
{
	return text(",\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}", name);
}

/* index.json last, over descriptors that are parted by commas. */
static inline void put_index(struct files *f, const char *descriptors)
{
	put(f, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	put(f, "index.json", text("{\"schemaVersion\":2,\"manifests\":[%s]}", descriptors));
}
