/* Many findings made few lines: entries alike in all but their path are told as one group under the
 * deepest directory that holds them. Memory is bounded whatever the image holds: at most
 * FOLD_GROUPS groups with FOLD_LINES entries each; a directory too many makes the two nearest
 * groups one; what still finds no place is counted.
 */
#pragma once

#include "base/buf.h"
#include "target/check.h"

#define FOLD_GROUPS 8
#define FOLD_LINES  3
#define FOLD_ALIKE                                                                                 \
	3 /* groups of one kind; the nearest two are joined where there would be more              \
	   */

/* What entries of a group share. */
struct fold_key {
	long layer;
	enum rule rule;
	enum level level;
	int64_t uid, gid;
	bool has_uid, has_gid;
	bool security;
	enum visible visible;
	long by_layer;
	uint32_t targets, uid_fits, gid_fits;
};

struct fold_group {
	struct fold_key key;
	char *dir; /* cleaned path, "" is the root */
	size_t dir_len;
	bool whole_tree; /* dir is "" because groups were joined, not because entries stand in the
			    root itself */
	uint64_t count;
	struct buf lines[FOLD_LINES]; /* ls_line() of the first ones, in their order */
};

struct fold {
	struct fold_group groups[FOLD_GROUPS];
	size_t count;
	uint64_t lost; /* entries in no group */
	bool stuck;    /* no two groups can be joined; holds until one is added */
};

struct fold_key fold_key_of(const struct finding *f);

/* f->entry must not be NULL. 0 or -ERR_NOMEM. */
int fold_add(struct fold *fold, const struct finding *f, struct error *err) _must_check_;
void fold_free(struct fold *fold);
