/* How this process can give files the owners of a map, and a container its ids: as root of the
 * host, as root of a namespace that it is in already, or in one that it makes.
 */
#pragma once

#include "host/host.h"
#include "target/target.h"

enum way_kind {
	WAY_HOST,    /* root: any id of its own namespace */
	WAY_INSIDE,  /* root of a user namespace that holds some ids only: those */
	WAY_HELPERS, /* an ordinary user: in a namespace made with newuidmap and newgidmap */
	WAY_ALONE,   /* one without subordinate ids: in a namespace of the own id alone */
};

struct way {
	enum way_kind kind;
	/* Container ids to what chown(2) is told where the files are written: host ids on WAY_HOST,
	 * else each to itself. */
	struct idmap_pair owners;
	/* The namespace in which the container lives: container ids to those of the one around it.
	 * On WAY_INSIDE what /proc/self/uid_map says. */
	struct idmap_pair space;
	/* One uid and one gid is all there is: files cannot have owners, only remember them. */
	bool single;
	/* The ids of the host were chosen here: neither the map nor the target says. */
	bool chosen;
	/* The target's range is wider than what there is: it counts no more. */
	bool narrowed;
};

/* keep: where neither says which ids of the host, root leaves the image's own (unpack); else it
 * takes those that dockerd is told to use, or a stretch that /etc/subuid gives to nobody (run).
 *
 * ERR_DENIED, with the ids, where the map names some of the host that are not this user's. */
int way_find(struct way *out, const struct target_use *use, const struct host *h, bool keep,
	     struct error *err) _must_check_;
void way_free(struct way *w);
static inline void way_freep(struct way *w)
{
	way_free(w);
}
