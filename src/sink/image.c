/* Images and indexes: their documents are put as blobs and listed at the top. */
#include <string.h>

#include "base/macro.h"
#include "sink/internal.h"

#define OCI_INDEX	"application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST	"application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG	"application/vnd.oci.image.config.v1+json"
#define OCI_LAYER	"application/vnd.oci.image.layer.v1.tar"
#define DOCKER_LIST	"application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_CONFIG	"application/vnd.docker.container.image.v1+json"

static const char *layer_type(enum codec codec)
{
	return codec == CODEC_GZIP   ? OCI_LAYER "+gzip"
	       : codec == CODEC_ZSTD ? OCI_LAYER "+zstd"
				     : OCI_LAYER;
}

static json_t *descriptor(const char *type, const struct oci_digest *digest, uint64_t size)
{
	return json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest->text, "size",
			 (json_int_t)size);
}

/* An OCI manifest for an image that has none. */
static int make_manifest(const struct sink_image *image, const struct oci_digest *config,
			 char **text, struct error *err)
{
	json_t *layers = json_array(), *json;
	int r = layers ? 0 : -1;

	for (size_t i = 0; r == 0 && i < image->layer_count; i++) {
		const struct sink_layer *l = &image->layers[i];

		r = json_array_append_new(layers,
					  descriptor(layer_type(l->codec), &l->digest, l->size));
	}
	json = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", OCI_MANIFEST,
			 "config", descriptor(OCI_CONFIG, config, image->config_len), "layers",
			 layers);
	*text = r == 0 && json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return *text ? 0 : err_nomem(err);
}

static int mismatch(const char *what, struct error *err)
{
	return err_fail(err, ERR_BUG, 0, "a manifest that names another %s than was put", what);
}

/* The manifest that is put must name what was put: else the image could be read by nobody. */
static int check_manifest(const struct oci_manifest *m, const struct sink_image *image,
			  const struct oci_digest *config, struct error *err)
{
	if (strcmp(m->config.digest.text, config->text) != 0 || m->config.size != image->config_len)
		return mismatch("config", err);
	if (m->layer_count != image->layer_count)
		return mismatch("number of layers", err);
	for (size_t i = 0; i < m->layer_count; i++)
		if (strcmp(m->layers[i].digest.text, image->layers[i].digest.text) != 0 ||
		    m->layers[i].size != image->layers[i].size)
			return mismatch("layer", err);
	return 0;
}

/* A manifest that does not say its type is told by its config's. */
static const char *manifest_type(const struct oci_manifest *m)
{
	const char *type = *m->media_type ? m->media_type : m->config.media_type;

	return strcmp(type, DOCKER_MANIFEST) == 0 || strcmp(type, DOCKER_CONFIG) == 0
		       ? DOCKER_MANIFEST
		       : OCI_MANIFEST;
}

static int read_given(struct sink *s, const struct sink_image *image,
		      const struct oci_digest *config, const char **type, struct error *err)
{
	struct oci_manifest m;
	int r = oci_manifest_parse(&m, image->manifest, image->manifest_len, s->limits, err);

	if (r < 0)
		return r;
	r = check_manifest(&m, image, config, err);
	*type = manifest_type(&m);
	oci_manifest_free(&m);
	return r;
}

static int check_layers(const struct sink *s, const struct sink_image *image, struct error *err)
{
	for (size_t i = 0; i < image->layer_count; i++)
		if (!sink_has_blob(s, &image->layers[i].digest))
			return err_fail(err, ERR_SEQUENCE, 0, "layer %s was not put",
					image->layers[i].digest.text);
	return 0;
}

/* The name of the reference stands for all others, and for one thing. */
static int list(struct sink *s, const struct sink_document *doc, const void *bytes, size_t n,
		const struct platform *platform, const char *const *names, size_t count,
		struct error *err)
{
	if (s->name && s->listed)
		return err_fail(err, ERR_USAGE, 0, "the name '%s' for more than one image",
				s->name);
	if (s->name) {
		names = (const char *const *)&s->name;
		count = 1;
	}
	s->listed++;
	return s->layout->list(s, doc, bytes, n, platform, names, count, err);
}

/* doc gets the manifest's digest; nested ones and layouts' are put as documents. */
static int put_document(struct sink *s, const void *bytes, size_t n, bool nested,
			struct sink_document *doc, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	int r;

	doc->size = n;
	/* dir: keeps the top one under another name. */
	if (nested || s->layout->document_name == s->layout->blob_name)
		return sink_put(s, bytes, n, true, &doc->digest, err);
	r = digest_hex(DIGEST_SHA256, bytes, n, hex, err);
	if (r < 0)
		return r;
	doc->digest = (struct oci_digest){ .algo = DIGEST_SHA256 };
	memcpy(doc->digest.text, "sha256:", 7);
	memcpy(doc->digest.text + 7, hex, strlen(hex) + 1);
	return 0;
}

static int add_image(struct sink *s, const struct sink_image *image, struct sink_document *doc,
		     struct error *err)
{
	_cleanup_(freep) char *made = NULL;
	const void *bytes = image->manifest;
	size_t n = image->manifest_len;
	struct oci_digest config;
	int r = check_layers(s, image, err);

	if (r == 0)
		r = sink_put(s, image->config, image->config_len, false, &config, err);
	if (r < 0)
		return r;
	doc->media_type = OCI_MANIFEST;
	if (bytes) {
		r = read_given(s, image, &config, &doc->media_type, err);
	} else {
		r = make_manifest(image, &config, &made, err);
		bytes = made;
		n = made ? strlen(made) : 0;
	}
	if (r == 0)
		r = put_document(s, bytes, n, image->nested, doc, err);
	if (r == 0 && s->layout->docker)
		r = docker_add(s, image, &config, err);
	if (r == 0 && !image->nested)
		return list(s, doc, bytes, n, &image->platform, image->names, image->name_count,
			    err);
	/* Only layouts that keep documents among their blobs hold several images. */
	if (r == 0 && image->listed_count && !s->name &&
	    s->layout->document_name == s->layout->blob_name)
		r = list(s, doc, bytes, n, &image->platform, image->listed, image->listed_count,
			 err);
	return r;
}

int sink_add_image(struct sink *s, const struct sink_image *image, struct sink_document *manifest,
		   struct error *err)
{
	struct sink_document doc = { 0 };
	int r = sink_ready(s, err);

	if (r < 0)
		return r;
	r = add_image(s, image, &doc, err);
	s->images++;
	if (r == 0 && manifest)
		*manifest = doc;
	return sink_result(s, r);
}

int sink_add_index(struct sink *s, const void *bytes, size_t n, const char *const *names,
		   size_t name_count, bool nested, struct sink_document *index, struct error *err)
{
	struct sink_document doc = { .media_type = OCI_INDEX };
	struct oci_index parsed;
	const char *type = "";
	int r = sink_ready(s, err);

	if (r < 0)
		return r;
	r = oci_index_parse(&parsed, bytes, n, s->limits, err);
	if (r < 0)
		return sink_result(s, r);
	r = oci_json_string(parsed.json, "mediaType", &type, err);
	if (strcmp(type, DOCKER_LIST) == 0)
		doc.media_type = DOCKER_LIST;
	oci_index_free(&parsed);
	if (r == 0)
		r = put_document(s, bytes, n, nested, &doc, err);
	if (r == 0 && !nested)
		r = list(s, &doc, bytes, n, NULL, names, name_count, err);
	if (r == 0 && index)
		*index = doc;
	return sink_result(s, r);
}

/* 1 where the index is of no use here. */
static int rename_root(const struct sink *s, json_t *root, struct error *err)
{
	json_t *list = json_object_get(root, "manifests"), *d, *annotations;

	if (json_array_size(list) != 1)
		return 1;
	d = json_array_get(list, 0);
	annotations = json_object_get(d, "annotations");
	if (!annotations) {
		annotations = json_object();
		if (json_object_set_new(d, "annotations", annotations))
			return err_nomem(err);
	}
	return layout_rename(s, annotations, s->name) ? err_nomem(err) : 0;
}

static int take_root(struct sink *s, json_t *root, const void *bytes, size_t n, struct error *err)
{
	_cleanup_(freep) char *text = NULL;
	int r = s->name ? rename_root(s, root, err) : 0;

	if (r)
		return MIN(r, 0);
	if (s->name) {
		text = json_dumps(root, JSON_COMPACT);
		if (!text)
			return err_nomem(err);
		bytes = text;
		n = strlen(text);
	}
	buf_clear(&s->root);
	return buf_append(&s->root, bytes, n) < 0 ? err_nomem(err) : 0;
}

/* containerd finds an image of `docker save` by its own annotation. */
static bool is_named(const struct sink *s, const struct oci_index *index)
{
	for (size_t i = 0; i < index->count; i++)
		if (index->manifests[i].ref_name && !index->manifests[i].image_name)
			return !s->layout->docker;
	return true;
}

int sink_set_root_index(struct sink *s, const void *bytes, size_t n, struct error *err)
{
	struct oci_index parsed;
	int r = sink_ready(s, err);

	if (r < 0)
		return r;
	r = oci_index_parse(&parsed, bytes, n, s->limits, err);
	if (r < 0)
		return sink_result(s, r);
	if (is_named(s, &parsed))
		r = take_root(s, parsed.json, bytes, n, err);
	oci_index_free(&parsed);
	return sink_result(s, r);
}
