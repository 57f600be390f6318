/* The blobs of a source, each read once: in parallel, or as they pass in a one-pass source. Private
 * to this folder.
 */
#pragma once

#include <stdatomic.h>

#include "inventory/image.h"

#define LOAD_SPOOL_ALL (16u << 20) /* record bytes kept in memory, of all blobs together, */
#define LOAD_SPOOL_MIN                                                                             \
	(256u << 10) /* but so many of each: more open files than that are no help                 \
		      */

/* A layer of an image, as one of the users of a blob. */
struct load_use {
	const struct source_image *image;
	const struct source_layer *layer;
	size_t index;	 /* of the layer in the image */
	size_t position; /* of the layer among all layers of all images: the lowest failure is told
			  */
	size_t job;
};

/* A blob. */
struct load_job {
	const struct load_use *const *uses; /* in the order of their position */
	size_t use_count;
	bool one_table; /* of contents, for all uses, or none: only then may it answer for them */
	struct layer_inventory *inv; /* owned, but of a one-pass source */
	enum inv_verified rests_on;  /* of a short way, else INV_VERIFIED_NONE */
	bool cached;		     /* inv is the cache's */
	bool done;		     /* before the workers began */
	atomic_size_t wanted;	     /* uses by images that are not decided: at 0 it is left */
	size_t progress;	     /* its line */
	int r;			     /* 0, or the error below */
	size_t failed_at;	     /* its position */
	struct error err;
};

/* A blob of a one-pass source. */
struct scanned {
	char *blob;
	size_t sequence;	     /* in the archive: the last of equal names counts */
	struct layer_inventory *inv; /* owned; NULL where it could not be read */
	bool used;		     /* by a job */
	struct error *err;
};

struct load {
	struct source *source;
	const struct source_image *images;
	size_t image_count;
	atomic_bool *decided; /* of each image: its other layers are not wanted (enough.c) */
	bool one_pass;
	const struct image_options *opts;
	struct load_use *uses;
	const struct load_use **by_blob; /* the uses, sorted by blob, then position */
	size_t use_count;
	struct load_job *jobs;
	size_t job_count;
	struct scanned *scanned; /* sorted by blob once the scan is done */
	size_t scanned_count, scanned_cap;
	uint64_t spooled; /* record bytes of scanned blobs */

	size_t *order;	      /* of jobs, the largest first, or the smallest: see enough */
	atomic_size_t next;   /* in order */
	atomic_size_t failed; /* lowest position that failed */
};

/* Reads a one-pass source to its end. */
int load_scan(struct load *l, struct error *err) _must_check_;

/* Lists uses and jobs of the images. */
int load_plan(struct load *l, const struct source_image *images, size_t count,
	      struct error *err) _must_check_;

/* The blob of that name, or NULL. */
struct scanned *load_scanned(const struct load *l, const char *blob);

/* enough.c: what image_options.enough says. All do nothing where it is not given. */
/* Asks about each image, before any layer is read. */
int load_enough_begin(struct load *l, struct error *err) _must_check_;
/* Asks about the images that have this blob, which is read. Any thread. */
void load_enough_tell(struct load *l, const struct load_job *j);
bool load_wanted(const struct load_job *j);
/* A layer_build.stop for j; who is read to its end tells more, and the cache may have it, so that
 * only what is larger than LOAD_CUT_MIN bytes is asked about. */
struct load_stop {
	const struct load *l;
	const struct load_job *j;
};
bool load_enough_stop(void *stop, const struct inv_entry *e);
#define LOAD_CUT_MIN (1u << 20)

/* Does all jobs, and checks digests and sizes: each job that is wanted has its inventory, or the
 * error of the lowest layer comes back. */
int load_run(struct load *l, struct error *err) _must_check_;

void load_done(struct load *l);

/* Whether the inventory is what names the layer say; *verified tells how much of that is proven.
 * ERR_DIGEST says what was expected and what was found; ERR_TRUNCATED for a tar without end marker
 * that no digest vouches for. Of a short way only the end marker is judged. */
int load_judge(const struct source_layer *layer, const struct layer_inventory *inv,
	       enum inv_verified rests_on, enum inv_verified *verified,
	       struct error *err) _must_check_;

/* True where the layer must be read again, whole, to be judged. */
bool load_wants_more(const struct layer_inventory *inv);
