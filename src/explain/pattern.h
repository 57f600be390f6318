/* The rows' regular expressions, run by PCRE2 under limits. Each is compiled when it is first
 * needed, once, and with the JIT where there is one. Private to this folder.
 */
#pragma once

#include "explain/data.h"

struct patterns;

int patterns_new(struct patterns **out, struct error *err) _must_check_;
void patterns_free(struct patterns *p);
DEFINE_CLEANUP(struct patterns, patterns_free)

/* Named groups that are read (data/messages.conf). */
enum pattern_group {
	GROUP_ID,
	GROUP_UID,
	GROUP_GID,
	GROUP_PATH,
	GROUP_DIGEST,
	GROUP_DIFFID,
	GROUP_KIND,
	GROUP_RUNE,
	GROUP_SIZE,
	GROUP_FROM,
	GROUP_NAME,
	GROUP_REST,
	GROUP_COUNT
};

struct pattern_span {
	const char *at; /* in the text; NULL where the group did not take part */
	size_t len;
};

struct pattern_match {
	struct pattern_span all;
	struct pattern_span groups[GROUP_COUNT];
};

/* Looks for row i of explain_messages in the text, from byte start on; what stands before start may
 * be looked back at. 0 and *out, or 1 where it is not there or a limit was passed. -ERR_BUG for a
 * row that does not compile (a test compiles them all). */
int pattern_search(struct patterns *p, size_t i, const char *text, size_t len, size_t start,
		   struct pattern_match *out, struct error *err) _must_check_;
