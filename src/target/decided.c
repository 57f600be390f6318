/* What one layer, or USER, says of an image before the rest of it is known: a check of the image as
 * if nothing else had been looked at, so that nothing is told that the rest could take back.
 */
#include "target/check-internal.h"

struct search {
	enum level fail_on;
	bool found;
};

/* The first is enough: what comes back then only ends the walk. */
static int look_for(void *ctx, const struct told *t, struct error *err)
{
	struct search *s = ctx;

	s->found = t->f.level >= s->fail_on;
	return s->found ? err_fail(err, ERR_SEQUENCE, 0, "found") : 0;
}

bool check_is_decided(const struct check_options *opts, const struct source_image *image,
		      const struct source_layer *layer, const struct layer_inventory *inventory)
{
	/* What the topmost layer holds is there for sure; below, it may be hidden. */
	bool top = layer && !(inventory && inventory->cut) &&
		   layer == &image->layers[image->layer_count - 1];
	struct image_layer layers[2];
	struct image img = {
		.source = image, .layers = layers, .layer_count = ARRAY_SIZE(layers), .unread = 1
	};
	_cleanup_(check_freep) struct check *c = NULL;
	struct search s = { .fail_on = opts->fail_on };
	struct error err = { 0 };
	int r;

	layers[top] = (struct image_layer){ .source = layer,
					    .inventory = inventory ? inventory : &inv_nothing };
	layers[!top] = (struct image_layer){ .inventory = &inv_nothing, .unread = true };
	r = check_begin(&c, &img, opts, &err);

	if (r == 0)
		r = inventory ? walk_layers(c, look_for, &s, &err)
			      : walk_config(c, look_for, &s, &err);
	image_forget(&img);
	return r < 0 && s.found;
}

bool check_is_decided_at(const struct check_options *opts, const struct source_image *image,
			 const struct inv_entry *entry)
{
	struct image_layer layer = { .inventory = &inv_nothing, .unread = true };
	struct image img = { .source = image, .layers = &layer, .layer_count = 1, .unread = 1 };
	_cleanup_(check_freep) struct check *c = NULL;
	struct search s = { .fail_on = opts->fail_on };
	struct error err = { 0 };
	int r = check_begin(&c, &img, opts, &err);

	if (r == 0)
		r = walk_alone(c, entry, look_for, &s, &err);
	return r < 0 && s.found;
}
