/* The forms of a check report: one image each. Internal to report/.
 */
#pragma once

#include "report/json-writer.h"
#include "report/report.h"
#include "report/summary.h"

#define NOTE_NO_STEPS "no Dockerfile steps: "

int check_text_image(const struct report_options *opts, const char *ref_text, struct check *c,
		     const struct notes *notes, struct error *err) _must_check_;

/* "What to do", from what was found. */
int check_text_advice(const struct report_options *opts, struct check *c, const struct summary *s,
		      struct error *err) _must_check_;

/* What the very step of a layer should say in place of what it says: words with a command in
 * backquotes; nothing where no owner of the layer is to be mended there. Appended: 0 or -ERR_NOMEM.
 */
int check_advice_step(struct buf *out, struct check *c, const struct summary *s,
		      size_t layer) _must_check_;
/* The same for ACLs, and for the logs that a high uid makes. */
extern const char check_advice_acl[], check_advice_log[];

int check_json_image(struct jsonw *w, const char *ref_text, struct check *c,
		     const struct notes *notes, struct error *err) _must_check_;
/* One member of "findings". */
int check_json_finding(struct jsonw *w, struct check *c, const struct finding *f,
		       struct error *err) _must_check_;
void check_json_failed(struct jsonw *w, const char *ref_text, const struct error *why);
