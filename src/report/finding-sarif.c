/* SARIF 2.1.0 (OASIS), as GitHub's code scanning reads it. Results are written as they come.
 */
#include <string.h>

#include "base/text.h"
#include "report/finding-internal.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* An URI reference (RFC 3986) of what was typed: what is no part of one is percent-encoded. So is
 * the colon: "app:1" would have the scheme "app", and code scanning takes relative ones alone. */
static int put_uri(struct jsonw *w, const char *key, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "-._~/@!$&'()*+,;=";
	_cleanup_(buf_freep) struct buf uri = { 0 };
	int r = 0;

	for (const char *p = text; *p && r == 0; p++)
		r = strchr(plain, *p) ? buf_append(&uri, p, 1)
				      : buf_printf(&uri, "%%%02X", (unsigned char)*p);
	if (r == 0)
		jsonw_str(w, key, buf_str(&uri));
	return r;
}

static void put_text(struct jsonw *w, const char *key, const char *text)
{
	jsonw_open(w, key, '{');
	jsonw_str(w, "text", text);
	jsonw_close(w);
}

static int begin(struct finding_writer *w, _unused_ struct error *err)
{
	struct jsonw *j = &w->json;

	jsonw_open(j, NULL, '{');
	jsonw_str(j, "$schema", SCHEMA);
	jsonw_str(j, "version", "2.1.0");
	jsonw_open(j, "runs", '[');
	jsonw_open(j, NULL, '{');
	jsonw_open(j, "tool", '{');
	jsonw_open(j, "driver", '{');
	jsonw_str(j, "name", "uidfit");
	jsonw_str(j, "version", UIDFIT_VERSION);
	jsonw_open(j, "rules", '[');
	for (size_t i = 0; i < w->about.rule_count; i++) {
		const struct finding_rule *rule = &w->about.rules[i];

		jsonw_open(j, NULL, '{');
		jsonw_str(j, "id", rule->name);
		put_text(j, "shortDescription", rule->summary);
		if (rule->help)
			put_text(j, "help", rule->help);
		jsonw_close(j);
	}
	jsonw_close(j);
	jsonw_close(j);
	jsonw_close(j);
	jsonw_open(j, "results", '[');
	return 0;
}

static void put_logical(struct jsonw *j, const char *name, const char *kind)
{
	jsonw_open(j, NULL, '{');
	jsonw_str(j, "fullyQualifiedName", name);
	jsonw_str(j, "kind", kind);
	jsonw_close(j);
}

static int put_location(struct jsonw *j, const struct report_finding *f)
{
	char layer[40];
	int r;

	jsonw_open(j, "locations", '[');
	jsonw_open(j, NULL, '{');
	jsonw_open(j, "physicalLocation", '{');
	jsonw_open(j, "artifactLocation", '{');
	r = put_uri(j, "uri", finding_place(f));
	jsonw_close(j);
	jsonw_open(j, "region", '{');
	jsonw_u64(j, "startLine", f->line ? f->line : 1);
	jsonw_u64(j, "endLine", f->line ? MAX(f->line, f->end_line) : 1);
	jsonw_close(j);
	jsonw_close(j);
	if (f->path || f->layer >= 0) {
		jsonw_open(j, "logicalLocations", '[');
		if (f->path)
			put_logical(j, f->path, "resource");
		if (f->layer >= 0) {
			snprintf(layer, sizeof(layer), "layer %ld", f->layer);
			put_logical(j, layer, "module");
		}
		jsonw_close(j);
	}
	jsonw_close(j);
	jsonw_close(j);
	return r;
}

static int put_fixes(struct jsonw *j, const struct report_finding *f)
{
	int r = 0;

	if (!f->edit_count || !f->file)
		return 0;
	jsonw_open(j, "fixes", '[');
	jsonw_open(j, NULL, '{');
	put_text(j, "description", f->help ? f->help : f->message);
	jsonw_open(j, "artifactChanges", '[');
	jsonw_open(j, NULL, '{');
	jsonw_open(j, "artifactLocation", '{');
	r = put_uri(j, "uri", f->file);
	jsonw_close(j);
	jsonw_open(j, "replacements", '[');
	for (size_t i = 0; i < f->edit_count; i++) {
		const struct report_edit *e = &f->edits[i];

		/* Whole lines: up to the first column of the line behind. */
		jsonw_open(j, NULL, '{');
		jsonw_open(j, "deletedRegion", '{');
		jsonw_u64(j, "startLine", e->first);
		jsonw_u64(j, "startColumn", 1);
		jsonw_u64(j, "endLine", e->last + 1);
		jsonw_u64(j, "endColumn", 1);
		jsonw_close(j);
		put_text(j, "insertedContent", e->text);
		jsonw_close(j);
	}
	for (int i = 0; i < 5; i++)
		jsonw_close(j);
	return r;
}

static int add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	_cleanup_(buf_freep) struct buf sentence = { 0 };
	struct jsonw *j = &w->json;
	char print[65];
	int r = report_fingerprint(f, print, err);

	if (r < 0)
		return r;
	if (finding_sentence(&sentence, f) < 0)
		return err_nomem(err);
	jsonw_open(j, NULL, '{');
	jsonw_str(j, "ruleId", f->rule);
	jsonw_str(j, "level", level_name(f->level));
	put_text(j, "message", buf_str(&sentence));
	r = put_location(j, f);
	jsonw_open(j, "partialFingerprints", '{');
	jsonw_str(j, "uidfit/v1", print);
	jsonw_close(j);
	if (r == 0)
		r = put_fixes(j, f);
	jsonw_open(j, "properties", '{');
	if (f->image)
		jsonw_str(j, "image", f->image);
	if (f->layer >= 0)
		jsonw_i64(j, "layer", f->layer);
	if (f->digest)
		jsonw_str(j, "digest", f->digest);
	if (f->step)
		jsonw_str(j, "created_by", f->step);
	if (f->path) {
		jsonw_str(j, "path", f->path);
		jsonw_i64(j, "uid", f->uid);
		jsonw_i64(j, "gid", f->gid);
	}
	if (f->visible)
		jsonw_str(j, "visibility", f->visible);
	jsonw_close(j);
	jsonw_close(j);
	return r < 0 ? err_nomem(err) : 0;
}

/* Kept until the invocation is written: "e" or "n", the text, NUL. */
static int keep(struct finding_writer *w, char kind, const char *input, const char *text,
		struct error *err)
{
	if (w->failures.len > (1u << 20))
		return 0;
	return buf_printf(&w->failures, "%c%s: %s%c", kind, input, text, 0) < 0 ? err_nomem(err)
										: 0;
}

static int failed(struct finding_writer *w, const char *input, const struct error *why,
		  struct error *err)
{
	return keep(w, 'e', input, why->msg, err);
}

static int note(struct finding_writer *w, const char *input, const char *text, struct error *err)
{
	return keep(w, 'n', input, text, err);
}

static int end(struct finding_writer *w, _unused_ struct error *err)
{
	struct jsonw *j = &w->json;
	const char *p = buf_str(&w->failures), *over = p + w->failures.len;

	jsonw_close(j);
	jsonw_open(j, "invocations", '[');
	jsonw_open(j, NULL, '{');
	jsonw_bool(j, "executionSuccessful", !w->any_failed);
	jsonw_open(j, "toolExecutionNotifications", '[');
	for (; p < over; p += strlen(p) + 1) {
		jsonw_open(j, NULL, '{');
		jsonw_str(j, "level", *p == 'e' ? "error" : "note");
		put_text(j, "message", p + 1);
		jsonw_close(j);
	}
	jsonw_unwind(j, 0);
	fputc('\n', w->out);
	return 0;
}

const struct finding_ops finding_sarif = {
	.begin = begin, .add = add, .failed = failed, .note = note, .end = end
};
