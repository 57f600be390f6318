/* GitLab's code quality report: a JSON array in Code Climate's manner, of what GitLab reads.
 */
#include "report/finding-internal.h"

static int begin(struct finding_writer *w, _unused_ struct error *err)
{
	jsonw_open(&w->json, NULL, '[');
	return 0;
}

static int add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	static const char *const severity[] = {
		[LEVEL_NOTE] = "info", [LEVEL_WARNING] = "minor", [LEVEL_ERROR] = "major"
	};
	_cleanup_(buf_freep) struct buf sentence = { 0 };
	struct jsonw *j = &w->json;
	char print[65];
	int r = report_fingerprint(f, print, err);

	if (r < 0)
		return r;
	if (finding_sentence(&sentence, f) < 0)
		return err_nomem(err);
	jsonw_open(j, NULL, '{');
	jsonw_str(j, "description", buf_str(&sentence));
	jsonw_str(j, "check_name", f->rule);
	jsonw_str(j, "fingerprint", print);
	jsonw_str(j, "severity", severity[f->level]);
	jsonw_open(j, "location", '{');
	jsonw_str(j, "path", finding_place(f));
	jsonw_open(j, "lines", '{');
	jsonw_u64(j, "begin", f->line ? f->line : 1);
	jsonw_close(j);
	jsonw_close(j);
	jsonw_close(j);
	return 0;
}

/* The format has no place for what could not be looked at: it must not look like nothing. */
static int failed(struct finding_writer *w, const char *input, const struct error *why,
		  struct error *err)
{
	const struct report_finding f = {
		.rule = "not-looked-at",
		.level = LEVEL_ERROR,
		.message = why->msg,
		.image = input,
		.layer = -1,
	};

	return add(w, &f, err);
}

static int end(struct finding_writer *w, _unused_ struct error *err)
{
	jsonw_close(&w->json);
	fputc('\n', w->out);
	return 0;
}

const struct finding_ops finding_gitlab = {
	.begin = begin, .add = add, .failed = failed, .end = end
};
