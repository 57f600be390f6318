/* Pasted text made into plain lines: colours and cursor moves gone, JSON's escapes undone, carriage
 * returns taken as ends of lines. Private to this folder.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Gets a line without its end; valid during the call. number counts from 1. A line longer than
 * EXPLAIN_LINE_MAX comes in pieces that overlap and have the same number. */
typedef int normalise_fn(void *ctx, const char *line, size_t n, uint64_t number, struct error *err);

enum normalise_state {
	NORMALISE_TEXT,
	NORMALISE_BACKSLASH, /* one or more backslashes were read */
	NORMALISE_ESC,
	NORMALISE_CSI, /* ESC [ ... final byte */
	NORMALISE_OSC, /* ESC ] ... BEL or ESC \ */
	NORMALISE_OSC_ESC,
	NORMALISE_UNICODE, /* \uXXXX */
};

struct normaliser {
	normalise_fn *fn;
	void *ctx;
	struct buf line;
	enum normalise_state state;
	unsigned digits; /* of \uXXXX so far */
	unsigned code;
	unsigned sequence; /* bytes of an escape sequence: one that does not end is none */
	uint64_t number;
	bool after_cr;
	bool piece; /* line begins with the end of the piece before */
};

int normalise_feed(struct normaliser *n, const void *bytes, size_t len,
		   struct error *err) _must_check_;
/* The last line, where it has no end. */
int normalise_end(struct normaliser *n, struct error *err) _must_check_;
void normalise_done(struct normaliser *n);

/* Bytes at the start of a line that a logger wrote: a time stamp, a compose service, a BuildKit
 * step. */
size_t normalise_prefix(const char *line, size_t n);
