#include "fix/undo.h"

#include <stdio.h>
#include <string.h>

static bool equal(const struct oci_digest *a, const struct oci_digest *b)
{
	return strcmp(a->text, b->text) == 0;
}

/* What the report says that the layer is now. */
static const struct oci_digest *now(const struct fix_past *past, const struct oci_digest *old)
{
	const struct fix_past_layer *l = fix_past_layer(past, old);

	return l ? &l->new : old;
}

/* The first layer that is not the one of the report: its index, or count. */
static size_t foreign_layer(const struct fix_past *past, const struct fix_past_image *row,
			    const struct source_image *s)
{
	size_t i = 0;

	while (i < s->layer_count && i < row->parsed.diff_id_count &&
	       equal(&s->layers[i].diff_id, now(past, &row->parsed.diff_ids[i])))
		i++;
	return i;
}

static int say_config(const struct source_image *s, const struct oci_digest *is,
		      const struct fix_past_image *row, struct error *err)
{
	return err_fail(err, ERR_DENIED, 0,
			"%s is not what the report's run wrote: its config is %s, the report's %s",
			s->name, is->text, row->config.text);
}

static int say_layer(const struct fix_past *past, const struct source_image *s,
		     const struct fix_past_image *row, size_t i, struct error *err)
{
	if (i >= s->layer_count || i >= row->parsed.diff_id_count)
		return err_fail(err, ERR_DENIED, 0,
				"%s is not what the report's run wrote: it has %zu layers, the "
				"report's image %zu",
				s->name, s->layer_count, row->parsed.diff_id_count);
	return err_fail(err, ERR_DENIED, 0,
			"%s is not what the report's run wrote: layer %zu has the diff_id %s, the "
			"report's %s",
			s->name, i, s->layers[i].diff_id.text,
			now(past, &row->parsed.diff_ids[i])->text);
}

static bool is_row(const struct fix_past *past, const struct fix_past_image *row,
		   const struct source_image *s)
{
	return s->layer_count == row->parsed.diff_id_count &&
	       foreign_layer(past, row, s) == s->layer_count;
}

/* Names what differs from the row that comes nearest. */
static int refuse(const struct fix_past *past, const struct source_image *s,
		  const struct oci_digest *config, struct error *err)
{
	const struct fix_past_image *near = NULL;
	size_t most = 0;

	for (size_t i = 0; i < past->image_count; i++) {
		const struct fix_past_image *row = &past->images[i];
		size_t same = foreign_layer(past, row, s);

		if (equal(&row->old_config, config))
			return err_fail(err, ERR_DENIED, 0,
					"%s is the image as it was before the fix: there is "
					"nothing to undo",
					s->name);
		if (is_row(past, row, s))
			return say_config(s, config, row, err);
		if (!near || same > most) {
			near = row;
			most = same;
		}
	}
	return near ? say_layer(past, s, near, most, err)
		    : err_fail(err, ERR_BAD_INPUT, 0, "the report tells of no image");
}

static bool has_name(const struct fix_past_image *row, const struct source_image *s)
{
	for (size_t i = 0; i < json_array_size(row->names); i++) {
		const char *name = json_string_value(json_array_get(row->names, i));

		for (size_t k = 0; name && k < s->name_count; k++)
			if (strcmp(name, s->names[k]) == 0)
				return true;
	}
	return false;
}

static bool alike(const struct fix_past_image *a, const struct fix_past_image *b)
{
	return equal(&a->old_config, &b->old_config) && equal(&a->old_digest, &b->old_digest);
}

/* The row with that config. Of several that the fix made alike a name tells which it is; NULL and
 * *different of them where none does. */
static const struct fix_past_image *choose(const struct fix_past *past,
					   const struct source_image *s,
					   const struct oci_digest *config, size_t *different)
{
	const struct fix_past_image *first = NULL, *named = NULL;

	*different = 0;
	for (size_t i = 0; i < past->image_count; i++) {
		const struct fix_past_image *row = &past->images[i];

		if (!equal(&row->config, config))
			continue;
		if (!named && has_name(row, s))
			named = row;
		if (!first)
			first = row;
		*different += row == first || !alike(first, row);
	}
	return named ? named : *different > 1 ? NULL : first;
}

static int find_row(const struct fix_past *past, const struct source_image *s,
		    const struct fix_past_image **out, struct error *err)
{
	struct oci_digest config = { .algo = DIGEST_SHA256 };
	char hex[DIGEST_HEX_MAX + 1];
	size_t different;
	int r = digest_hex(DIGEST_SHA256, s->config_bytes, s->config_len, hex, err);

	if (r < 0)
		return r;
	snprintf(config.text, sizeof(config.text), "sha256:%s", hex);
	*out = choose(past, s, &config, &different);
	if (!*out && different)
		return err_fail(err, ERR_DENIED, 0,
				"the fix made one image of %zu, and no name tells which of them "
				"%s was",
				different, s->name);
	if (!*out)
		return refuse(past, s, &config, err);
	return is_row(past, *out, s) ? 0
				     : say_layer(past, s, *out, foreign_layer(past, *out, s), err);
}

/* Layers that a fix made alike may have been different ones. */
static size_t blob_of(struct fix_plan *p, const struct image_layer *l, size_t layer,
		      const struct fix_past_layer *past)
{
	size_t i = 0;

	while (i < p->blob_count &&
	       (p->blobs[i].inventory != l->inventory || p->blobs[i].past != past))
		i++;
	if (i == p->blob_count)
		p->blobs[p->blob_count++] = (struct fix_blob){ .inventory = l->inventory,
							       .source = l->source,
							       .verified = l->verified,
							       .cached = l->cached,
							       .layer = layer,
							       .changed = past != NULL,
							       .codec = l->inventory->codec,
							       .past = past };
	return i;
}

static int plan_image(struct fix_plan *p, struct image *img, struct error *err)
{
	struct fix_image *out = &p->images[p->image_count++];
	int r = find_row(p->past, img->source, &out->past, err);

	out->image = img;
	if (r < 0)
		return r;
	out->blobs = calloc(img->layer_count + 1, sizeof(*out->blobs));
	if (!out->blobs)
		return err_nomem(err);
	for (size_t i = 0; i < img->layer_count; i++)
		out->blobs[i] = blob_of(p, &img->layers[i], i,
					fix_past_layer(p->past, &out->past->parsed.diff_ids[i]));
	out->changed = !equal(&out->past->config, &out->past->old_config);
	p->changed |= out->changed;
	return 0;
}

int fix_undo_plan(struct fix_plan **out, const struct fix_past *past, struct image_set *set,
		  const struct fix_options *opts, struct error *err)
{
	_cleanup_(fix_plan_freep) struct fix_plan *p = calloc(1, sizeof(*p));
	size_t layers = 0;
	int r = 0;

	if (!p)
		return err_nomem(err);
	p->opts = opts;
	p->set = set;
	p->past = past;
	for (size_t i = 0; i < set->count; i++)
		layers += set->images[i].layer_count;
	p->blobs = calloc(layers + 1, sizeof(*p->blobs));
	p->images = calloc(set->count + 1, sizeof(*p->images));
	if (!p->blobs || !p->images)
		return err_nomem(err);
	for (size_t i = 0; i < set->count && r == 0; i++)
		r = plan_image(p, &set->images[i], err);
	if (r == 0)
		*out = STEAL(p);
	return r;
}
