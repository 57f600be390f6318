/* Config and manifest of a changed image: what stands in them stays, keys in their order, but for
 * digests, sizes, diff_ids, a numeric USER and a label that says what was done.
 */
#pragma once

#include "fix/plan.h"
#include "sink/sink.h"

#define FIX_LABEL     "uidfit.fix"
#define FIX_LABEL_MAX 1024 /* bytes of its value; a longer mapping is cut */

/* Appends the config's new bytes; every blob of the image is done. */
int fix_config(struct buf *out, const struct fix_plan *p, const struct fix_image *img,
	       struct error *err) _must_check_;

/* Appends the manifest's new bytes, made of those in docs, whose config has that digest: the same
 * where it names what is there already. What a descriptor says of bytes that are gone goes too:
 * inline data, urls, tables of contents (a note says so). */
int fix_manifest(struct buf *out, const struct fix_plan *p, const struct fix_image *img,
		 const struct sink_image *docs, const struct oci_digest *config,
		 struct error *err) _must_check_;

/* What became of a manifest or an index, for the index above it. */
struct fix_moved {
	struct oci_digest old, new;
	uint64_t size;
	const char *media_type; /* static, or as long as the sink */
	bool replaced;		/* it stands where an index was: the media type changes too */
};

/* Appends the index's new bytes: what is among moved gets its new digest and size; what is not
 * (attestations, platforms that the source has not) goes. */
int fix_index(struct buf *out, const void *bytes, size_t n, const struct fix_moved *moved,
	      size_t count, struct error *err) _must_check_;

/* "uidfit 0.1.0: uid 1000000=10000; gid 1000000=10000, 20=0", at most max bytes. */
int fix_label(struct buf *out, const struct fix_ids *ids, size_t max) _must_check_;
