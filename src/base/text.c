#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

size_t text_utf8_len(const uint8_t *p, size_t n)
{
	uint32_t c, min;
	size_t len;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] < 0xe0)
		len = 2, c = p[0] & 0x1f, min = 0x80;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3, c = p[0] & 0x0f, min = 0x800;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		len = 4, c = p[0] & 0x07, min = 0x10000;
	else
		return 0;
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

bool text_is_utf8(const void *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = p + n;

	while (p < end) {
		size_t len = text_utf8_len(p, (size_t)(end - p));

		if (!len)
			return false;
		p += len;
	}
	return true;
}

void text_trim_cut(char *s)
{
	size_t n = strlen(s), back = 0;

	while (back < 3 && back < n && ((uint8_t)s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && (uint8_t)s[n - 1 - back] >= 0xc0 &&
	    !text_utf8_len((const uint8_t *)s + n - 1 - back, back + 1))
		s[n - 1 - back] = '\0';
}

static uint32_t decode(const uint8_t *p, size_t len)
{
	static const uint8_t lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = p[0] & lead[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/* Characters that change how others are shown, or show nothing (Unicode: Cc, Cf, Zl, Zp, Co, and
 * the fillers that look like blanks). */
static bool is_invisible(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	      { 0x7f, 0x9f },	     { 0xad, 0xad },
		{ 0x34f, 0x34f },     { 0x600, 0x605 },	     { 0x61c, 0x61c },
		{ 0x6dd, 0x6dd },     { 0x70f, 0x70f },	     { 0x890, 0x891 },
		{ 0x8e2, 0x8e2 },     { 0x115f, 0x1160 },    { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f },   { 0x200b, 0x200f },    { 0x2028, 0x202e },
		{ 0x2060, 0x206f },   { 0x2800, 0x2800 },    { 0x3164, 0x3164 },
		{ 0xe000, 0xf8ff },   { 0xfe00, 0xfe0f },    { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },    { 0xfffe, 0xffff },
		{ 0x110bd, 0x110bd }, { 0x13430, 0x1343f },  { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

size_t text_escape_one(char *out, const uint8_t *p, size_t n, size_t *step)
{
	size_t len = text_utf8_len(p, n);
	uint32_t c;

	*step = len ? len : 1;
	if (!len)
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\x%02x", p[0]);
	c = decode(p, len);
	if (c == '\\')
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\\\");
	if (c == '\n')
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\n");
	if (c == '\t')
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\t");
	if (c == '\r')
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\r");
	if (c < 0x80 && is_invisible(c))
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\x%02x", c);
	if (is_invisible(c))
		return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\u{%x}", c);
	memcpy(out, p, len);
	out[len] = '\0';
	return len;
}

/* Printable ASCII that is shown as it is: nearly all of nearly every name. */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

int text_escape(struct buf *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = p + n;

	while (p < end) {
		char one[TEXT_ESCAPE_MAX + 1];
		const uint8_t *start = p;
		size_t step, len;
		int r;

		while (p < end && is_plain(*p))
			p++;
		r = buf_append(out, start, (size_t)(p - start));
		if (r < 0)
			return r;
		if (p == end)
			break;
		len = text_escape_one(one, p, (size_t)(end - p), &step);
		r = buf_append(out, one, len);
		if (r < 0)
			return r;
		p += step;
	}
	return 0;
}

int text_replace_invalid(struct buf *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = p + n;

	while (p < end) {
		size_t len = text_utf8_len(p, (size_t)(end - p));
		int r = len ? buf_append(out, p, len) : buf_append(out, "\xef\xbf\xbd", 3);

		if (r < 0)
			return r;
		p += len ? len : 1;
	}
	return 0;
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_base64_group(char four[4], const uint8_t *bytes, size_t n)
{
	uint32_t v = (uint32_t)bytes[0] << 16;

	if (n > 1)
		v |= (uint32_t)bytes[1] << 8;
	if (n > 2)
		v |= bytes[2];
	four[0] = base64[v >> 18];
	four[1] = base64[v >> 12 & 63];
	four[2] = n > 1 ? base64[v >> 6 & 63] : '=';
	four[3] = n > 2 ? base64[v & 63] : '=';
}

int text_base64(struct buf *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i += 3) {
		char four[4];
		int r;

		text_base64_group(four, p + i, MIN(n - i, (size_t)3));
		r = buf_append(out, four, sizeof(four));
		if (r < 0)
			return r;
	}
	return 0;
}

int text_unbase64(struct buf *out, const char *text, size_t n)
{
	size_t start = out->len, digits = 0, padding = 0;
	uint32_t bits = 0;

	if (buf_reserve(out, n) < 0)
		return -ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *digit = text[i] ? strchr(base64, text[i]) : NULL;

		if (text[i] == '\n' || text[i] == '\r')
			continue;
		if (text[i] == '=')
			padding++;
		if ((!digit && text[i] != '=') || (digit && padding))
			goto none;
		if (!digit)
			continue;
		bits = bits << 6 | (uint32_t)(digit - base64);
		if (digits++ % 4)
			out->data[out->len++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	out->data[out->len] = '\0';
	if (digits % 4 != 1 && (!padding || (digits + padding) % 4 == 0) && padding < 3)
		return 0;
none:
	explicit_bzero(out->data + start, out->len - start);
	out->len = start;
	return 1;
}
