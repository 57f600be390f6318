/* What the writers of findings share. Private to this folder.
 */
#pragma once

#include "base/buf.h"
#include "report/finding.h"
#include "report/json-writer.h"

/* One format. Each may be NULL but add. */
struct finding_ops {
	int (*begin)(struct finding_writer *w, struct error *err);
	int (*image)(struct finding_writer *w, const struct report_image *img, struct error *err);
	int (*add)(struct finding_writer *w, const struct report_finding *f, struct error *err);
	int (*done)(struct finding_writer *w, const char *input, bool fits, struct error *err);
	int (*failed)(struct finding_writer *w, const char *input, const struct error *why,
		      struct error *err);
	int (*note)(struct finding_writer *w, const char *input, const char *note,
		    struct error *err);
	int (*end)(struct finding_writer *w, struct error *err);
};
extern const struct finding_ops finding_sarif, finding_junit, finding_github, finding_gitlab,
	finding_html, finding_markdown;

struct finding_writer {
	struct report_options opts;
	struct finding_about about;
	const struct finding_ops *ops;
	struct finding_writer *beside; /* GitHub's step summary, or NULL */
	FILE *out;
	struct jsonw json;
	struct buf input;    /* text of the findings of one input, until it is done */
	struct buf failures; /* of inputs, until the end */
	uint64_t kept;	     /* findings of this input in input, */
	uint64_t count[3];   /* and all of them, by level */
	size_t inputs;
	bool any_failed;
	bool section, picture; /* html: open for this input; with its layers */
};

/* Made of data/page.css and data/page.js; the policy names their digests. */
extern const char page_css[], page_js[], page_policy[];

const char *finding_verdict(const struct finding_writer *w, bool fits);

/* "Dockerfile", else the image as typed, else "-". */
const char *finding_place(const struct report_finding *f);

/* "owner-outside-map (docker): /app/x of 1000:1000: uid outside the map", without the rule. */
int finding_sentence(struct buf *out, const struct report_finding *f) _must_check_;
