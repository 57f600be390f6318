/* The rows that data/compile-explain.py makes of messages.conf, known-owners.conf, readings.conf
 * and advice.conf. What an engine prints, what a number may be and what helps stands there; this
 * folder only runs it.
 */
#pragma once

#include "explain/explain.h"

struct explain_engine {
	const char *name;   /* "docker" */
	const char *title;  /* "Docker with userns-remap" */
	const char *target; /* row of targets.conf whose rules an image is judged by, or NULL */
	bool part;	    /* others call it: its versions stand beside theirs */
};
extern const struct explain_engine explain_engines[];
extern const size_t explain_engine_count; /* at most 32: sets of engines are masks */

/* Versions of one engine, both ends included, "" where open. */
struct explain_band {
	unsigned char engine;
	const char *since, *until;
};

enum explain_role {
	EXPLAIN_LEAF,	 /* tells a cause; the first row that matches counts */
	EXPLAIN_WRAPPER, /* stands around others */
	EXPLAIN_FOLLOW,	 /* a leaf that only repeats what another line has told */
	EXPLAIN_CONTEXT, /* says something about the lines behind it; a row ends what an earlier one
			    began */
};

struct explain_message {
	const char *name; /* "M1" */
	enum explain_role role;
	const unsigned char *engines; /* the likeliest first */
	size_t engine_count;
	const struct explain_band *bands;
	size_t band_count;
	const char *regex;
	/* One of these is in every text that regex matches, in lower case and without its blanks.
	 * NULL-terminated. */
	const char *const *needles;
	enum explain_cause cause;
	enum explain_blame blame;
	const char *says;  /* in place of the cause's own sentence, or "" */
	const char *hides; /* what the message does not tell, or "" */
	enum explain_kind kind;
	const char *platform; /* target that the words betray, or "" */
	enum evidence evidence;
	const char *source, *date;
	const char *const *examples; /* NULL-terminated */
};
extern const struct explain_message explain_messages[];
extern const size_t explain_message_count;

struct explain_range {
	int64_t first, last;
};

struct explain_ranges {
	const struct explain_range *ranges;
	size_t count; /* 0: any */
};

struct explain_tool {
	const char *name, *why, *mend;
};

/* Owners that public threads have met, and whose they are. */
struct explain_owner {
	const char *name;
	struct explain_ranges uids, gids;
	const char *package, *version; /* version "" where not known */
	const struct explain_tool *tool;
	bool pair;    /* holds only where both ids are known */
	bool decides; /* false: an ordinary id too, so it comes late */
	enum evidence evidence;
	const char *source, *date;
};
extern const struct explain_owner explain_owners[];
extern const size_t explain_owner_count;

enum explain_how {
	READING_RANGE,
	READING_MULTIPLE,
	READING_MULTIPLE_OFFSET,
	READING_BASE,
	READING_PAIR,
	READING_KNOWN,
	READING_PREFIX,
	READING_SMALL,
	READING_PATH,
};

enum explain_bare { BARE_YES, BARE_NO, BARE_ONLY };

/* What a number may be; data/readings.conf says what each how means. Sorted by rank. */
struct explain_reading {
	const char *name;
	enum explain_how how;
	struct explain_ranges ids, not_ids, uids, gids, bases, offset;
	bool debian; /* bases are 100000 + k * 65536 */
	int64_t multiple, least, digits;
	const char *paths; /* blank between */
	uint32_t engines;  /* one of the match's candidates, 0: any; of a bare number: who prints
			      such */
	const char *messages, *not_messages; /* names, blank between, "" any */
	bool not_known;			     /* not where a known owner has been found */
	bool alone;			     /* only where nothing else has been found */
	bool decides;			     /* its cause and blame are the match's */
	enum explain_bare bare;
	int64_t rank;
	enum explain_cause cause;
	enum explain_blame blame;
	const char *says, *why;
	enum evidence evidence;
	const char *source;
};
extern const struct explain_reading explain_readings[];
extern const size_t explain_reading_count;

enum explain_side { SIDE_LOOK, SIDE_IMAGE, SIDE_BUILD, SIDE_COMMAND, SIDE_HOST };

/* Sorted by order. */
struct explain_advice_row {
	const char *name;
	uint32_t causes, engines;	 /* engines 0: any */
	const char *messages, *readings; /* "" any */
	bool fixed_platform;		 /* only where the platform's range cannot be changed */
	enum explain_side side;
	bool widens;		/* the range; a platform's own words take its place */
	int64_t min_id, max_id; /* of the largest id of the match */
	const char *else_of;	/* only where that row was not taken, "" always */
	bool avoid;
	const char *text;
};
extern const char *const explain_cause_says[];
extern const struct explain_advice_row explain_advice_rows[];
extern const size_t explain_advice_row_count;

/* True where word is one of the words of list (blank between). */
bool explain_has_word(const char *list, const char *word);
