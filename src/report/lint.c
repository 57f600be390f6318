#include "report/lint.h"

#include <inttypes.h>
#include <string.h>

#include "report/json-writer.h"
#include "report/print.h"

struct lint_report {
	struct report_options opts;
	struct jsonw w;
	struct finding_writer *findings; /* of a format of findings, else NULL */
	struct finding_rule rules[LINT_RULE_COUNT + 1];
	struct finding_about about;
};

static int begin_findings(struct lint_report *r, struct error *err)
{
	for (size_t i = 0; i < LINT_RULE_COUNT; i++)
		r->rules[i] =
			(struct finding_rule){ lint_rules[i].name, lint_rules[i].summary, NULL };
	r->rules[LINT_RULE_COUNT] =
		(struct finding_rule){ "not-looked-at", "A file that could not be looked at.",
				       NULL };
	r->about = (struct finding_about){ "lint", r->rules, ARRAY_SIZE(r->rules) };
	return findings_begin(&r->findings, &r->opts, &r->about, err);
}

int lint_report_begin(struct lint_report **out, const struct report_options *opts,
		      struct error *err)
{
	struct lint_report *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	r->opts = *opts;
	r->w.out = opts->out;
	if (opts->format == REPORT_JSON) {
		jsonw_open(&r->w, NULL, '{');
		jsonw_str(&r->w, "schema", "uidfit/lint/1");
		jsonw_open(&r->w, "files", '[');
	}
	*out = r;
	return report_is_findings(opts->format) ? begin_findings(r, err) : 0;
}

void lint_report_free(struct lint_report *r)
{
	if (r)
		findings_free(r->findings);
	free(r);
}

static const char *target_name(const struct lint *l, uint32_t mask)
{
	for (size_t i = 0; i < l->opts.use_count; i++)
		if (mask & (uint32_t)1 << i)
			return l->opts.uses[i].name;
	return NULL;
}

int lint_to_finding(struct report_finding *out, const struct lint *l, const struct lint_finding *f,
		    const char *image, struct report_edit *edit, struct buf *text,
		    struct error *err)
{
	const struct lint_rule *rule = &lint_rules[f->rule];
	int r;

	buf_clear(text);
	*out = (struct report_finding){
		.rule = rule->name,
		.level = f->level,
		.message = f->message,
		.target = target_name(l, f->targets),
		.file = l->name,
		.line = f->line,
		.end_line = f->end_line,
		.image = f->layer >= 0 ? image : NULL,
		.layer = f->layer,
		.uid = f->uid,
		.gid = f->gid,
		.help = f->help[0] ? f->help : NULL,
	};
	r = lint_lines(f, l, &edit->first, &edit->last, text, err);
	if (r < 0)
		return r;
	if (r == 0) {
		edit->text = buf_str(text);
		out->edits = edit;
		out->edit_count = 1;
	}
	return 0;
}

static void finding_text(const struct lint_report *r, const struct lint *l,
			 const struct lint_finding *f)
{
	static const enum style styles[] = {
		[LEVEL_NOTE] = STYLE_DIM, [LEVEL_WARNING] = STYLE_WARN, [LEVEL_ERROR] = STYLE_BAD
	};
	FILE *out = r->opts.out;

	print_name(out, l->name, strlen(l->name), 4096);
	fprintf(out, ":%zu: ", f->line);
	print_styled(&r->opts, styles[f->level], "%s", level_name(f->level));
	fprintf(out, ": %s [%s]\n", f->message, lint_rules[f->rule].name);
	if (f->layer >= 0)
		fprintf(out, "    confirmed by layer %ld: %" PRIu64 " %s outside the map\n",
			f->layer, f->entries, plural(f->entries, "entry", "entries"));
	if (f->help[0])
		fprintf(out, "    %s%s\n", f->help, f->edit_count ? " (--fix)" : "");
}

static void file_text(struct lint_report *r, const struct lint *l, const char *image,
		      uint64_t untied)
{
	if (!r->opts.quiet)
		for (size_t i = 0; i < l->count; i++)
			finding_text(r, l, &l->list[i]);
	if (image && untied && !r->opts.quiet) {
		fprintf(r->opts.out, "%" PRIu64 " %s of ", untied,
			plural(untied, "entry", "entries"));
		print_name(r->opts.out, image, strlen(image), 400);
		fputs(" outside the map come from steps that do not stand here: the base image's\n",
		      r->opts.out);
	}
}

static void id(struct jsonw *w, const char *key, int64_t v)
{
	if (v < 0)
		jsonw_null(w, key);
	else
		jsonw_i64(w, key, v);
}

static void targets_json(struct jsonw *w, const struct lint *l, uint32_t mask)
{
	jsonw_open(w, "targets", '[');
	for (size_t i = 0; i < l->opts.use_count; i++)
		if (mask & (uint32_t)1 << i)
			jsonw_str(w, NULL, l->opts.uses[i].name);
	jsonw_close(w);
}

static int finding_json(struct jsonw *w, const struct lint *l, const struct lint_finding *f,
			struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	struct report_edit edit = { 0 };
	struct report_finding told;
	int r = lint_to_finding(&told, l, f, NULL, &edit, &text, err);

	if (r < 0)
		return r;
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "rule", told.rule);
	jsonw_str(w, "level", level_name(told.level));
	jsonw_u64(w, "line", told.line);
	jsonw_u64(w, "end_line", told.end_line);
	jsonw_str(w, "message", told.message);
	jsonw_str(w, "help", told.help);
	targets_json(w, l, f->targets);
	id(w, "uid", f->uid);
	id(w, "gid", f->gid);
	if (told.edit_count) {
		jsonw_open(w, "fix", '{');
		jsonw_u64(w, "first_line", edit.first);
		jsonw_u64(w, "last_line", edit.last);
		jsonw_str(w, "text", edit.text);
		jsonw_close(w);
	} else {
		jsonw_null(w, "fix");
	}
	id(w, "layer", f->layer);
	if (f->layer >= 0)
		jsonw_u64(w, "entries", f->entries);
	jsonw_close(w);
	return 0;
}

static int file_json(struct lint_report *r, const struct lint *l, const char *image,
		     uint64_t untied, struct error *err)
{
	struct jsonw *w = &r->w;
	unsigned depth = w->depth;
	int ret = 0;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "file", l->name);
	jsonw_str(w, "image", image);
	if (image)
		jsonw_u64(w, "untied", untied);
	jsonw_open(w, "findings", '[');
	for (size_t i = 0; i < l->count && ret >= 0; i++)
		ret = finding_json(w, l, &l->list[i], err);
	jsonw_close(w);
	jsonw_u64(w, "silenced", l->silenced);
	jsonw_unwind(w, depth);
	return ret;
}

static int file_findings(struct lint_report *r, const struct lint *l, const char *image,
			 uint64_t untied, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	bool fits = !untied;
	char note[200];
	int ret = 0;

	for (size_t i = 0; i < l->count && ret >= 0; i++) {
		struct report_edit edit = { 0 };
		struct report_finding f;

		fits &= l->list[i].level == LEVEL_NOTE;
		ret = lint_to_finding(&f, l, &l->list[i], image, &edit, &text, err);
		if (ret >= 0)
			ret = findings_add(r->findings, &f, err);
	}
	if (untied && ret >= 0) {
		snprintf(note, sizeof(note),
			 "%" PRIu64 " %s of the image outside the map come from steps that do not "
			 "stand here",
			 untied, plural(untied, "entry", "entries"));
		ret = findings_note(r->findings, l->name, note, err);
	}
	return ret < 0 ? ret : findings_done(r->findings, l->name, fits, err);
}

int lint_report_file(struct lint_report *r, const struct lint *l, const char *image,
		     uint64_t untied, struct error *err)
{
	int ret = 0;

	if (r->findings)
		return file_findings(r, l, image, untied, err);
	if (r->opts.format == REPORT_JSON)
		ret = file_json(r, l, image, untied, err);
	else
		file_text(r, l, image, untied);
	return ret < 0 ? ret : print_check(r->opts.out, err);
}

int lint_report_failed(struct lint_report *r, const char *name, const struct error *why,
		       struct error *err)
{
	if (r->findings)
		return findings_failed(r->findings, name, why, err);
	if (r->opts.format != REPORT_JSON)
		return 0;
	jsonw_open(&r->w, NULL, '{');
	jsonw_str(&r->w, "file", name);
	jsonw_error(&r->w, why);
	jsonw_close(&r->w);
	return print_check(r->opts.out, err);
}

int lint_report_end(struct lint_report *r, struct error *err)
{
	if (r->findings)
		return findings_end(r->findings, err);
	if (r->opts.format == REPORT_JSON) {
		jsonw_unwind(&r->w, 0);
		fputc('\n', r->opts.out);
	}
	fflush(r->opts.out);
	return print_check(r->opts.out, err);
}
