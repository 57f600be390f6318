/* The report of fix, or of an undo: the plan, and what was done where it was.
 */
#pragma once

#include "fix/plan.h"
#include "report/report.h"

struct fix_told {
	const struct fix_plan *plan;
	const char *source, *dest; /* as they were named; dest may be NULL with dry_run */
	bool dry_run;
	bool leads_back; /* the JSON holds what undo needs: fix_apply has recorded it */
	const struct notes *notes;
};

/* ERR_IO where out cannot be written. */
int fix_report(const struct report_options *opts, const struct fix_told *told,
	       struct error *err) _must_check_;
/* uidfit/fix/1, whatever opts->format says (--report). */
int fix_report_json(const struct report_options *opts, const struct fix_told *told,
		    struct error *err) _must_check_;
