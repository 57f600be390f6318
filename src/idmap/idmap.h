/* One ID map of a user namespace: container ids to host ids, as extents.
 * Terms and limits: user_namespaces(7), kernel/user_namespace.c map_write().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define IDMAP_EXTENTS_MAX 340 /* Linux 4.15 and later; 5 before */

struct idmap_extent {
	uint32_t container; /* first id inside */
	uint32_t host;	    /* first id outside; without meaning unless the map's has_host */
	uint32_t count;	    /* never 0; container + count <= 2^32 - 1 */
};

/* Extents are sorted by container id and do not overlap on that side. */
struct idmap {
	struct idmap_extent *extents;
	size_t count;
	bool has_host; /* false for a bare range such as "0-65535": rules that need it cannot be
			  decided */
};

/* The two maps of a namespace; they are separate always. */
struct idmap_pair {
	struct idmap uid, gid;
};

void idmap_free(struct idmap *m);
void idmap_pair_free(struct idmap_pair *p);
static inline void idmap_pair_freep(struct idmap_pair *p)
{
	idmap_pair_free(p);
}

/* Adds an extent; the map stays sorted, neighbours that continue each other on both sides join.
 * -ERR_USAGE for count 0, an id of 2^32-1, a wrap, an overlap on either side (the container side
 * alone where !has_host), or more than IDMAP_EXTENTS_MAX extents; the map is then as it was. The
 * caller sets has_host before the first extent. */
int idmap_add(struct idmap *m, struct idmap_extent e, struct error *err) _must_check_;

/* As idmap_add, but what the map held of e's ids, on either side, gives way (podman's '+'). On an
 * error the map is as it was. */
int idmap_replace(struct idmap *m, struct idmap_extent e, struct error *err) _must_check_;

/* *out is overwritten, not freed; untouched on an error. */
int idmap_copy(struct idmap *out, const struct idmap *m, struct error *err) _must_check_;

/* Each container id of m to itself: a map with a host side. *out is overwritten, not freed;
 * untouched on an error. */
int idmap_identity(struct idmap *out, const struct idmap *m, struct error *err) _must_check_;

/* True where both have the same extents, host side included where both have one. */
bool idmap_same(const struct idmap *a, const struct idmap *b);

/* True where the id lies in an extent; *host (may be NULL) gets the host id, only where has_host.
 * id is what a header held, so any 64-bit number; below 0 and above 2^32-2 never maps. */
bool idmap_lookup(const struct idmap *m, int64_t id, uint32_t *host);

/* The host id of container id 0. False where 0 is not mapped or !has_host. */
bool idmap_root_host(const struct idmap *m, uint32_t *host);

/* Whole map as text: "0-65535, 70000" (container side), appended to out. 0 or -ERR_NOMEM. */
struct buf;
int idmap_print_ranges(const struct idmap *m, struct buf *out) _must_check_;
