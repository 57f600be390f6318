#include "report/json-writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "idmap/idmap.h"

static void escaped_point(FILE *out, uint32_t c)
{
	if (c < 0x10000) {
		fprintf(out, "\\u%04" PRIx32, c);
		return;
	}
	c -= 0x10000;
	fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
}

/* The code point that text_escape_one() would hide from a terminal, else 0: it wrote \n, \xNN or
 * \u{N}. */
static uint32_t hidden_point(const uint8_t *p, size_t n, size_t step)
{
	char shown[TEXT_ESCAPE_MAX + 1];
	size_t used;

	if (step == 1)
		return p[0] == 0x7f ? 0x7f : 0;
	text_escape_one(shown, p, n, &used);
	return shown[0] == '\\' && shown[1] == 'u' ? (uint32_t)strtoul(shown + 3, NULL, 16) : 0;
}

static void quoted(FILE *out, const uint8_t *p, size_t n)
{
	size_t run = 0;

	putc('"', out);
	for (size_t i = 0; i < n;) {
		size_t step = text_utf8_len(p + i, n - i);
		uint32_t hidden = step ? hidden_point(p + i, n - i, step) : 0;

		if (step && !hidden && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\') {
			i += step;
			run += step;
			continue;
		}
		fwrite(p + i - run, 1, run, out);
		run = 0;
		if (!step)
			fputs("\xef\xbf\xbd", out);
		else if (p[i] == '"' || p[i] == '\\')
			fprintf(out, "\\%c", p[i]);
		else
			escaped_point(out, hidden ? hidden : p[i]);
		i += step ? step : 1;
	}
	fwrite(p + n - run, 1, run, out);
	putc('"', out);
}

static void key_of(struct jsonw *w, const char *key)
{
	if (w->comma)
		putc(',', w->out);
	w->comma = true;
	if (key) {
		quoted(w->out, (const uint8_t *)key, strlen(key));
		putc(':', w->out);
	}
}

void jsonw_open(struct jsonw *w, const char *key, char bracket)
{
	key_of(w, key);
	if (!key && w->depth)
		fprintf(w->out, "\n%*s", (int)w->depth, "");
	putc(bracket, w->out);
	if (w->depth < JSONW_DEPTH)
		w->closing[w->depth] = bracket == '{' ? '}' : ']';
	w->depth++;
	w->comma = false;
}

void jsonw_close(struct jsonw *w)
{
	w->depth--;
	w->comma = true;
	putc(w->closing[w->depth], w->out);
}

void jsonw_unwind(struct jsonw *w, unsigned depth)
{
	while (w->depth > depth)
		jsonw_close(w);
}

void jsonw_text(struct jsonw *w, const char *key, const void *bytes, size_t n)
{
	key_of(w, key);
	quoted(w->out, bytes, n);
}

void jsonw_str(struct jsonw *w, const char *key, const char *s)
{
	if (s)
		jsonw_text(w, key, s, strlen(s));
	else
		jsonw_null(w, key);
}

int jsonw_path(struct jsonw *w, const char *path, size_t n)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = buf_append_str(&text, "/");

	if (r >= 0)
		r = buf_append(&text, path, n);
	if (r < 0)
		return r;
	jsonw_text(w, "path", text.data, text.len);
	if (text_is_utf8(path, n))
		return 0;
	_cleanup_(buf_freep) struct buf raw = { 0 };
	r = text_base64(&raw, text.data, text.len);
	if (r >= 0)
		jsonw_str(w, "path_raw", buf_str(&raw));
	return r;
}

void jsonw_base64_open(struct jsonw *w, const char *key)
{
	key_of(w, key);
	putc('"', w->out);
	w->rest_len = 0;
}

static void put_rest(struct jsonw *w)
{
	char four[4];

	text_base64_group(four, w->rest, w->rest_len);
	fwrite(four, 1, sizeof(four), w->out);
	w->rest_len = 0;
}

void jsonw_base64(struct jsonw *w, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		w->rest[w->rest_len++] = p[i];
		if (w->rest_len == sizeof(w->rest))
			put_rest(w);
	}
}

void jsonw_base64_close(struct jsonw *w)
{
	if (w->rest_len)
		put_rest(w);
	putc('"', w->out);
}

void jsonw_i64(struct jsonw *w, const char *key, int64_t v)
{
	key_of(w, key);
	fprintf(w->out, "%" PRId64, v);
}

void jsonw_u64(struct jsonw *w, const char *key, uint64_t v)
{
	key_of(w, key);
	fprintf(w->out, "%" PRIu64, v);
}

void jsonw_bool(struct jsonw *w, const char *key, bool v)
{
	key_of(w, key);
	fputs(v ? "true" : "false", w->out);
}

void jsonw_null(struct jsonw *w, const char *key)
{
	key_of(w, key);
	fputs("null", w->out);
}

void jsonw_error(struct jsonw *w, const struct error *why)
{
	jsonw_open(w, "error", '{');
	jsonw_str(w, "code", err_name(why->code));
	jsonw_str(w, "message", why->msg);
	jsonw_close(w);
}

void jsonw_map(struct jsonw *w, const char *key, const struct idmap *m)
{
	jsonw_open(w, key, '[');
	for (size_t i = 0; i < m->count; i++) {
		jsonw_open(w, NULL, '{');
		jsonw_u64(w, "containerID", m->extents[i].container);
		jsonw_u64(w, "hostID", m->extents[i].host);
		jsonw_u64(w, "size", m->extents[i].count);
		jsonw_close(w);
	}
	jsonw_close(w);
}
