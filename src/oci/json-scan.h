/* JSON as Go writes it, read where it lies: for lists of many small objects, where a parser's tree
 * costs more than all else. What is here takes the usual form only; for anything else it says
 * false, and the caller asks oci_json_parse, which judges.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json_scan {
	const char *p, *end;
};

static inline bool json_scan_bytes(struct json_scan *at, const char *text, size_t n)
{
	if ((size_t)(at->end - at->p) < n || memcmp(at->p, text, n) != 0)
		return false;
	at->p += n;
	return true;
}
#define JSON_SCAN(at, literal) json_scan_bytes(at, literal, sizeof(literal) - 1)

static inline void json_scan_blanks(struct json_scan *at)
{
	while (at->p < at->end &&
	       (*at->p == ' ' || *at->p == '\n' || *at->p == '\t' || *at->p == '\r'))
		at->p++;
}

/* Behind a string's first quote: up to its next one, which is passed. An escaped quote ends it too:
 * the caller looks for backslashes where they matter. */
static inline bool json_scan_string(struct json_scan *at, const char **s, size_t *n)
{
	const char *quote = memchr(at->p, '"', (size_t)(at->end - at->p));

	if (!quote)
		return false;
	*s = at->p;
	*n = (size_t)(quote - at->p);
	at->p = quote + 1;
	return true;
}

/* No escape and no control character, which JSON forbids; bytes of UTF-8 are not judged. */
static inline bool json_scan_is_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\\' || (unsigned char)s[i] < ' ')
			return false;
	return true;
}

#define JSON_SCAN_DIGITS 18 /* what cannot overflow */

/* Whole, not below 0. What follows is not looked at: a digit, point or exponent may stand there. */
static inline bool json_scan_number(struct json_scan *at, uint64_t *out)
{
	const char *start = at->p;

	*out = 0;
	while (at->p < at->end && *at->p >= '0' && *at->p <= '9' &&
	       at->p - start < JSON_SCAN_DIGITS)
		*out = *out * 10 + (uint64_t)(*at->p++ - '0');
	return at->p > start && (*start != '0' || at->p == start + 1);
}
