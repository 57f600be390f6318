/* TOML (toml.io, v1.0) as engines' settings use it: tables, arrays of tables, inline tables,
 * arrays, strings in their four forms, booleans, integers. Floats and dates are refused, as is all
 * that the format forbids: a key or table twice, a control character, an escape that does not
 * exist.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define TOML_ITEMS_MAX 8192 /* of one document */
#define TOML_DEPTH_MAX 16   /* arrays and inline tables in one another; parts of a dotted key */

enum toml_kind { TOML_STRING, TOML_INTEGER, TOML_BOOL, TOML_ARRAY, TOML_TABLE };

struct toml {
	enum toml_kind kind;
	char *key;	     /* NULL in an array */
	char *text;	     /* of a string its value (no NUL inside), of a scalar as written */
	size_t line;	     /* from 1 */
	struct toml **items; /* of an array or a table, in the document's order */
	size_t count, cap;
	/* The reader's own: how a table came about decides what may still be added to it. */
	enum { TOML_OPEN, TOML_BY_HEADER, TOML_BY_KEYS, TOML_CLOSED } made;
};

/* Parses n bytes. *out is the root table, owned by the caller. ERR_BAD_INPUT "WHAT line N: ...",
 * ERR_LIMIT past the figures above, with the line too. Nothing of the text is quoted. */
int toml_parse(struct toml **out, const char *text, size_t n, const char *what,
	       struct error *err) _must_check_;
void toml_free(struct toml *t);
DEFINE_CLEANUP(struct toml, toml_free)

/* The member of a table; NULL where there is none or t is NULL or no table. Borrowed. */
const struct toml *toml_get(const struct toml *t, const char *key);

/* "a string", for messages. */
const char *toml_kind_name(enum toml_kind kind);
