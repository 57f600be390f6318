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

/* What an attestation or a signature speaks of: a changed image, an index above one, or the top. */
static bool is_changed(const struct fix_plan *p, const struct source *source,
		       const struct oci_digest *subject)
{
	size_t count;
	const struct source_index *indexes = source_indexes(source, &count);

	if (!subject->text[0])
		return true;
	for (size_t i = 0; i < p->image_count; i++)
		if (p->images[i].changed &&
		    strcmp(p->images[i].image->source->digest.text, subject->text) == 0)
			return true;
	for (size_t i = 0; i < count; i++)
		if (strcmp(indexes[i].digest.text, subject->text) == 0)
			return true;
	return false;
}

static void say_signature(struct fix_plan *p, const struct source_signature *g)
{
	char kind[120];

	err_text(kind, sizeof(kind), g->kind, strlen(g->kind));
	if (g->digest.text[0])
		notes_add(p->opts->notes, "%s %s of %s does not hold for what is written: left out",
			  kind, g->digest.text, g->subject.text);
	else
		notes_add(p->opts->notes, "%s does not hold for what is written: left out", kind);
}

int fix_say_signatures(struct fix_plan *p, struct source *source, struct error *err)
{
	struct source_signature *v = NULL;
	size_t count = 0;
	int r = p->changed ? source_signatures(source, &v, &count, err) : 0;

	for (size_t i = 0; i < count; i++)
		if (is_changed(p, source, &v[i].subject))
			say_signature(p, &v[i]);
	source_signatures_free(v, count);
	return r;
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
	return r;
}
