#include "report/finding-internal.h"

#include <inttypes.h>
#include <string.h>

#include "report/print.h"
#include "stream/digest.h"

static const struct finding_ops *const formats[] = {
	[REPORT_SARIF] = &finding_sarif,       [REPORT_JUNIT] = &finding_junit,
	[REPORT_GITHUB] = &finding_github,     [REPORT_GITLAB] = &finding_gitlab,
	[REPORT_MARKDOWN] = &finding_markdown, [REPORT_HTML] = &finding_html,
};

bool report_is_findings(enum report_format format)
{
	return format < ARRAY_SIZE(formats) && formats[format];
}

static int begin(struct finding_writer **out, const struct report_options *opts,
		 const struct finding_about *about, struct error *err)
{
	struct finding_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_nomem(err);
	w->opts = *opts;
	w->about = *about;
	w->ops = formats[opts->format];
	w->out = w->json.out = opts->out;
	r = w->ops->begin ? w->ops->begin(w, err) : 0;
	if (r < 0)
		findings_free(w);
	else
		*out = w;
	return r;
}

int findings_begin(struct finding_writer **out, const struct report_options *opts,
		   const struct finding_about *about, struct error *err)
{
	struct report_options summary = { .format = REPORT_MARKDOWN, .out = opts->summary };
	int r;

	if (!report_is_findings(opts->format))
		return err_fail(err, ERR_USAGE, 0, "a format of findings is asked for");
	r = begin(out, opts, about, err);
	if (r == 0 && opts->format == REPORT_GITHUB && opts->summary)
		r = begin(&(*out)->beside, &summary, about, err);
	return r;
}

int findings_image(struct finding_writer *w, const struct report_image *img, struct error *err)
{
	return w->ops->image ? w->ops->image(w, img, err) : 0;
}

int findings_add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	int r = w->ops->add(w, f, err);

	w->count[f->level]++;
	if (r == 0 && w->beside)
		r = findings_add(w->beside, f, err);
	return r < 0 ? r : print_check(w->out, err);
}

int findings_done(struct finding_writer *w, const char *input, bool fits, struct error *err)
{
	int r = w->ops->done ? w->ops->done(w, input, fits, err) : 0;

	w->inputs++;
	w->kept = 0;
	buf_clear(&w->input);
	return r == 0 && w->beside ? findings_done(w->beside, input, fits, err) : r;
}

int findings_failed(struct finding_writer *w, const char *input, const struct error *why,
		    struct error *err)
{
	int r = w->ops->failed ? w->ops->failed(w, input, why, err) : 0;

	w->any_failed = true;
	return r == 0 && w->beside ? findings_failed(w->beside, input, why, err) : r;
}

int findings_note(struct finding_writer *w, const char *input, const char *note, struct error *err)
{
	int r = w->ops->note ? w->ops->note(w, input, note, err) : 0;

	return r == 0 && w->beside ? findings_note(w->beside, input, note, err) : r;
}

int findings_end(struct finding_writer *w, struct error *err)
{
	int r = w->ops->end ? w->ops->end(w, err) : 0;

	if (r == 0 && w->beside)
		r = findings_end(w->beside, err);
	fflush(w->out);
	return r < 0 ? r : print_check(w->out, err);
}

void findings_free(struct finding_writer *w)
{
	if (!w)
		return;
	findings_free(w->beside);
	buf_free(&w->input);
	buf_free(&w->failures);
	free(w);
}

const char *finding_verdict(const struct finding_writer *w, bool fits)
{
	const char *own = fits ? w->about.good : w->about.bad;

	return own ? own : fits ? "fits" : "does not fit";
}

const char *finding_place(const struct report_finding *f)
{
	return f->file ? f->file : f->image ? f->image : "-";
}

int finding_sentence(struct buf *out, const struct report_finding *f)
{
	int r = 0;

	if (f->target)
		r = buf_printf(out, "%s: ", f->target);
	if (r == 0 && f->path)
		r = buf_printf(out, "%s of %" PRId64 ":%" PRId64 ": ", f->path, f->uid, f->gid);
	if (r == 0)
		r = buf_append_str(out, f->message);
	if (r == 0 && f->layer >= 0)
		r = buf_printf(out, " (layer %ld%s%s)", f->layer, f->step ? ", " : "",
			       f->step ? f->step : "");
	return r;
}

/* NULs between the members: none can run into the next. */
int report_fingerprint(const struct report_finding *f, char out[65], struct error *err)
{
	_cleanup_(buf_freep) struct buf all = { 0 };
	char hex[DIGEST_HEX_MAX + 1];
	int r = buf_printf(&all, "uidfit/finding/1%c%s%c%s%c%s%c", 0, f->rule, 0,
			   f->file ? f->file : "", 0, f->path ? f->path : "", 0);

	if (r == 0 && f->path)
		r = buf_printf(&all, "%" PRId64 ":%" PRId64, f->uid, f->gid);
	else if (r == 0)
		r = buf_append_str(&all, f->message);
	if (r < 0)
		return err_nomem(err);
	r = digest_hex(DIGEST_SHA256, all.data, all.len, hex, err);
	if (r == 0)
		memcpy(out, hex, 65);
	return r;
}
