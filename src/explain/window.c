/* Lines as they come, a few kept: a message that a terminal has broken into several lines is put
 * together again. A break is only believed where the next word would not have fitted into the
 * line's width, so that lines that merely follow one another stay apart. */
#include "explain/work.h"

#include <string.h>

#include "base/macro.h"

#define WIDTH_MIN	30 /* narrower terminals are not believed */
#define LINE_JOINED_MAX 2048

static struct window_line *line_at(struct explain_work *w, size_t i)
{
	return &w->lines[(w->head + i) % WINDOW_LINES];
}

static const char *body(const struct window_line *l)
{
	return l->text + l->prefix;
}

static size_t body_len(const struct window_line *l)
{
	return l->len - l->prefix;
}

static size_t first_word(const struct window_line *l)
{
	size_t n = 0;

	while (n < body_len(l) && body(l)[n] != ' ')
		n++;
	return n;
}

/* True where a terminal of that width would have broken the text between a and b. */
static bool broken_at(const struct window_line *a, const struct window_line *b, size_t width)
{
	return a->len <= width && a->len < LINE_JOINED_MAX && b->number == a->number + 1 &&
	       (a->len == width || a->len + 1 + first_word(b) > width);
}

struct joined {
	struct buf text;
	size_t breaks[WINDOW_LINES];
	size_t break_count;
};

/* Lines first to last as one text. tight: a break in a full line has nothing in its place, as a
 * terminal breaks; else a blank, as word wrap does.
 */
static int join(struct explain_work *w, struct joined *out, size_t first, size_t last, size_t width,
		bool tight, struct error *err)
{
	buf_clear(&out->text);
	out->break_count = 0;
	for (size_t i = first; i <= last; i++) {
		const struct window_line *l = line_at(w, i);
		size_t skip = i > first ? l->prefix : 0;
		bool blank = i < last && !(tight && l->len >= width);

		if (out->text.len + l->len > JOINED_MAX)
			break;
		if (buf_append(&out->text, l->text + skip, l->len - skip) < 0)
			return err_nomem(err);
		out->breaks[out->break_count++] = out->text.len;
		if (blank && buf_append(&out->text, " ", 1) < 0)
			return err_nomem(err);
	}
	return 0;
}

/* True where a break stands inside the words of the leaf or of a wrapper, or right behind a
 * wrapper's. */
static bool is_proven(const struct joined *j, const struct match_place *place)
{
	for (size_t i = 0; i < j->break_count; i++)
		for (size_t k = 0; k < place->count; k++) {
			size_t at = j->breaks[i];
			size_t from = place->spans[k].from, to = place->spans[k].to + (k > 0);

			if (at > from && at < to)
				return true;
		}
	return false;
}

/* The better of two readings of one place: the more exact row, then the more wrappers around it. */
static bool is_better(const struct explain_match *a, const struct explain_match *b)
{
	if (!b->message || a->message != b->message)
		return !b->message || a->message < b->message;
	return a->wrapper_count > b->wrapper_count;
}

struct attempt {
	struct explain_match best;
	const char *platform;
	size_t first, last; /* lines that it took */
};

/* joined is NULL for a line as it stands. */
static int try_text(struct explain_work *w, struct attempt *a, const char *text, size_t n,
		    const struct joined *joined, size_t first, size_t last, struct error *err)
{
	struct explain_match m = { 0 };
	struct match_place place;
	const char *platform;
	int r = match_text(&w->matcher, text, n, &m, &place, &platform, err);

	if (r == 0 && is_better(&m, &a->best) && (!joined || is_proven(joined, &place))) {
		match_done(&a->best);
		a->best = m;
		a->platform = platform;
		a->first = first;
		a->last = last;
		return 0;
	}
	match_done(&m);
	return r < 0 ? r : 0;
}

/* Lines around `at` that a terminal of that width would have made of one, both ways in which they
 * may be joined. */
static int try_width(struct explain_work *w, struct attempt *a, size_t at, size_t width,
		     struct error *err)
{
	struct joined joined = { .break_count = 0 };
	size_t first = at, last = at;
	int r = 0;

	while (first && at - first < WINDOW_BACK &&
	       broken_at(line_at(w, first - 1), line_at(w, first), width))
		first--;
	while (last + 1 < w->count && last - at < WINDOW_AHEAD &&
	       broken_at(line_at(w, last), line_at(w, last + 1), width))
		last++;
	for (int tight = 0; tight < 2 && first < last && r >= 0; tight++) {
		w->joins++;
		r = join(w, &joined, first, last, width, tight, err);
		if (r >= 0)
			r = try_text(w, a, buf_str(&joined.text), joined.text.len, &joined, first,
				     last, err);
	}
	buf_free(&joined.text);
	return r;
}

/* The terminal's width is that of some full line near by. */
static int try_joins(struct explain_work *w, struct attempt *a, size_t at, struct error *err)
{
	size_t from = at > WINDOW_BACK ? at - WINDOW_BACK : 0;
	size_t to = MIN(at + 2, w->count - 1);
	size_t tried[WINDOW_BACK + 3], count = 0;
	int r = 0;

	for (size_t i = from; i <= to && r >= 0 && w->joins < JOINS_MAX; i++) {
		size_t width = line_at(w, i)->len;
		bool again = width < WIDTH_MIN || width > LINE_JOINED_MAX;

		for (size_t k = 0; k < count; k++)
			again |= tried[k] == width;
		if (again)
			continue;
		tried[count++] = width;
		r = try_width(w, a, at, width, err);
	}
	return r;
}

static void note_pull(struct explain_work *w, struct explain_match *m)
{
	long position;
	const char *id = pull_log_failing(&w->pull, &position);

	if (m->digest || m->diff_id || !id[0])
		return;
	m->layer = position;
	memcpy(m->layer_id, id, MIN(strlen(id), sizeof(m->layer_id) - 1));
}

static int keep_best(struct explain *x, struct attempt *a, size_t at, struct error *err)
{
	struct explain_work *w = x->work;

	for (size_t i = a->first; i <= a->last && a->last > a->first; i++)
		line_at(w, i)->used = true;
	a->best.line = line_at(w, a->first == a->last ? at : a->first)->number;
	a->best.context = w->context;
	if (a->platform && a->platform[0])
		w->platform = target_find(a->platform, strlen(a->platform));
	w->single_map |= a->best.cause == CAUSE_SINGLE_ID_MAP;
	note_pull(w, &a->best);
	return explain_keep(x, &a->best, err);
}

/* Line `at` of the window, which has all the lines behind it that may belong to it. */
static int look(struct explain *x, size_t at, struct error *err)
{
	struct explain_work *w = x->work;
	struct window_line *l = line_at(w, at);
	struct attempt a = { .first = at, .last = at };
	int r = 0;

	pull_log_line(&w->pull, l->text, l->len);
	if (w->pull.out_of_memory)
		return err_nomem(err);
	if (match_may_have(&l->rows, true)) {
		const struct explain_message *c =
			match_context(&w->matcher, &l->rows, l->text, l->len);

		w->context = c ? c : w->context;
	}
	if (l->used || !match_may_have(&l->rows, false))
		return 0;
	r = try_text(w, &a, l->text, l->len, NULL, at, at, err);
	if (r >= 0)
		r = try_joins(w, &a, at, err);
	if (r >= 0 && a.best.message)
		return keep_best(x, &a, at, err);
	match_done(&a.best);
	return r < 0 ? r : 0;
}

static void drop_oldest(struct explain_work *w)
{
	free(w->lines[w->head].text);
	w->lines[w->head].text = NULL;
	w->head = (w->head + 1) % WINDOW_LINES;
	w->count--;
	w->next--;
}

int window_line(void *ctx, const char *line, size_t n, uint64_t number, struct error *err)
{
	struct explain *x = ctx;
	struct explain_work *w = x->work;
	struct window_line *l;
	int r = 0;

	if (w->count == WINDOW_LINES)
		drop_oldest(w);
	l = line_at(w, w->count);
	*l = (struct window_line){ .len = n, .number = number };
	l->text = malloc(n + 1);
	if (!l->text)
		return err_nomem(err);
	memcpy(l->text, line, n);
	l->text[n] = '\0';
	while (l->len && (l->text[l->len - 1] == ' ' || l->text[l->len - 1] == '\t'))
		l->text[--l->len] = '\0';
	l->prefix = normalise_prefix(l->text, l->len);
	l->seen_before = w->needles.seen;
	w->count++;
	x->lines = number;
	needles_search(w->matcher.needles, &w->needles, body(l), body_len(l), &l->rows, &l->first);
	if (w->count - w->next > WINDOW_AHEAD)
		r = look(x, w->next++, err);
	return r;
}

int window_end(struct explain *x, struct error *err)
{
	struct explain_work *w = x->work;
	int r = 0;

	while (w->next < w->count && r >= 0)
		r = look(x, w->next++, err);
	return r;
}

void window_done(struct explain_work *w)
{
	while (w->count) {
		w->next = w->next ? w->next : 1;
		drop_oldest(w);
	}
}
