/* JUnit's XML, as CI systems read it: an input is a suite, a finding a case that has failed.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report/finding-internal.h"

/* XML 1.0 has no other control characters than these three, not even escaped; nor U+FFFE, U+FFFF.
 */
static int put_xml(struct buf *out, const char *s)
{
	_cleanup_(buf_freep) struct buf valid = { 0 };
	int r = text_replace_invalid(&valid, s, strlen(s));

	for (const char *p = buf_str(&valid); *p && r == 0; p++)
		if (strchr("<>&\"'", *p) || *p == '\n' || *p == '\r' || *p == '\t')
			r = buf_printf(out, "&#%d;", *p);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			r = buf_append_str(out, "\xef\xbf\xbd");
		else if (strncmp(p, "\xef\xbf\xbe", 3) == 0 || strncmp(p, "\xef\xbf\xbf", 3) == 0)
			r = buf_append_str(out, "?"), p += 2;
		else
			r = buf_append(out, p, 1);
	return r;
}

static int begin(struct finding_writer *w, _unused_ struct error *err)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"uidfit\">\n", w->out);
	return 0;
}

static int put_case(struct buf *b, const char *class, const char *name, const char *kind,
		    const char *rule, const char *text)
{
	int r = buf_append_str(b, "    <testcase classname=\"");

	if (r == 0)
		r = put_xml(b, class);
	if (r == 0)
		r = buf_append_str(b, "\" name=\"");
	if (r == 0)
		r = put_xml(b, name);
	if (r == 0 && !kind)
		return buf_append_str(b, "\"/>\n");
	if (r == 0)
		r = buf_printf(b, "\">\n      <%s type=\"%s\" message=\"", kind, rule);
	if (r == 0)
		r = put_xml(b, text);
	return r < 0 ? r : buf_append_str(b, "\"/>\n    </testcase>\n");
}

/* A note is no failure: it stands in no suite. */
static int add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	_cleanup_(buf_freep) struct buf sentence = { 0 }, name = { 0 };
	int r;

	if (f->level == LEVEL_NOTE || w->kept++ >= FINDINGS_KEPT_MAX)
		return 0;
	r = finding_sentence(&sentence, f);
	if (r == 0)
		r = buf_printf(&name, "%s %s", f->rule, f->path ? f->path : "");
	if (r == 0 && f->file)
		r = buf_printf(&name, "%s:%zu", f->file, f->line);
	if (r == 0)
		r = put_case(&w->input, finding_place(f), buf_str(&name), "failure", f->rule,
			     buf_str(&sentence));
	return r < 0 ? err_nomem(err) : 0;
}

static int put_suite(struct finding_writer *w, const char *input, uint64_t tests, uint64_t failures,
		     uint64_t errors, struct error *err)
{
	_cleanup_(buf_freep) struct buf name = { 0 };

	if (put_xml(&name, input) < 0)
		return err_nomem(err);
	fprintf(w->out,
		"  <testsuite name=\"%s\" tests=\"%" PRIu64 "\" failures=\"%" PRIu64
		"\" errors=\"%" PRIu64 "\">\n",
		buf_str(&name), tests, failures, errors);
	fwrite(buf_str(&w->input), 1, w->input.len, w->out);
	fputs("  </testsuite>\n", w->out);
	return 0;
}

static int done(struct finding_writer *w, const char *input, _unused_ bool fits, struct error *err)
{
	uint64_t kept = MIN(w->kept, (uint64_t)FINDINGS_KEPT_MAX);
	char more[80];
	int r = 0;

	if (w->kept > kept) {
		snprintf(more, sizeof(more), "and %" PRIu64 " more findings", w->kept - kept);
		r = put_case(&w->input, input, "more", "failure", "more", more);
		kept++;
	} else if (!kept) {
		r = put_case(&w->input, input, "owners and USER", NULL, NULL, NULL);
	}
	return r < 0 ? err_nomem(err) : put_suite(w, input, MAX(kept, (uint64_t)1), kept, 0, err);
}

static int failed(struct finding_writer *w, const char *input, const struct error *why,
		  struct error *err)
{
	int r;

	buf_clear(&w->input);
	r = put_case(&w->input, input, "looked at", "error", err_name(why->code), why->msg);
	r = r < 0 ? err_nomem(err) : put_suite(w, input, 1, 0, 1, err);
	buf_clear(&w->input);
	return r;
}

static int end(struct finding_writer *w, _unused_ struct error *err)
{
	fputs("</testsuites>\n", w->out);
	return 0;
}

const struct finding_ops finding_junit = {
	.begin = begin, .add = add, .done = done, .failed = failed, .end = end
};
