/* A set of images: what the source says joined with what the layers hold.
 */
#include "inventory/image.h"

#include <string.h>

#include "inventory/load.h"
#include "inventory/lookup.h"
#include "inventory/visibility.h"
#include "oci/step.h"
#include "tar/reader.h"

void image_forget(struct image *img)
{
	visibility_free(img->visibility);
	lookups_free(img->lookups);
	img->visibility = NULL;
	img->lookups = NULL;
}

void image_set_free(struct image_set *s)
{
	for (size_t i = 0; i < s->count; i++) {
		image_forget(&s->images[i]);
		free(s->images[i].layers);
	}
	free(s->images);
	for (size_t i = 0; i < s->inventory_count; i++)
		layer_inventory_free(s->inventories[i]);
	free(s->inventories);
	*s = (struct image_set){ 0 };
}

bool image_visibility_known(const struct image *img, size_t layer)
{
	for (size_t i = layer; img->unread && i < img->layer_count; i++)
		if (img->layers[i].unread)
			return false;
	return true;
}

static void note_oddities(struct notes *notes, const struct image_layer *l, size_t index)
{
	static const struct {
		unsigned bit;
		const char *text;
	} rows[] = {
		{ TAR_ODD_NO_END_MARKER, "the tar has no end marker; its digest holds" },
		{ TAR_ODD_TRAILING_DATA, "data follows the tar's end marker; engines ignore it" },
		{ TAR_ODD_GLOBAL_IDS,
		  "a PAX global header sets owners: GNU tar would read other ids than engines do" },
	};
	const char *digest =
		l->source->digest.text[0] ? l->source->digest.text : l->source->diff_id.text;
	enum codec said = CODEC_COUNT;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (l->inventory->oddities & rows[i].bit)
			notes_add(notes, "layer %zu%s%s: %s", index, *digest ? " " : "", digest,
				  rows[i].text);
	/* A short way does not see the blob. */
	if (l->verified == INV_VERIFIED_TOC || l->verified == INV_VERIFIED_STORE)
		return;
	if (l->source->media_type[0] && media_kind(l->source->media_type, &said) == MEDIA_LAYER &&
	    said != l->inventory->codec)
		notes_add(notes, "layer %zu%s%s: the media type says %s, the bytes are %s", index,
			  *digest ? " " : "", digest,
			  said == CODEC_NONE ? "uncompressed" : codec_name(said),
			  l->inventory->codec == CODEC_NONE ? "uncompressed"
							    : codec_name(l->inventory->codec));
}

/* What the job found; 0, or what is wrong with it. */
static int join_layer(struct image *img, struct image_layer *layer, const struct load_job *job,
		      struct error *err)
{
	if (!job->inv || job->inv->cut) {
		layer->inventory = job->inv ? job->inv : &inv_nothing;
		layer->unread = true;
		img->unread++;
		return 0;
	}
	layer->inventory = job->inv;
	layer->cached = job->cached;
	return load_judge(layer->source, layer->inventory, job->rests_on, &layer->verified, err);
}

/* Fills one image from the jobs of its layers. */
static int join_image(struct image *img, const struct load *l, const struct load_use *uses,
		      struct error *err)
{
	const struct source_image *source = img->source;

	img->layers = calloc(source->layer_count + 1, sizeof(*img->layers));
	if (!img->layers)
		return err_nomem(err);
	img->layer_count = source->layer_count;
	img->limits = l->opts->limits;
	if (!source->has_config)
		img->no_steps = "there is no image config";
	for (size_t i = 0; i < img->layer_count; i++) {
		struct image_layer *layer = &img->layers[i];
		const struct oci_history *step = NULL;
		int r;

		layer->source = &source->layers[i];
		r = join_layer(img, layer, &l->jobs[uses[i].job], err);
		if (r < 0)
			return r;
		if (source->has_config)
			step = oci_step_of_layer(&source->config, i, &img->no_steps);
		layer->created_by = step ? step->created_by : NULL;
		if (!layer->unread)
			note_oddities(l->opts->notes, layer, i);
	}
	return 0;
}

/* Moves the inventories that images use to the set. */
static int take_inventories(struct image_set *out, struct load *l, struct error *err)
{
	size_t n = l->one_pass ? l->scanned_count : l->job_count;

	out->inventories = calloc(n + 1, sizeof(struct layer_inventory *));
	if (!out->inventories)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		if (l->one_pass ? !l->scanned[i].used : !l->jobs[i].inv)
			continue;
		out->inventories[out->inventory_count++] =
			l->one_pass ? STEAL(l->scanned[i].inv) : STEAL(l->jobs[i].inv);
	}
	return 0;
}

static int join(struct image_set *out, struct load *l, const struct source_image *images,
		size_t count, struct error *err)
{
	const struct load_use *uses = l->uses;

	out->images = calloc(count + 1, sizeof(*out->images));
	if (!out->images)
		return err_nomem(err);
	for (; out->count < count; out->count++) {
		struct image *img = &out->images[out->count];
		int r;

		img->source = &images[out->count];
		r = join_image(img, l, uses, err);
		if (r < 0) {
			free(img->layers);
			return r;
		}
		uses += img->layer_count;
	}
	return take_inventories(out, l, err);
}

int image_set_load(struct image_set *out, struct source *source, const struct image_options *opts,
		   struct error *err)
{
	_cleanup_(load_done) struct load l = { .source = source, .opts = opts };
	const struct source_image *images;
	size_t count;
	int r = 0;

	*out = (struct image_set){ 0 };
	l.one_pass = source_is_one_pass(source);
	if (l.one_pass)
		r = load_scan(&l, err);
	if (r == 0)
		r = source_images(source, &images, &count, err);
	if (r == 0)
		r = load_plan(&l, images, count, err);
	if (r == 0)
		r = load_run(&l, err);
	if (r == 0)
		r = join(out, &l, images, count, err);
	if (r < 0)
		image_set_free(out);
	return r;
}
