/* A map in the notation of the engine that is to have it.
 */
#include <inttypes.h>

#include "base/buf.h"
#include "report/suggest.h"

struct lines {
	const struct suggestion *s;
	suggest_line_fn *fn;
	void *ctx;
	struct buf line;
};

/* Tells the line that has been put together. */
static int tell(struct lines *l, const char *where, int r, struct error *err)
{
	if (r < 0)
		return err_nomem(err);
	r = l->fn(l->ctx, where, buf_str(&l->line), err);
	buf_clear(&l->line);
	return r;
}

/* The host ids of a map but id 0's own, which nobody has to hand out: they run on from the first.
 */
static int subid_line(struct lines *l, const char *where, const struct idmap *m, uint64_t count,
		      struct error *err)
{
	const struct idmap_extent *first = &m->extents[l->s->row->own ? 1 : 0];

	if (!count)
		return 0;
	return tell(l, where,
		    buf_printf(&l->line, "%s:%" PRIu32 ":%" PRIu64, l->s->row->owner, first->host,
			       count),
		    err);
}

static int subid_lines(struct lines *l, struct error *err)
{
	const struct suggestion *s = l->s;
	int r = 0;

	if (!s->row->owner)
		return 0;
	r = subid_line(l, "/etc/subuid", &s->map.uid, s->uids, err);
	return r < 0 ? r : subid_line(l, "/etc/subgid", &s->map.gid, s->gids, err);
}

static int podman_map(struct buf *out, const char *option, const struct idmap *m)
{
	int r = 0;

	for (size_t i = 0; i < m->count && r >= 0; i++)
		r = buf_printf(out, "%s%s %" PRIu32 ":%" PRIu32 ":%" PRIu32, out->len ? " " : "",
			       option, m->extents[i].container, m->extents[i].host,
			       m->extents[i].count);
	return r;
}

static int podman(struct lines *l, struct error *err)
{
	int r = podman_map(&l->line, "--uidmap", &l->s->map.uid);

	if (r >= 0)
		r = podman_map(&l->line, "--gidmap", &l->s->map.gid);
	return tell(l, "podman run", r, err);
}

static int podman_auto(struct lines *l, struct error *err)
{
	int r = subid_lines(l, err);

	if (r < 0)
		return r;
	return tell(l, "podman run",
		    buf_printf(&l->line, "--userns=auto:size=%" PRIu64, l->s->uids), err);
}

/* A node has 110 pods unless told otherwise, and the kubelet wants room for all of them. */
#define KUBELET_PODS 110

static int kubelet(struct lines *l, struct error *err)
{
	int r = tell(l, "kubelet config",
		     buf_printf(&l->line, "userNamespaces: {idsPerPod: %" PRIu64 "}", l->s->uids),
		     err);

	if (r < 0 || l->s->pods >= KUBELET_PODS)
		return r;
	return tell(l, "kubelet config", buf_printf(&l->line, "maxPods: %" PRIu64, l->s->pods),
		    err);
}

static int lxc_map(struct lines *l, char kind, const struct idmap *m, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < m->count && r >= 0; i++)
		r = tell(l, "lxc config",
			 buf_printf(&l->line, "lxc.idmap = %c %" PRIu32 " %" PRIu32 " %" PRIu32,
				    kind, m->extents[i].container, m->extents[i].host,
				    m->extents[i].count),
			 err);
	return r;
}

static int lxc(struct lines *l, struct error *err)
{
	int r = subid_lines(l, err);

	if (r >= 0)
		r = lxc_map(l, 'u', &l->s->map.uid, err);
	return r < 0 ? r : lxc_map(l, 'g', &l->s->map.gid, err);
}

static int incus_range(struct buf *out, uint32_t first, uint32_t count)
{
	if (count == 1)
		return buf_printf(out, " %" PRIu32, first);
	return buf_printf(out, " %" PRIu32 "-%" PRIu64, first, (uint64_t)first + count - 1);
}

/* The container's own range stands already: what passes it is told, and handed to root. */
static int incus_map(struct lines *l, bool gid, struct error *err)
{
	const struct idmap *m = gid ? &l->s->map.gid : &l->s->map.uid;
	uint32_t usual = (uint32_t)l->s->row->usual_last + 1;
	int r = 0;

	for (size_t i = 0; i < m->count && r >= 0; i++) {
		struct idmap_extent e = m->extents[i];

		if (e.container < usual) {
			if ((uint64_t)e.container + e.count <= usual)
				continue;
			e.host += usual - e.container;
			e.count -= usual - e.container;
			e.container = usual;
		}
		r = tell(l, gid ? "/etc/subgid" : "/etc/subuid",
			 buf_printf(&l->line, "%s:%" PRIu32 ":%" PRIu32, l->s->row->owner, e.host,
				    e.count),
			 err);
		if (r < 0)
			break;
		r = buf_append_str(&l->line, gid ? "gid" : "uid");
		if (r >= 0)
			r = incus_range(&l->line, e.host, e.count);
		if (r >= 0)
			r = incus_range(&l->line, e.container, e.count);
		r = tell(l, "raw.idmap", r, err);
	}
	return r;
}

static int incus(struct lines *l, struct error *err)
{
	int r = incus_map(l, false, err);

	return r < 0 ? r : incus_map(l, true, err);
}

static int oci_map(struct buf *out, const char *key, const struct idmap *m)
{
	int r = buf_printf(out, "\"%s\":[", key);

	for (size_t i = 0; i < m->count && r >= 0; i++)
		r = buf_printf(out,
			       "%s{\"containerID\":%" PRIu32 ",\"hostID\":%" PRIu32
			       ",\"size\":%" PRIu32 "}",
			       i ? "," : "", m->extents[i].container, m->extents[i].host,
			       m->extents[i].count);
	return r < 0 ? r : buf_append_str(out, "]");
}

static int oci(struct lines *l, struct error *err)
{
	int r = subid_lines(l, err);

	if (r < 0)
		return r;
	r = buf_append_str(&l->line, "{\"linux\":{");
	if (r >= 0)
		r = oci_map(&l->line, "uidMappings", &l->s->map.uid);
	if (r >= 0)
		r = buf_append_str(&l->line, ",");
	if (r >= 0)
		r = oci_map(&l->line, "gidMappings", &l->s->map.gid);
	if (r >= 0)
		r = buf_append_str(&l->line, "}}");
	return tell(l, "config.json", r, err);
}

int suggest_lines(const struct suggestion *s, suggest_line_fn *fn, void *ctx, struct error *err)
{
	static int (*const forms[])(struct lines * l, struct error * err) = {
		[SUGGEST_SUBID] = subid_lines, [SUGGEST_PODMAN] = podman,
		[SUGGEST_AUTO] = podman_auto,  [SUGGEST_KUBELET] = kubelet,
		[SUGGEST_LXC] = lxc,	       [SUGGEST_INCUS] = incus,
		[SUGGEST_OCI] = oci,	       [SUGGEST_OCI_SUBID] = oci,
	};
	struct lines l = { .s = s, .fn = fn, .ctx = ctx };
	int r;

	if (s->why != SUGGEST_POSSIBLE)
		return 0;
	r = forms[s->row->form](&l, err);
	buf_free(&l.line);
	return r < 0 ? r : 0;
}

const char *suggest_why_text(const struct suggestion *s)
{
	static const char *const words[] = {
		[SUGGEST_POSSIBLE] = "",
		[SUGGEST_NO_HOST_IDS] = "a host has not that many ids",
		[SUGGEST_NO_POD] = "a node has not that many ids, even for one pod",
	};

	return words[s->why];
}
