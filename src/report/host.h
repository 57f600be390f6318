/* The report of host: what there is, and each problem with the line that mends it.
 */
#pragma once

#include "host/problems.h"
#include "report/report.h"

int host_report(const struct report_options *opts, const struct host *h,
		const struct host_problems *problems, struct error *err) _must_check_;

/* "every id: this process is root and dockerd remaps nobody": which map --map host took. */
const char *host_map_words(enum host_map_kind kind);

/* Internal to report/. What is wrong, and a command or a line that mends it ("" where nothing does,
 * or where a name of the host's files is unfit for a command line). Appended. -ERR_NOMEM. */
int host_problem_say(struct buf *out, const struct host *h, const struct host_problem *p,
		     struct error *err) _must_check_;
int host_problem_mend(struct buf *out, const struct host *h, const struct host_problem *p,
		      struct error *err) _must_check_;
int host_report_json(const struct report_options *opts, const struct host *h,
		     const struct host_problems *problems, struct error *err) _must_check_;
