/* The only code that turns findings into prose or JSON. Everything an image controls is escaped
 * here.
 */
#pragma once

#include <stdio.h>

#include "target/check.h"

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
	/* Findings for other programs, report/finding.h: check's and lint's. */
	REPORT_SARIF,
	REPORT_JUNIT,
	REPORT_GITHUB,
	REPORT_GITLAB,
	REPORT_MARKDOWN,
	REPORT_HTML,
};

struct report_options {
	enum report_format format;
	bool all;   /* no folding by directory */
	bool quiet; /* verdict lines alone */
	bool color;
	FILE *out;
	FILE *summary; /* with REPORT_GITHUB: the step's summary, Markdown; or NULL */
};

/* A check report is a sequence: begin, one image after the other, end. JSON is written as it is
 * known, so that memory stays flat. Each returns 0 or an error (ERR_IO where out cannot be written:
 * a full disk, a closed pipe). */
struct check_report;
struct baseline;
int check_report_begin(struct check_report **out, const struct report_options *opts,
		       struct error *err) _must_check_;
/* baseline: findings that are accepted, or NULL. Formats of findings leave them out; text counts
 * them; JSON tells all. 1 where nothing else makes the image unfit, though it does not fit. */
int check_report_image(struct check_report *r, const char *ref_text, struct check *c,
		       const struct notes *notes, const struct baseline *baseline,
		       struct error *err) _must_check_;
/* An image that could not be looked at stands in the report too. */
int check_report_failed(struct check_report *r, const char *ref_text, const struct error *why,
			struct error *err) _must_check_;
int check_report_end(struct check_report *r, struct error *err) _must_check_;
void check_report_free(struct check_report *r);

/* owners: filters as design.md names them. */
struct owners_filter {
	const char *const *except; /* names or ids not to list */
	size_t except_count;
	const char *under; /* only entries at or below this path, or NULL */
	bool list;	   /* each entry, not a count */
};
struct owners_report;
int owners_report_begin(struct owners_report **out, const struct report_options *opts,
			const struct owners_filter *filter, struct error *err) _must_check_;
int owners_report_image(struct owners_report *r, const char *ref_text, struct image *img,
			struct error *err) _must_check_;
int owners_report_failed(struct owners_report *r, const char *ref_text, const struct error *why,
			 struct error *err) _must_check_;
int owners_report_end(struct owners_report *r, struct error *err) _must_check_;
void owners_report_free(struct owners_report *r);

int platforms_report(const struct report_options *opts, struct error *err) _must_check_;
