/* What is to change in the images of a source: one mapping of ids for all of them, so that layers
 * that they share stay shared, and what it asks of each blob and each config.
 */
#pragma once

#include "fix/difference.h"
#include "fix/policy.h"
#include "inventory/accounts.h"
#include "inventory/image.h"

/* A small file with its new bytes. */
struct fix_file {
	uint64_t index; /* of its entry */
	char *path;
	uint8_t *data;
	size_t len;
};

/* A hardlink whose header is to say what its target's will. */
struct fix_link {
	uint64_t index;
	uint32_t uid, gid; /* as they shall be */
	unsigned clear_mode;
};

/* A setuid or setgid file that would have become root's or another user's. */
struct fix_special {
	char *path;
	size_t path_len;
	unsigned mode;
	int64_t uid, gid;
	uint32_t new_uid, new_gid;
};
#define FIX_SPECIALS_MAX 64 /* kept with their paths; the rest is counted */

/* A place in the final image where the number of an id that moves still stands. */
struct fix_mention {
	char *place; /* a file, or of the config: "Entrypoint", "Env PUID", "label NAME" */
	size_t place_len;
	bool in_config;
	size_t layer;  /* of a file */
	uint32_t line; /* from 1; 0 in a config */
	bool is_gid;   /* in a config, where nothing tells: only as a group does it move */
	int64_t old;
	uint32_t new;
};
#define FIX_MENTIONS_MAX 256 /* kept */

/* A layer's blob, however many images have it. */
struct fix_blob {
	const struct layer_inventory *inventory;
	const struct source_layer *source; /* of one of its layers */
	enum inv_verified verified;
	bool cached;  /* an earlier run has verified it: this one has not read the bytes */
	size_t layer; /* its lowest place in an image, for messages */
	bool changed;
	uint64_t entries;  /* that change */
	uint64_t specials; /* files that lose their special bits */
	struct fix_file *files;
	size_t file_count;
	struct fix_link *links; /* sorted by index */
	size_t link_count;
	/* Once written, or copied: */
	uint64_t patched; /* bytes of headers and bodies that are new */
	bool done;
	struct oci_digest digest, diff_id;
	uint64_t size;
	enum codec codec;
	struct fix_difference *difference; /* back to the old tar, where it is recorded */
	const struct fix_past_layer *past; /* of an undo: what it becomes again; borrowed */
};

struct fix_image {
	struct image *image;
	size_t *blobs; /* of each layer, into fix_plan.blobs */
	bool changed;
	char *user;			   /* new config.User, or NULL where it stays */
	const struct fix_past_image *past; /* of an undo: what it becomes again; borrowed */
	/* Once put: the new documents. manifest is "" where the source has none. */
	struct oci_digest config, manifest;
};

/* An index above images, once put. */
struct fix_new_index {
	const struct source_index *source;
	struct oci_digest digest;
};

struct fix_options {
	const struct target_use *uses;
	size_t use_count;
	struct fix_policy policy;
	bool no_label;
	struct notes *notes; /* may be NULL */
};

struct fix_plan {
	const struct fix_options *opts;
	struct image_set *set;
	struct fix_maps maps;
	struct fix_ids ids;
	struct fix_blob *blobs;
	size_t blob_count;
	struct fix_image *images;
	size_t image_count;
	struct fix_special specials[FIX_SPECIALS_MAX];
	size_t special_count;
	struct fix_mention mentions[FIX_MENTIONS_MAX];
	size_t mention_count;
	bool mentions_more;
	bool changed;		     /* anything at all */
	const struct fix_past *past; /* of an undo, fix/undo.h; borrowed */
	struct fix_new_index *indexes;
	size_t index_count;
};

/* set and opts are borrowed. ERR_DENIED as fix_policy_apply. */
int fix_plan_make(struct fix_plan **out, struct image_set *set, const struct fix_options *opts,
		  struct error *err) _must_check_;
void fix_plan_free(struct fix_plan *p);
DEFINE_CLEANUP(struct fix_plan, fix_plan_free)

/* config.User as it becomes. */
const char *fix_image_user(const struct fix_image *img);

/* What becomes of one entry's owner. */
struct fix_change {
	bool uid, gid;
	uint32_t new_uid, new_gid;
	unsigned clear_mode;
};
/* True where anything changes. */
bool fix_change_of(const struct fix_plan *p, enum inv_kind kind, unsigned mode, int64_t uid,
		   int64_t gid, struct fix_change *out);

/* An id's new number: true where it changes. A fix_renumber_fn; ctx is the plan. */
bool fix_renumber(const void *plan, bool is_gid, int64_t id, uint32_t *to);

/* True for the table of contents that eStargz keeps in a layer: it tells of the old owners. */
bool fix_is_toc(const struct inv_entry *e);

/* Notes which signatures in the source speak of what changes, by digest and kind. */
int fix_say_signatures(struct fix_plan *p, struct source *source, struct error *err) _must_check_;

/* Internal: gather.c fills ids, layers.c the blobs and their counts. */
int fix_gather(struct fix_plan *p, struct error *err) _must_check_;
int fix_layers(struct fix_plan *p, struct error *err) _must_check_;
/* links.c: fills b->links. */
int fix_links(struct fix_plan *p, struct fix_blob *b, struct error *err) _must_check_;
/* mentions.c: fills mentions, and notes what could not be decided. */
int fix_mentions(struct fix_plan *p, struct error *err) _must_check_;
/* remarks.c: notes on what was not looked at, and what no owner mends. */
int fix_remarks(struct fix_plan *p, struct error *err) _must_check_;
