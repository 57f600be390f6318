#include <string.h>

#include "base/macro.h"
#include "oci/descriptor.h"

#define OCI	       "application/vnd.oci.image."
#define OCI_NONDIST    OCI "layer.nondistributable.v1.tar"
#define DOCKER	       "application/vnd.docker."
#define DOCKER_FOREIGN DOCKER "image.rootfs.foreign.diff.tar"

/* OCI media-types.md; Docker: image manifest version 2 schema 2, and schema 1. Docker never named a
 * zstd layer, but containers-storage and BuildKit have written one. */
static const struct {
	const char *type;
	enum media_kind kind;
	enum codec codec;
} types[] = {
	{ OCI "index.v1+json", MEDIA_INDEX, CODEC_NONE },
	{ OCI "manifest.v1+json", MEDIA_MANIFEST, CODEC_NONE },
	{ OCI "config.v1+json", MEDIA_CONFIG, CODEC_NONE },
	{ OCI "layer.v1.tar", MEDIA_LAYER, CODEC_NONE },
	{ OCI "layer.v1.tar+gzip", MEDIA_LAYER, CODEC_GZIP },
	{ OCI "layer.v1.tar+zstd", MEDIA_LAYER, CODEC_ZSTD },
	{ OCI_NONDIST, MEDIA_LAYER, CODEC_NONE },
	{ OCI_NONDIST "+gzip", MEDIA_LAYER, CODEC_GZIP },
	{ OCI_NONDIST "+zstd", MEDIA_LAYER, CODEC_ZSTD },
	{ DOCKER "distribution.manifest.list.v2+json", MEDIA_INDEX, CODEC_NONE },
	{ DOCKER "distribution.manifest.v2+json", MEDIA_MANIFEST, CODEC_NONE },
	{ DOCKER "container.image.v1+json", MEDIA_CONFIG, CODEC_NONE },
	{ DOCKER "image.rootfs.diff.tar", MEDIA_LAYER, CODEC_NONE },
	{ DOCKER "image.rootfs.diff.tar.gzip", MEDIA_LAYER, CODEC_GZIP },
	{ DOCKER "image.rootfs.diff.tar.zstd", MEDIA_LAYER, CODEC_ZSTD },
	{ DOCKER_FOREIGN, MEDIA_LAYER, CODEC_NONE },
	{ DOCKER_FOREIGN ".gzip", MEDIA_LAYER, CODEC_GZIP },
	{ DOCKER_FOREIGN ".zstd", MEDIA_LAYER, CODEC_ZSTD },
	{ DOCKER "distribution.manifest.v1+json", MEDIA_SCHEMA1, CODEC_NONE },
	{ DOCKER "distribution.manifest.v1+prettyjws", MEDIA_SCHEMA1, CODEC_NONE },
};

enum media_kind media_kind(const char *media_type, enum codec *codec)
{
	size_t n = strcspn(media_type, ";");

	while (n && (media_type[n - 1] == ' ' || media_type[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strlen(types[i].type) != n || memcmp(types[i].type, media_type, n) != 0)
			continue;
		if (codec)
			*codec = types[i].codec;
		return types[i].kind;
	}
	return MEDIA_UNKNOWN;
}
