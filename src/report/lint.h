/* The report of lint: each Dockerfile's findings as text or JSON (uidfit/lint/1).
 */
#pragma once

#include "lint/lint.h"
#include "report/finding.h"

struct lint_report;
int lint_report_begin(struct lint_report **out, const struct report_options *opts,
		      struct error *err) _must_check_;
/* untied: findings of --image whose step stands in no line; image NULL where none was given. */
int lint_report_file(struct lint_report *r, const struct lint *l, const char *image,
		     uint64_t untied, struct error *err) _must_check_;
int lint_report_failed(struct lint_report *r, const char *name, const struct error *why,
		       struct error *err) _must_check_;
int lint_report_end(struct lint_report *r, struct error *err) _must_check_;
void lint_report_free(struct lint_report *r);

/* A finding as the writers of report/finding.h take it. *edit and text (the caller's, cleared here)
 * hold what f->edits points to. */
int lint_to_finding(struct report_finding *out, const struct lint *l, const struct lint_finding *f,
		    const char *image, struct report_edit *edit, struct buf *text,
		    struct error *err) _must_check_;
