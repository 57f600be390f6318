/* The table of targets.
 */
#include <string.h>

#include "report/json-writer.h"
#include "report/print.h"
#include "target/target.h"

/* What an entry's owner outside the map leads to, and a USER outside it. */
static void effect(struct buf *out, enum stage stage, enum outcome outcome)
{
	int r;

	if (outcome == OUTCOME_ERROR)
		r = buf_printf(out, "fails at %s", stage_name(stage));
	else
		r = buf_printf(out, "%s",
			       outcome == OUTCOME_NONE ? "nothing" : outcome_name(outcome));
	(void)r; /* a short text: print_check tells of the rest */
}

static void row_text(const struct report_options *opts, const struct target *t)
{
	_cleanup_(buf_freep) struct buf owner = { 0 }, user = { 0 };

	effect(&owner, t->engine->owner_stage, t->engine->owner_outcome);
	effect(&user, t->engine->user_stage, t->engine->user_outcome);
	print_styled(opts, STYLE_BOLD, "%s", t->name);
	for (size_t i = 0; t->aliases && t->aliases[i]; i++)
		fprintf(opts->out, "%s%s", i ? ", " : " (also ", t->aliases[i]);
	fprintf(opts->out, "%s  %s\n", t->aliases && t->aliases[0] ? ")" : "", t->title);
	if (opts->quiet)
		return;
	fprintf(opts->out, "    range    %s, %s\n", t->range_text,
		t->range_changeable ? "can be changed" : "cannot be changed");
	if (t->range_changeable && t->change_where && t->change_where[0])
		fprintf(opts->out, "             %s\n", t->change_where);
	fprintf(opts->out, "    outside  a file: %s; USER: %s\n", buf_str(&owner), buf_str(&user));
	fprintf(opts->out, "    known    %s, %s (%s)\n\n", evidence_name(t->evidence), t->source,
		t->date);
}

static void row_json(struct jsonw *w, const struct target *t)
{
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "name", t->name);
	jsonw_open(w, "aliases", '[');
	for (size_t i = 0; t->aliases && t->aliases[i]; i++)
		jsonw_str(w, NULL, t->aliases[i]);
	jsonw_close(w);
	jsonw_str(w, "title", t->title);
	jsonw_str(w, "range", t->range_text);
	jsonw_str(w, "uid_range", t->uid_range);
	jsonw_str(w, "gid_range", t->gid_range);
	jsonw_bool(w, "range_changeable", t->range_changeable);
	jsonw_str(w, "change_where",
		  t->change_where && t->change_where[0] ? t->change_where : NULL);
	jsonw_open(w, "effects", '[');
	for (int user = 0; user < 2; user++) {
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "rule", user ? "user-outside-map" : "owner-outside-map");
		jsonw_str(w, "stage",
			  stage_name(user ? t->engine->user_stage : t->engine->owner_stage));
		jsonw_str(w, "outcome",
			  outcome_name(user ? t->engine->user_outcome : t->engine->owner_outcome));
		jsonw_close(w);
	}
	jsonw_close(w);
	jsonw_str(w, "engine", t->engine->name);
	jsonw_str(w, "advice", t->advice);
	jsonw_str(w, "evidence", evidence_name(t->evidence));
	jsonw_str(w, "source", t->source);
	jsonw_str(w, "date", t->date);
	jsonw_close(w);
}

int platforms_report(const struct report_options *opts, struct error *err)
{
	struct jsonw w = { .out = opts->out };
	size_t count;
	const struct target *all = target_all(&count);
	bool json = opts->format == REPORT_JSON;

	if (json) {
		jsonw_open(&w, NULL, '{');
		jsonw_str(&w, "schema", "uidfit/platforms/1");
		jsonw_open(&w, "platforms", '[');
	}
	for (size_t i = 0; i < count; i++) {
		if (json)
			row_json(&w, &all[i]);
		else
			row_text(opts, &all[i]);
	}
	jsonw_unwind(&w, 0);
	if (json)
		fputc('\n', opts->out);
	fflush(opts->out);
	return print_check(opts->out, err);
}
