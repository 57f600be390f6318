/* Targets: platforms and engines as data. The rows stand in data/targets.conf (one section a
 * target), data/engines.conf (one section an engine's rules) and are compiled in by
 * data/compile.py; no platform or message stands in code.
 */
#pragma once

#include "idmap/idmap.h"
#include "inventory/layer.h"

/* When a user meets it. */
enum stage { STAGE_PULL, STAGE_CREATE, STAGE_START, STAGE_RUNTIME, STAGE_COUNT };
/* What then happens. */
enum outcome {
	OUTCOME_NONE,
	OUTCOME_ERROR,
	OUTCOME_NOBODY,
	OUTCOME_SQUASHED,
	OUTCOME_ROOT,
	OUTCOME_IGNORED,
	OUTCOME_COUNT
};
const char *stage_name(enum stage s);
const char *outcome_name(enum outcome o);

/* What an engine does with the owner of an entry of one kind. */
enum owner_rule {
	OWNER_MAPPED,  /* looked up in the map; outside of it the engine stops */
	OWNER_CHOWNED, /* no map of its own: the kernel of the namespace refuses */
	OWNER_SKIPPED, /* not consulted */
};

/* How an id is compared with the map. */
enum id_compare {
	COMPARE_INT64, /* as a signed 64-bit number: negative and >= 2^32 never map (moby) */
	COMPARE_WRAP,  /* modulo 2^32 (umoci; the kernel, through chown(2)); see minus_one */
};

enum evidence { EVIDENCE_RUN, EVIDENCE_SOURCE, EVIDENCE_REPORT };
const char *evidence_name(enum evidence e);

/* A line that an engine prints, for a band of its versions and a command. Placeholders: {id} the id
 * that fails, {sid} the same as a signed 32-bit number, {uid} {gid}, {chown} "chown" for a whiteout
 * and else "lchown", {path} absolute in the image, {entry} the path as umoci writes it (no leading
 * slash, "." for the root, or as the header has it), {kind} "uid" or "gid", {need} {max} sizes of a
 * map. */
struct engine_message {
	/* What fails: owner, whiteout (an owner of a whiteout, where the words differ), acl,
	 * xattr-invalid (an ACL or a capability that the kernel refuses), acl-misplaced (a default
	 * ACL on a file), capability, user-range (no id at all), user-uid, user-gid, group, size.
	 */
	const char *rule;
	const char *unless; /* rules, blank between, that the engine would stop at before; "" where
			       none */
	const char *when;   /* "load, 20.10 to 23.0" */
	const char *since, *until; /* engine versions, "" where open */
	const char *text; /* the line, or that part of it which does not change from host to host */
	enum evidence evidence;
	const char *source, *date;
};

struct engine {
	const char *name; /* "docker-graphdriver" */
	enum owner_rule owners[INV_KIND_COUNT];
	enum id_compare compare;
	bool minus_one_keeps; /* 2^32-1 (and -1) leave the owner as the extracting process's:
				 chown(2) */
	bool uid_first;	      /* a message that names one id names the uid where both are outside */
	bool root_exemption;  /* an id equal to the host id of the mapped root becomes root in
				 silence (moby ToHost) */
	enum stage owner_stage;
	enum outcome owner_outcome;
	enum stage acl_stage;
	enum outcome acl_outcome; /* ERROR: setxattr in the namespace refuses; IGNORED: written
				     unshifted */
	enum outcome xattr_invalid_outcome; /* an ACL or capability that the kernel refuses, at
					       owner_stage */
	enum stage capability_stage;
	enum outcome capability_outcome; /* version-3 rootid outside */
	enum stage user_stage;
	enum outcome user_outcome;
	enum stage passwd_stage;
	enum outcome
		passwd_outcome; /* of an account outside: NONE is a note, IGNORED nothing at all */
	bool absolute_root;	/* "/" as a name is an entry like any other, although "./" is passed
				   over */
	bool visible_only; /* looks at the merged file system, by path, not at layers: what a later
			      layer hides does not matter */
	const struct engine_message *messages;
	size_t message_count;
	const char *source, *date;
	enum evidence evidence;
};

struct target {
	const char *name;		   /* "docker" */
	const char *const *aliases;	   /* NULL-terminated */
	const char *title;		   /* "Docker with userns-remap" */
	const char *uid_range, *gid_range; /* notation of idmap/notation.h; what the platform gives
					      unless told otherwise */
	const char *range_text; /* as people say it: "0-65535" or "0-1023, grows to the image's
				   largest id" */
	/* For targets whose map grows with the image (podman-auto): largest size; else 0. uid_range
	 * is then the smallest. */
	long long max_size;
	const struct engine *engine;
	bool range_changeable;
	const char *change_where; /* how and where the range is changed; "" where it cannot be */
	const char *advice;	  /* what to do first on this platform, one sentence */
	enum evidence evidence;
	const char *source, *date;
};

const struct target *target_all(size_t *count);
/* By name or alias, without a version; NULL where none. */
const struct target *target_find(const char *name, size_t n);

/* True where the message is printed by some release of version, or version is NULL. A band of
 * "23.0" holds 23.0.6, and the version "28" every 28.x. */
bool engine_message_applies(const struct engine_message *m, const char *version);

/* A target as the user asked for it. */
struct target_use {
	const struct target *target;
	char *name;	       /* as asked: "docker@20.10" */
	char *version;	       /* "20.10", or NULL: every band is told */
	struct idmap_pair map; /* its own range, or what --map put in its place */
	bool map_given;
};

/* Parses "NAME[@VERSION][,NAME...]" into *uses (owned), each with its own range; what is named
 * twice is taken once. -ERR_USAGE for an unknown name (with the nearest one), a version that is not
 * numbers and dots, nothing at all, more than TARGET_USES_MAX. */
#define TARGET_USES_MAX 32
int target_parse_list(struct target_use **uses, size_t *count, const char *text,
		      struct error *err) _must_check_;
/* Replaces the ranges of all by map (copied); a side of map that is empty leaves the target's own.
 */
int target_use_map(struct target_use *uses, size_t count, const struct idmap_pair *map,
		   struct error *err) _must_check_;
void target_uses_free(struct target_use *uses, size_t count);
