/* One message, taken apart: wrappers from the outside in, then the leaf. Private to this folder.
 */
#pragma once

#include "explain/needle.h"
#include "explain/pattern.h"

struct matcher {
	struct needles *needles;
	struct patterns *patterns;
};

int matcher_init(struct matcher *m, struct error *err) _must_check_;
void matcher_done(struct matcher *m);

/* Where the fixed words of a message stand in the text: the leaf's, then its wrappers'. */
struct match_place {
	struct {
		size_t from, to;
	} spans[EXPLAIN_WRAPPERS_MAX + 1];
	size_t count;
};

/* Reads one text (a line, or lines joined) into *out, zeroed before: 0, or 1 where no leaf of role
 * leaf or follow is in it. What is unknown around the leaf is passed over. place may be NULL.
 * *platform is the target that some wrapper betrays, or "". The match's strings are owned
 * (match_done). */
int match_text(struct matcher *m, const char *text, size_t len, struct explain_match *out,
	       struct match_place *place, const char **platform, struct error *err) _must_check_;

/* The context row that the text is, or NULL. */
const struct explain_message *match_context(struct matcher *m, const struct needle_rows *rows,
					    const char *text, size_t len);

/* True where a row of that role is among rows. */
bool match_may_have(const struct needle_rows *rows, bool context);

void match_done(struct explain_match *m);
