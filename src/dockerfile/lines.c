/* Lines: what BuildKit's parser.Parse does with them before it looks at words. */
#include <string.h>
#include <strings.h>

#include "dockerfile/internal.h"

struct line {
	const char *s; /* in the file */
	size_t n;      /* without its end */
};

static bool next_line(struct docker_reader *r, struct line *l)
{
	const char *end;

	if (r->at >= r->d->len)
		return false;
	l->s = r->d->bytes + r->at;
	end = memchr(l->s, '\n', r->d->len - r->at);
	l->n = end ? (size_t)(end - l->s) : r->d->len - r->at;
	r->at += l->n + (end != NULL);
	r->line++;
	if (l->n && l->s[l->n - 1] == '\r')
		l->n--;
	return true;
}

static size_t indent(const struct line *l)
{
	size_t i = 0;

	while (i < l->n && (l->s[i] == ' ' || l->s[i] == '\t'))
		i++;
	return i;
}

static struct line trimmed(const char *s, size_t n)
{
	struct line l = { s, n };
	size_t i = indent(&l);

	l.s += i;
	l.n -= i;
	while (l.n && (l.s[l.n - 1] == ' ' || l.s[l.n - 1] == '\t'))
		l.n--;
	return l;
}

void docker_read_directives(struct docker_reader *r)
{
	struct line l;

	if (r->d->len >= 3 && memcmp(r->d->bytes, "\xef\xbb\xbf", 3) == 0)
		r->at = 3;
	for (;;) {
		size_t at = r->at, line = r->line, i;
		struct line key, value;
		const char *eq;

		if (!next_line(r, &l))
			return;
		i = indent(&l);
		eq = i < l.n && l.s[i] == '#' ? memchr(l.s + i, '=', l.n - i) : NULL;
		if (eq) {
			key = trimmed(l.s + i + 1, (size_t)(eq - (l.s + i + 1)));
			value = trimmed(eq + 1, (size_t)(l.s + l.n - (eq + 1)));
		}
		if (!eq || !((key.n == 6 && (strncasecmp(key.s, "escape", 6) == 0 ||
					     strncasecmp(key.s, "syntax", 6) == 0)) ||
			     (key.n == 5 && strncasecmp(key.s, "check", 5) == 0))) {
			r->at = at;
			r->line = line;
			return;
		}
		if (strncasecmp(key.s, "escape", 6) == 0 && value.n == 1 && *value.s == '`')
			r->d->escape = '`';
	}
}

static int comment(struct docker_reader *r, const struct line *l, size_t at)
{
	struct dockerfile *d = r->d;
	struct docker_comment *c =
		arena_grow(&d->arena, d->comments, d->comment_count, &d->comment_cap, sizeof(*c));
	struct line text = trimmed(l->s + at + 1, l->n - at - 1);

	if (!c)
		return err_nomem(r->err);
	d->comments = c;
	c += d->comment_count;
	c->line = r->line;
	c->text = arena_copy(&d->arena, text.s, text.n);
	if (!c->text)
		return err_nomem(r->err);
	d->comment_count++;
	return 0;
}

struct joined {
	struct buf text;
	struct docker_piece *pieces;
	size_t count, cap;
};

static int join(struct docker_reader *r, struct joined *j, const char *s, size_t n)
{
	struct docker_piece *p = arena_grow(&r->d->arena, j->pieces, j->count, &j->cap, sizeof(*p));

	if (!p || buf_append(&j->text, s, n) < 0)
		return err_nomem(r->err);
	j->pieces = p;
	j->pieces[j->count++] = (struct docker_piece){ j->text.len - n, (size_t)(s - r->d->bytes) };
	return 0;
}

/* The length of a line without the escape that continues it, and whether there is one. */
static size_t continued(const struct line *l, char escape, bool *more)
{
	struct line t = trimmed(l->s, l->n);

	*more = t.n && t.s[t.n - 1] == escape;
	return *more ? (size_t)(t.s + t.n - 1 - l->s) : l->n;
}

static int finish(struct docker_reader *r, struct joined *j, struct docker_instruction *in)
{
	const char *s = buf_str(&j->text);
	size_t n = j->text.len;

	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	in->end_line = r->line;
	in->text = (struct docker_text){ .s = arena_copy(&r->d->arena, s, n),
					 .len = n,
					 .pieces = j->pieces,
					 .piece_count = j->count };
	return in->text.s ? 0 : err_nomem(r->err);
}

static int read_joined(struct docker_reader *r, struct joined *j, struct docker_instruction *in)
{
	bool more = true;
	struct line l;
	int ret = 0;

	while (ret >= 0 && more && next_line(r, &l)) {
		size_t i = indent(&l), n;

		if (i == l.n)
			continue;
		if (l.s[i] == '#') {
			ret = comment(r, &l, i);
			continue;
		}
		n = continued(&l, r->d->escape, &more);
		if (!in->line) {
			in->line = r->line;
			ret = join(r, j, l.s + i, n - MIN(i, n));
		} else {
			ret = join(r, j, l.s, n);
		}
	}
	if (ret >= 0 && !in->line)
		return 1;
	return ret < 0 ? ret : finish(r, j, in);
}

int docker_read_instruction(struct docker_reader *r, struct docker_instruction *in)
{
	struct joined j = { 0 };
	int ret = read_joined(r, &j, in);

	buf_free(&j.text);
	return ret;
}

int docker_read_heredoc(struct docker_reader *r, struct docker_heredoc *h, bool chomp)
{
	struct docker_piece *piece = arena_alloc(&r->d->arena, sizeof(*piece));
	size_t begin = r->at, end = begin;
	struct line l;

	if (!piece)
		return err_nomem(r->err);
	while (next_line(r, &l)) {
		size_t tabs = chomp ? strspn(l.s, "\t") : 0;

		if (l.n - MIN(tabs, l.n) == strlen(h->name) &&
		    memcmp(l.s + tabs, h->name, strlen(h->name)) == 0) {
			piece->source = begin;
			h->body = (struct docker_text){ .s = r->d->bytes + begin,
							.len = end - begin,
							.pieces = piece,
							.piece_count = 1 };
			return 0;
		}
		end = r->at;
	}
	return 1;
}
