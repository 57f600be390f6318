#include "report/report.h"

#include <inttypes.h>

#include "report/baseline.h"
#include "report/check-findings.h"
#include "report/check-text.h"
#include "report/print.h"

struct check_report {
	struct report_options opts;
	struct jsonw json;
	struct finding_writer *findings; /* in formats of findings */
	size_t images;
};

int check_report_begin(struct check_report **out, const struct report_options *opts,
		       struct error *err)
{
	struct check_report *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	r->opts = *opts;
	r->json.out = opts->out;
	if (opts->format == REPORT_JSON) {
		jsonw_open(&r->json, NULL, '{');
		jsonw_str(&r->json, "schema", "uidfit/check/1");
		jsonw_open(&r->json, "results", '[');
	}
	if (report_is_findings(opts->format)) {
		int e = findings_begin(&r->findings, opts, &check_findings_about, err);

		if (e < 0) {
			free(r);
			return e;
		}
	}
	*out = r;
	return 0;
}

struct accepting {
	const struct baseline *baseline;
	enum level fail_on;
	uint64_t all, accepted;
	bool fails;
};

static int accept(void *ctx, const struct report_finding *f, struct error *err)
{
	struct accepting *a = ctx;
	int r = baseline_has(a->baseline, f, err);

	if (r < 0)
		return r;
	a->all++;
	a->accepted += r > 0;
	a->fails |= !r && f->level >= a->fail_on;
	return 0;
}

static int judge(struct check_report *r, const char *ref_text, struct check *c,
		 const struct baseline *baseline, struct error *err)
{
	struct accepting a = { .baseline = baseline, .fail_on = c->opts->fail_on };
	int e = baseline ? check_findings_each(c, ref_text, accept, &a, err) : 0;

	if (e < 0 || !baseline)
		return e;
	if (r->opts.format == REPORT_TEXT)
		fprintf(r->opts.out,
			"  baseline: %" PRIu64 " of %" PRIu64 " findings are accepted%s\n",
			a.accepted, a.all, a.fails ? "" : "; none is new");
	return !c->fits && !a.fails;
}

int check_report_image(struct check_report *r, const char *ref_text, struct check *c,
		       const struct notes *notes, const struct baseline *baseline,
		       struct error *err)
{
	int e;

	if (r->findings) {
		e = check_findings_image(r->findings, ref_text, c, notes, baseline, err);
	} else if (r->opts.format == REPORT_JSON) {
		e = check_json_image(&r->json, ref_text, c, notes, err);
	} else {
		if (r->images++ && !r->opts.quiet)
			fputc('\n', r->opts.out);
		e = check_text_image(&r->opts, ref_text, c, notes, err);
	}
	return e < 0 ? e : judge(r, ref_text, c, baseline, err);
}

int check_report_failed(struct check_report *r, const char *ref_text, const struct error *why,
			struct error *err)
{
	if (r->findings)
		return findings_failed(r->findings, ref_text, why, err);
	/* In text the error stands on standard error, where the caller puts it. */
	if (r->opts.format == REPORT_JSON)
		check_json_failed(&r->json, ref_text, why);
	return print_check(r->opts.out, err);
}

int check_report_end(struct check_report *r, struct error *err)
{
	if (r->findings)
		return findings_end(r->findings, err);
	if (r->opts.format == REPORT_JSON) {
		jsonw_close(&r->json);
		jsonw_close(&r->json);
		fputc('\n', r->opts.out);
	}
	fflush(r->opts.out);
	return print_check(r->opts.out, err);
}

void check_report_free(struct check_report *r)
{
	if (r)
		findings_free(r->findings);
	free(r);
}
