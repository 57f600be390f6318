#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment, three rows of the table. */
unsigned nearest_distance(const char *a, size_t a_len, const char *b)
{
	unsigned rows[3][NEAREST_WORD_MAX + 1];
	size_t b_len = strlen(b);

	if (a_len > NEAREST_WORD_MAX || b_len > NEAREST_WORD_MAX)
		return NEAREST_FAR;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = MIN(up[j] + 1, now[j - 1] + 1);
			now[j] = MIN(now[j], up[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = MIN(now[j], up2[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

void nearest_offer(const char *word, size_t n, const char *candidate, const char **best,
		   unsigned *distance)
{
	unsigned d = nearest_distance(word, n, candidate);
	size_t longer = MAX(n, strlen(candidate));

	if (d >= *distance || d * 2 > longer)
		return;
	*best = candidate;
	*distance = d;
}
