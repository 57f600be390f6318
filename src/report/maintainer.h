/* The text for an image's maintainer, who may never have met a user namespace: Markdown, as a user
 * pastes it into an issue. No path of the user's host is in it, and no blame.
 */
#pragma once

#include "report/report.h"

struct maintainer_told {
	struct check *check;
	const char *name; /* what the maintainer calls the image: "app:1.0", or NULL: not known */
};

/* Markdown, or JSON (uidfit/report/1) with that text in it. Of an image that fits, a line that says
 * so. ERR_IO where out cannot be written. */
int maintainer_report(const struct report_options *opts, const struct maintainer_told *told,
		      struct error *err) _must_check_;
/* Where it could not be looked at: JSON alone. */
int maintainer_report_failed(const struct report_options *opts, const struct error *why,
			     struct error *err) _must_check_;
