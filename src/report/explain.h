/* What explain found, as text or JSON (schema uidfit/explain/1).
 */
#pragma once

#include "explain/explain.h"
#include "report/report.h"

/* asked is what the user gave, where nothing was recognised in it: a note that it is no file, or
 * NULL. log is the file that was read, for findings; NULL where there is none. 0, or an error
 * (ERR_IO where out cannot be written). */
int explain_report(const struct report_options *opts, const struct explain *x, const char *asked,
		   const char *log, struct error *err) _must_check_;

/* The forms. Internal to report/. */
int explain_text(const struct report_options *opts, const struct explain *x, const char *asked,
		 struct error *err) _must_check_;
int explain_json(const struct report_options *opts, const struct explain *x,
		 struct error *err) _must_check_;
int explain_findings(const struct report_options *opts, const struct explain *x, const char *log,
		     struct error *err) _must_check_;
