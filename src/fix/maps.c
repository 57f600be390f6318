#include "fix/maps.h"

#include "base/num.h"

int idset_common(struct idset *out, const struct idset *a, const struct idset *b, struct error *err)
{
	for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
		uint32_t first = MAX(a->ranges[i].first, b->ranges[k].first);
		uint32_t last = MIN(a->ranges[i].last, b->ranges[k].last);
		int r = first <= last ? idset_add(out, first, last, err) : 0;

		if (r < 0)
			return r;
		if (a->ranges[i].last < b->ranges[k].last)
			i++;
		else
			k++;
	}
	idset_tidy(out);
	return 0;
}

int idset_without(struct idset *out, const struct idset *a, const uint32_t *ids, size_t count,
		  struct error *err)
{
	size_t k = 0;
	int r = 0;

	for (size_t i = 0; i < a->count && r == 0; i++) {
		uint64_t first = a->ranges[i].first, last = a->ranges[i].last;

		while (k < count && ids[k] < first)
			k++;
		for (; k < count && ids[k] <= last && r == 0; k++) {
			if (ids[k] > first)
				r = idset_add(out, (uint32_t)first, ids[k] - 1, err);
			first = (uint64_t)ids[k] + 1;
		}
		if (r == 0 && first <= last)
			r = idset_add(out, (uint32_t)first, (uint32_t)last, err);
	}
	idset_tidy(out);
	return r;
}

static int side_of(struct idset *out, const struct target_use *use, bool is_gid, struct error *err)
{
	const struct idmap *map = is_gid ? &use->map.gid : &use->map.uid;
	struct idset all = { 0 };
	uint32_t root;
	int r = 0;

	if (use->target->max_size && !use->map_given)
		r = idset_add(&all, 0, (uint32_t)use->target->max_size - 1, err);
	else
		for (size_t i = 0; i < map->count && r == 0; i++)
			r = idset_add(&all, map->extents[i].container,
				      map->extents[i].container + (map->extents[i].count - 1), err);
	idset_tidy(&all);
	if (r == 0 && use->target->engine->root_exemption && idmap_root_host(map, &root) && root)
		r = idset_without(out, &all, &root, 1, err);
	else if (r == 0)
		r = idset_add_set(out, &all, err);
	idset_tidy(out);
	idset_free(&all);
	return r;
}

static int intersect(struct idset *both, const struct target_use *use, bool is_gid,
		     struct error *err)
{
	struct idset one = { 0 }, common = { 0 };
	int r = side_of(&one, use, is_gid, err);

	if (r == 0)
		r = idset_common(&common, both, &one, err);
	idset_free(&one);
	idset_free(both);
	*both = common;
	return r;
}

int fix_maps_make(struct fix_maps *out, const struct target_use *uses, size_t count,
		  struct error *err)
{
	int r;

	*out = (struct fix_maps){ 0 };
	r = idset_add(&out->uid, 0, ID_INVALID - 1, err);
	if (r == 0)
		r = idset_add(&out->gid, 0, ID_INVALID - 1, err);
	idset_tidy(&out->uid);
	idset_tidy(&out->gid);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = intersect(&out->uid, &uses[i], false, err);
		if (r == 0)
			r = intersect(&out->gid, &uses[i], true, err);
	}
	if (r < 0)
		fix_maps_free(out);
	return r;
}

void fix_maps_free(struct fix_maps *m)
{
	idset_free(&m->uid);
	idset_free(&m->gid);
}

bool fix_maps_hold(const struct fix_maps *m, bool is_gid, int64_t id)
{
	return id >= 0 && id < ID_INVALID && idset_has(is_gid ? &m->gid : &m->uid, (uint32_t)id);
}
