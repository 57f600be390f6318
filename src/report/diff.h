/* The report of diff: what a release gained, lost and changed, as text or JSON (uidfit/diff/1).
 */
#pragma once

#include "report/report.h"
#include "target/diff.h"

struct diff_told {
	struct diff *diff;
	const char *names[2];	      /* as typed, by enum diff_side */
	const struct notes *notes[2]; /* of each image's reading */
};

/* ERR_IO where out cannot be written. */
int diff_report(const struct report_options *opts, const struct diff_told *told,
		struct error *err) _must_check_;
/* Where one of them could not be looked at: JSON alone; in text the error stands on standard error,
 * where the caller puts it. */
int diff_report_failed(const struct report_options *opts, const char *const names[2],
		       const struct error *why, struct error *err) _must_check_;

/* Internal to report/. */
int diff_text(const struct report_options *opts, const struct diff_told *told,
	      struct error *err) _must_check_;
int diff_json(const struct report_options *opts, const struct diff_told *told,
	      struct error *err) _must_check_;
