/* Owners come from the layers' own small tables, so that they need no hash; entries and findings
 * are compared through diff-set.h. */
#include "target/diff.h"

#include <string.h>

#include "target/diff-set.h"

struct work {
	struct diff *d;
	enum diff_side side;
	struct image *img;
	const uint32_t *of_owner; /* the layer's owners: where they stand in d->owners */
	size_t examples;	  /* owners that have some */
	struct diff_set set;
	check_finding_fn *fn;
	void *ctx;
};

/* One entry of the side in hand; owner is an index into d->owners. */
typedef int entry_fn(struct work *w, size_t layer, const struct inv_entry *e, size_t owner,
		     bool visible, struct error *err);

const char *diff_owner_state_name(enum diff_owner_state s)
{
	static const char *const names[DIFF_STATE_COUNT] = {
		[DIFF_KEPT] = "kept",	      [DIFF_GAINED] = "gained", [DIFF_GONE] = "gone",
		[DIFF_SURFACED] = "surfaced", [DIFF_SUNK] = "sunk",
	};

	return names[s];
}

enum diff_owner_state diff_owner_state(const struct diff_owner *o)
{
	const struct diff_count *old = &o->of[DIFF_OLD], *new = &o->of[DIFF_NEW];
	bool was = old->visible || old->hidden, is = new->visible || new->hidden;

	if (!was || !is)
		return is ? DIFF_GAINED : was ? DIFF_GONE : DIFF_KEPT;
	if (!old->visible == !new->visible)
		return DIFF_KEPT;
	return new->visible ? DIFF_SURFACED : DIFF_SUNK;
}

static int by_ids(const void *a, const void *b)
{
	const struct diff_owner *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->gid < y->gid ? -1 : x->gid > y->gid;
}

/* Every owner of both images, sorted, once each. */
static int merge_owners(struct diff *d, struct error *err)
{
	size_t total = 0, count = 0;

	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < d->of[side]->image->layer_count; i++)
			total += d->of[side]->image->layers[i].inventory->owner_count;
	if (total > UINT32_MAX - 1)
		return err_fail(err, ERR_LIMIT, 0, "more than 2^32 owners in two images");
	d->owners = calloc(total + 1, sizeof(*d->owners));
	if (!d->owners)
		return err_nomem(err);
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < d->of[side]->image->layer_count; i++) {
			const struct layer_inventory *inv = d->of[side]->image->layers[i].inventory;

			for (size_t k = 0; k < inv->owner_count; k++)
				d->owners[count++] =
					(struct diff_owner){ .uid = inv->owners[k].uid,
							     .gid = inv->owners[k].gid };
		}
	qsort(d->owners, count, sizeof(*d->owners), by_ids);
	for (size_t i = 0; i < count; i++)
		if (!d->owner_count || by_ids(&d->owners[d->owner_count - 1], &d->owners[i]) != 0)
			d->owners[d->owner_count++] = d->owners[i];
	return 0;
}

static int find_owners(const struct diff *d, const struct layer_inventory *inv, uint32_t **out,
		       struct error *err)
{
	uint32_t *at = calloc(inv->owner_count + 1, sizeof(*at));

	if (!at)
		return err_nomem(err);
	for (size_t i = 0; i < inv->owner_count; i++) {
		struct diff_owner key = { .uid = inv->owners[i].uid, .gid = inv->owners[i].gid };
		const struct diff_owner *found =
			bsearch(&key, d->owners, d->owner_count, sizeof(key), by_ids);

		at[i] = (uint32_t)(found - d->owners);
	}
	*out = at;
	return 0;
}

static int walk_layer(struct work *w, size_t layer, entry_fn *fn, struct error *err)
{
	const struct layer_inventory *inv = w->img->layers[layer].inventory;
	_cleanup_(freep) uint32_t *owners = NULL;
	struct inv_entry e;
	struct inv_iter it;
	int r = find_owners(w->d, inv, &owners, err);

	if (r < 0)
		return r;
	inv_iter_init(&it, inv);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		enum visible visible;
		long by_layer;

		if (e.kind == INV_GLOBAL)
			continue;
		r = image_visibility(w->img, layer, &e, &visible, &by_layer, err);
		if (r >= 0)
			r = fn(w, layer, &e, owners[e.owner], visible == VISIBLE, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return r < 0 ? r : 0;
}

static int walk(struct work *w, enum diff_side side, entry_fn *fn, struct error *err)
{
	int r = 0;

	w->side = side;
	w->img = w->d->of[side]->image;
	for (size_t i = 0; i < w->img->layer_count && r >= 0; i++)
		r = walk_layer(w, i, fn, err);
	return r;
}

/* Keeps the first ones; a visible one takes the place of one that is hidden. */
static int add_example(struct diff_place *list, size_t *count, size_t layer,
		       const struct inv_entry *e, bool visible, struct error *err)
{
	size_t at = *count;
	char *path;

	for (size_t i = 0; i < *count && visible && *count == DIFF_EXAMPLES; i++)
		if (!list[i].visible) {
			at = i;
			break;
		}
	if (at == DIFF_EXAMPLES)
		return 0;
	path = malloc(e->path_len + 1);
	if (!path)
		return err_nomem(err);
	memcpy(path, e->path, e->path_len);
	path[e->path_len] = '\0';
	if (at < *count)
		free(list[at].path);
	else
		++*count;
	list[at] = (struct diff_place){ path, e->path_len, layer, visible };
	return 0;
}

static int count_owner(struct work *w, size_t layer, const struct inv_entry *e, size_t owner,
		       bool visible, struct error *err)
{
	struct diff_count *c = &w->d->owners[owner].of[w->side];

	*(visible ? &c->visible : &c->hidden) += 1;
	(void)layer, (void)e, (void)err;
	return 0;
}

/* Only of owners that are news: whose they are is known once all are counted. */
static int keep_example(struct work *w, size_t layer, const struct inv_entry *e, size_t owner,
			bool visible, struct error *err)
{
	struct diff_owner *o = &w->d->owners[owner];
	struct diff_count *c = &o->of[w->side];

	if (diff_owner_state(o) == DIFF_KEPT || w->examples + !c->example_count > DIFF_EXAMPLES_OF)
		return 0;
	w->examples += !c->example_count;
	return add_example(c->examples, &c->example_count, layer, e, visible, err);
}

static int owners(struct diff *d, struct error *err)
{
	struct work w = { .d = d };
	int r = merge_owners(d, err);

	for (int side = 0; side < 2 && r >= 0; side++)
		r = walk(&w, (enum diff_side)side, count_owner, err);
	for (size_t i = 0; i < d->owner_count && r >= 0; i++)
		d->states[diff_owner_state(&d->owners[i])]++;
	/* A release is mostly its predecessor: then the walks below have nothing to find. */
	if (d->states[DIFF_KEPT] == d->owner_count)
		return r;
	for (int side = 0; side < 2 && r >= 0; side++)
		r = walk(&w, (enum diff_side)side, keep_example, err);
	return r;
}

static int remember(struct work *w, size_t layer, const struct inv_entry *e, size_t owner,
		    bool visible, struct error *err)
{
	uint64_t hash = inv_path_hash(e->path, e->path_len);

	(void)layer;
	if (!visible || !diff_set_holds(&w->set, hash))
		return 0;
	return diff_set_put(&w->set, hash, (uint32_t)owner + 1, err);
}

static struct diff_change *change_of(struct diff *d, const struct diff_owner *old,
				     const struct diff_owner *new)
{
	struct diff_change *c = d->changes, *end = c + d->change_count;

	for (; c < end; c++)
		if (c->uid[DIFF_OLD] == old->uid && c->gid[DIFF_OLD] == old->gid &&
		    c->uid[DIFF_NEW] == new->uid && c->gid[DIFF_NEW] == new->gid)
			return c;
	if (d->change_count == DIFF_CHANGES_MAX)
		return NULL;
	d->change_count++;
	*c = (struct diff_change){ .uid = { old->uid, new->uid }, .gid = { old->gid, new->gid } };
	return c;
}

static int compare(struct work *w, size_t layer, const struct inv_entry *e, size_t owner,
		   bool visible, struct error *err)
{
	uint64_t hash = inv_path_hash(e->path, e->path_len);
	struct diff_change *c;
	uint32_t was;

	if (!visible || !diff_set_holds(&w->set, hash))
		return 0;
	was = diff_set_get(&w->set, hash);
	if (!was || was == (uint32_t)owner + 1)
		return 0;
	w->d->changed++;
	c = change_of(w->d, &w->d->owners[was - 1], &w->d->owners[owner]);
	if (!c) {
		w->d->changes_lost++;
		return 0;
	}
	c->entries++;
	return add_example(c->examples, &c->example_count, layer, e, true, err);
}

static int changes(struct diff *d, struct error *err)
{
	struct work w = { .d = d };
	uint64_t visible = 0;
	int r;

	for (size_t i = 0; i < d->owner_count; i++)
		visible += d->owners[i].of[DIFF_OLD].visible;
	d->changes = calloc(DIFF_CHANGES_MAX, sizeof(*d->changes));
	if (!d->changes)
		return err_nomem(err);
	r = diff_set_init(&w.set, visible, err);
	while (r >= 0 && diff_set_next(&w.set)) {
		r = walk(&w, DIFF_OLD, remember, err);
		if (r >= 0)
			r = walk(&w, DIFF_NEW, compare, err);
	}
	diff_set_free(&w.set);
	return r;
}

/* An owner outside a map is one thing, in whatever way its targets take it. */
static uint64_t hash_of(const struct finding *f)
{
	bool of_owner = f->rule == RULE_OWNER_OUTSIDE_MAP || f->rule == RULE_OWNER_BECOMES_ROOT ||
			f->rule == RULE_OWNER_BECOMES_NOBODY || f->rule == RULE_OWNER_WRAPS;
	struct {
		uint64_t path, subject;
		int64_t uid, gid;
		uint32_t what, kind;
	} key = {
		.uid = f->has_uid ? f->uid : 0,
		.gid = f->has_gid ? f->gid : 0,
		.what = (uint32_t)(of_owner ? RULE_OWNER_OUTSIDE_MAP : f->rule) << 3 |
			(uint32_t)(f->level == LEVEL_NOTE) << 2 | (uint32_t)f->has_uid << 1 |
			f->has_gid,
	};

	if (f->entry) {
		key.path = inv_path_hash(f->entry->path, f->entry->path_len);
		key.kind = f->entry->kind;
	} else if (f->path) {
		key.path = inv_path_hash(f->path, strlen(f->path));
	}
	/* Another word for the same USER changes nothing. */
	if (f->rule == RULE_PASSWD_OUTSIDE_MAP && f->subject)
		key.subject = inv_path_hash(f->subject, strlen(f->subject));
	return inv_path_hash((const char *)&key, sizeof(key));
}

static int put_finding(void *ctx, const struct finding *f, struct error *err)
{
	struct work *w = ctx;
	uint64_t hash = hash_of(f);

	return diff_set_holds(&w->set, hash) && f->targets
		       ? diff_set_put(&w->set, hash, f->targets, err)
		       : 0;
}

static int ask_finding(void *ctx, const struct finding *f, struct error *err)
{
	struct work *w = ctx;
	uint64_t hash = hash_of(f);
	struct finding left = *f;

	if (!diff_set_holds(&w->set, hash))
		return 0;
	left.targets &= ~diff_set_get(&w->set, hash);
	return left.targets ? w->fn(w->ctx, &left, err) : 0;
}

int diff_each(struct diff *d, enum diff_side side, check_finding_fn *fn, void *ctx,
	      struct error *err)
{
	struct check *here = d->of[side], *there = d->of[!side];
	struct work w = { .d = d, .fn = fn, .ctx = ctx };
	uint64_t count = 0;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(there->counts); i++)
		count += there->counts[i];
	r = diff_set_init(&w.set, count, err);
	while (r >= 0 && diff_set_next(&w.set)) {
		r = check_each(there, put_finding, &w, err);
		if (r >= 0)
			r = check_each(here, ask_finding, &w, err);
	}
	diff_set_free(&w.set);
	return r;
}

static void count_one(const struct diff *d, uint64_t *all, struct diff_target *targets, bool came,
		      const struct finding *f)
{
	all[f->level]++;
	for (size_t i = 0; i < d->of[DIFF_NEW]->target_count; i++)
		if (f->targets >> i & 1)
			(came ? targets[i].came : targets[i].went)[f->level]++;
}

static int count_came(void *ctx, const struct finding *f, struct error *err)
{
	struct diff *d = ctx;

	(void)err;
	count_one(d, d->came, d->targets, true, f);
	return 0;
}

static int count_went(void *ctx, const struct finding *f, struct error *err)
{
	struct diff *d = ctx;

	(void)err;
	count_one(d, d->went, d->targets, false, f);
	return 0;
}

static bool user_changed(const struct exec_user *a, const struct exec_user *b)
{
	return strcmp(a->text ? a->text : "", b->text ? b->text : "") != 0 || a->uid != b->uid ||
	       a->gid != b->gid;
}

int diff_images(struct diff **out, struct image *old, struct image *new,
		const struct check_options *opts, struct error *err)
{
	_cleanup_(diff_freep) struct diff *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_nomem(err);
	r = check_image(&d->of[DIFF_OLD], old, opts, err);
	if (r >= 0)
		r = check_image(&d->of[DIFF_NEW], new, opts, err);
	if (r >= 0)
		r = owners(d, err);
	if (r >= 0)
		r = changes(d, err);
	if (r >= 0)
		r = diff_each(d, DIFF_NEW, count_came, d, err);
	if (r >= 0)
		r = diff_each(d, DIFF_OLD, count_went, d, err);
	if (r < 0)
		return r;
	d->user_changed = user_changed(&d->of[DIFF_OLD]->user.user, &d->of[DIFF_NEW]->user.user);
	for (int level = opts->fail_on; level <= LEVEL_ERROR; level++)
		d->worse |= d->came[level];
	*out = STEAL(d);
	return 0;
}

static void places_done(struct diff_place *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].path);
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->owner_count; i++)
		for (int side = 0; side < 2; side++)
			places_done(d->owners[i].of[side].examples,
				    d->owners[i].of[side].example_count);
	free(d->owners);
	for (size_t i = 0; i < d->change_count; i++)
		places_done(d->changes[i].examples, d->changes[i].example_count);
	free(d->changes);
	check_free(d->of[DIFF_OLD]);
	check_free(d->of[DIFF_NEW]);
	free(d);
}
