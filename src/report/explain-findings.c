/* What explain recognised, as findings: the rule is the cause, the place is the log's line.
 */
#include <string.h>

#include "base/text.h"
#include "report/explain.h"
#include "report/finding.h"
#include "report/print.h"

#define TEXT_SHOWN_MAX 400
#define STEP_SHOWN_MAX 100

static const char *const summaries[CAUSE_COUNT] = {
	[CAUSE_IMAGE_OWNER] = "An entry of the image has an owner outside the map.",
	[CAUSE_PROCESS_USER] = "The process is to run as a user outside the map.",
	[CAUSE_SUPPLEMENTARY_GROUP] = "A supplementary group lies outside the map.",
	[CAUSE_ACL] = "An ACL names an id outside the map.",
	[CAUSE_MAP_TOO_SMALL] = "The map is smaller than what it should hold.",
	[CAUSE_SINGLE_ID_MAP] = "The map holds one id.",
	[CAUSE_SUBID_MISSING] = "The user has no subordinate ids.",
	[CAUSE_SUBID_MISMATCH] = "The map asks for other subordinate ids than the user has.",
	[CAUSE_SETUID_HELPER] = "newuidmap or newgidmap may not write the map.",
	[CAUSE_NESTED_MAP] = "The map asks for ids that the outer user namespace does not have.",
	[CAUSE_DOUBLE_MAPPING] = "An id was mapped twice.",
	[CAUSE_HOST_ID_LEAKED] = "An id of the host stands in the image.",
	[CAUSE_NO_IDMAPPED_MOUNTS] = "The kernel or file system has no id-mapped mounts.",
	[CAUSE_BUILD_CONTEXT_OWNER] = "A file of the build context has an owner outside the map.",
	[CAUSE_ARCHIVE_OWNER] = "An archive that a step unpacked has an owner outside the map.",
	[CAUSE_WRITER_LIMIT] = "The program that wrote the archive could not write the id.",
	[CAUSE_SPARSE_LOG] = "A log is as large as the highest uid makes it.",
	[CAUSE_AUTO_SIZE] = "The size of the map was guessed, too small.",
	[CAUSE_UNKNOWN] = "The message does not tell the cause.",
};

struct words {
	struct buf message, help, path, step;
};

static void words_free(struct words *w)
{
	buf_free(&w->message);
	buf_free(&w->help);
	buf_free(&w->path);
	buf_free(&w->step);
}

static int put(struct buf *out, const char *before, const char *s, size_t max)
{
	size_t n = MIN(strlen(s), max);
	int r = buf_append_str(out, before);

	if (r == 0)
		r = text_escape(out, s, n);
	return r == 0 && s[n] ? buf_append_str(out, "...") : r;
}

static int fill(struct words *w, const struct explain_match *m, const struct explain_entry *e)
{
	int r = put(&w->message, "", m->says ? m->says : "", SIZE_MAX);

	if (r == 0 && m->text)
		r = put(&w->message, m->says ? " Read: " : "", m->text, TEXT_SHOWN_MAX);
	for (size_t i = 0; i < m->advice_count && r == 0; i++)
		r = put(&w->help, i ? " " : "", m->advice[i].text, SIZE_MAX);
	if (r == 0 && e)
		r = put(&w->path, "/", e->path, SIZE_MAX);
	else if (r == 0 && m->path && m->has_uid && m->has_gid)
		r = put(&w->path, m->path[0] == '/' ? "" : "/", m->path, SIZE_MAX);
	return r == 0 && e ? print_step(&w->step, e->created_by, STEP_SHOWN_MAX) : r;
}

static int tell(struct finding_writer *w, const struct explain_match *m, const char *log,
		struct error *err)
{
	const struct explain_entry *e =
		m->join && m->join->made == MADE_BY_ENTRY && m->join->entry_count
			? &m->join->entries[0]
			: NULL;
	struct words words = { 0 };
	struct report_finding f = {
		.rule = explain_cause_name(m->cause),
		.level = m->follows || !m->message ? LEVEL_NOTE : LEVEL_ERROR,
		.file = m->line ? log : NULL,
		.line = m->line,
		.end_line = m->line,
		.image = m->join ? m->join->image : NULL,
		.digest = m->digest ? m->digest : m->diff_id,
		.layer = m->layer,
		.uid = e ? e->uid : m->uid,
		.gid = e ? e->gid : m->gid,
		.visible = e ? visible_name(e->visible) : NULL,
	};
	int r = fill(&words, m, e);

	if (r < 0) {
		words_free(&words);
		return err_nomem(err);
	}
	f.message = buf_str(&words.message);
	f.help = words.help.len ? buf_str(&words.help) : NULL;
	f.path = words.path.len ? buf_str(&words.path) : NULL;
	f.step = words.step.len ? buf_str(&words.step) : NULL;
	r = findings_add(w, &f, err);
	words_free(&words);
	return r;
}

int explain_findings(const struct report_options *opts, const struct explain *x, const char *log,
		     struct error *err)
{
	struct finding_rule rules[CAUSE_COUNT];
	struct finding_about about = { .verb = "explain",
				       .rules = rules,
				       .rule_count = CAUSE_COUNT,
				       .good = "nothing recognised",
				       .bad = "recognised" };
	struct finding_writer *w = NULL;
	char text[80];
	int r;

	for (size_t i = 0; i < CAUSE_COUNT; i++)
		rules[i] = (struct finding_rule){ explain_cause_name((enum explain_cause)i),
						  summaries[i], NULL };
	r = findings_begin(&w, opts, &about, err);
	for (size_t i = 0; i < x->match_count && r == 0; i++)
		r = tell(w, &x->matches[i], log, err);
	if (r == 0 && x->dropped) {
		snprintf(text, sizeof(text), "%llu more messages were counted, not kept",
			 (unsigned long long)x->dropped);
		r = findings_note(w, log ? log : "text", text, err);
	}
	if (r == 0)
		r = findings_done(w, log ? log : "text", !x->match_count, err);
	if (r == 0)
		r = findings_end(w, err);
	findings_free(w);
	return r;
}
