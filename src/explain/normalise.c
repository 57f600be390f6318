/* One pass, one state, no look-ahead: text comes in pieces of any size. */
#include "explain/normalise.h"

#include <ctype.h>
#include <string.h>

#include "explain/explain.h"

#define SEQUENCE_MAX                                                                               \
	256 /* bytes of an escape sequence; a longer one is text that happened to begin like one   \
	     */
#define OVERLAP (EXPLAIN_LINE_MAX / 4)

static int flush(struct normaliser *n, struct error *err)
{
	int r = 0;

	n->number += !n->piece;
	n->piece = false;
	if (n->line.len)
		r = n->fn(n->ctx, buf_str(&n->line), n->line.len, n->number, err);
	buf_clear(&n->line);
	return r;
}

/* A piece of a line that is too long; its end stays, for a message that the cut would part. */
static int flush_piece(struct normaliser *n, struct error *err)
{
	int r;

	n->number += !n->piece;
	n->piece = true;
	r = n->fn(n->ctx, buf_str(&n->line), n->line.len, n->number, err);
	memmove(n->line.data, n->line.data + n->line.len - OVERLAP, OVERLAP);
	n->line.len = OVERLAP;
	n->line.data[OVERLAP] = '\0';
	return r;
}

static int put(struct normaliser *n, char c, struct error *err)
{
	if (n->line.len >= EXPLAIN_LINE_MAX) {
		int r = flush_piece(n, err);

		if (r < 0)
			return r;
	}
	return buf_append(&n->line, &c, 1) < 0 ? err_nomem(err) : 0;
}

static int end_line(struct normaliser *n, char c, struct error *err)
{
	/* CR LF is one end; a CR alone begins a progress line anew. */
	bool second = c == '\n' && n->after_cr;

	n->after_cr = c == '\r';
	return second ? 0 : flush(n, err);
}

/* What JSON, logfmt and Go's %q write as a backslash and a letter; the run of backslashes may be
 * any number of times escaped. */
static int escaped(struct normaliser *n, char c, struct error *err)
{
	int r;

	n->state = NORMALISE_TEXT;
	switch (c) {
	case '"':
	case '\'':
	case '/':
		return put(n, c, err);
	case 'n':
	case 'r':
		return end_line(n, '\n', err);
	case 't':
		return put(n, ' ', err);
	case 'u':
		n->state = NORMALISE_UNICODE;
		n->digits = n->code = 0;
		return 0;
	default:
		r = put(n, '\\', err);
		return r < 0 ? r : put(n, c, err);
	}
}

static int plain(struct normaliser *n, char c, struct error *err)
{
	if (c == '\n' || c == '\r')
		return end_line(n, c, err);
	n->after_cr = false;
	if (c == '\033') {
		n->state = NORMALISE_ESC;
		return 0;
	}
	if (c == '\\') {
		n->state = NORMALISE_BACKSLASH;
		return 0;
	}
	return put(n, (unsigned char)c < ' ' || c == 0x7f ? ' ' : c, err);
}

/* JSON's \u003c: only ASCII occurs in messages; the rest becomes one '?'. */
static int unicode(struct normaliser *n, char c, struct error *err)
{
	if (!isxdigit((unsigned char)c)) {
		n->state = NORMALISE_TEXT;
		return plain(n, c, err);
	}
	n->code = n->code * 16 +
		  (unsigned)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
	if (++n->digits < 4)
		return 0;
	n->state = NORMALISE_TEXT;
	if (n->code == '\n' || n->code == 0x1b)
		return end_line(n, '\n', err);
	return put(n, n->code >= ' ' && n->code < 0x7f ? (char)n->code : '?', err);
}

/* Inside an escape sequence: nothing of it is text. */
static int sequence(struct normaliser *n, char c, struct error *err)
{
	if (++n->sequence > SEQUENCE_MAX || c == '\n') {
		n->state = NORMALISE_TEXT;
		n->sequence = 0;
		return plain(n, c, err);
	}
	switch (n->state) {
	case NORMALISE_ESC:
		n->state = c == '[' ? NORMALISE_CSI : c == ']' ? NORMALISE_OSC : NORMALISE_TEXT;
		break;
	case NORMALISE_CSI:
		if (c >= 0x40 && c < 0x7f)
			n->state = NORMALISE_TEXT;
		break;
	case NORMALISE_OSC:
		n->state = c == '\a'	 ? NORMALISE_TEXT
			   : c == '\033' ? NORMALISE_OSC_ESC
					 : NORMALISE_OSC;
		break;
	default:
		n->state = NORMALISE_TEXT;
		break;
	}
	if (n->state == NORMALISE_TEXT)
		n->sequence = 0;
	return 0;
}

static int one(struct normaliser *n, char c, struct error *err)
{
	switch (n->state) {
	case NORMALISE_TEXT:
		return plain(n, c, err);
	case NORMALISE_BACKSLASH:
		return c == '\\' ? 0 : escaped(n, c, err);
	case NORMALISE_UNICODE:
		return unicode(n, c, err);
	default:
		return sequence(n, c, err);
	}
}

/* Most text is plain: whole runs of it are copied at once. */
static size_t plain_run(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (unsigned char)p[i] >= ' ' && p[i] != '\\' && p[i] != 0x7f)
		i++;
	return i;
}

int normalise_feed(struct normaliser *n, const void *bytes, size_t len, struct error *err)
{
	const char *p = bytes;

	while (len) {
		size_t run = n->state == NORMALISE_TEXT ? plain_run(p, len) : 0;
		int r = 0;

		if (n->line.len < EXPLAIN_LINE_MAX)
			run = MIN(run, EXPLAIN_LINE_MAX - n->line.len);
		else
			run = 0;
		if (run) {
			n->after_cr = false;
			r = buf_append(&n->line, p, run) < 0 ? err_nomem(err) : 0;
		} else {
			r = one(n, *p, err);
			run = 1;
		}
		if (r < 0)
			return r;
		p += run;
		len -= run;
	}
	return 0;
}

int normalise_end(struct normaliser *n, struct error *err)
{
	if (n->state == NORMALISE_BACKSLASH && put(n, '\\', err) < 0)
		return -ERR_NOMEM;
	n->state = NORMALISE_TEXT;
	return n->line.len ? flush(n, err) : 0;
}

void normalise_done(struct normaliser *n)
{
	buf_free(&n->line);
}

/* Bytes of [set] at p, at most max. */
static size_t span(const char *p, size_t n, const char *set, size_t max)
{
	size_t i = 0;

	while (i < n && i < max && p[i] && strchr(set, p[i]))
		i++;
	return i;
}

/* 2026-11-23T06:14:23.1234567Z and the like, and a blank. */
static size_t time_stamp(const char *line, size_t n)
{
	size_t digits, i;

	if (n < 20 || span(line, n, "0123456789", 4) != 4 || (line[4] != '-' && line[4] != '/'))
		return 0;
	digits = span(line, n, "0123456789-/", 10);
	if (digits != 10 || (line[10] != 'T' && line[10] != ' '))
		return 0;
	i = 11 + span(line + 11, n - 11, "0123456789:.,Z+-", 30);
	return i < n && line[i] == ' ' ? i + 1 : 0;
}

/* "#12 3.456 " of BuildKit. */
static size_t buildkit(const char *line, size_t n)
{
	size_t i = 1;

	if (n < 4 || line[0] != '#')
		return 0;
	i += span(line + i, n - i, "0123456789", 6);
	if (i == 1 || i >= n || line[i] != ' ')
		return 0;
	i++;
	i += span(line + i, n - i, "0123456789.", 12);
	return i < n && line[i] == ' ' ? i + 1 : i;
}

/* "service-1  | " of compose. */
static size_t compose(const char *line, size_t n)
{
	size_t i = 0, name;

	while (i < n && i < 64 && (isalnum((unsigned char)line[i]) || strchr("_.-", line[i])))
		i++;
	name = i;
	while (i < n && line[i] == ' ')
		i++;
	return name && i > name && i + 1 < n && line[i] == '|' && line[i + 1] == ' ' ? i + 2 : 0;
}

size_t normalise_prefix(const char *line, size_t n)
{
	size_t at = compose(line, n);

	at += time_stamp(line + at, n - at);
	return at + buildkit(line + at, n - at);
}
