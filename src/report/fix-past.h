/* The member "undo" of uidfit/fix/1, which fix/past.h reads.
 */
#pragma once

#include "fix/plan.h"
#include "report/json-writer.h"

/* Of a plan that fix_apply carried out and recorded. */
int fix_past_json(struct jsonw *w, const struct fix_plan *p, struct error *err) _must_check_;
