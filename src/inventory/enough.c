/* Images whose verdict one layer gives: what only they have is not read any more. Threads agree by
 * counting, for each blob, the uses by images that are still open.
 */
#include "inventory/load.h"

bool load_wanted(const struct load_job *j)
{
	return atomic_load(&j->wanted);
}

/* first is the image's first use. */
static void decide(struct load *l, size_t image, const struct load_use *first)
{
	if (atomic_exchange(&l->decided[image], true))
		return;
	for (size_t i = 0; i < l->images[image].layer_count; i++)
		atomic_fetch_sub(&l->jobs[first[i].job].wanted, 1);
}

static bool asks(const struct load *l)
{
	return l->opts->enough && !l->one_pass;
}

int load_enough_begin(struct load *l, struct error *err)
{
	const struct load_use *first = l->uses;

	for (size_t i = 0; i < l->job_count; i++)
		atomic_store(&l->jobs[i].wanted, l->jobs[i].use_count);
	if (!asks(l))
		return 0;
	l->decided = calloc(l->image_count + 1, sizeof(*l->decided));
	if (!l->decided)
		return err_nomem(err);
	for (size_t i = 0; i < l->image_count; i++) {
		if (l->opts->enough(l->opts->enough_ctx, &l->images[i], NULL, NULL))
			decide(l, i, first);
		first += l->images[i].layer_count;
	}
	return 0;
}

bool load_enough_stop(void *ctx, const struct inv_entry *e)
{
	const struct load_stop *s = ctx;
	bool any = false;

	/* All or none: what one image still wants is read for all. */
	for (size_t i = 0; i < s->j->use_count; i++) {
		const struct source_image *image = s->j->uses[i]->image;

		if (atomic_load(&s->l->decided[image - s->l->images]))
			continue;
		if (!s->l->opts->enough_at(s->l->opts->enough_ctx, image, e))
			return false;
		any = true;
	}
	return any;
}

void load_enough_tell(struct load *l, const struct load_job *j)
{
	for (size_t i = 0; i < j->use_count && asks(l); i++) {
		const struct load_use *u = j->uses[i];
		size_t image = (size_t)(u->image - l->images);

		if (!atomic_load(&l->decided[image]) &&
		    l->opts->enough(l->opts->enough_ctx, u->image, u->layer, j->inv))
			decide(l, image, u - u->index);
	}
}
