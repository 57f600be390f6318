/* Explains what engines print about ids: text in, causes out.
 *
 *   explain_new, explain_feed (any number of times) or explain_number, explain_finish,
 *   explain_join for an image that the message is about, explain_advise; then the matches are read.
 *
 * Text may be hostile and of any length: it is looked at in a window of some lines, each of at most
 * EXPLAIN_LINE_MAX bytes, and every pattern runs under a match limit. The rows stand in data/
 * (explain/data.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "inventory/image.h"
#include "target/target.h"

enum explain_cause {
	CAUSE_IMAGE_OWNER,
	CAUSE_PROCESS_USER,
	CAUSE_SUPPLEMENTARY_GROUP,
	CAUSE_ACL,
	CAUSE_MAP_TOO_SMALL,
	CAUSE_SINGLE_ID_MAP,
	CAUSE_SUBID_MISSING,
	CAUSE_SUBID_MISMATCH,
	CAUSE_SETUID_HELPER,
	CAUSE_NESTED_MAP,
	CAUSE_DOUBLE_MAPPING,
	CAUSE_HOST_ID_LEAKED,
	CAUSE_NO_IDMAPPED_MOUNTS,
	CAUSE_BUILD_CONTEXT_OWNER,
	CAUSE_ARCHIVE_OWNER,
	CAUSE_WRITER_LIMIT,
	CAUSE_SPARSE_LOG,
	CAUSE_AUTO_SIZE,
	CAUSE_UNKNOWN,
	CAUSE_COUNT
};
const char *explain_cause_name(enum explain_cause c); /* "image-owner" */

enum explain_blame {
	BLAME_IMAGE,
	BLAME_HOST,
	BLAME_ENGINE,
	BLAME_COMMAND,
	BLAME_BUILD,
	BLAME_UNKNOWN,
	BLAME_COUNT
};
const char *explain_blame_name(enum explain_blame b);

enum explain_kind { EXPLAIN_UNKNOWN, EXPLAIN_UID, EXPLAIN_GID };
const char *explain_kind_name(enum explain_kind k); /* "unknown", "uid", "gid" */

#define EXPLAIN_LINE_MAX     (32u << 10) /* a longer line is looked at in overlapping pieces */
#define EXPLAIN_MATCHES_MAX  64		 /* different messages that are kept; the rest is counted */
#define EXPLAIN_WRAPPERS_MAX 12		 /* wrappers of one message */
#define EXPLAIN_READINGS_MAX 6		 /* of one match */

struct explain_message;
struct explain_engine;
struct explain_reading;
struct explain_owner;

/* One thing that a number may be, the likeliest first. Strings owned. */
struct explain_found {
	const struct explain_reading *reading;
	const struct explain_owner *owner; /* of a known number, else NULL */
	int64_t id;			   /* the number of the match that this is about */
	int64_t base, offset;		   /* where the reading splits it */
	char *says, *why;
};

struct explain_advice {
	char *text;
	bool avoid; /* what not to do */
};

/* An entry of the image that the message is about. Strings owned, raw bytes of the image. */
struct explain_entry {
	size_t layer;
	enum inv_kind kind;
	unsigned mode;
	int64_t uid, gid;
	uint64_t size;
	char *path;
	enum visible visible;
	long by_layer;	  /* or -1 */
	char *created_by; /* raw step, or NULL */
};
#define EXPLAIN_ENTRIES_MAX 5

/* What of the image made the message. */
enum explain_made {
	MADE_BY_ENTRY,	 /* entries[0] did */
	MADE_BY_USER,	 /* its USER did */
	MADE_BY_GROUP,	 /* a group that its files put USER into did */
	MADE_BY_NOTHING, /* nothing in the image can have */
	MADE_MAYBE,	 /* the message names too little: the candidates are listed */
};

struct explain_join {
	char *image;
	enum explain_made made;
	char *says; /* one sentence */
	struct explain_entry entries[EXPLAIN_ENTRIES_MAX];
	size_t entry_count;
	uint64_t entries_like_it; /* all that the message fits */
};

struct explain_match {
	const struct explain_message *message;			      /* NULL for a bare number */
	const struct explain_message *wrappers[EXPLAIN_WRAPPERS_MAX]; /* from the outside in */
	size_t wrapper_count;
	const struct explain_message *context; /* of the lines before, or NULL */
	const struct explain_engine *engine;   /* the likeliest; NULL where none is known */
	uint32_t engines;		       /* all that it can be */
	char versions[64];		       /* "1.12 to 23.0", "" where not known */
	enum explain_cause cause;
	enum explain_blame blame;
	bool has_id, has_uid, has_gid;
	int64_t id, uid, gid;
	enum explain_kind kind; /* of id */
	char *path;		/* as the message has it, raw, or NULL */
	char *digest;		/* of the layer, as the message has it ("sha256:..."), or NULL */
	char *diff_id;		/* likewise */
	char *name;		/* a user's name, or NULL */
	char *from;		/* first host id of a map that was refused, or NULL */
	char *size;		/* of a map, or NULL */
	long layer; /* position from the base, by the pull's log or the image; -1 where not known */
	char layer_id[65]; /* short id by the pull's log, "" where not known */
	char *text;	   /* the message as it was read, without colours and escapes, cut */
	uint64_t line;	   /* where it stands, from 1; 0 for a bare number */
	uint64_t count;	   /* times that it stands in the text */
	bool follows;	   /* repeats what another match tells */
	struct explain_found readings[EXPLAIN_READINGS_MAX];
	size_t reading_count;
	const struct target *platform; /* where the user is, by --for or by the words; or NULL */
	struct explain_join *join;     /* or NULL */
	char *says;		       /* the cause in one sentence; by explain_advise */
	const char *hides;	       /* what the message hides, or "" */
	struct explain_advice *advice;
	size_t advice_count;
};

struct explain {
	struct explain_match
		*matches; /* in the order of the text, those that follow from others last */
	size_t match_count;
	uint64_t dropped; /* different messages past EXPLAIN_MATCHES_MAX */
	uint64_t bytes;	  /* of text read */
	uint64_t lines;
	struct explain_work *work; /* private */
};

struct explain_options {
	const struct target *platform; /* --for, or NULL */
	const char *image;	       /* what to call the image in commands, or NULL */
};

/* opts is borrowed. */
int explain_new(struct explain **out, const struct explain_options *opts,
		struct error *err) _must_check_;
void explain_free(struct explain *x);
DEFINE_CLEANUP(struct explain, explain_free)

/* More of the text. 0 or -ERR_NOMEM. */
int explain_feed(struct explain *x, const void *bytes, size_t n, struct error *err) _must_check_;

/* A bare number or a pair: "1000000", "-5", "501:20". 0 and a match, or 1 where text is none. */
int explain_number(struct explain *x, const char *text, struct error *err) _must_check_;

/* The end of the text: what the window still holds, what numbers may be, which match follows from
 * which. */
int explain_finish(struct explain *x, struct error *err) _must_check_;

/* Looks in the image for what made each message, and corrects cause and blame by that. After
 * explain_finish. */
int explain_join(struct explain *x, struct image *img, const char *ref_text,
		 struct error *err) _must_check_;

/* Sentences and advice. Last. */
int explain_advise(struct explain *x, struct error *err) _must_check_;

/* Names and titles of an engine, a message; the platform that a match's words betray. */
const char *explain_engine_name(const struct explain_engine *e);
const char *explain_engine_title(const struct explain_engine *e);
const char *explain_message_name(const struct explain_message *m); /* "M1" */
const char *explain_message_source(const struct explain_message *m);
enum evidence explain_message_evidence(const struct explain_message *m);
const char *explain_reading_name(const struct explain_reading *r);

/* An owner that is known beyond doubt (data/known-owners.conf): whose it is, how it got there, what
 * the step should say. version may be "". False where none is. */
struct explain_known {
	const char *package, *version, *why, *mend;
};
bool explain_known_owner(int64_t uid, int64_t gid, struct explain_known *out);
