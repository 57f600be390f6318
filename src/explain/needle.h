/* Which rows can match a text at all: their needles, looked for all at once (Aho and Corasick,
 * 1975), case and blanks ignored, so that a line which a terminal has broken still holds them.
 * Private to this folder.
 */
#pragma once

#include <stdbool.h>

#include "explain/data.h"

#define NEEDLE_ROWS_MAX 256

/* A set of rows of explain_messages. */
struct needle_rows {
	uint64_t bits[NEEDLE_ROWS_MAX / 64];
};

static inline bool needle_has(const struct needle_rows *rows, size_t i)
{
	return rows->bits[i / 64] >> i % 64 & 1;
}

struct needles;

int needles_new(struct needles **out, struct error *err) _must_check_;
void needles_free(struct needles *n);
DEFINE_CLEANUP(struct needles, needles_free)

/* Where a search stands between two texts. Zeroed is the beginning. */
struct needle_state {
	unsigned node;
	uint64_t seen; /* bytes that count, all texts together */
};

/* Searches one more text. Adds rows whose needle ends in it to rows; *first is where the needle
 * that began earliest, of all that ended here, began, as a count of seen; UINT64_MAX where none
 * ended. */
void needles_search(const struct needles *n, struct needle_state *state, const char *text,
		    size_t len, struct needle_rows *rows, uint64_t *first);
