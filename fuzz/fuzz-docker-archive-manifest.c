/* manifest.json of `docker save`. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct docker_archive_image *images = NULL;
	struct limits limits = limits_default();
	struct error err = { 0 };
	size_t count = 0;
	int r;

	limits.v[LIMIT_LAYERS] = limits.v[LIMIT_IMAGES] = 8;
	r = docker_archive_parse(&images, &count, data, size, &limits, &err);
	require(r == 0 || (r == -(int)err.code && err.msg[0] && !images && !count));
	require(text_is_utf8(err.msg, strlen(err.msg)));
	require(r < 0 || (count && count <= 8));
	for (size_t i = 0; i < count; i++) {
		require(images[i].config[0] && images[i].layer_count <= 8);
		for (size_t k = 0; k < images[i].layer_count; k++)
			require(images[i].layers[k] != NULL);
		for (size_t k = 0; k < images[i].repo_tag_count; k++)
			require(images[i].repo_tags[k] != NULL);
	}
	docker_archive_free(images, count);
	return 0;
}
