/* Sentences and what to do. The table's rows are taken in their order where cause, engine, message,
 * reading and platform fit. */
#include "explain/work.h"

#include <string.h>

#include "base/num.h"

#define ADVICE_MAX 16

/* Rows taken of one match. */
struct taken {
	const struct explain_advice_row *rows[ADVICE_MAX];
	size_t count;
};

static bool fixed(const struct explain_match *m)
{
	return m->platform && !m->platform->range_changeable;
}

static bool has_reading(const struct explain_match *m, const char *list)
{
	for (size_t i = 0; i < m->reading_count; i++)
		if (explain_has_word(list, m->readings[i].reading->name))
			return true;
	return false;
}

static bool was_taken(const struct taken *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->rows[i]->name, name))
			return true;
	return false;
}

static bool fits(const struct explain_advice_row *a, const struct explain_match *m,
		 const struct taken *t)
{
	const char *message = m->message ? m->message->name : "bare";
	uint32_t engine = m->engine ? UINT32_C(1) << (m->engine - explain_engines) : m->engines;
	int64_t id;

	if (!(a->causes >> m->cause & 1) || (a->engines && !(a->engines & engine)))
		return false;
	if (a->messages[0] && !explain_has_word(a->messages, message))
		return false;
	if (a->readings[0] && !has_reading(m, a->readings))
		return false;
	if (a->fixed_platform && !fixed(m))
		return false;
	/* Where a range cannot be changed, nobody is sent to change a host. What to leave alone
	 * stays. */
	if (a->side == SIDE_HOST && !a->avoid && fixed(m))
		return false;
	if ((a->min_id || a->max_id < INT64_MAX) && match_main_id(m, &id) &&
	    (id < a->min_id || id > a->max_id))
		return false;
	return !a->else_of[0] || !was_taken(t, a->else_of);
}

/* The platform's own words about where its range is changed. */
static int widen_words(struct buf *out, const struct explain_match *m)
{
	int64_t id;

	if (match_main_id(m, &id) && id >= 0 && id < ID_INVALID)
		return buf_printf(out, "Or let the range of %s reach %lld: %s.", m->platform->title,
				  (long long)id, m->platform->change_where);
	return buf_printf(out, "Or widen the range of %s: %s.", m->platform->title,
			  m->platform->change_where);
}

static int add(const struct explain *x, struct explain_match *m, struct taken *t,
	       const struct explain_advice_row *a, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	struct explain_advice *more;
	int r;

	if (a->widens && m->platform && m->platform->range_changeable)
		r = widen_words(&text, m) < 0 ? err_nomem(err) : 0;
	else
		r = fill_text(&text, a->text, x, m, NULL, true, err);
	if (r)
		return r < 0 ? r : 0;
	more = reallocarray(m->advice, m->advice_count + 1, sizeof(*more));
	if (!more)
		return err_nomem(err);
	m->advice = more;
	more[m->advice_count++] = (struct explain_advice){ (char *)STEAL(text.data), a->avoid };
	t->rows[t->count++] = a;
	return 0;
}

static int say(char **out, const char *text, const struct explain *x, const struct explain_match *m,
	       const struct explain_found *f, struct error *err)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	int r = fill_text(&b, text, x, m, f, false, err);

	if (r < 0)
		return r;
	if (r == 0) {
		*out = (char *)STEAL(b.data);
		return 0;
	}
	*out = NULL;
	return 0;
}

/* The image has been looked at, and it was not. */
static const char elsewhere[] =
	"The engine's map does not hold {what}, and nothing in this image has it.";

static bool is_elsewhere(const struct explain_match *m)
{
	return m->join && m->join->made == MADE_BY_NOTHING && m->cause == CAUSE_UNKNOWN &&
	       (m->has_id || m->has_uid) && (!m->message || m->message->cause != CAUSE_UNKNOWN);
}

/* A row's own sentence where its cause still stands, else the cause's. */
static int say_cause(const struct explain *x, struct explain_match *m, struct error *err)
{
	const struct explain_message *row = m->message;
	int r = 0;

	if (is_elsewhere(m))
		return say(&m->says, elsewhere, x, m, NULL, err);
	if (!row && m->reading_count && m->readings[0].says) {
		m->says = strdup(m->readings[0].says);
		return m->says ? 0 : err_nomem(err);
	}
	if (row && row->says[0] && m->cause == row->cause)
		r = say(&m->says, row->says, x, m, NULL, err);
	if (r >= 0 && !m->says)
		r = say(&m->says, explain_cause_says[m->cause], x, m, NULL, err);
	if (r >= 0 && !m->says)
		m->says = strdup(explain_cause_says[CAUSE_UNKNOWN]);
	if (r < 0)
		return r;
	return m->says ? 0 : err_nomem(err);
}

static int say_readings(const struct explain *x, struct explain_match *m, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < m->reading_count && r >= 0; i++) {
		struct explain_found *f = &m->readings[i];

		r = say(&f->says, f->reading->says, x, m, f, err);
		if (r >= 0)
			r = say(&f->why, f->reading->why, x, m, f, err);
	}
	return r;
}

int explain_advise(struct explain *x, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < x->match_count && r >= 0; i++) {
		struct explain_match *m = &x->matches[i];
		struct taken t = { .count = 0 };

		r = say_readings(x, m, err);
		if (r >= 0)
			r = say_cause(x, m, err);
		for (size_t k = 0; k < explain_advice_row_count && r >= 0; k++)
			if (t.count < ADVICE_MAX && !m->follows &&
			    fits(&explain_advice_rows[k], m, &t))
				r = add(x, m, &t, &explain_advice_rows[k], err);
	}
	return r < 0 ? r : 0;
}
