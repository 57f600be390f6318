/* The smallest map that holds a set of ids within bounds on its extents.
 *
 * Ids that nobody needs and that stand between two needed ones are mapped only where the bound
 * leaves no extent to go around them, the narrowest holes first: no other choice maps fewer ids.
 */
#pragma once

#include "idmap/idmap.h"
#include "idmap/idset.h"

/* A map's text as the kernel takes it is below one page (user_namespaces(7)). */
#define IDMAP_TEXT_MAX 4095

struct smallest_rule {
	size_t extents_max;  /* 1 to IDMAP_EXTENTS_MAX */
	size_t text_max;     /* bytes of all lines "CONTAINER HOST COUNT\n"; 0: any */
	uint32_t first_host; /* host ids are laid out from here on, in the order of the ids */
	bool own; /* id 0 is an extent of its own on own_host, as rootless engines have it: an
		     extent may not reach over two of the parent's */
	uint32_t own_host;
};

/* Fills *out (zeroed; owned by the caller). ids is tidy. 0, or 1 where there is no such map: the
 * set is empty, the host ids would pass 2^32-2 or meet own_host, or nothing is within text_max. */
int idmap_smallest(struct idmap *out, const struct idset *ids, const struct smallest_rule *rule,
		   struct error *err) _must_check_;

/* Bytes of a map as lines of /proc/PID/uid_map, each number as short as it is. */
size_t idmap_text_size(const struct idmap *m);

/* Ids that a map holds. */
uint64_t idmap_size(const struct idmap *m);
