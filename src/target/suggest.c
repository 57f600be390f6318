#include "target/suggest.h"

#include <string.h>

#include "base/macro.h"
#include "base/num.h"

#define SIXTY_FOUR_K 65536u

static const struct suggest_row rows[] = {
	{ "docker", "Docker with userns-remap", SUGGEST_SUBID, "dockremap", 1, false, false, 1,
	  65535, "restart dockerd; its images start anew in a directory of their own",
	  "dockerd lays ranges end to end from id 0: no holes",
	  "moby/sys/user idtools_unix.go; dockerd 20.10.24" },
	{ "docker-rootless", "Docker, nerdctl and BuildKit, rootless", SUGGEST_SUBID, "USER", 2,
	  true, false, 1, 65536, "restart the user's daemon",
	  "rootlesskit lays ranges end to end from id 1: no holes",
	  "rootlesskit pkg/parent newugidmapArgsFromSubIDRanges" },
	{ "podman", "Podman and Buildah, rootless", SUGGEST_SUBID, "USER", 2, true, false, 1, 65536,
	  "podman system migrate",
	  "layers are extracted under this map, whatever --uidmap says later: no holes",
	  "containers/storage pkg/unshare; podman 4.3.1" },
	{ "podman-uidmap", "Podman as root, --uidmap", SUGGEST_PODMAN, NULL, IDMAP_EXTENTS_MAX,
	  false, false, 1, -1, "",
	  "podman 4.3 with the overlay driver cannot mount an image under a map of several "
	  "ranges (permission denied); vfs can",
	  "podman 4.3.1, run; podman-run(1); kernel/user_namespace.c map_write" },
	{ "podman-auto", "Podman as root, --userns=auto", SUGGEST_AUTO, "containers", 1, false,
	  true, 1, 65535, "", "one size for users and groups, from id 0: no holes",
	  "containers/storage userns.go: a size that is asked for passes auto-userns-max-size" },
	{ "kubernetes", "Kubernetes, hostUsers: false", SUGGEST_KUBELET, NULL, 1, false, true,
	  SIXTY_FOUR_K, 65535, "restart the kubelet",
	  "one extent from id 0, of a multiple of 65536 ids, for users and groups alike",
	  "kubelet userns_manager.go; containerd internal/cri/server/helpers.go" },
	{ "lxc", "LXC", SUGGEST_LXC, "root", IDMAP_EXTENTS_MAX, false, false, 1, 65535, "", "",
	  "lxc.container.conf(5); lxc src/lxc/idmap_utils.c (4096 bytes)" },
	{ "incus", "Incus and LXD", SUGGEST_INCUS, "root", IDMAP_EXTENTS_MAX, false, false, 1,
	  65535, "restart the container", "", "incus doc, raw.idmap" },
	{ "oci", "runc and crun as root, config.json", SUGGEST_OCI, NULL, IDMAP_EXTENTS_MAX, false,
	  false, 1, -1, "", "", "runtime-spec config-linux.md" },
	{ "runc-rootless", "runc, rootless, config.json", SUGGEST_OCI_SUBID, "USER", 5, true, false,
	  1, -1, "", "runc hands newuidmap five extents at most",
	  "runc libcontainer/nsenter/nsexec.c MAX_ARGV" },
	{ "crun-rootless", "crun, rootless, config.json", SUGGEST_OCI_SUBID, "USER", 6, true, false,
	  1, -1, "", "crun hands newuidmap six extents at most and drops the rest in silence",
	  "crun src/libcrun/linux.c uidgidmap_helper" },
};

const struct suggest_row *suggest_rows(size_t *count)
{
	*count = ARRAY_SIZE(rows);
	return rows;
}

const struct suggest_row *suggest_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
	return NULL;
}

static bool is_contiguous(const struct suggest_row *row)
{
	return row->extents_max == (row->own ? 2u : 1u);
}

static uint32_t highest(const struct idset *s)
{
	uint32_t id = 0;

	(void)idset_highest(s, &id);
	return id;
}

/* One extent from 0 of a size that the engine rounds up. */
static int sized(struct idmap *out, uint64_t count, uint32_t host, struct error *err)
{
	if ((uint64_t)host + count > ID_INVALID)
		return 1;
	out->has_host = true;
	return idmap_add(out, (struct idmap_extent){ 0, host, (uint32_t)count }, err);
}

static int side(struct idmap *out, const struct suggest_row *row, const struct idset *ids,
		uint32_t own_host, const struct suggest_params *params, struct error *err)
{
	_cleanup_(idset_freep) struct idset set = { 0 };
	const struct smallest_rule rule = {
		.extents_max = row->extents_max,
		.text_max = IDMAP_TEXT_MAX,
		.first_host = params->first_host,
		.own = row->own,
		.own_host = own_host,
	};
	int r = idset_add_set(&set, ids, err);

	/* Where id 0 is the user, the ranges begin with id 1. */
	if (r == 0 && row->own && is_contiguous(row) && highest(ids))
		r = idset_add(&set, 1, 1, err);
	if (r == 0 && row->form == SUGGEST_INCUS)
		r = idset_add(&set, 0, (uint32_t)row->usual_last, err);
	idset_tidy(&set);
	return r < 0 ? r : idmap_smallest(out, &set, &rule, err);
}

/* Sizes that are wanted, also where no host can give them. */
static void count_ids(struct suggestion *s, const struct idset *uid, const struct idset *gid)
{
	const struct suggest_row *row = s->row;
	uint64_t own = row->own, uids = (uint64_t)highest(uid) + 1,
		 gids = (uint64_t)highest(gid) + 1;

	s->usual = highest(uid) <= row->usual_last && highest(gid) <= row->usual_last;
	if (!is_contiguous(row)) {
		s->uids = s->map.uid.count ? idmap_size(&s->map.uid) - own : 0;
		s->gids = s->map.gid.count ? idmap_size(&s->map.gid) - own : 0;
		return;
	}
	if (row->same)
		uids = gids = MAX(uids, gids);
	s->uids = (uids + row->unit - 1) / row->unit * row->unit - own;
	s->gids = (gids + row->unit - 1) / row->unit * row->unit - own;
}

static bool is_vast(const struct idmap *m)
{
	for (size_t i = 0; i < m->count; i++)
		if ((uint64_t)m->extents[i].host + m->extents[i].count - 1 > SUGGEST_SUBID_LAST)
			return true;
	return false;
}

/* Both maps have a size of their own, or of the larger. The kubelet's first pod begins at the first
 * multiple of the size. */
static int make_sized(struct suggestion *s, uint32_t host, struct error *err)
{
	int r;

	if (s->row->form == SUGGEST_KUBELET) {
		s->pods = ((1ull << 32) - s->uids) / s->uids;
		if (!s->pods) {
			s->why = SUGGEST_NO_POD;
			return 0;
		}
		host = (uint32_t)s->uids;
	}
	r = sized(&s->map.uid, s->uids, host, err);
	return r ? r : sized(&s->map.gid, s->gids, host, err);
}

int suggest_make(struct suggestion *out, const struct suggest_row *row, const struct idset *uid,
		 const struct idset *gid, const struct suggest_params *params, struct error *err)
{
	struct suggestion s = { .row = row };
	int r;

	if (row->same) {
		count_ids(&s, uid, gid);
		r = make_sized(&s, params->first_host, err);
	} else {
		r = side(&s.map.uid, row, uid, params->own_uid, params, err);
		if (r == 0)
			r = side(&s.map.gid, row, gid, params->own_gid, params, err);
		count_ids(&s, uid, gid);
	}
	if (r == 1)
		s.why = SUGGEST_NO_HOST_IDS;
	if (r < 0 || s.why != SUGGEST_POSSIBLE)
		idmap_pair_free(&s.map);
	s.vast = row->form != SUGGEST_KUBELET && (is_vast(&s.map.uid) || is_vast(&s.map.gid));
	if (r < 0)
		return r;
	*out = s;
	return 0;
}

void suggestion_free(struct suggestion *s)
{
	idmap_pair_free(&s->map);
	*s = (struct suggestion){ 0 };
}
