#include "base/toml.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"

struct reader {
	const char *p, *end;
	const char *what;
	size_t line, items;
	struct toml *root;
	struct error *err;
};

const char *toml_kind_name(enum toml_kind kind)
{
	static const char *const names[] = {
		[TOML_STRING] = "a string", [TOML_INTEGER] = "an integer",
		[TOML_BOOL] = "a boolean",  [TOML_ARRAY] = "an array",
		[TOML_TABLE] = "a table",
	};

	return names[kind];
}

void toml_free(struct toml *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		toml_free(t->items[i]);
	free(t->items);
	free(t->key);
	free(t->text);
	free(t);
}

static struct toml *find(const struct toml *t, const char *key)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->items[i]->key, key) == 0)
			return t->items[i];
	return NULL;
}

const struct toml *toml_get(const struct toml *t, const char *key)
{
	return t && t->kind == TOML_TABLE ? find(t, key) : NULL;
}

static int bad(const struct reader *r, const char *why)
{
	return err_fail(r->err, ERR_BAD_INPUT, 0, "%s line %zu: %s", r->what, r->line, why);
}

static int limit(const struct reader *r, const char *why)
{
	return err_fail(r->err, ERR_LIMIT, 0, "%s line %zu: %s", r->what, r->line, why);
}

/* Adds an item to a table (key, copied) or an array (NULL). */
static int add(struct reader *r, struct toml *to, const char *key, enum toml_kind kind,
	       struct toml **out)
{
	struct toml *t;

	if (r->items++ >= TOML_ITEMS_MAX)
		return limit(r, "more items than a settings file has");
	if (to->count == to->cap) {
		size_t cap = to->cap ? to->cap * 2 : 8;
		struct toml **items = reallocarray(to->items, cap, sizeof(struct toml *));

		if (!items)
			return err_nomem(r->err);
		to->items = items;
		to->cap = cap;
	}
	t = calloc(1, sizeof(*t));
	if (!t || (key && !(t->key = strdup(key)))) {
		free(t);
		return err_nomem(r->err);
	}
	t->kind = kind;
	t->line = r->line;
	to->items[to->count++] = t;
	*out = t;
	return 0;
}

/* Blanks of a line. */
static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t'))
		r->p++;
}

static bool at(const struct reader *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, word, n) == 0;
}

static bool take(struct reader *r, const char *word)
{
	if (!at(r, word))
		return false;
	r->p += strlen(word);
	return true;
}

static bool take_newline(struct reader *r)
{
	if (!take(r, "\n") && !take(r, "\r\n"))
		return false;
	r->line++;
	return true;
}

static bool is_control(char c)
{
	return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

static int skip_comment(struct reader *r)
{
	if (r->p == r->end || *r->p != '#')
		return 0;
	while (r->p < r->end && *r->p != '\n' && !at(r, "\r\n"))
		if (is_control(*r->p++))
			return bad(r, "a control character in a comment");
	return 0;
}

/* Blanks, comments and ends of lines. */
static int skip_lines(struct reader *r)
{
	do {
		int e;

		skip_blanks(r);
		e = skip_comment(r);
		if (e < 0)
			return e;
	} while (take_newline(r));
	return 0;
}

static int end_of_line(struct reader *r)
{
	int e;

	skip_blanks(r);
	e = skip_comment(r);
	if (e == 0 && r->p < r->end && !take_newline(r))
		e = bad(r, "something behind the value or the table's name");
	return e;
}

static int put(struct reader *r, struct buf *out, const void *bytes, size_t n)
{
	return buf_append(out, bytes, n) < 0 ? err_nomem(r->err) : 0;
}

static int put_code_point(struct reader *r, struct buf *out, size_t digits)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	uint32_t c = 0;
	char utf8[4];
	size_t n;

	for (size_t i = 0; i < digits; i++) {
		const char *digit;

		if (r->p == r->end || !*r->p || !(digit = strchr(hex, *r->p)))
			return bad(r, "an escape without its digits");
		c = c << 4 | (uint32_t)(digit - hex < 16 ? digit - hex : digit - hex - 6);
		r->p++;
	}
	if (!c)
		return bad(r, "a string holds a NUL");
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return bad(r, "an escape that is no character");
	if (c < 0x80)
		utf8[0] = (char)c, n = 1;
	else if (c < 0x800)
		utf8[0] = (char)(0xc0 | c >> 6), n = 2;
	else if (c < 0x10000)
		utf8[0] = (char)(0xe0 | c >> 12), n = 3;
	else
		utf8[0] = (char)(0xf0 | c >> 18), n = 4;
	for (size_t i = 1; i < n; i++)
		utf8[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	return put(r, out, utf8, n);
}

/* Behind a backslash. */
static int escape(struct reader *r, struct buf *out, bool many_lines)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *found, *stay = r->p;
	char c;

	if (many_lines) {
		skip_blanks(r);
		if (take_newline(r)) {
			do
				skip_blanks(r);
			while (take_newline(r));
			return 0;
		}
		r->p = stay;
	}
	c = r->p < r->end ? *r->p++ : '\0';
	if (c == 'u' || c == 'U')
		return put_code_point(r, out, c == 'u' ? 4 : 8);
	found = c ? strchr(from, c) : NULL;
	return found ? put(r, out, &to[found - from], 1) : bad(r, "an escape that does not exist");
}

/* A string's inside and its end, quote being its first character. */
static int string_body(struct reader *r, struct buf *out, char quote, bool many_lines)
{
	char three[4] = { quote, quote, quote, '\0' };

	if (many_lines)
		(void)take_newline(r);
	while (r->p < r->end) {
		const char *start = r->p;
		int e = 0;

		if (*r->p == quote && (!many_lines || take(r, three))) {
			if (!many_lines)
				r->p++;
			/* Up to two quotes may stand before the three that end it. */
			for (int i = 0; many_lines && i < 2 && r->p < r->end && *r->p == quote;
			     i++, r->p++)
				if (put(r, out, &quote, 1) < 0)
					return -ERR_NOMEM;
			return 0;
		}
		if (quote == '"' && take(r, "\\")) {
			e = escape(r, out, many_lines);
		} else if (many_lines && take_newline(r)) {
			e = put(r, out, "\n", 1);
		} else {
			if (is_control(*r->p))
				return bad(r, *r->p == '\n' || *r->p == '\r'
						      ? "a string does not end on its line"
						      : "a control character in a string");
			r->p++;
			e = put(r, out, start, 1);
		}
		if (e < 0)
			return e;
	}
	return bad(r, "a string does not end");
}

static int string(struct reader *r, struct buf *out, bool may_be_long)
{
	char quote = *r->p;
	bool many_lines = may_be_long && (at(r, "\"\"\"") || at(r, "'''"));

	r->p += many_lines ? 3 : 1;
	return string_body(r, out, quote, many_lines);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static int key_part(struct reader *r, struct buf *out)
{
	const char *start = r->p;

	buf_clear(out);
	if (r->p < r->end && (*r->p == '"' || *r->p == '\''))
		return string(r, out, false);
	while (r->p < r->end && is_word(*r->p))
		r->p++;
	return r->p == start ? bad(r, "no key where one is expected")
			     : put(r, out, start, (size_t)(r->p - start));
}

/* Reads a dotted key and walks to the table that holds its last part, which *last then is. made is
 * how tables on the way come about: by headers or by keys. */
static int walk_key(struct reader *r, struct toml **table, struct buf *last, bool header)
{
	for (size_t depth = 0;; depth++) {
		struct toml *next;
		int e;

		skip_blanks(r);
		e = key_part(r, last);
		skip_blanks(r);
		if (e < 0 || !take(r, "."))
			return e;
		if (depth == TOML_DEPTH_MAX)
			return limit(r, "a key of too many parts");
		next = find(*table, buf_str(last));
		if (!next) {
			e = add(r, *table, buf_str(last), TOML_TABLE, &next);
			if (e < 0)
				return e;
			next->made = header ? TOML_OPEN : TOML_BY_KEYS;
		} else if (next->kind == TOML_ARRAY && header && next->made == TOML_BY_HEADER) {
			next = next->items[next->count - 1];
		} else if (next->kind != TOML_TABLE || next->made == TOML_CLOSED ||
			   (!header && next->made != TOML_BY_KEYS)) {
			return bad(r, "a key leads into what is no table, or one that is closed");
		}
		*table = next;
	}
}

static int value(struct reader *r, struct toml *to, const char *key, unsigned depth);

/* KEY = VALUE into table. */
static int pair(struct reader *r, struct toml *table, unsigned depth)
{
	_cleanup_(buf_freep) struct buf key = { 0 };
	int e = walk_key(r, &table, &key, false);

	if (e < 0)
		return e;
	if (!take(r, "="))
		return bad(r, "no '=' behind a key");
	if (find(table, buf_str(&key)))
		return bad(r, "a key stands twice");
	skip_blanks(r);
	return value(r, table, buf_str(&key), depth);
}

static int inline_table(struct reader *r, struct toml *t, unsigned depth)
{
	int e = 0;

	t->made = TOML_BY_KEYS;
	skip_blanks(r);
	if (!take(r, "}")) {
		do {
			e = pair(r, t, depth + 1);
			skip_blanks(r);
		} while (e == 0 && take(r, ","));
		if (e == 0 && !take(r, "}"))
			e = bad(r, "an inline table does not end");
	}
	t->made = TOML_CLOSED;
	return e;
}

static int array(struct reader *r, struct toml *t, unsigned depth)
{
	for (;;) {
		int e = skip_lines(r);

		if (e < 0 || take(r, "]"))
			return e;
		e = value(r, t, NULL, depth + 1);
		if (e == 0)
			e = skip_lines(r);
		if (e < 0)
			return e;
		if (!take(r, ",") && !at(r, "]"))
			return bad(r, "an array does not end");
	}
}

/* Decimal, or 0x, 0o, 0b; underscores between digits. */
static bool is_integer(const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	bool sign = n && (s[0] == '+' || s[0] == '-');
	size_t from = sign, base = 10;
	char plain[72];
	size_t len = 0;
	uint64_t v;

	if (n > from + 2 && s[from] == '0' && !sign && strchr("xob", s[1])) {
		base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 2;
		from = 2;
	}
	if (n > sizeof(plain) || (base == 10 && n > from + 1 && s[from] == '0'))
		return false;
	for (size_t i = from; i < n; i++) {
		const char *d = s[i] ? strchr(digits, s[i] | 0x20) : NULL;

		if (s[i] == '_') {
			if (i == from || s[i - 1] == '_' || i + 1 == n)
				return false;
			continue;
		}
		if (!d || (size_t)(d - digits) >= base)
			return false;
		plain[len++] = s[i];
	}
	return len && (base != 10 || (num_u64(plain, len, &v) && v <= INT64_MAX));
}

/* What stands there without quotes. */
static int word(struct reader *r, struct toml *t)
{
	const char *start = r->p;
	size_t n;

	while (r->p < r->end && (is_word(*r->p) || *r->p == '+' || *r->p == '.' || *r->p == ':'))
		r->p++;
	n = (size_t)(r->p - start);
	if ((n == 4 && memcmp(start, "true", 4) == 0) || (n == 5 && memcmp(start, "false", 5) == 0))
		t->kind = TOML_BOOL;
	else if (is_integer(start, n))
		t->kind = TOML_INTEGER;
	else
		return bad(r, "a value that is no string, integer, boolean, array or table");
	t->text = strndup(start, n);
	return t->text ? 0 : err_nomem(r->err);
}

static int value(struct reader *r, struct toml *to, const char *key, unsigned depth)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	struct toml *t;
	int e;

	if (depth > TOML_DEPTH_MAX)
		return limit(r, "arrays or tables too deep");
	e = add(r, to, key, TOML_STRING, &t);
	if (e < 0)
		return e;
	if (r->p < r->end && (*r->p == '"' || *r->p == '\'')) {
		e = string(r, &text, true);
		if (e == 0 && !(t->text = strdup(buf_str(&text))))
			e = err_nomem(r->err);
		return e;
	}
	if (take(r, "[")) {
		t->kind = TOML_ARRAY;
		return array(r, t, depth);
	}
	if (take(r, "{")) {
		t->kind = TOML_TABLE;
		return inline_table(r, t, depth);
	}
	return word(r, t);
}

/* [TABLE] or [[TABLE]]: *table becomes what the pairs below belong to. */
static int header(struct reader *r, struct toml **table)
{
	_cleanup_(buf_freep) struct buf key = { 0 };
	bool many = take(r, "[[") || !take(r, "[");
	struct toml *in = r->root, *t;
	int e = walk_key(r, &in, &key, true);

	if (e < 0)
		return e;
	if (!take(r, many ? "]]" : "]"))
		return bad(r, "a table's name does not end");
	t = find(in, buf_str(&key));
	if (t && (many ? t->kind != TOML_ARRAY || t->made != TOML_BY_HEADER
		       : t->kind != TOML_TABLE || t->made != TOML_OPEN))
		return bad(r, "a table stands twice, or has the name of a key");
	if (!t)
		e = add(r, in, buf_str(&key), many ? TOML_ARRAY : TOML_TABLE, &t);
	if (e < 0)
		return e;
	t->made = TOML_BY_HEADER;
	if (many)
		e = add(r, t, NULL, TOML_TABLE, &t);
	if (e < 0)
		return e;
	t->made = TOML_BY_HEADER;
	t->line = r->line;
	*table = t;
	return end_of_line(r);
}

static int document(struct reader *r)
{
	struct toml *table = r->root;
	int e = skip_lines(r);

	while (e == 0 && r->p < r->end) {
		if (*r->p == '[') {
			e = header(r, &table);
		} else {
			e = pair(r, table, 0);
			if (e == 0)
				e = end_of_line(r);
		}
		if (e == 0)
			e = skip_lines(r);
	}
	return e;
}

int toml_parse(struct toml **out, const char *text, size_t n, const char *what, struct error *err)
{
	_cleanup_(toml_freep) struct toml *root = calloc(1, sizeof(*root));
	struct reader r = { .p = text, .end = text + n, .what = what, .line = 1, .root = root };
	int e;

	r.err = err;
	if (!root)
		return err_nomem(err);
	root->kind = TOML_TABLE;
	root->line = 1;
	if (!text_is_utf8(text, n))
		return err_fail(err, ERR_BAD_INPUT, 0, "%s is not UTF-8", what);
	(void)take(&r, "\xef\xbb\xbf");
	e = document(&r);
	if (e < 0)
		return e;
	*out = STEAL(root);
	return 0;
}
