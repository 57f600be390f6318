/* What an entry's owner, ACL and capability become on disk under a map: the decision alone, no file
 * is touched.
 */
#pragma once

#include "fix/plan.h"
#include "idmap/idmap.h"
#include "inventory/layer.h"

/* How owners stand on disk. */
enum owners_how {
	OWNERS_CHOWN,	 /* host ids, by lchown(2): root, or inside the namespace its own numbers */
	OWNERS_KEEP,	 /* the image's own numbers: an idmapped mount maps them (--idmapped) */
	OWNERS_OVERRIDE, /* the process's own; the image's stand in user.containers.override_stat,
			  * as fuse-overlayfs and containers/storage (force_mask) read it */
	OWNERS_DROP,	 /* the process's own, and nothing kept */
};

/* "UID:GID:0MODE:TYPE" (containers/storage pkg/idtools Stat; fuse-overlayfs, which looks for it
 * only where the root directory has one). */
#define OWNERS_OVERRIDE_XATTR "user.containers.override_stat"
#define OWNERS_OVERRIDE_DIR   "0:0:0755:dir" /* a directory that stands in no entry */

struct owners {
	enum owners_how how;
	const struct idmap_pair *map; /* container to what lchown is to be told: within a user
				       * namespace of our own that is the identity of the map */
	const struct fix_plan *fix;   /* --fix: its policy comes first; or NULL */
	bool wraps;		      /* the engine takes ids modulo 2^32 */
	bool inside; /* the writer is in the namespace: the kernel maps capabilities by itself */
	uint32_t root_uid, root_gid; /* what container 0 is on disk */
};

struct owners_entry {
	uint32_t uid, gid;		 /* for lchown */
	unsigned clear_mode;		 /* bits that fix takes */
	bool unmapped_uid, unmapped_gid; /* the map does not hold it: the caller stops, or as the
					  * target's rules say */
};

/* e as tar says it. Whiteouts outside the map and what engines skip are the caller's matter. */
void owners_of(struct owners_entry *out, const struct owners *o, enum inv_kind kind, unsigned mode,
	       int64_t uid, int64_t gid);

/* An xattr's value with its ids as they shall stand on disk, in place or appended to out: POSIX ACL
 * ids mapped; security.capability becomes version 3 with the rootid that makes it hold inside the
 * namespace (a version 2 that root of the initial namespace writes would hold outside:
 * capabilities(7)), unless the writer is inside it. 0, 1: leave this xattr out (forged overlay or
 * override xattrs: trusted.overlay.*, user.overlay.*, user.containers.*, user.fuseoverlayfs.*;
 * security.selinux), -ERR_DENIED with the id where the map does not hold it. */
int owners_xattr(struct buf *out, const struct owners *o, const char *name, size_t name_len,
		 const uint8_t *value, size_t value_len, struct error *err) _must_check_;
