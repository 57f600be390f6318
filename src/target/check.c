/* A check: accounts and USER, owners judged, one walk that counts; then findings told again on each
 * walk. */
#include "target/check.h"

#include "base/num.h"
#include "target/check-internal.h"

/* The ids that a growing map gets for this image: its smallest size, or what layers, accounts and
 * USER ask for. What is beyond its largest size is a finding, and not here. */
static void grow(struct check *c, size_t i)
{
	struct check_target *t = &c->targets[i];
	const struct idmap *own = &t->use->map.uid;
	uint64_t max = (uint64_t)t->use->target->max_size, need = user_need(c), least = 0;

	for (size_t k = 0; k < own->count; k++)
		least = MAX(least, (uint64_t)own->extents[k].container + own->extents[k].count);
	for (size_t k = 0; k < c->judge->inventory_count; k++) {
		const struct layer_inventory *inv = c->judge->inventories[k].inventory;

		for (size_t o = 0; o < inv->owner_count; o++) {
			uint64_t uid = (uint32_t)inv->owners[o].uid;
			uint64_t gid = (uint32_t)inv->owners[o].gid;

			/* What cannot fit does not make the map any larger. */
			if (uid < max)
				need = MAX(need, uid + 1);
			if (gid < max)
				need = MAX(need, gid + 1);
		}
	}
	/* What an unread layer asks for is not known: nothing is outside that it could bring in. */
	t->size = c->image->unread ? max : MIN(MAX(need, least), max);
	t->grown = t->size > least;
}

static int decide(struct check *c, struct error *err)
{
	enum level fail_on = c->opts->fail_never ? LEVEL_WARNING : c->opts->fail_on;
	size_t failing = 0;

	c->fits = true;
	for (size_t i = 0; i < c->target_count; i++) {
		struct check_target *t = &c->targets[i];
		bool fails = t->any && t->worst >= fail_on;

		failing += fails;
		t->unknown = !fails && c->image->unread;
		t->fits = !fails && !t->unknown;
		c->fits = c->fits && t->fits;
	}
	if (c->image->unread && !failing)
		return err_fail(err, ERR_BUG, 0,
				"%zu layers were not looked at, though none of the others fails",
				c->image->unread);
	return 0;
}

/* Which files name users, and what stands in them, is known once all layers are. */
static int load_accounts(struct check *c, struct error *err)
{
	static const char why[] = "not all layers were looked at";

	if (!c->image->unread)
		return accounts_load(&c->accounts, c->image, err);
	c->accounts = (struct accounts){ .has_passwd = true,
					 .has_group = true,
					 .unread = why,
					 .passwd_unread = why,
					 .group_unread = why,
					 .passwd_layer = -1,
					 .group_layer = -1 };
	return 0;
}

static int begin(struct check *c, struct error *err)
{
	int r = load_accounts(c, err);

	if (!r)
		r = user_judge(c, err);
	if (!r)
		r = judge_make(c, err);
	for (size_t i = 0; !r && i < c->target_count; i++)
		if (c->judge->auto_size >> i & 1)
			grow(c, i);
	return r;
}

static int run(struct check *c, struct error *err)
{
	int r = causes_prepare(c, err);

	if (!r)
		r = walk_layers(c, count_told, c, err);
	if (!r)
		r = walk_config(c, count_told, c, err);
	if (!r)
		r = words_make(c, err);
	return r ? r : decide(c, err);
}

int check_begin(struct check **out, struct image *img, const struct check_options *opts,
		struct error *err)
{
	_cleanup_(check_freep) struct check *c = calloc(1, sizeof *c);
	int r;

	if (!c)
		return err_nomem(err);
	if (!opts->use_count || opts->use_count > CHECK_TARGETS_MAX)
		return err_fail(err, ERR_USAGE, 0, "%zu targets: from 1 to %d can be checked",
				opts->use_count, CHECK_TARGETS_MAX);
	c->image = img;
	c->opts = opts;
	c->target_count = opts->use_count;
	for (size_t i = 0; i < c->target_count; i++)
		c->targets[i] = (struct check_target){ .use = &opts->uses[i], .first_layer = -1 };
	c->layer_findings =
		calloc(img->layer_count ? img->layer_count : 1, sizeof *c->layer_findings);
	if (!c->layer_findings)
		return err_nomem(err);
	r = begin(c, err);
	if (r < 0)
		return r;
	*out = STEAL(c);
	return 0;
}

int check_image(struct check **out, struct image *img, const struct check_options *opts,
		struct error *err)
{
	_cleanup_(check_freep) struct check *c = NULL;
	int r = check_begin(&c, img, opts, err);

	if (!r)
		r = run(c, err);
	if (r < 0)
		return r;
	*out = STEAL(c);
	return 0;
}

static void target_done(struct check_target *t)
{
	for (size_t i = 0; i < t->error_count; i++)
		free(t->errors[i].line);
	free(t->errors);
	free(t->effects);
	free(t->first_path);
}

void check_free(struct check *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->target_count; i++)
		target_done(&c->targets[i]);
	for (size_t i = 0; i < c->cause_count; i++)
		free(c->causes[i].user);
	free(c->causes);
	free(c->layer_findings);
	judge_free(c->judge);
	exec_user_free(&c->user.user);
	accounts_free(&c->accounts);
	free(c);
}

struct each {
	check_finding_fn *fn;
	void *ctx;
};

static int each_told(void *ctx, const struct told *t, struct error *err)
{
	struct each *e = ctx;

	return e->fn(e->ctx, &t->f, err);
}

int check_each(struct check *c, check_finding_fn *fn, void *ctx, struct error *err)
{
	struct each e = { fn, ctx };
	int r = walk_layers(c, each_told, &e, err);

	return r < 0 ? r : walk_config(c, each_told, &e, err);
}
