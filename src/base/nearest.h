/* "Did you mean": the word of a list that is nearest to what was typed. */
#pragma once

#include <stddef.h>

/* Changes (a letter put in, left out, changed, or two swapped) from a to b; words longer than
 * NEAREST_WORD_MAX bytes count as infinitely far (NEAREST_FAR). Case is ignored. */
#define NEAREST_WORD_MAX 48
#define NEAREST_FAR	 1000u
unsigned nearest_distance(const char *a, size_t a_len, const char *b);

/* Feeds one candidate: keeps it in *best where it is nearer than *distance. Start with *best NULL
 * and *distance NEAREST_FAR. A candidate that shares less than about half its letters is never
 * kept. */
void nearest_offer(const char *word, size_t n, const char *candidate, const char **best,
		   unsigned *distance);
