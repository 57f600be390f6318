/* dir: of containers/image (directory/): the top manifest is manifest.json, one below an index
 * HEX.manifest.json, blobs by their hex alone. Names have no place in it.
 */
#include <stdio.h>
#include <string.h>

#include "sink/internal.h"

static void blob_name(char out[OUT_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, OUT_NAME_MAX, "%s%s", d->algo == DIGEST_SHA512 ? "sha512-" : "",
		 oci_digest_hex(d));
}

static void document_name(char out[OUT_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, OUT_NAME_MAX, "%s%s.manifest.json", d->algo == DIGEST_SHA512 ? "sha512-" : "",
		 oci_digest_hex(d));
}

static int dir_list(struct sink *s, const struct sink_document *doc, const void *bytes, size_t n,
		    const struct platform *platform, const char *const *names, size_t count,
		    struct error *err)
{
	(void)doc;
	(void)platform;
	(void)names;
	(void)count;
	if (s->listed > 1)
		return err_fail(err, ERR_USAGE, 0,
				"dir: holds one image: oci: and docker-archive: hold several");
	return sink_file(s, "manifest.json", bytes, n, err);
}

/* 1.2 says that a digest may be another than sha256. */
static int dir_commit(struct sink *s, struct error *err)
{
	char text[64];

	snprintf(text, sizeof(text), "Directory Transport Version: %s\n",
		 s->sha512 ? "1.2" : "1.1");
	return sink_file(s, "version", text, strlen(text), err);
}

const struct layout layout_dir = { blob_name, document_name, dir_list, dir_commit, false };
