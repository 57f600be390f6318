/* What a long transfer tells while it runs. Libraries call; cli/ gives the functions, report/
 * draws. Any thread may call. NULL anywhere is fine: nothing is told.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum progress_step {
	PROGRESS_WAITING,
	PROGRESS_READING,    /* "Checking": a layer's bytes arrive */
	PROGRESS_WRITING,    /* a blob goes to the destination */
	PROGRESS_EXTRACTING, /* a layer's bytes arrive, and its files are written */
	PROGRESS_DONE,
	PROGRESS_CACHED, /* nothing to read: the cache had it */
	PROGRESS_EXISTS, /* nothing to write: the destination has it */
	PROGRESS_LEFT,	 /* nothing more of it is wanted */
	PROGRESS_FAILED,
};

struct progress {
	/* One line of work: a blob's digest (or a name), and its bytes, UINT64_MAX where not known.
	 * The id names it in the calls below. */
	size_t (*begin)(struct progress *p, const char *name, uint64_t total);
	/* So many bytes have passed in all. Called often: must be cheap. */
	void (*advance)(struct progress *p, size_t id, enum progress_step step, uint64_t bytes);
	void (*end)(struct progress *p, size_t id, enum progress_step how);
	/* Set once the user wants an end (a signal): streams that are watched then fail, so that
	 * what was begun is taken back on the way out. May be NULL. */
	const volatile sig_atomic_t *stop;
};

static inline bool progress_stopped(const struct progress *p)
{
	return p && p->stop && *p->stop;
}

static inline size_t progress_begin(struct progress *p, const char *name, uint64_t total)
{
	return p ? p->begin(p, name, total) : 0;
}

static inline void progress_advance(struct progress *p, size_t id, enum progress_step step,
				    uint64_t bytes)
{
	if (p)
		p->advance(p, id, step, bytes);
}

static inline void progress_end(struct progress *p, size_t id, enum progress_step how)
{
	if (p)
		p->end(p, id, how);
}
