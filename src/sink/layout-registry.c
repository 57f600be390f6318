/* docker://: names are digests; the top manifest or index waits for its tag until all else is
 * there.
 */
#include <stdio.h>

#include "sink/internal.h"

static void blob_name(char out[OUT_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, OUT_NAME_MAX, "%s", d->text);
}

static void document_name(char out[OUT_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, OUT_NAME_MAX, "manifests/%s", d->text);
}

static int registry_list(struct sink *s, const struct sink_document *doc, const void *bytes,
			 size_t n, const struct platform *platform, const char *const *names,
			 size_t count, struct error *err)
{
	(void)doc;
	(void)platform;
	(void)names;
	(void)count;
	if (s->listed > 1)
		return err_fail(err, ERR_USAGE, 0, "a tag holds one image, or one index");
	return sink_file(s, OUT_REGISTRY_TOP, bytes, n, err);
}

const struct layout layout_registry = { blob_name, document_name, registry_list, NULL, false };
