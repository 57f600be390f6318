/* Each distinct owner is judged once under each target; entries then only look the verdict up. */
#include "target/check-internal.h"

#include "base/num.h"
#include "target/sparse-log.h"

enum verdict { INSIDE, OUTSIDE, WRAPS, BECOMES_ROOT };

bool judge_wraps_to_root(int64_t id)
{
	if (id >= 0 && id < ID_INVALID)
		return false;
	return (uint32_t)id == 0 || (uint32_t)id == ID_INVALID;
}

static enum verdict judge_id(const struct idmap *map, const struct engine *e, int64_t id)
{
	uint32_t root, cut = (uint32_t)id;

	if (e->root_exemption && id && idmap_root_host(map, &root) && id == root)
		return BECOMES_ROOT;
	if (id >= 0 && id < ID_INVALID)
		return idmap_lookup(map, id, NULL) ? INSIDE : OUTSIDE;
	if (e->compare == COMPARE_INT64)
		return OUTSIDE;
	if (cut == ID_INVALID)
		return e->minus_one_keeps ? WRAPS : OUTSIDE;
	return idmap_lookup(map, cut, NULL) ? WRAPS : OUTSIDE;
}

uint32_t judge_outside(const struct check *c, int64_t id, bool is_gid)
{
	const struct judge *j = c->judge;
	uint32_t out = 0;

	for (size_t i = 0; i < j->targets; i++)
		if (!idmap_lookup(is_gid ? j->gid_map[i] : j->uid_map[i], id, NULL))
			out |= 1u << i;
	return out;
}

static void put(enum verdict v, uint32_t bit, uint32_t *out, uint32_t *root, uint32_t *wrap)
{
	if (v == OUTSIDE)
		*out |= bit;
	else if (v == BECOMES_ROOT)
		*root |= bit;
	else if (v == WRAPS)
		*wrap |= bit;
}

static bool names_it(const struct known_ids *k, int64_t id)
{
	return id == 0 || id == ID_OVERFLOW || known_ids_has(k, id);
}

/* Whether names are known well enough to miss one. */
static bool asks_names(const struct check *c, const struct known_ids *k)
{
	const struct judge *j = c->judge;

	if (k->unread || c->image->unread)
		return false;
	return k->any_file ||
	       (!c->image->source->has_config && !j->uids.any_file && !j->gids.any_file);
}

void judge_owner(const struct check *c, const struct inv_owner *o, struct judged_owner *out)
{
	const struct judge *j = c->judge;

	for (size_t i = 0; i < j->targets; i++) {
		const struct engine *e = c->opts->uses[i].target->engine;
		uint32_t bit = 1u << i;

		put(judge_id(j->uid_map[i], e, o->uid), bit, &out->uid_out, &out->uid_root,
		    &out->uid_wrap);
		put(judge_id(j->gid_map[i], e, o->gid), bit, &out->gid_out, &out->gid_root,
		    &out->gid_wrap);
	}
	out->unnamed = (asks_names(c, &j->uids) && !names_it(&j->uids, o->uid)) ||
		       (asks_names(c, &j->gids) && !names_it(&j->gids, o->gid));
}

static bool owner_is_quiet(const struct judged_owner *o)
{
	return !(o->uid_out | o->gid_out | o->uid_root | o->gid_root | o->uid_wrap | o->gid_wrap) &&
	       !o->unnamed;
}

static int judge_inventory(const struct check *c, struct judged_inventory *ji,
			   const struct layer_inventory *inv, struct error *err)
{
	const unsigned loud = INV_HAS_ACL_IDS | INV_ACL_INVALID | INV_ACL_MISPLACED |
			      INV_CAP_ROOTID | INV_CAP_INVALID;

	ji->inventory = inv;
	ji->quiet = !(inv->flags_seen & loud) && inv->largest <= SPARSE_LOG_SIZE;
	ji->owners = calloc(inv->owner_count ? inv->owner_count : 1, sizeof *ji->owners);
	if (!ji->owners)
		return err_nomem(err);
	for (size_t i = 0; i < inv->owner_count; i++) {
		judge_owner(c, &inv->owners[i], &ji->owners[i]);
		ji->quiet = ji->quiet && owner_is_quiet(&ji->owners[i]);
	}
	return 0;
}

/* A map that grows holds whatever the image asks for, up to its largest size. */
static int judge_grown(struct judge *j, size_t i, const struct target *t, struct error *err)
{
	struct idmap_extent all = { .container = 0, .host = 0, .count = (uint32_t)t->max_size };
	int r = idmap_add(&j->grown[i], all, err);

	j->auto_size |= 1u << i;
	j->uid_map[i] = j->gid_map[i] = &j->grown[i];
	return r;
}

static int judge_target(struct judge *j, size_t i, const struct target_use *use, struct error *err)
{
	const struct engine *e = use->target->engine;
	uint32_t bit = 1u << i;

	j->all |= bit;
	for (int k = 0; k < INV_KIND_COUNT; k++)
		if (e->owners[k] != OWNER_SKIPPED)
			j->consult[k] |= bit;
	j->owner_by[e->owner_outcome] |= bit;
	j->acl_by[e->acl_outcome] |= bit;
	j->xattr_invalid_by[e->xattr_invalid_outcome] |= bit;
	j->capability_by[e->capability_outcome] |= bit;
	j->user_by[e->user_outcome] |= bit;
	j->passwd_by[e->passwd_outcome] |= bit;
	if (e->absolute_root)
		j->absolute_root |= bit;
	if (e->visible_only)
		j->visible_only |= bit;
	if (e->root_exemption && (!use->map.uid.has_host || !use->map.gid.has_host))
		j->undecidable |= bit;
	j->uid_map[i] = &use->map.uid;
	j->gid_map[i] = &use->map.gid;
	if (use->target->max_size && !use->map_given)
		return judge_grown(j, i, use->target, err);
	return 0;
}

static int judge_layers(struct check *c, struct error *err)
{
	struct judge *j = c->judge;
	size_t n = c->image->layer_count ? c->image->layer_count : 1;

	j->inventories = calloc(n, sizeof *j->inventories);
	j->of_layer = calloc(n, sizeof *j->of_layer);
	if (!j->inventories || !j->of_layer)
		return err_nomem(err);
	for (size_t i = 0; i < c->image->layer_count; i++) {
		const struct layer_inventory *inv = c->image->layers[i].inventory;
		size_t k = 0;
		int r = 0;

		while (k < j->inventory_count && j->inventories[k].inventory != inv)
			k++;
		j->of_layer[i] = k;
		if (k == j->inventory_count) {
			j->inventory_count++;
			r = judge_inventory(c, &j->inventories[k], inv, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int judge_make(struct check *c, struct error *err)
{
	struct judge *j = calloc(1, sizeof *j);
	int r = 0;

	if (!j)
		return err_nomem(err);
	c->judge = j;
	j->targets = c->opts->use_count;
	for (size_t i = 0; i < j->targets && !r; i++)
		r = judge_target(j, i, &c->opts->uses[i], err);
	if (!r && !c->image->unread)
		r = known_ids_load(&j->uids, &j->gids, c->image, err);
	return r ? r : judge_layers(c, err);
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < CHECK_TARGETS_MAX; i++)
		idmap_free(&j->grown[i]);
	for (size_t i = 0; i < j->inventory_count; i++)
		free(j->inventories[i].owners);
	known_ids_free(&j->uids);
	known_ids_free(&j->gids);
	free(j->inventories);
	free(j->of_layer);
	free(j->user_of_layer);
	free(j);
}
