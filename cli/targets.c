#include "targets.h"

#include "map.h"

static int parse_maps(struct idmap_pair *out, const struct word_list *list, enum idmap_which which,
		      const struct common_options *common, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		int r = cli_map_option(out, list->words[i], which, common, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --map, --uidmap, --gidmap into one pair. Where only users or only groups were named, the other is
 * the same, as podman has it. */
static int read_maps(struct idmap_pair *out, const struct target_choice *o,
		     const struct common_options *common, struct error *err)
{
	int r = parse_maps(out, &o->map, IDMAP_BOTH, common, err);

	if (r >= 0)
		r = parse_maps(out, &o->uidmap, IDMAP_UID, common, err);
	if (r >= 0)
		r = parse_maps(out, &o->gidmap, IDMAP_GID, common, err);
	if (r < 0)
		return r;
	if (!out->uid.count)
		return idmap_copy(&out->uid, &out->gid, err);
	return out->gid.count ? 0 : idmap_copy(&out->gid, &out->uid, err);
}

int cli_targets(struct target_use **uses, size_t *count, const struct target_choice *o,
		const struct common_options *common, struct error *err)
{
	_cleanup_(idmap_pair_freep) struct idmap_pair map = { 0 };
	_cleanup_(buf_freep) struct buf names = { 0 };
	int r;

	for (size_t i = 0; i < o->targets.count; i++)
		if (buf_printf(&names, "%s%s", i ? "," : "", o->targets.words[i]) < 0)
			return err_nomem(err);
	r = target_parse_list(uses, count, o->targets.count ? buf_str(&names) : "docker", err);
	if (r >= 0 && *count > TARGET_USES_MAX)
		r = err_fail(err, ERR_USAGE, 0, "--for: more than %d targets", TARGET_USES_MAX);
	if (r < 0 || !(o->map.count + o->uidmap.count + o->gidmap.count))
		return r;
	r = read_maps(&map, o, common, err);
	return r < 0 ? r : target_use_map(*uses, *count, &map, err);
}
