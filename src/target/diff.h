/* Two releases of an image: which owners and findings one has and the other has not.
 *
 * Paths and findings are compared by their keyed 64-bit hash, at most DIFF_SET_ENTRIES at once;
 * what is more is compared in several walks over the records, so that memory does not grow with it.
 */
#pragma once

#include "target/check.h"

#define DIFF_EXAMPLES	 3
#define DIFF_EXAMPLES_OF 4096 /* owners that are kept with examples; further ones are counted */
#define DIFF_CHANGES_MAX                                                                           \
	256 /* pairs of owners that are kept; the entries of others are counted                    \
	     */
#define DIFF_SET_ENTRIES (1u << 20)

enum diff_side { DIFF_OLD, DIFF_NEW };

struct diff_place {
	char *path; /* cleaned, raw bytes, NUL behind */
	size_t path_len;
	size_t layer; /* of the image of that side; of a change NEW's */
	bool visible; /* in the merged image */
};

/* Entries in the merged image, and those that a layer hides or that are no file (whiteouts). */
struct diff_count {
	uint64_t visible, hidden;
	struct diff_place examples[DIFF_EXAMPLES]; /* visible ones in place of hidden ones */
	size_t example_count;			   /* 0 where the other side has the owner too */
};

struct diff_owner {
	int64_t uid, gid;
	struct diff_count of[2]; /* by enum diff_side */
};

enum diff_owner_state {
	DIFF_KEPT,
	DIFF_GAINED,   /* OLD has it nowhere */
	DIFF_GONE,     /* NEW has it nowhere */
	DIFF_SURFACED, /* hidden in OLD's layers, visible in NEW */
	DIFF_SUNK,     /* visible in OLD, only hidden in NEW's layers */
	DIFF_STATE_COUNT
};
const char *diff_owner_state_name(enum diff_owner_state s); /* "gained" */
enum diff_owner_state diff_owner_state(const struct diff_owner *o);

/* A path that is visible in both, of one owner there and another here. */
struct diff_change {
	int64_t uid[2], gid[2];
	uint64_t entries;
	struct diff_place examples[DIFF_EXAMPLES];
	size_t example_count;
};

struct diff_target {
	uint64_t came[LEVEL_ERROR + 1], went[LEVEL_ERROR + 1];
};

struct diff {
	struct check *of[2];	   /* owned; the images are the caller's */
	struct diff_owner *owners; /* sorted by uid, then gid */
	size_t owner_count;
	uint64_t states[DIFF_STATE_COUNT]; /* owners of each */
	struct diff_change *changes;	   /* in the order in which NEW's layers show them */
	size_t change_count;
	uint64_t changed;      /* entries of all changes, the next ones too */
	uint64_t changes_lost; /* entries of pairs past DIFF_CHANGES_MAX */
	struct diff_target targets[CHECK_TARGETS_MAX];
	uint64_t came[LEVEL_ERROR + 1], went[LEVEL_ERROR + 1]; /* findings, whatever the target */
	bool user_changed; /* as written, or in the ids that it means */
	bool worse;	   /* NEW has a finding of opts->fail_on or above that OLD has not */
};

/* Both images read whole. opts as for check_image, and borrowed likewise. */
int diff_images(struct diff **out, struct image *old, struct image *new,
		const struct check_options *opts, struct error *err) _must_check_;
void diff_free(struct diff *d);
DEFINE_CLEANUP(struct diff, diff_free)

/* Tells the findings of one side that the other has not: of DIFF_NEW what came, of DIFF_OLD what
 * went. f->targets are those to which it is new; f->level is the finding's, of its worst target.
 *
 * Findings are the same where what is wrong (an owner, an ACL's id, ...), its ids and the path are:
 * not the layer, nor whether the entry is visible. */
int diff_each(struct diff *d, enum diff_side side, check_finding_fn *fn, void *ctx,
	      struct error *err) _must_check_;
