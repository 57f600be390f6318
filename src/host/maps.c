/* The maps that engines make of what a host gives. */
#include "host/host.h"

static int pair(struct idmap_pair *out, const struct subid_spans *uid,
		const struct subid_spans *gid, const struct host_user *own, struct error *err)
{
	struct idmap_pair maps = { 0 };
	int r = subid_lay_out(&maps.uid, uid, own, own ? own->uid : 0, err);

	if (r == 0)
		r = subid_lay_out(&maps.gid, gid, own, own ? own->gid : 0, err);
	if (r < 0) {
		idmap_pair_free(&maps);
		return r;
	}
	*out = maps;
	return 0;
}

int host_rootless_map(struct idmap_pair *out, const struct host *h, struct error *err)
{
	const struct subid_spans *uid = host_spans(&h->user, SUBID_UID);
	const struct subid_spans *gid = host_spans(&h->user, SUBID_GID);

	if (!uid->count || !gid->count)
		return 1;
	return pair(out, uid, gid, &h->user, err);
}

/* dockerd reads the files itself. */
int host_docker_map(struct idmap_pair *out, const struct host *h, struct error *err)
{
	const struct host_user *u = &h->docker.user;

	if (!h->docker.remap || h->docker.remap_off || !u->file[SUBID_UID].count ||
	    !u->file[SUBID_GID].count)
		return 1;
	return pair(out, &u->file[SUBID_UID], &u->file[SUBID_GID], NULL, err);
}

static int own_map(struct idmap_pair *out, const struct host *h, struct error *err)
{
	struct idmap_pair maps = { 0 };
	int r = idmap_copy(&maps.uid, &h->process.map.uid, err);

	if (r == 0)
		r = idmap_copy(&maps.gid, &h->process.map.gid, err);
	if (r < 0)
		idmap_pair_free(&maps);
	else
		*out = maps;
	return r;
}

int host_map(struct idmap_pair *out, enum host_map_kind *kind, const struct host *h,
	     struct error *err)
{
	static const struct subid_spans none;
	int r;

	if (h->process.nested) {
		*kind = HOST_MAP_NESTED;
		return own_map(out, h, err);
	}
	if (h->user.uid) {
		*kind = HOST_MAP_ROOTLESS;
		r = host_rootless_map(out, h, err);
		if (r != 1)
			return r;
		*kind = HOST_MAP_SINGLE;
		return pair(out, &none, &none, &h->user, err);
	}
	*kind = HOST_MAP_DOCKER;
	r = host_docker_map(out, h, err);
	if (r != 1)
		return r;
	*kind = HOST_MAP_ALL;
	return own_map(out, h, err);
}
