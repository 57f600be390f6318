/* What a user must know that the mapping does not tell: what is dropped, and what stays wrong.
 */
#include <string.h>

#include "fix/plan.h"

#define TOC_NAME "stargz.index.json"

bool fix_is_toc(const struct inv_entry *e)
{
	return e->kind == INV_REG && e->path_len == strlen(TOC_NAME) &&
	       memcmp(e->path, TOC_NAME, e->path_len) == 0;
}

static int look(struct fix_plan *p, const struct fix_blob *b, struct error *err)
{
	struct inv_entry e;
	struct inv_iter it;
	int r;

	inv_iter_init(&it, b->inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0)
		if (fix_is_toc(&e))
			notes_add(p->opts->notes,
				  "layer %zu: " TOC_NAME " held the old owners and is dropped: the "
				  "layer is a plain one now",
				  b->layer);
	inv_iter_done(&it);
	return MIN(r, 0);
}

static void say_signatures(struct fix_plan *p)
{
	for (size_t i = 0; i < p->image_count; i++) {
		const struct source_image *s = p->images[i].image->source;

		if (p->images[i].changed && s->manifest_bytes)
			notes_add(p->opts->notes,
				  "signatures and attestations of %s do not hold for what is "
				  "written",
				  s->digest.text);
	}
}

int fix_remarks(struct fix_plan *p, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < p->blob_count && r == 0; i++) {
		const struct fix_blob *b = &p->blobs[i];

		if (b->inventory->flags_seen &
		    (INV_ACL_INVALID | INV_ACL_MISPLACED | INV_CAP_INVALID))
			notes_add(
				p->opts->notes,
				"layer %zu has an ACL or a capability that the kernel refuses: no "
				"owner mends that",
				b->layer);
		if (b->changed)
			r = look(p, b, err);
	}
	say_signatures(p);
	return r;
}
