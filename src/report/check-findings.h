/* A check's findings as report/finding.h has them.
 */
#pragma once

#include "report/finding.h"

extern const struct finding_about check_findings_about;

/* Tells each finding of the check, in check_each()'s order; f is borrowed for the call. fn returns
 * 0 to go on, below 0 to stop with that. */
typedef int check_findings_fn(void *ctx, const struct report_finding *f, struct error *err);
int check_findings_each(struct check *c, const char *ref_text, check_findings_fn *fn, void *ctx,
			struct error *err) _must_check_;

/* One image whole: findings but those that a baseline holds (it may be NULL), what was not looked
 * at or not verified, and the verdict. */
struct baseline;
int check_findings_image(struct finding_writer *w, const char *ref_text, struct check *c,
			 const struct notes *notes, const struct baseline *baseline,
			 struct error *err) _must_check_;
