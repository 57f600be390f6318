/* A stream that tells how far it has come, and ends where the user wants an end.
 */
#pragma once

#include "base/progress.h"
#include "stream/stream.h"

#define WATCH_STEP (64u << 10) /* bytes between two tellings */

/* step PROGRESS_WAITING: nothing is told here, for somebody else tells of that line. Owns inner on
 * success; the bytes are inner's, and what it skips counts as passed. *out is inner itself where
 * there is nobody to tell (progress NULL). ERR_SEQUENCE "interrupted" where the user has ended the
 * run (base/progress.h). */
int stream_open_watched(struct stream **out, struct stream *inner, struct progress *progress,
			size_t id, enum progress_step step, struct error *err) _must_check_;
