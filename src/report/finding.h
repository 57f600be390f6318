/* A finding in no verb's own words, and the writers that hand findings to other programs: SARIF
 * 2.1.0, JUnit, GitHub's workflow commands, GitLab's code quality, Markdown, and one
 * HTML page.
 *
 * Verbs turn what they found into these; no writer knows a verb.
 */
#pragma once

#include "report/report.h"
#include "target/check.h"

/* In place of lines first to last (from 1, inclusive; last = first - 1 inserts before first). */
struct report_edit {
	size_t first, last;
	const char *text; /* whole lines, each with its newline; "" takes them away */
};

struct report_finding {
	const char *rule; /* "owner-outside-map": design.md section 5, docs/lint.md */
	enum level level;
	const char *message; /* one plain sentence, no newline; raw bytes of an image are escaped */
	const char *target;  /* whose map: "docker", or NULL */

	/* Where in a source file (a Dockerfile): NULL and 0 where there is none. */
	const char *file;
	size_t line, end_line;
	const struct report_edit *edits; /* what mends it there */
	size_t edit_count;

	/* Where in an image: NULL where there is none. */
	const char *image;   /* as typed */
	const char *digest;  /* of the layer's blob or diff_id */
	long layer;	     /* or -1 */
	const char *step;    /* the Dockerfile's line as far as the image tells it, or NULL */
	const char *path;    /* of the entry, escaped, with its slash */
	int64_t uid, gid;    /* of the entry, valid where path is */
	const char *visible; /* "visible", "replaced", "removed", or NULL: not known */

	const char *help; /* what to do, one or more plain sentences; may be NULL */
};

struct finding_writer;

struct finding_rule {
	const char *name, *summary, *help; /* help may be NULL */
};

/* What the report is of: a tool run. Borrowed. */
struct finding_about {
	const char *verb;
	const struct finding_rule *rules; /* for formats that list them */
	size_t rule_count;
	const char *good, *bad; /* of an input; NULL: "fits", "does not fit" */
};

bool report_is_findings(enum report_format format);

/* opts->format says which. ERR_USAGE for a format that is not one of these. Findings stream where
 * the format allows; memory grows with the number of findings where it does not (junit), up to
 * FINDINGS_KEPT_MAX of an input, behind which they are counted and that is said. */
#define FINDINGS_KEPT_MAX 100000
int findings_begin(struct finding_writer **out, const struct report_options *opts,
		   const struct finding_about *about, struct error *err) _must_check_;
/* What a picture of an image shows, before its findings. */
struct report_layer {
	uint64_t size;	   /* of the blob as stored */
	const char *step;  /* or NULL */
	uint64_t findings; /* errors and warnings */
};
struct report_image {
	const char *name;
	bool fits;
	const struct report_layer *layers;
	size_t layer_count;
	const struct target_use *const *targets;
	size_t target_count;
	const struct report_owner {
		int64_t uid, gid;
	} * owners; /* distinct ones of findings, the first REPORT_OWNERS_MAX */
	size_t owner_count;
};
#define REPORT_OWNERS_MAX 64
int findings_image(struct finding_writer *w, const struct report_image *img,
		   struct error *err) _must_check_;
/* f is borrowed for the call. */
int findings_add(struct finding_writer *w, const struct report_finding *f,
		 struct error *err) _must_check_;
/* All findings of that input have been added. */
int findings_done(struct finding_writer *w, const char *input, bool fits,
		  struct error *err) _must_check_;
/* An input that could not be looked at: SARIF's toolExecutionNotifications, JUnit's error. */
int findings_failed(struct finding_writer *w, const char *input, const struct error *why,
		    struct error *err) _must_check_;
/* A fact that is no finding: what was not looked at or not verified. */
int findings_note(struct finding_writer *w, const char *input, const char *note,
		  struct error *err) _must_check_;
int findings_end(struct finding_writer *w, struct error *err) _must_check_;
void findings_free(struct finding_writer *w);

/* Stable from run to run, from image to image and from layer to layer: of rule, file, and the
 * entry's path and owner, else the message; hex, 64 digits and a NUL. What baselines and
 * code-quality services compare. */
int report_fingerprint(const struct report_finding *f, char out[65],
		       struct error *err) _must_check_;
