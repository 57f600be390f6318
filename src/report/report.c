#include "report/report.h"

#include "report/check-text.h"
#include "report/print.h"

struct check_report {
	struct report_options opts;
	struct jsonw json;
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
	*out = r;
	return 0;
}

int check_report_image(struct check_report *r, const char *ref_text, struct check *c,
		       const struct notes *notes, struct error *err)
{
	if (r->opts.format == REPORT_JSON)
		return check_json_image(&r->json, ref_text, c, notes, err);
	if (r->images++ && !r->opts.quiet)
		fputc('\n', r->opts.out);
	return check_text_image(&r->opts, ref_text, c, notes, err);
}

int check_report_failed(struct check_report *r, const char *ref_text, const struct error *why,
			struct error *err)
{
	/* In text the error stands on standard error, where the caller puts it. */
	if (r->opts.format == REPORT_JSON)
		check_json_failed(&r->json, ref_text, why);
	return print_check(r->opts.out, err);
}

int check_report_end(struct check_report *r, struct error *err)
{
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
	free(r);
}
