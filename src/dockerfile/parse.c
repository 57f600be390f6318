#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "dockerfile/internal.h"

static const char *const names[DOCKER_KIND_COUNT] = {
	[DOCKER_FROM] = "FROM",
	[DOCKER_RUN] = "RUN",
	[DOCKER_CMD] = "CMD",
	[DOCKER_LABEL] = "LABEL",
	[DOCKER_MAINTAINER] = "MAINTAINER",
	[DOCKER_EXPOSE] = "EXPOSE",
	[DOCKER_ENV] = "ENV",
	[DOCKER_ADD] = "ADD",
	[DOCKER_COPY] = "COPY",
	[DOCKER_ENTRYPOINT] = "ENTRYPOINT",
	[DOCKER_VOLUME] = "VOLUME",
	[DOCKER_USER] = "USER",
	[DOCKER_WORKDIR] = "WORKDIR",
	[DOCKER_ARG] = "ARG",
	[DOCKER_ONBUILD] = "ONBUILD",
	[DOCKER_STOPSIGNAL] = "STOPSIGNAL",
	[DOCKER_HEALTHCHECK] = "HEALTHCHECK",
	[DOCKER_SHELL] = "SHELL",
};

const char *docker_kind_name(enum docker_kind k)
{
	return names[k];
}

size_t docker_source(const struct docker_text *t, size_t at)
{
	size_t lo = 0, hi = t->piece_count;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->pieces[mid].at <= at)
			lo = mid;
		else
			hi = mid;
	}
	return t->pieces[lo].source + (at - t->pieces[lo].at);
}

size_t docker_line_of(const struct dockerfile *d, size_t offset)
{
	size_t lo = 0, hi = d->lines;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->line_starts[mid] <= offset)
			lo = mid;
		else
			hi = mid;
	}
	return lo + 1;
}

/* 0 or -ERR_NOMEM. */
static int count_lines(struct dockerfile *d)
{
	size_t cap = 0;

	for (size_t i = 0; i < d->len || !d->lines;) {
		const char *end = memchr(d->bytes + i, '\n', d->len - i);
		size_t *list = arena_grow(&d->arena, d->line_starts, d->lines, &cap, sizeof(*list));

		if (!list)
			return -ERR_NOMEM;
		d->line_starts = list;
		list[d->lines++] = i;
		i = end ? (size_t)(end - d->bytes) + 1 : d->len;
		if (!d->len)
			break;
	}
	return 0;
}

const char *docker_flag(const struct docker_instruction *in, const char *name)
{
	for (size_t i = 0; i < in->flag_count; i++)
		if (strcmp(in->flags[i].name, name) == 0)
			return in->flags[i].value;
	return NULL;
}

void dockerfile_free(struct dockerfile *d)
{
	if (!d)
		return;
	arena_free(&d->arena);
	free(d);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static int bad(struct docker_reader *r, size_t line, const char *what, const char *s, size_t n)
{
	char shown[80];

	return err_fail(r->err, ERR_BAD_INPUT, 0, "%s:%zu: %s%s%s%s", r->what, line, what,
			n ? " '" : "", n ? err_text(shown, sizeof(shown), s, n) : "", n ? "'" : "");
}

static size_t skip_blank(const struct docker_text *t, size_t i)
{
	while (i < t->len && blank(t->s[i]))
		i++;
	return i;
}

/* The end of the word at i: quotes and escapes keep blanks in it. */
static size_t word_end(const struct docker_text *t, size_t i, char escape)
{
	char quote = '\0';

	for (; i < t->len && (quote || !blank(t->s[i])); i++) {
		char c = t->s[i];

		if (c == escape && quote != '\'' && i + 1 < t->len)
			i++;
		else if (quote && c == quote)
			quote = '\0';
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
	}
	return i;
}

static int add_flag(struct docker_reader *r, struct docker_instruction *in, size_t start,
		    size_t end, size_t *cap)
{
	const char *s = in->text.s + start + 2, *eq = memchr(s, '=', end - start - 2);
	size_t n = eq ? (size_t)(eq - s) : end - start - 2;
	struct arena *a = &r->d->arena;
	struct docker_flag *f = arena_grow(a, in->flags, in->flag_count, cap, sizeof(*f));

	if (!f)
		return err_nomem(r->err);
	in->flags = f;
	f += in->flag_count++;
	*f = (struct docker_flag){ .start = start, .end = end };
	f->name = arena_copy(a, s, n);
	f->value = eq ? arena_copy(a, eq + 1, end - start - 2 - n - 1) : "";
	return f->name && f->value ? 0 : err_nomem(r->err);
}

static bool takes_flags(enum docker_kind k)
{
	return k == DOCKER_FROM || k == DOCKER_RUN || k == DOCKER_COPY || k == DOCKER_ADD ||
	       k == DOCKER_HEALTHCHECK;
}

static int flags(struct docker_reader *r, struct docker_instruction *in, size_t i)
{
	size_t cap = 0;
	int ret = 0;

	i = skip_blank(&in->text, i);
	while (ret >= 0 && takes_flags(in->kind) && i + 2 < in->text.len && in->text.s[i] == '-' &&
	       in->text.s[i + 1] == '-') {
		size_t end = word_end(&in->text, i, r->d->escape);

		ret = add_flag(r, in, i, end, &cap);
		i = skip_blank(&in->text, end);
	}
	in->args = i;
	return ret;
}

static int add_word(struct docker_reader *r, struct docker_instruction *in, size_t start,
		    size_t end, const char *s, size_t n, size_t *cap)
{
	struct arena *a = &r->d->arena;
	struct docker_word *w = arena_grow(a, in->words, in->word_count, cap, sizeof(*w));

	if (!w)
		return err_nomem(r->err);
	in->words = w;
	w += in->word_count++;
	*w = (struct docker_word){ .start = start, .end = end, .raw = arena_copy(a, s, n) };
	return w->raw ? 0 : err_nomem(r->err);
}

/* One string of a JSON form at i: its value in out, and the byte behind; 0 where it is none. */
static size_t json_string(const char *s, size_t n, size_t i, struct buf *out, bool *failed)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	buf_clear(out);
	if (i >= n || s[i] != '"')
		return 0;
	for (i++; i < n && s[i] != '"'; i++) {
		char c = s[i];

		if ((unsigned char)c < 0x20)
			return 0;
		if (c == '\\') {
			const char *p = ++i < n && s[i] ? strchr(from, s[i]) : NULL;

			/* \uNNNN has no place in the names of commands and users: told as '?'. */
			if (!p && (i + 4 >= n || s[i] != 'u'))
				return 0;
			c = p ? to[p - from] : '?';
			i += p ? 0 : 4;
		}
		*failed |= buf_append(out, &c, 1) < 0;
	}
	return i < n ? i + 1 : 0;
}

/* RUN ["a", "b"]: 1 where it is no array of strings, as engines then take it for a shell's line. */
static int json_form(struct docker_reader *r, struct docker_instruction *in)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	const struct docker_text *t = &in->text;
	size_t i = in->args, cap = 0;
	bool failed = false;

	if (i >= t->len || t->s[i] != '[')
		return 1;
	i = skip_blank(t, i + 1);
	while (i < t->len && t->s[i] != ']') {
		size_t start = i, end = json_string(t->s, t->len, i, &b, &failed);

		if (failed)
			return err_nomem(r->err);
		if (!end)
			break;
		if (add_word(r, in, start, end, buf_str(&b), b.len, &cap) < 0)
			return -ERR_NOMEM;
		i = skip_blank(t, end);
		if (i < t->len && t->s[i] == ',')
			i = skip_blank(t, i + 1);
		else if (i < t->len && t->s[i] != ']')
			break;
	}
	if (i < t->len && t->s[i] == ']' && skip_blank(t, i + 1) == t->len) {
		in->json = true;
		return 0;
	}
	in->words = NULL;
	in->word_count = 0;
	return 1;
}

static int words(struct docker_reader *r, struct docker_instruction *in)
{
	size_t cap = 0;
	int ret = json_form(r, in);

	if (ret <= 0)
		return ret;
	ret = 0;
	for (size_t i = in->args; ret >= 0 && i < in->text.len;) {
		size_t end = word_end(&in->text, i, r->d->escape);

		ret = add_word(r, in, i, end, in->text.s + i, end - i, &cap);
		i = skip_blank(&in->text, end);
	}
	return ret;
}

/* [FD]<<[-]NAME, NAME in quotes or not: BuildKit's reHeredoc. */
static bool heredoc_word(const char *w, bool *chomp, const char **name)
{
	w += strspn(w, "0123456789");
	if (strncmp(w, "<<", 2) != 0)
		return false;
	w += 2;
	*chomp = *w == '-';
	*name = w + *chomp;
	return **name && !strchr(*name, '<');
}

static int add_heredoc(struct docker_reader *r, struct docker_instruction *in, const char *name,
		       bool chomp, size_t *cap)
{
	struct docker_heredoc *h =
		arena_grow(&r->d->arena, in->heredocs, in->heredoc_count, cap, sizeof(*h));
	_cleanup_(buf_freep) struct buf plain = { 0 };
	bool failed = false;

	if (!h)
		return err_nomem(r->err);
	in->heredocs = h;
	h += in->heredoc_count++;
	*h = (struct docker_heredoc){ .expand = !strpbrk(name, "\"'\\") };
	(void)docker_expand(&plain, NULL, r->d->escape, name, strlen(name), &failed);
	h->name = failed ? NULL : arena_copy(&r->d->arena, buf_str(&plain), plain.len);
	if (!h->name)
		return err_nomem(r->err);
	return docker_read_heredoc(r, h, chomp);
}

static int heredocs(struct docker_reader *r, struct docker_instruction *in)
{
	size_t cap = 0;
	int ret = 0;

	if (in->json ||
	    (in->kind != DOCKER_RUN && in->kind != DOCKER_COPY && in->kind != DOCKER_ADD))
		return 0;
	for (size_t i = 0; ret >= 0 && i < in->word_count; i++) {
		const char *name;
		bool chomp;

		if (!heredoc_word(in->words[i].raw, &chomp, &name))
			continue;
		ret = add_heredoc(r, in, name, chomp, &cap);
		if (ret == 1)
			return bad(r, in->line, "the heredoc is never closed:", name, strlen(name));
	}
	in->end_line = r->line;
	return ret;
}

static int keyword(struct docker_reader *r, struct docker_instruction *in, size_t *at)
{
	size_t start = skip_blank(&in->text, *at), end = start;

	while (end < in->text.len && !blank(in->text.s[end]))
		end++;
	*at = end;
	for (enum docker_kind k = 0; k < DOCKER_KIND_COUNT; k++)
		if (strlen(names[k]) == end - start &&
		    strncasecmp(names[k], in->text.s + start, end - start) == 0) {
			in->kind = k;
			return 0;
		}
	return bad(r, in->line, "unknown instruction", in->text.s + start, end - start);
}

static int instruction(struct docker_reader *r, struct docker_instruction *in)
{
	size_t at = 0;
	int ret = keyword(r, in, &at);

	if (ret >= 0 && in->kind == DOCKER_ONBUILD) {
		in->onbuild = true;
		ret = keyword(r, in, &at);
	}
	if (ret < 0)
		return ret;
	if (in->kind == DOCKER_ONBUILD || (in->onbuild && in->kind == DOCKER_FROM))
		return bad(r, in->line, "ONBUILD cannot hold", names[in->kind],
			   strlen(names[in->kind]));
	ret = flags(r, in, at);
	if (ret >= 0)
		ret = words(r, in);
	if (ret >= 0)
		ret = heredocs(r, in);
	if (ret < 0)
		return ret;
	if (!in->word_count && !(in->json))
		return bad(r, in->line, "nothing stands behind", names[in->kind],
			   strlen(names[in->kind]));
	if (in->kind == DOCKER_FROM && ++r->d->stage_count > r->limits->v[LIMIT_DOCKERFILE_STAGES])
		return limit_passed(r->limits, LIMIT_DOCKERFILE_STAGES, r->what, r->err);
	in->stage = r->d->stage_count - 1; /* SIZE_MAX before the first */
	if (!r->d->stage_count && in->kind != DOCKER_ARG)
		return bad(r, in->line, "only ARG may stand before the first FROM, not",
			   names[in->kind], strlen(names[in->kind]));
	return 0;
}

static int all(struct docker_reader *r)
{
	struct dockerfile *d = r->d;
	int ret;

	for (;;) {
		struct docker_instruction *list =
			arena_grow(&d->arena, d->list, d->count, &d->cap, sizeof(*list));

		if (!list)
			return err_nomem(r->err);
		d->list = list;
		list += d->count;
		*list = (struct docker_instruction){ .comment = d->comment_count };
		ret = docker_read_instruction(r, list);
		if (ret == 1)
			break;
		list->comment_count = d->comment_count - list->comment;
		if (ret >= 0)
			ret = instruction(r, list);
		if (ret < 0)
			return ret;
		d->count++;
	}
	if (!d->stage_count)
		return bad(r, MAX(r->line, 1), "no FROM: this is no Dockerfile", NULL, 0);
	return 0;
}

int dockerfile_parse(struct dockerfile **out, const char *bytes, size_t n, const char *what,
		     const struct limits *limits, struct error *err)
{
	_cleanup_(dockerfile_freep) struct dockerfile *d = calloc(1, sizeof(*d));
	struct docker_reader r = { .d = d, .what = what, .limits = limits, .err = err };
	const char *nul = n ? memchr(bytes, '\0', n) : NULL;
	int ret;

	if (!d)
		return err_nomem(err);
	if (n > limits->v[LIMIT_DOCKERFILE_SIZE])
		return limit_passed(limits, LIMIT_DOCKERFILE_SIZE, what, err);
	d->bytes = arena_copy(&d->arena, bytes, n);
	if (!d->bytes)
		return err_nomem(err);
	d->len = n;
	d->escape = '\\';
	if (count_lines(d) < 0)
		return err_nomem(err);
	if (nul)
		return bad(&r, docker_line_of(d, (size_t)(nul - bytes)),
			   "a NUL byte: this is no Dockerfile", NULL, 0);
	docker_read_directives(&r);
	ret = all(&r);
	if (ret < 0)
		return ret;
	*out = STEAL(d);
	return 0;
}
