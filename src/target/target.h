/* Targets: platforms and engines as data. The rows stand in data/targets.conf (one section a target), data/engines.conf (one
 * section an engine's rules) and are compiled in by data/compile.py; no platform or message stands in code.
 */
#pragma once

#include "idmap/idmap.h"
#include "inventory/layer.h"

/* When a user meets it. */
enum stage { STAGE_PULL, STAGE_CREATE, STAGE_START, STAGE_RUNTIME, STAGE_COUNT };
/* What then happens. */
enum outcome { OUTCOME_NONE, OUTCOME_ERROR, OUTCOME_NOBODY, OUTCOME_SQUASHED, OUTCOME_ROOT, OUTCOME_IGNORED, OUTCOME_COUNT };
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

/* A line that an engine prints, for a band of its versions and a command. Placeholders: {id} {uid} {gid} {path} {kind}. */
struct engine_message {
	const char *rule;     /* what fails: owner, acl, user-uid, user-gid, group, size */
	const char *when;     /* "load, 20.10 to 23.0" */
	const char *since, *until; /* engine versions, "" where open */
	const char *text;
	enum evidence evidence;
	const char *source, *date;
};

struct engine {
	const char *name; /* "docker-graphdriver" */
	enum owner_rule owners[INV_KIND_COUNT];
	enum id_compare compare;
	bool minus_one_keeps; /* 2^32-1 (and -1) leave the owner as the extracting process's: chown(2) */
	bool uid_first;	      /* a message that names one id names the uid where both are outside */
	bool root_exemption;  /* an id equal to the host id of the mapped root becomes root in silence (moby ToHost) */
	enum stage owner_stage;
	enum outcome owner_outcome;
	enum stage acl_stage;
	enum outcome acl_outcome; /* ERROR: setxattr in the namespace refuses; IGNORED: written unshifted */
	enum outcome acl_invalid_outcome; /* an ACL that the kernel refuses */
	enum stage cap_stage;
	enum outcome cap_outcome; /* version-3 rootid outside */
	enum stage user_stage;
	enum outcome user_outcome;
	/* ... whatever more the rules need is added here, and in data/engines.conf */
	const struct engine_message *messages;
	size_t message_count;
	const char *source, *date;
	enum evidence evidence;
};

struct target {
	const char *name;	     /* "docker" */
	const char *const *aliases;  /* NULL-terminated */
	const char *title;	     /* "Docker with userns-remap" */
	const char *uid_range, *gid_range; /* notation of idmap/notation.h; what the platform gives unless told otherwise */
	const char *range_text;	     /* as people say it: "0-65535" or "0-1023, grows to the image's largest id" */
	long long max_size;	     /* for targets whose map grows with the image (podman-auto): largest size; else 0 */
	const struct engine *engine;
	bool range_changeable;
	const char *change_where;    /* how and where the range is changed; "" where it cannot be */
	const char *advice;	     /* what to do first on this platform, one sentence */
	enum evidence evidence;
	const char *source, *date;
};

const struct target *target_all(size_t *count);
/* By name or alias, without a version; NULL where none. */
const struct target *target_find(const char *name, size_t n);

/* A target as the user asked for it. */
struct target_use {
	const struct target *target;
	char *name;		/* as asked: "docker@20.10" */
	char *version;		/* "20.10", or NULL: every band is told */
	struct idmap_pair map;	/* its own range, or what --map put in its place */
	bool map_given;
};

/* Parses "NAME[@VERSION][,NAME...]" into *uses (owned), each with its own range. -ERR_USAGE names the nearest name. */
int target_parse_list(struct target_use **uses, size_t *count, const char *text,
		      struct error *err) _must_check_;
/* Replaces the ranges of all by map (copied). */
int target_use_map(struct target_use *uses, size_t count, const struct idmap_pair *map,
		   struct error *err) _must_check_;
void target_uses_free(struct target_use *uses, size_t count);
