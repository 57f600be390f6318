/* The report of suggest: what images need, and the map that each engine can be given for it.
 */
#pragma once

#include "inventory/needs.h"
#include "report/report.h"
#include "target/suggest.h"

/* An image that was asked for; why is set where it could not be looked at. */
struct suggest_image {
	char *label;
	bool failed;
	struct error why;
};

struct suggest_result {
	const struct suggest_image *images;
	size_t image_count;
	const struct id_needs *needs;
	const struct idset *uid, *gid; /* what the maps hold: the needs and --also */
	const struct suggestion *suggestions;
	size_t suggestion_count;
	bool chosen; /* by --for: nothing is said of other platforms */
};

int suggest_report(const struct report_options *opts, const struct suggest_result *result,
		   struct error *err) _must_check_;

/* What to write, and where: "/etc/subuid", "dockremap:100000:65536". Called once a line. */
typedef int suggest_line_fn(void *ctx, const char *where, const char *line, struct error *err);
int suggest_lines(const struct suggestion *s, suggest_line_fn *fn, void *ctx,
		  struct error *err) _must_check_;

/* Why there is no such map; "" where there is one. */
const char *suggest_why_text(const struct suggestion *s);

/* Whether the range of a target as it is holds what the images need. */
bool suggest_target_holds(const struct target *t, const struct suggest_result *result);

/* Internal to report/: the JSON form. */
int suggest_report_json(const struct report_options *opts, const struct suggest_result *result,
			struct error *err) _must_check_;
