#include "inventory/atoi.h"

#include <stdbool.h>

enum atoi_result atoi_go(const char *s, size_t n, int64_t *out)
{
	bool negative = n && s[0] == '-';
	const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	size_t i = n && (s[0] == '-' || s[0] == '+');
	uint64_t v = 0;

	*out = 0;
	if (i == n)
		return ATOI_SYNTAX;
	for (; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ATOI_SYNTAX;
		/* Go ends here too, before it sees what follows. */
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v)) {
			*out = negative ? INT64_MIN : INT64_MAX;
			return ATOI_RANGE;
		}
	}
	if (v > most) {
		*out = negative ? INT64_MIN : INT64_MAX;
		return ATOI_RANGE;
	}
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return ATOI_OK;
}
