/* One manifest and its config made into a source_image. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "source/content.h"

static int note_foreign(struct source *s, const struct descriptor *d, struct error *err)
{
	json_t *urls = NULL;
	const char *url;
	struct foreign *f;
	int r;

	if (!d->json)
		return 0;
	r = oci_json_array(d->json, "urls", &urls, err);
	if (r < 0)
		return r;
	url = urls ? json_string_value(json_array_get(urls, 0)) : NULL;
	if (!url)
		return 0;
	f = reallocarray(s->foreign, s->foreign_count + 1, sizeof(*f));
	if (!f)
		return err_nomem(err);
	s->foreign = f;
	f[s->foreign_count] = (struct foreign){ strdup(d->digest.text), strdup(url) };
	s->foreign_count++; /* even half made: source_close frees what is there */
	return f[s->foreign_count - 1].digest && f[s->foreign_count - 1].url ? 0 : err_nomem(err);
}

/* Something else that is stored as a manifest: an attestation, a chart, a signature. */
static bool is_artifact(const struct oci_manifest *m)
{
	size_t layers = 0;

	if (m->config.media_type[0] && media_kind(m->config.media_type, NULL) != MEDIA_CONFIG)
		return true;
	for (size_t i = 0; i < m->layer_count; i++)
		layers += !m->layers[i].media_type[0] ||
			  media_kind(m->layers[i].media_type, NULL) == MEDIA_LAYER;
	return m->layer_count && !layers;
}

static int make_layer(struct content_walk *w, struct source_layer *out, const struct descriptor *d,
		      const struct oci_digest *diff_id, struct error *err)
{
	struct error why;
	char name[BLOB_NAME_MAX];

	w->names->blob(name, &d->digest);
	out->blob = strdup(name);
	out->media_type = strdup(d->media_type);
	if (!out->blob || !out->media_type)
		return err_nomem(err);
	out->digest = d->digest;
	out->diff_id = *diff_id;
	out->size = d->size;
	/* A local blob is read: what somebody says of it is no help there. */
	if (w->source->registry && toc_find(&out->toc, d, &why) < 0) {
		notes_add(w->source->notes, "layer %s: %s: read whole", d->digest.text, why.msg);
		out->toc = (struct toc_place){ 0 };
	}
	return note_foreign(w->source, d, err);
}

static int make_layers(struct content_walk *w, struct source_image *img,
		       const struct oci_manifest *m, struct error *err)
{
	int r = 0;

	if (m->layer_count != img->config.diff_id_count)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"the manifest has %zu layers, the config %zu diff_ids",
				m->layer_count, img->config.diff_id_count);
	img->layers = calloc(m->layer_count + 1, sizeof(*img->layers));
	if (!img->layers)
		return err_nomem(err);
	img->layer_count = m->layer_count;
	for (size_t i = 0; r == 0 && i < m->layer_count; i++)
		r = make_layer(w, &img->layers[i], &m->layers[i], &img->config.diff_ids[i], err);
	return r;
}

static int read_config(struct content_walk *w, struct source_image *img, const struct descriptor *d,
		       struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	char name[BLOB_NAME_MAX];
	size_t len;
	int r;

	w->names->blob(name, &d->digest);
	r = content_read(w->source, name, "config", &d->digest, d->size, &data, &len, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "config %s is not in %s", d->digest.text,
				w->source->path);
	if (r < 0)
		return r;
	r = oci_config_parse(&img->config, data, len, w->source->limits, err);
	if (r < 0)
		return err_wrap(err, "config %s", d->digest.text);
	img->has_config = true;
	img->config_bytes = STEAL(data);
	img->config_len = len;
	return 0;
}

static int build(struct content_walk *w, struct leaf *leaf, const struct oci_manifest *m,
		 struct error *err)
{
	struct source_image *img = &leaf->image;
	char text[120];
	int r;

	if (is_artifact(m)) {
		notes_add(w->source->notes, "artifact %s (%s) skipped: it is no image",
			  leaf->digest.text,
			  err_text(text, sizeof(text), m->config.media_type,
				   strlen(m->config.media_type)));
		return 1;
	}
	r = read_config(w, img, &m->config, err);
	if (r < 0)
		return r;
	r = make_layers(w, img, m, err);
	if (r < 0)
		return r;
	img->digest = leaf->digest;
	/* An index's word on the platform only counts where the config has none: engines run what
	 * the config says. */
	img->platform = img->config.platform;
	if (!img->platform.os[0] && !img->platform.architecture[0])
		img->platform = leaf->platform;
	if (!leaf->has_platform)
		leaf->platform = img->platform;
	leaf->has_platform = true;
	img->name = strdup(w->name);
	leaf->built = true;
	return img->name ? 0 : err_nomem(err);
}

static int keep_names(struct content_walk *w, struct source_image *img, const uint8_t *data,
		      size_t len, struct error *err)
{
	img->manifest_bytes = malloc(len + 1);
	if (!img->manifest_bytes)
		return err_nomem(err);
	memcpy(img->manifest_bytes, data, len);
	img->manifest_len = len;
	return w->ref ? source_image_name(img, w->ref, err) : 0;
}

int content_build_from(struct content_walk *w, struct leaf *leaf, const uint8_t *data, size_t len,
		       struct error *err)
{
	struct oci_manifest m = { 0 };
	int r;

	r = oci_manifest_parse(&m, data, len, w->source->limits, err);
	if (r == 0)
		r = build(w, leaf, &m, err);
	if (r == 0)
		r = keep_names(w, &leaf->image, data, len, err);
	if (r)
		source_image_done(&leaf->image);
	oci_manifest_free(&m);
	return r < 0 ? err_wrap(err, "manifest %s", leaf->digest.text) : r;
}
