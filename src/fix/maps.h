/* The ids that every target takes: the intersection of their maps, users and groups apart.
 */
#pragma once

#include "idmap/idset.h"
#include "target/target.h"

struct fix_maps {
	struct idset uid, gid; /* tidy */
};

/* An id that an engine takes for root (moby's exemption) is in no map. A target whose map grows has
 * it grown. ERR_LIMIT, ERR_NOMEM. */
int fix_maps_make(struct fix_maps *out, const struct target_use *uses, size_t count,
		  struct error *err) _must_check_;
void fix_maps_free(struct fix_maps *m);

/* id is as a header says it. */
bool fix_maps_hold(const struct fix_maps *m, bool is_gid, int64_t id);

/* out (empty before) gets what both tidy sets hold, tidy. */
int idset_common(struct idset *out, const struct idset *a, const struct idset *b,
		 struct error *err) _must_check_;
/* out (empty before) gets the ids of a that are not among the sorted ids. */
int idset_without(struct idset *out, const struct idset *a, const uint32_t *ids, size_t count,
		  struct error *err) _must_check_;
