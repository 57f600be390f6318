/* The plan of an undo: which image of a source is which of a report, and which of its layers become
 * what they were. fix_apply carries it out as it does any plan.
 */
#pragma once

#include "fix/past.h"
#include "fix/plan.h"

/* past, set and opts (of which notes alone count) are borrowed. ERR_DENIED where an image is none
 * that the report's run wrote, with what differs. Digests are checked when bytes are made:
 * fix_apply gives ERR_DIGEST where a diff_id does not come back. */
int fix_undo_plan(struct fix_plan **out, const struct fix_past *past, struct image_set *set,
		  const struct fix_options *opts, struct error *err) _must_check_;
