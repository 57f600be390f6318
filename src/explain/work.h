/* What stands behind a struct explain. Private to this folder.
 */
#pragma once

#include "explain/match.h"
#include "explain/normalise.h"
#include "explain/pull-log.h"

#define WINDOW_BACK                                                                                \
	8 /* lines before one that may belong to the same message, broken by a terminal */
#define WINDOW_AHEAD 8 /* and behind it */
#define WINDOW_LINES (WINDOW_BACK + 1 + WINDOW_AHEAD)
#define JOINED_MAX   (16u << 10) /* bytes of lines joined again */
#define JOINS_MAX    20000 /* tries, of a whole text: one that is made to take long ends here */

struct window_line {
	char *text;
	size_t len, prefix; /* what a logger wrote before it */
	uint64_t number;
	uint64_t seen_before;	 /* by the needles' search, before this line */
	struct needle_rows rows; /* whose needle ends in this line */
	uint64_t first;		 /* where the earliest of them began */
	bool used;		 /* by a match that spans lines */
};

struct explain_work {
	struct explain_options opts;
	struct matcher matcher;
	struct normaliser normaliser;
	struct needle_state needles;
	struct window_line lines[WINDOW_LINES]; /* a ring */
	size_t head, count;			/* of the oldest; how many */
	size_t next;				/* the first that was not looked at, from head */
	unsigned joins;
	struct pull_log pull;
	const struct explain_message *context;
	const struct target *platform; /* that the text betrays */
	bool single_map;	       /* some line says that one id is mapped */
};

/* Takes a line into the window and looks at those that have enough behind them. ctx is the struct
 * explain. */
normalise_fn window_line;
/* Looks at the rest. */
int window_end(struct explain *x, struct error *err) _must_check_;
void window_done(struct explain_work *w);

/* Keeps a match, or counts it where the same stands there already; takes its strings either way. */
int explain_keep(struct explain *x, struct explain_match *m, struct error *err) _must_check_;

/* Fills readings, and cause and blame by them. */
int reading_find(struct explain_match *m, struct error *err) _must_check_;

/* Appends text with its {placeholders} filled. 0, 1 where one of them is not known (out is then as
 * it was), or an error. f may be NULL. command: values stand in a command that people paste, so
 * that only plain ones count as known. */
int fill_text(struct buf *out, const char *text, const struct explain *x,
	      const struct explain_match *m, const struct explain_found *f, bool command,
	      struct error *err) _must_check_;

/* The numbers of a match: at most two. */
size_t match_numbers(const struct explain_match *m, int64_t out[2]);
/* The one that a sentence is about: the one outside 0-65535 where only one is. */
bool match_main_id(const struct explain_match *m, int64_t *out);
