#include "host/subid.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"
#include "host/file.h"

#define LINES_MAX 100000u

void subid_spans_free(struct subid_spans *s)
{
	free(s->spans);
	*s = (struct subid_spans){ 0 };
}

int subid_spans_add(struct subid_spans *s, struct subid_span span, struct error *err)
{
	struct subid_span *spans = reallocarray(s->spans, s->count + 1, sizeof(*spans));

	if (!spans)
		return err_nomem(err);
	s->spans = spans;
	s->spans[s->count++] = span;
	return 0;
}

uint64_t subid_total(const struct subid_spans *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->spans[i].count;
	return n;
}

static int by_start(const void *a, const void *b)
{
	const struct subid_span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorted, neighbours joined: how the ids are cut does not matter. False where memory is short. */
static bool normal(struct subid_spans *out, const struct subid_spans *s)
{
	size_t kept = 0;

	out->spans = calloc(s->count + 1, sizeof(*out->spans));
	if (!out->spans)
		return false;
	if (s->count)
		memcpy(out->spans, s->spans, s->count * sizeof(*s->spans));
	qsort(out->spans, s->count, sizeof(*s->spans), by_start);
	for (size_t i = 0; i < s->count; i++) {
		struct subid_span *last = kept ? &out->spans[kept - 1] : NULL;

		if (last && last->start + last->count == out->spans[i].start)
			last->count += out->spans[i].count;
		else
			out->spans[kept++] = out->spans[i];
	}
	out->count = kept;
	return true;
}

bool subid_same(const struct subid_spans *a, const struct subid_spans *b)
{
	struct subid_spans x = { 0 }, y = { 0 };
	bool same = normal(&x, a) && normal(&y, b) && x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = x.spans[i].start == y.spans[i].start && x.spans[i].count == y.spans[i].count;
	subid_spans_free(&x);
	subid_spans_free(&y);
	return same;
}

void subid_file_free(struct subid_file *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->lines[i].owner);
		free(f->lines[i].text);
	}
	free(f->lines);
	f->lines = NULL;
	f->count = 0;
}

static enum subid_bad read_line(struct subid_line *out, const char *line, size_t n)
{
	const char *first = memchr(line, ':', n), *end = line + n, *second;

	if (!first)
		return SUBID_FIELDS;
	second = memchr(first + 1, ':', (size_t)(end - first - 1));
	if (!second || first == line || memchr(second + 1, ':', (size_t)(end - second - 1)))
		return SUBID_FIELDS;
	out->owner = strndup(line, (size_t)(first - line));
	if (!num_u32(first + 1, (size_t)(second - first - 1), &out->span.start) ||
	    !num_u32(second + 1, (size_t)(end - second - 1), &out->span.count) ||
	    (uint64_t)out->span.start + out->span.count > ID_INVALID)
		return SUBID_NUMBER;
	return out->span.count ? SUBID_GOOD : SUBID_EMPTY;
}

int subid_file_parse(struct subid_file *out, const char *text, struct error *err)
{
	const char *line;
	size_t n, number = 0, cap = 0;

	while (host_line(&text, &line, &n)) {
		struct subid_line row = { .line = ++number };

		size_t blank;

		/* host_line() leaves it out, newuidmap does not. */
		if (line[n] == '\r')
			n++;
		blank = strspn(line, " \t\r");
		if (blank >= n || line[blank] == '#')
			continue;
		if (out->count == LINES_MAX)
			return err_fail(err, ERR_LIMIT, 0, "more than %u lines of subordinate ids",
					LINES_MAX);
		if (out->count == cap) {
			struct subid_line *lines;

			cap = cap ? cap * 2 : 16;
			lines = reallocarray(out->lines, cap, sizeof(*lines));
			if (!lines)
				return err_nomem(err);
			out->lines = lines;
		}
		row.bad = read_line(&row, line, n);
		row.span.line = number;
		row.text = strndup(line, n);
		if (!row.owner)
			row.owner = strdup("");
		out->lines[out->count++] = row;
		if (!row.owner || !row.text)
			return err_nomem(err);
	}
	return 0;
}

int subid_file_load(struct subid_file *out, const char *root, const char *path, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = host_read(&text, root, path, err);

	*out = (struct subid_file){ .path = path, .exists = r == 0 };
	if (r)
		return r < 0 ? r : 0;
	r = subid_file_parse(out, buf_str(&text), err);
	return r < 0 ? err_wrap(err, "%s", path) : 0;
}

static bool is_owner(const char *owner, const char *name, uint32_t uid)
{
	uint32_t number;

	if (name && strcmp(owner, name) == 0)
		return true;
	return num_u32(owner, strlen(owner), &number) && number == uid;
}

int subid_of(struct subid_spans *out, const struct subid_file *f, const char *name, uint32_t uid,
	     struct error *err)
{
	for (size_t i = 0; i < f->count; i++) {
		int r;

		if (f->lines[i].bad != SUBID_GOOD || !is_owner(f->lines[i].owner, name, uid))
			continue;
		r = subid_spans_add(out, f->lines[i].span, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int subid_lay_out(struct idmap *out, const struct subid_spans *s, bool own, uint32_t own_host,
		  struct error *err)
{
	uint64_t next = own;
	int r = 0;

	out->has_host = true;
	if (own)
		r = idmap_add(out, (struct idmap_extent){ 0, own_host, 1 }, err);
	for (size_t i = 0; i < s->count && r == 0; i++) {
		if (next + s->spans[i].count > ID_INVALID)
			return err_fail(err, ERR_USAGE, 0,
					"the ranges hold more ids than a map can");
		r = idmap_add(out,
			      (struct idmap_extent){ (uint32_t)next, s->spans[i].start,
						     s->spans[i].count },
			      err);
		next += s->spans[i].count;
	}
	return r;
}
