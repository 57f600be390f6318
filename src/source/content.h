/* Manifests and blobs named by digest, as the OCI layout and skopeo's dir: both keep them; from
 * descriptors to images.
 */
#pragma once

#include "base/buf.h"
#include "source/internal.h"

#define BLOB_NAME_MAX 160

/* How a layout names a document and a blob in its store. */
struct content_names {
	void (*manifest)(char out[BLOB_NAME_MAX], const struct oci_digest *digest);
	void (*blob)(char out[BLOB_NAME_MAX], const struct oci_digest *digest);
};

/* blobs/ALGORITHM/HEX */
void oci_blob_name(char out[BLOB_NAME_MAX], const struct oci_digest *digest);

/* A manifest that may become an image. */
struct leaf {
	struct oci_digest digest;
	uint64_t size; /* SOURCE_SIZE_UNKNOWN where no descriptor says it */
	bool has_platform;
	struct platform platform;
	bool built;
	struct source_image image;
};

struct content_walk {
	struct source *source;
	const struct content_names *names;
	uint64_t visits;  /* descriptors looked at, of all images: fan-out ends at limit images */
	const char *name; /* of the images that are being collected (borrowed) */
	const char *ref;  /* the layout's own name of them, or NULL (borrowed) */
	struct leaf *leaves; /* of one group, of which a platform picks one */
	size_t leaf_count, leaf_cap;
	size_t found;	 /* images of all groups, taken or not */
	struct buf seen; /* platforms that were not taken, for the message */
};

void content_walk_done(struct content_walk *w);

/* A document whose size and digest hold. 0 with *data (malloc'd), 1 where it is not there. */
int content_read(struct source *s, const char *name, const char *what,
		 const struct oci_digest *digest, uint64_t size, uint8_t **data, size_t *len,
		 struct error *err) _must_check_;

/* Collects the manifests below a descriptor or an index into w->leaves. */
int content_collect(struct content_walk *w, const struct descriptor *d, unsigned depth,
		    struct error *err) _must_check_;
int content_collect_index(struct content_walk *w, const struct oci_index *index, unsigned depth,
			  struct error *err) _must_check_;
int content_add_leaf(struct content_walk *w, const struct oci_digest *digest, uint64_t size,
		     struct leaf **out, struct error *err) _must_check_;

/* Reads manifest and config of a leaf into leaf->image. 1 where it is no image (a note says so), or
 * where it is not there and missing_ok. */
int content_build(struct content_walk *w, struct leaf *leaf, bool missing_ok,
		  struct error *err) _must_check_;
/* The same from the manifest's bytes. */
int content_build_from(struct content_walk *w, struct leaf *leaf, const uint8_t *data, size_t len,
		       struct error *err) _must_check_;

/* Picks of w->leaves by platform, adds the images to the source and empties the group. */
int content_choose(struct content_walk *w, struct error *err) _must_check_;

/* ERR_NOT_FOUND where the source has no image after all groups. */
int content_finish(struct content_walk *w, struct error *err) _must_check_;
