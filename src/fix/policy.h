/* Which id becomes which: the ids of images, users and groups apart, and the policy that moves
 * those which the maps do not hold. Pure: it knows ids and what owns them, no image.
 */
#pragma once

#include "fix/maps.h"

enum fix_use {
	FIX_USE_OWNER = 1 << 0,	  /* of an entry that is no whiteout, or in an ACL */
	FIX_USE_PROCESS = 1 << 1, /* USER and its groups */
	FIX_USE_ACCOUNT = 1 << 2, /* a line of passwd or group: the image names it */
	FIX_USE_NUMBER = 1 << 3,  /* USER by number: that names it too */
	FIX_USE_SPECIAL = 1 << 4, /* owner of a setuid file, group of a setgid one */
};

enum fix_why {
	FIX_STAYS,
	FIX_WHY_NAMED,	 /* auto: the image names it, so it moves into the map */
	FIX_WHY_UNNAMED, /* auto: nobody: root */
	FIX_WHY_SETUID,	 /* --keep-setuid */
	FIX_WHY_COMPACT,
	FIX_WHY_TO,    /* --to root, --to UID:GID */
	FIX_WHY_ASKED, /* --owner, --group */
	FIX_WHY_LIKE,
	FIX_WHY_FOLDED, /* no room: it shares the last free id */
	FIX_WHY_COUNT
};
const char *fix_why_name(enum fix_why why);

struct fix_id {
	int64_t old;
	unsigned uses;	  /* enum fix_use */
	char *name;	  /* of its first account, or NULL */
	enum fix_why why; /* FIX_STAYS: new is not set */
	bool left;	  /* outside, but there was no room for an id that owns nothing */
	bool own;	  /* new is nobody else's */
	uint32_t new;
	/* For the plan to count: entries that change for it, and their layers, ascending. */
	uint64_t entries;
	uint32_t *layers;
	size_t layer_count;
};

struct fix_side {
	struct fix_id *ids; /* sorted by old once tidied */
	size_t count, cap;
};

struct fix_ids {
	struct fix_side uid, gid;
};

/* Adds uses of an id; name (may be NULL) is copied. -ERR_NOMEM. */
int fix_ids_add(struct fix_ids *ids, bool is_gid, int64_t id, unsigned uses, const char *name,
		struct error *err) _must_check_;
/* Sorts and joins; before any look-up. */
void fix_ids_tidy(struct fix_ids *ids);
struct fix_id *fix_ids_find(const struct fix_ids *ids, bool is_gid, int64_t id);
void fix_ids_free(struct fix_ids *ids);

enum fix_to { FIX_TO_AUTO, FIX_TO_ROOT, FIX_TO_COMPACT, FIX_TO_IDS };

struct fix_pair {
	bool is_gid;
	int64_t old;
	uint32_t new;
	bool like; /* from an earlier report: it gives way where the map does not hold new */
	/* Names that stand for old and new until fix_pairs_resolve has looked them up, else NULL;
	 * the first ends where an '=' stands. */
	const char *old_name, *new_name;
};

struct fix_policy {
	enum fix_to to;
	uint32_t to_uid, to_gid; /* of FIX_TO_IDS */
	bool keep_setuid, fold;
	const struct fix_pair
		*pairs; /* the later counts; those of --owner before those of --like */
	size_t pair_count;
};

/* "auto", "root", "compact", "UID", "UID:GID" (one number is both). ERR_USAGE. */
int fix_policy_parse_to(struct fix_policy *p, const char *text, struct error *err) _must_check_;
/* "OLD=NEW", numbers or names; text is borrowed where a name stands in it. ERR_USAGE; 65534 and
 * 65535 are no NEW. */
int fix_pair_parse(struct fix_pair *out, const char *text, bool is_gid,
		   struct error *err) _must_check_;

/* Ids that no engine's user should get: nobody, and what some systems take for (uid16)-1. */
bool fix_id_is_reserved(uint32_t id);

/* Fills why, new and own of tidy ids. ERR_DENIED where the maps have too few free ids (the message
 * counts them), or where what was asked for lies outside of them. */
int fix_policy_apply(const struct fix_policy *p, const struct fix_maps *maps, struct fix_ids *ids,
		     struct error *err) _must_check_;
