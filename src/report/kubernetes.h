/* Which pods can run with hostUsers: false, and what each would lose: text or JSON
 * (uidfit/kubernetes/1).
 */
#pragma once

#include "base/buf.h"
#include "kubernetes/workload.h"
#include "report/report.h"

struct kube_told_file {
	const char *name; /* as typed */
	struct kube_file file;
	bool failed; /* for why, it could not be read */
	struct error why;
};

struct kube_told {
	struct kube_told_file *files;
	size_t count;
	const struct target_use *use;
};

/* ERR_IO where out cannot be written. */
int kube_report(const struct report_options *opts, const struct kube_told *told,
		struct error *err) _must_check_;

/* Internal to report/. */
enum kube_answer { KUBE_RUNS, KUBE_LOSES, KUBE_NOT };
/* Of a workload with its containers; *open where an image was not looked at. */
enum kube_answer kube_answer(const struct kube_workload *w, bool *open);
const char *kube_answer_name(enum kube_answer a); /* "yes", "loses", "no" */
/* One sentence. -ERR_NOMEM. */
int kube_words(struct buf *out, const struct kube_problem *p) _must_check_;
int kube_json(const struct report_options *opts, const struct kube_told *told,
	      struct error *err) _must_check_;
