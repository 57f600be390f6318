/* One line of progress as text. Private to this folder, and to its tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/progress.h"

#define PROGRESS_NAME 20 /* bytes of a name as shown, at most */

struct progress_line {
	char name[PROGRESS_NAME + 1];
	uint64_t total; /* UINT64_MAX: not known */
	uint64_t bytes;
	enum progress_step step;
	enum progress_step moved; /* its last step that moved bytes */
	double rate;		  /* bytes a second, 0: not known yet */
	uint64_t told_ms;	  /* plain: when, by a clock of milliseconds; 0: never */
	uint64_t rated_ms;	  /* when rate was looked at last, */
	uint64_t rated_bytes;	  /* and what had passed then */
};

/* The first twelve digits of a digest, wherever the name has it; else the name, escaped and cut. */
void progress_name(char out[PROGRESS_NAME + 1], const char *name);

bool progress_is_over(const struct progress_line *l);

/* "Checking 32 MB / 308 MB", "Check complete", "Known from the cache". 0 or -ERR_NOMEM. */
int progress_words(struct buf *out, const struct progress_line *l) _must_check_;

/* A line of less than width columns: name, bar, bytes, rate, as far as they fit. 0 or -ERR_NOMEM.
 */
int progress_bar(struct buf *out, const struct progress_line *l, size_t width) _must_check_;

/* What stands below where not all lines have room: "5 of 30 done, 412 MB". 0 or -ERR_NOMEM. */
int progress_summary(struct buf *out, const struct progress_line *lines, size_t count,
		     size_t width) _must_check_;
