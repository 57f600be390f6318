/* A table of a hundred thousand entries has a million values: it is taken apart here, by brackets
 * and strings alone, and each element is read by itself, so that memory stays flat. */
#include <string.h>

#include "toc/internal.h"

void toc_elements_init(struct toc_elements *e, struct stream *json)
{
	*e = (struct toc_elements){ .where = TOC_BEFORE };
	cursor_init(&e->cursor, json);
}

void toc_elements_done(struct toc_elements *e)
{
	cursor_done(&e->cursor);
}

static int bad(const struct toc_elements *e, const char *what, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "table of contents: byte %llu: %s",
			(unsigned long long)e->cursor.offset, what);
}

/* The next byte that is no blank: 0, or 1 at the end. It is not passed. */
static int peek_char(struct toc_elements *e, char *c, struct error *err)
{
	const uint8_t *bytes;
	size_t got;

	*c = '\0';
	for (;;) {
		int r = cursor_peek(&e->cursor, 1, &bytes, &got, err);

		if (r < 0)
			return r;
		if (!got)
			return 1;
		if (e->cursor.offset >= TOC_SIZE_MAX)
			return err_fail(err, ERR_LIMIT, 0,
					"table of contents: more than %u MiB decoded",
					TOC_SIZE_MAX >> 20);
		if (!memchr(" \t\r\n", bytes[0], 4)) {
			*c = (char)bytes[0];
			return 0;
		}
		cursor_advance(&e->cursor, 1);
	}
}

static int expect(struct toc_elements *e, char want, const char *what, struct error *err)
{
	char c;
	int r = peek_char(e, &c, err);

	if (r < 0)
		return r;
	if (r || c != want)
		return bad(e, what, err);
	cursor_advance(&e->cursor, 1);
	return 0;
}

/* Where the value at the beginning of bytes ends: its length, or 0 where more bytes are needed. */
struct span {
	size_t at;
	unsigned depth;
	bool string, escaped;
};

static size_t value_end(struct span *s, const uint8_t *bytes, size_t n)
{
	for (; s->at < n; s->at++) {
		uint8_t c = bytes[s->at];

		if (s->string) {
			if (s->escaped)
				s->escaped = false;
			else if (c == '\\')
				s->escaped = true;
			else if (c == '"')
				s->string = false;
			else
				continue;
			if (!s->string && !s->depth)
				return s->at + 1;
		} else if (c == '"') {
			s->string = true;
		} else if (c == '{' || c == '[') {
			s->depth++;
		} else if ((c == '}' || c == ']' || c == ',') && !s->depth) {
			return s->at; /* behind a number or a word */
		} else if (c == '}' || c == ']') {
			if (!--s->depth)
				return s->at + 1;
		}
	}
	return 0;
}

/* The bytes of the next value, valid until the cursor moves. */
static int peek_value(struct toc_elements *e, const uint8_t **bytes, size_t *n, struct error *err)
{
	struct span span = { 0 };
	char c;
	int r = peek_char(e, &c, err);

	if (r)
		return r < 0 ? r : bad(e, "the document ends early", err);
	for (size_t want = 4096;; want *= 2) {
		size_t got;

		r = cursor_peek(&e->cursor, want, bytes, &got, err);
		if (r < 0)
			return r;
		*n = value_end(&span, *bytes, got);
		if (*n)
			return 0;
		if (got < want)
			return bad(e, "the document ends early", err);
		if (want >= TOC_ELEMENT_MAX)
			return bad(e, "a value of more than 1 MiB", err);
	}
}

/* A member's name that Go could fold or unescape to "entries", and we would not. */
static bool is_odd_name(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] == '\\' || bytes[i] >= 0x80)
			return true;
	return false;
}

/* Passes the members before "entries" (or behind it), up to it or the document's end. */
static int pass_members(struct toc_elements *e, bool first, struct error *err)
{
	for (;; first = false) {
		const uint8_t *bytes;
		bool entries;
		size_t n;
		char c;
		int r = peek_char(e, &c, err);

		if (r)
			return r < 0 ? r : bad(e, "the document ends early", err);
		if (c == '}') {
			cursor_advance(&e->cursor, 1);
			return 1;
		}
		if (!first && (r = expect(e, ',', "no ',' between members", err)) < 0)
			return r;
		r = peek_value(e, &bytes, &n, err);
		if (r < 0)
			return r;
		if (*bytes != '"' || is_odd_name(bytes, n))
			return bad(e, "a member without a plain name", err);
		/* Go folds case; so do we, that no reader sees other entries. */
		entries = n == sizeof("\"entries\"") - 1 &&
			  strncasecmp((const char *)bytes, "\"entries\"", n) == 0;
		cursor_advance(&e->cursor, n);
		r = expect(e, ':', "no ':' behind a name", err);
		if (r < 0)
			return r;
		if (entries)
			return e->where == TOC_BEFORE ? 0 : bad(e, "'entries' twice", err);
		r = peek_value(e, &bytes, &n, err);
		if (r < 0)
			return r;
		cursor_advance(&e->cursor, n);
	}
}

static int finish(struct toc_elements *e, struct error *err)
{
	char c;
	int r;

	e->where = TOC_BEHIND;
	r = pass_members(e, false, err);
	if (r < 0)
		return r;
	r = peek_char(e, &c, err);
	return r < 0 ? r : r ? 1 : bad(e, "bytes behind the document", err);
}

/* Go writes a list that was never made as null. 1 behind the document. */
static int no_entries(struct toc_elements *e, struct error *err)
{
	const uint8_t *bytes;
	size_t n;
	int r = peek_value(e, &bytes, &n, err);

	if (r < 0)
		return r;
	if (n < 4 || memcmp(bytes, "null", 4) != 0)
		return bad(e, "'entries' is no array", err);
	cursor_advance(&e->cursor, 4);
	return finish(e, err);
}

/* 1 where there is nothing to tell. */
static int begin(struct toc_elements *e, struct error *err)
{
	char c;
	int r = expect(e, '{', "no JSON object", err);

	if (r == 0)
		r = pass_members(e, true, err);
	if (r)
		return r < 0 ? r : bad(e, "no 'entries'", err);
	r = peek_char(e, &c, err);
	if (r == 0 && c == 'n')
		return no_entries(e, err);
	if (r >= 0)
		r = expect(e, '[', "'entries' is no array", err);
	if (r == 0)
		e->where = TOC_INSIDE;
	return r;
}

int toc_elements_next(struct toc_elements *e, const uint8_t **bytes, size_t *n, struct error *err)
{
	char c;
	int r = 0;

	cursor_advance(&e->cursor, e->told);
	e->told = 0;
	if (e->where == TOC_BEHIND)
		return 1;
	if (e->where == TOC_BEFORE)
		r = begin(e, err);
	if (e->where == TOC_BEHIND)
		return r;
	if (r == 0)
		r = peek_char(e, &c, err);
	if (r)
		return r < 0 ? r : bad(e, "the document ends early", err);
	if (c == ']') {
		cursor_advance(&e->cursor, 1);
		return finish(e, err);
	}
	if (e->count && (r = expect(e, ',', "no ',' between entries", err)) < 0)
		return r;
	r = peek_value(e, bytes, n, err);
	if (r < 0)
		return r;
	e->told = *n;
	e->count++;
	return 0;
}
