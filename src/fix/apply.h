/* The plan of a fix, or of an undo, carried out: blobs from the source, patched or copied, and the
 * documents that name them, into a sink.
 */
#pragma once

#include "base/progress.h"
#include "fix/plan.h"
#include "sink/sink.h"

struct fix_apply_options {
	unsigned threads;	   /* that compress; 0: one a core */
	struct progress *progress; /* borrowed, or NULL */
	bool all_platforms;	   /* indexes are made anew; else each image stands for itself */
	bool record; /* what leads back to each changed layer is kept (fix_blob.difference) */
};

/* Puts everything but the commit. source is the one that the plan's images came from, and can be
 * read again (ERR_SEQUENCE for a one-pass source). limits are borrowed. An unchanged image keeps
 * each byte of its documents and blobs. ERR_DIGEST where a layer's bytes are not what the config
 * says, where an undo does not bring back a diff_id, or what sink gives. */
int fix_apply(struct fix_plan *p, struct source *source, struct sink *sink,
	      const struct limits *limits, const struct fix_apply_options *how,
	      struct error *err) _must_check_;
