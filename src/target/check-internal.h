/* What the parts of a check share: owners judged, and the parts of a finding by target. */
#pragma once

#include "target/check.h"

/* One distinct owner under every target, bit i for target i. */
struct judged_owner {
	uint32_t uid_out, gid_out;   /* no id of the map, however compared */
	uint32_t uid_root, gid_root; /* becomes root by moby's exemption */
	uint32_t uid_wrap, gid_wrap; /* lands inside, as another id than written */
	bool unnamed;
};

/* An inventory judged; layers that share it share this. */
struct judged_inventory {
	const struct layer_inventory *inventory;
	struct judged_owner *owners;
	bool quiet; /* nothing in it can be a finding: it need not be walked */
};

/* Sorted ids that the image's passwd and group files name. */
struct known_ids {
	int64_t *ids;
	size_t count, cap;
	bool any_file, unread;
};

struct judge {
	size_t targets;
	uint32_t all;
	uint32_t consult[INV_KIND_COUNT];
	uint32_t owner_by[OUTCOME_COUNT]; /* targets by what an owner outside gives */
	uint32_t acl_by[OUTCOME_COUNT];
	uint32_t xattr_invalid_by[OUTCOME_COUNT];
	uint32_t capability_by[OUTCOME_COUNT];
	uint32_t user_by[OUTCOME_COUNT];
	uint32_t passwd_by[OUTCOME_COUNT];
	uint32_t visible_only;
	uint32_t absolute_root; /* targets that consult "/" though not "./" */
	uint32_t auto_size;	/* targets whose map grows */
	uint32_t undecidable;	/* the exemption cannot be decided: no host side */
	const struct idmap *uid_map[CHECK_TARGETS_MAX], *gid_map[CHECK_TARGETS_MAX];
	struct idmap grown[CHECK_TARGETS_MAX]; /* owned; of the targets in auto_size */
	struct judged_inventory *inventories;
	size_t inventory_count;
	size_t *of_layer;	/* index into inventories */
	int64_t *user_of_layer; /* uid of the USER in force when the layer was made; -1 none */
	struct known_ids uids, gids;
	/* For targets that look by path: the least path met so far, owned by
	 * check_target.first_path. */
	const char *first_rule[CHECK_TARGETS_MAX]; /* of the message; NULL none */
	int64_t first_uid[CHECK_TARGETS_MAX], first_gid[CHECK_TARGETS_MAX];
	bool first_uid_out[CHECK_TARGETS_MAX], first_is_absolute[CHECK_TARGETS_MAX];
};

/* A part of a finding: some targets under one rule with one outcome. */
struct part {
	enum rule rule;
	enum stage stage; /* of the targets' engine where it says; else this */
	enum outcome outcome;
	uint32_t targets;
};
#define PARTS_MAX 10
struct told {
	struct finding f;
	struct part parts[PARTS_MAX];
	size_t part_count;
	const char *message; /* rule of engine_message that an error of it gives */
	uint32_t uid_out; /* targets that the uid is an error to: it may fail to fit in other ways
			     too */
};
typedef int told_fn(void *ctx, const struct told *t, struct error *err);

/* Level of an outcome under a rule. */
enum level rule_level(enum rule r, enum outcome o);

/* check.c: a check with all that is known before its layers are walked. */
int check_begin(struct check **out, struct image *img, const struct check_options *opts,
		struct error *err) _must_check_;

/* judge.c: one owner under all targets. */
void judge_owner(const struct check *c, const struct inv_owner *o, struct judged_owner *out);
/* judge.c: makes c->judge; accounts and user of c are there. */
int judge_make(struct check *c, struct error *err) _must_check_;
void judge_free(struct judge *j);
bool judge_id_out(const struct idmap *map, const struct engine *e, int64_t id);
/* Targets whose map has no such uid or gid; groups that --group-add names do not make a map grow.
 */
uint32_t judge_outside(const struct check *c, int64_t id, bool is_gid);
/* The id written is taken as 0, or as "unchanged", which leaves the extracting root. */
bool judge_wraps_to_root(int64_t id);

/* names.c */
int known_ids_load(struct known_ids *uids, struct known_ids *gids, const struct image *img,
		   struct error *err) _must_check_;
bool known_ids_has(const struct known_ids *k, int64_t id);
void known_ids_free(struct known_ids *k);

/* told.c: parts into a finding. */
void told_part(struct told *t, enum rule rule, enum stage stage, enum outcome outcome,
	       uint32_t targets);
/* By outcome, as by[] sorts the targets. */
void told_parts_by(struct told *t, enum rule rule, const uint32_t by[OUTCOME_COUNT],
		   uint32_t targets);
/* Sets rule, level and targets from the parts. False where there is none. */
bool told_finish(struct told *t);

/* walk.c: every finding of every layer, then user.c's. */
int walk_layers(struct check *c, told_fn *fn, void *ctx, struct error *err) _must_check_;
/* The findings of one entry of whatever layer, which later ones may hide. */
int walk_alone(struct check *c, const struct inv_entry *e, told_fn *fn, void *ctx,
	       struct error *err) _must_check_;

/* user.c */
int user_judge(struct check *c, struct error *err) _must_check_;
int walk_config(struct check *c, told_fn *fn, void *ctx, struct error *err) _must_check_;
/* Ids that accounts and a numeric USER ask of a map that grows. */
uint64_t user_need(const struct check *c);

/* count.c: a finding into effects, counts and first errors. */
int count_told(void *check, const struct told *t, struct error *err);

/* causes.c */
int causes_prepare(struct check *c, struct error *err) _must_check_;
int causes_count(struct check *c, const struct told *t, struct error *err) _must_check_;

/* words.c: errors of every target, in the engine's words. */
int words_make(struct check *c, struct error *err) _must_check_;
