/* docker://: an image where a registry has it. Layers are streams that are read as they arrive;
 * where the manifest names a table of contents, a few ranges of them are enough.
 */
#include "source/source-registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/content.h"

static void blob_name(char out[BLOB_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, BLOB_NAME_MAX, "blobs/%s", d->text);
}

static void manifest_name(char out[BLOB_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, BLOB_NAME_MAX, "manifests/%s", d->text);
}

static const struct content_names names = { manifest_name, blob_name };

/* What the document is, whatever the server calls it; the server's word where it does not tell. */
static const char *media_type_of(const char *said, const uint8_t *data, size_t len)
{
	enum media_kind kind = oci_document_kind(data, len);

	if (kind != MEDIA_INDEX && kind != MEDIA_MANIFEST && kind != MEDIA_SCHEMA1)
		kind = media_kind(said, NULL);
	return kind == MEDIA_SCHEMA1 ? "application/vnd.docker.distribution.manifest.v1+json"
	       : kind == MEDIA_INDEX ? "application/vnd.oci.image.index.v1+json"
				     : "application/vnd.oci.image.manifest.v1+json";
}

static int collect(struct content_walk *w, struct error *err)
{
	struct source *s = w->source;
	const struct registry_name *name = registry_name(s->registry);
	const char *reference = name->digest.text[0] ? name->digest.text : name->tag;
	_cleanup_(freep) uint8_t *data = NULL;
	_cleanup_(freep) char *said = NULL;
	struct descriptor d = { 0 };
	size_t len;
	int r = registry_manifest(s->registry, reference, &data, &len, &said, &d.digest, err);

	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s/%s has no image %s", name->host,
				name->repository, reference);
	if (r < 0)
		return r;
	d.size = len;
	d.media_type = strdup(media_type_of(said, data, len));
	if (!d.media_type)
		return err_nomem(err);
	r = store_registry_keep(s->store, d.digest.text, STEAL(data), len, err);
	if (r == 0)
		r = content_collect(w, &d, 1, err);
	free(d.media_type);
	return r;
}

/* "HOST/REPOSITORY:TAG", as docker save names it; a digest is no name to write. */
static int image_ref(char **out, const struct source *s, struct error *err)
{
	const struct registry_name *name = registry_name(s->registry);

	*out = NULL;
	if (!name->tag)
		return 0;
	if (asprintf(out, "%s/%s:%s", name->host, name->repository, name->tag) < 0) {
		*out = NULL;
		return err_nomem(err);
	}
	return 0;
}

static int registry_images(struct source *s, struct error *err)
{
	struct content_walk w = { .source = s, .names = &names };
	_cleanup_(freep) char *name = source_name(s, NULL), *ref = NULL;
	int r = name ? image_ref(&ref, s, err) : err_nomem(err);

	w.name = name;
	w.ref = ref;
	if (r == 0)
		r = collect(&w, err);
	if (r == 0)
		r = content_choose(&w, err);
	if (r == 0)
		r = content_finish(&w, err);
	content_walk_done(&w);
	return r;
}

static const char *foreign_url(const struct source *s, const struct source_layer *layer)
{
	for (size_t i = 0; i < s->foreign_count; i++)
		if (strcmp(s->foreign[i].digest, layer->digest.text) == 0)
			return s->foreign[i].url;
	return NULL;
}

static int open_layer(struct source *s, const struct source_layer *layer, struct stream **out,
		      struct error *err)
{
	const char *url;
	int r = registry_blob(s->registry, &layer->digest, layer->size, 0, 0, out, err);

	if (r <= 0)
		return r;
	url = foreign_url(s, layer);
	if (url)
		return registry_foreign_blob(s->registry, url, layer->size, out, err);
	return err_fail(err, ERR_NOT_FOUND, 0, "the registry does not have the blob %s",
			layer->digest.text);
}

struct ranges {
	struct registry *registry;
	struct oci_digest digest;
	uint64_t size;
};

static int read_range(void *ctx, uint64_t offset, uint64_t n, struct stream **out,
		      struct error *err)
{
	const struct ranges *g = ctx;
	int r = registry_blob(g->registry, &g->digest, g->size, offset, n, out, err);

	return r > 0 ? err_fail(err, ERR_NOT_FOUND, 0, "the registry does not have it") : r;
}

static int headers(struct source *s, const struct source_layer *layer, struct stream **tar,
		   enum source_evidence *evidence, struct error *err)
{
	struct ranges *ranges;
	struct error why;
	int r;

	if (layer->toc.kind == TOC_NONE)
		return 1;
	ranges = malloc(sizeof(*ranges));
	if (!ranges)
		return err_nomem(err);
	*ranges = (struct ranges){ s->registry, layer->digest, layer->size };
	r = toc_open(tar, &layer->toc, layer->size, read_range, ranges, free, s->limits, &why);
	if (r < 0) {
		notes_add(s->notes,
			  "layer %s: its table of contents cannot be had (%s): read whole",
			  layer->digest.text, why.msg);
		return 1;
	}
	*evidence = SOURCE_TOC;
	return 0;
}

int registry_source_open(struct source *s, struct error *err)
{
	struct registry_options defaults = registry_options_default(s->limits, s->notes);
	struct registry_name name;
	int r = registry_name_parse(&name, s->path, err);

	if (r < 0)
		return r;
	r = registry_open(&s->registry, &name, false,
			  s->registry_options ? s->registry_options : &defaults, err);
	registry_name_free(&name);
	if (r == 0)
		r = store_registry_open(&s->store, s->registry, err);
	s->read_images = registry_images;
	s->open_layer = open_layer;
	s->headers = headers;
	return r;
}
