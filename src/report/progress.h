/* Progress on standard error: a bar a line of work on a terminal, timestamped plain lines
 * elsewhere. A thread of its own draws, so that whoever works only counts.
 *
 * The cursor is never hidden and rests in an empty line below the bars: whatever ends the process,
 * the terminal is as it should be.
 */
#pragma once

#include "base/error.h"
#include "base/progress.h"

enum progress_form {
	PROGRESS_NONE,	/* nothing is shown; the stop flag works all the same */
	PROGRESS_BARS,	/* for a terminal: redrawn ten times a second, gone at the end */
	PROGRESS_PLAIN, /* "08:12:01 3f4ca61a9b0c: Checking 32 MB / 308 MB" */
};

struct progress_options {
	enum progress_form form;
	int fd;		   /* borrowed; bars ask it for the screen's size before each drawing */
	unsigned delay_ms; /* nothing is shown of a run that takes less */
	/* Plain: between two lines of the same work; 0: 2000. */
	unsigned every_ms;
	const volatile sig_atomic_t *stop; /* as struct progress has it */
};

/* NULL where memory is short; what cannot start its thread shows nothing. */
struct progress *progress_show(const struct progress_options *opts);
/* Takes the bars from the screen and forgets all work: before anything else is printed, and between
 * images. Work that is begun later shows again. p may be NULL. */
void progress_clear(struct progress *p);
/* Clears and ends the thread. p may be NULL. */
void progress_hide(struct progress *p);
