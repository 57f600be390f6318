/* Edits put into the file, and the unified diff that tells them. */
#include <stdlib.h>
#include <string.h>

#include "lint/lint.h"

#define CONTEXT 3

static int by_place(const void *a, const void *b)
{
	const struct lint_edit *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int put_edits(struct buf *out, const char *bytes, size_t from, size_t to,
		     const struct lint_edit *edits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* Two rules that want the same place changed: the first one has it. */
		if (edits[i].start < from || edits[i].end > to)
			continue;
		if (buf_append(out, bytes + from, edits[i].start - from) < 0 ||
		    buf_append_str(out, edits[i].text) < 0)
			return -ERR_NOMEM;
		from = edits[i].end;
	}
	return buf_append(out, bytes + from, to - from);
}

static int all_edits(struct lint_edit **out, size_t *count, const struct lint *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->list[i].edit_count;
	*count = 0;
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return -ERR_NOMEM;
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_finding *f = &l->list[i];

		if (f->edit_count)
			memcpy(*out + *count, f->edits, f->edit_count * sizeof(**out));
		*count += f->edit_count;
	}
	if (n)
		qsort(*out, n, sizeof(**out), by_place);
	/* The same edit by two findings is one. */
	n = 0;
	for (size_t i = 0; i < *count; i++)
		if (!n || (*out)[i].start != (*out)[n - 1].start ||
		    (*out)[i].end != (*out)[n - 1].end ||
		    strcmp((*out)[i].text, (*out)[n - 1].text) != 0)
			(*out)[n++] = (*out)[i];
	*count = n;
	return 0;
}

int lint_mend(struct buf *out, const struct lint *l, bool *changed, struct error *err)
{
	_cleanup_(freep) struct lint_edit *edits = NULL;
	size_t count;

	if (all_edits(&edits, &count, l) < 0 ||
	    put_edits(out, l->d->bytes, 0, l->d->len, edits, count) < 0)
		return err_nomem(err);
	*changed = count > 0;
	return 0;
}

int lint_lines(const struct lint_finding *f, const struct lint *l, size_t *first, size_t *last,
	       struct buf *text, struct error *err)
{
	const struct dockerfile *d = l->d;
	_cleanup_(freep) struct lint_edit *edits = NULL;
	size_t from = SIZE_MAX, to = 0;
	const char *end;

	if (!f->edit_count)
		return 1;
	edits = calloc(f->edit_count, sizeof(*edits));
	if (!edits)
		return err_nomem(err);
	memcpy(edits, f->edits, f->edit_count * sizeof(*edits));
	qsort(edits, f->edit_count, sizeof(*edits), by_place);
	for (size_t i = 0; i < f->edit_count; i++) {
		from = MIN(from, edits[i].start);
		to = MAX(to, edits[i].end);
	}
	*first = docker_line_of(d, from);
	*last = docker_line_of(d, to);
	from = d->line_starts[*first - 1];
	end = memchr(d->bytes + to, '\n', d->len - to);
	to = end ? (size_t)(end - d->bytes) + 1 : d->len;
	return put_edits(text, d->bytes, from, to, edits, f->edit_count) < 0 ? err_nomem(err) : 0;
}

struct lines {
	const char **at; /* count + 1 of them */
	size_t count;
};

static int cut(struct lines *l, const char *s, size_t n)
{
	size_t cap = 0;

	*l = (struct lines){ 0 };
	for (size_t i = 0; i <= n;) {
		const char *end = i < n ? memchr(s + i, '\n', n - i) : NULL;

		if (l->count + 1 >= cap) {
			const char **more = reallocarray(l->at, cap = cap * 2 + 64, sizeof(*more));

			if (!more)
				return -ERR_NOMEM;
			l->at = more;
		}
		l->at[l->count] = s + i;
		if (i == n)
			break;
		l->count++;
		i = end ? (size_t)(end - s) + 1 : n;
	}
	return 0;
}

static bool same(const struct lines *a, size_t i, const struct lines *b, size_t k)
{
	size_t n = (size_t)(a->at[i + 1] - a->at[i]);

	return n == (size_t)(b->at[k + 1] - b->at[k]) && memcmp(a->at[i], b->at[k], n) == 0;
}

static int put_line(struct buf *out, char mark, const struct lines *l, size_t i)
{
	size_t n = (size_t)(l->at[i + 1] - l->at[i]);
	bool whole = n && l->at[i][n - 1] == '\n';

	return buf_append(out, &mark, 1) < 0 || buf_append(out, l->at[i], n) < 0 ||
			       (!whole &&
				buf_append_str(out, "\n\\ No newline at end of file\n") < 0)
		       ? -ERR_NOMEM
		       : 0;
}

/* Lines first to last (excluded) of both: an edit never adds or takes away a line, so that equal
 * numbers are the same line. */
static int hunk(struct buf *out, const struct lines *a, const struct lines *b, size_t first,
		size_t last)
{
	int r = buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", first + 1, last - first, first + 1,
			   last - first);

	for (size_t i = first; i < last && r >= 0;) {
		size_t end = i;

		if (same(a, i, b, i)) {
			r = put_line(out, ' ', a, i++);
			continue;
		}
		while (end < last && !same(a, end, b, end))
			end++;
		for (size_t k = i; k < end && r >= 0; k++)
			r = put_line(out, '-', a, k);
		for (size_t k = i; k < end && r >= 0; k++)
			r = put_line(out, '+', b, k);
		i = end;
	}
	return r;
}

static int hunks(struct buf *out, const struct lines *a, const struct lines *b)
{
	int r = 0;

	for (size_t i = 0; i < a->count && r >= 0;) {
		size_t first, last;

		if (same(a, i, b, i)) {
			i++;
			continue;
		}
		first = i > CONTEXT ? i - CONTEXT : 0;
		last = i + 1;
		for (size_t k = i + 1; k < a->count && k <= last + 2 * CONTEXT; k++)
			if (!same(a, k, b, k))
				last = k + 1;
		i = last;
		r = hunk(out, a, b, first, MIN(last + CONTEXT, a->count));
	}
	return r;
}

int lint_diff(struct buf *out, const struct lint *l, const struct buf *text, struct error *err)
{
	struct lines a = { 0 }, b = { 0 };
	const char *name = l->name + strspn(l->name, "/");
	int r = 0;

	if (text->len == l->d->len && memcmp(buf_str(text), l->d->bytes, l->d->len) == 0)
		return 0;
	if (cut(&a, l->d->bytes, l->d->len) < 0 || cut(&b, buf_str(text), text->len) < 0)
		r = err_nomem(err);
	else if (a.count != b.count)
		r = err_fail(err, ERR_BUG, 0, "a patch that changes the number of lines");
	else if (buf_printf(out, "--- a/%s\n+++ b/%s\n", name, name) < 0 || hunks(out, &a, &b) < 0)
		r = err_nomem(err);
	free(a.at);
	free(b.at);
	return r;
}
