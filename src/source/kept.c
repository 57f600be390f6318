/* An image of an engine's own store as a source. Its layers are the tars that were pulled or built;
 * the store has no blobs of them, so that the image is what `docker save` would make of it: config
 * and plain layers, no manifest.
 */
#include <stdlib.h>
#include <string.h>

#include "oci/familiar.h"
#include "source/internal.h"

void kept_done(struct source *s)
{
	if (s->kept_image)
		storage_image_free(s->kept_image);
	free(s->kept_image);
	storage_close(s->storage);
}

static int make_layers(struct source_image *img, const struct storage_image *kept,
		       struct error *err)
{
	img->layers = calloc(kept->layer_count + 1, sizeof(*img->layers));
	if (!img->layers)
		return err_nomem(err);
	img->layer_count = kept->layer_count;
	for (size_t i = 0; i < kept->layer_count; i++) {
		const struct storage_layer *l = &kept->layers[i];

		img->layers[i] = (struct source_layer){
			.blob = strdup(l->diff_id.text),
			.media_type = strdup(""),
			.diff_id = l->diff_id,
			.size = SOURCE_SIZE_UNKNOWN,
			.effort = l->split_size,
		};
		if (!img->layers[i].blob || !img->layers[i].media_type)
			return err_nomem(err);
	}
	return 0;
}

/* The one that was asked for, as `docker save NAME` has it; all where it was asked for by its id.
 */
static int take_names(struct source *s, struct source_image *img, const struct storage_image *kept,
		      struct error *err)
{
	bool asked = false;
	int r = 0;

	for (size_t i = 0; i < kept->name_count; i++)
		asked |= familiar_equal(kept->names[i], s->ref_name);
	for (size_t i = 0; r == 0 && i < kept->name_count; i++)
		if (!asked || familiar_equal(kept->names[i], s->ref_name))
			r = source_image_name(img, kept->names[i], err);
	return r;
}

static int make_image(struct source *s, struct source_image *img, struct storage_image *kept,
		      struct error *err)
{
	int r;

	img->name = source_name(s, NULL);
	if (!img->name)
		return err_nomem(err);
	r = oci_config_parse(&img->config, kept->config, kept->config_len, s->limits, err);
	if (r == 0)
		r = oci_digest_parse(&img->digest, kept->id, err);
	if (r == 0)
		r = make_layers(img, kept, err);
	if (r == 0)
		r = take_names(s, img, kept, err);
	if (r < 0)
		return r;
	img->has_config = true;
	img->platform = img->config.platform;
	img->config_bytes = STEAL(kept->config);
	img->config_len = kept->config_len;
	source_note_platform(s, img);
	if (s->platform_asked && !s->all_platforms &&
	    !platform_matches(&img->platform, &s->platform))
		return err_fail(err, ERR_NOT_FOUND, 0, "the store has it for another platform");
	return source_add_image(s, img, err);
}

int kept_images(struct source *s, struct error *err)
{
	struct source_image img = { 0 };
	int r;

	s->kept_image = calloc(1, sizeof(*s->kept_image));
	if (!s->kept_image)
		return err_nomem(err);
	r = storage_find(s->storage, s->ref_name, s->kept_image, err);
	if (r > 0) {
		char name[150];

		return err_fail(err, ERR_NOT_FOUND, 0, "%s has no image '%s'",
				storage_root(s->storage),
				err_text(name, sizeof(name), s->ref_name, strlen(s->ref_name)));
	}
	if (r == 0)
		r = make_image(s, &img, s->kept_image, err);
	source_image_done(&img);
	return r < 0 ? err_wrap(err, "%s:%s", transport_name(s->transport), s->path) : 0;
}

int kept_layer_open(struct source *s, const struct source_layer *layer, struct stream **out,
		    struct error *err)
{
	const struct storage_image *kept = s->kept_image;

	for (size_t i = 0; kept && i < kept->layer_count; i++)
		if (strcmp(kept->layers[i].diff_id.text, layer->blob) == 0)
			return storage_layer_open(s->storage, &kept->layers[i], out, err);
	return err_fail(err, ERR_NOT_FOUND, 0, "layer %s is not in the store", layer->blob);
}

int kept_layer_headers(struct source *s, const struct source_layer *layer, struct stream **tar,
		       enum source_evidence *evidence, struct error *err)
{
	*evidence = SOURCE_STORE;
	return kept_layer_open(s, layer, tar, err);
}
