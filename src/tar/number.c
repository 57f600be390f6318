#include "tar/number.h"

#include <endian.h>
#include <string.h>

/* Eight octal digits at once: bytes hold digit values, the first byte is the most significant. */
static uint64_t fold_digits(uint64_t w)
{
	w = (w & 0x00ff00ff00ff00ff) * 8 + (w >> 8 & 0x00ff00ff00ff00ff);
	w = (w & 0x0000ffff0000ffff) * 64 + (w >> 16 & 0x0000ffff0000ffff);
	return (w & 0xffffffff) * 4096 + (w >> 32);
}

/* What nearly every header holds: digits to the last byte but one, then a NUL or a blank, in a
 * field of 8 or 12 bytes; or nothing but NULs. False sends the field the long way. */
static bool usual_octal(const uint8_t *f, size_t n, int64_t *out)
{
	uint64_t w;
	uint32_t tail;

	if (n != 8 && n != 12)
		return false;
	memcpy(&w, f, sizeof(w));
	w = le64toh(w);
	if (n == 8) {
		if (w != 0) {
			if (w >> 56 & 0xdf)
				return false;
			w = (w & 0x00ffffffffffffff) ^ 0x0030303030303030;
			if (w & 0xf8f8f8f8f8f8f8f8)
				return false;
		}
		*out = (int64_t)fold_digits(w << 8);
		return true;
	}
	memcpy(&tail, f + 8, sizeof(tail));
	tail = le32toh(tail);
	if (tail >> 24 & 0xdf)
		return false;
	tail = (tail & 0xffffff) ^ 0x303030;
	w ^= 0x3030303030303030;
	if (w & 0xf8f8f8f8f8f8f8f8 || tail & 0xf8f8f8)
		return false;
	*out = (int64_t)(fold_digits(w) << 9 | (tail & 7) << 6 | (tail >> 8 & 7) << 3 | tail >> 16);
	return true;
}

static bool is_padding(uint8_t c)
{
	return c == 0 || c == ' ';
}

/* Both ends lose NULs and blanks; what is left ends at its first NUL, whatever stands behind it. */
static bool any_octal(const uint8_t *f, size_t n, int64_t *out)
{
	uint64_t v = 0;

	while (n && is_padding(f[0]))
		f++, n--;
	while (n && is_padding(f[n - 1]))
		n--;
	for (size_t i = 0; i < n && f[i]; i++) {
		if (f[i] < '0' || f[i] > '7' || v >> 60)
			return false;
		v = v << 3 | (uint64_t)(f[i] - '0');
	}
	*out = (int64_t)v;
	return true;
}

/* Two's complement over all bits but the topmost, which only says "base-256". A negative number is
 * collected inverted, so that one bound serves both signs. */
static bool base256(const uint8_t *f, size_t n, int64_t *out)
{
	uint8_t invert = f[0] & 0x40 ? 0xff : 0;
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = f[i] ^ invert;

		if (i == 0)
			c &= 0x7f;
		if (v >> 56)
			return false;
		v = v << 8 | c;
	}
	if (v >> 63)
		return false;
	*out = (int64_t)(invert ? ~v : v);
	return true;
}

bool tar_number(const uint8_t *field, size_t n, int64_t *out)
{
	if (n && field[0] & 0x80)
		return base256(field, n, out);
	return usual_octal(field, n, out) || any_octal(field, n, out);
}

bool tar_pax_number(const char *s, size_t n, int64_t *out)
{
	bool negative = n && s[0] == '-';
	int64_t v = 0;
	size_t i = n && (s[0] == '-' || s[0] == '+');

	if (i == n)
		return false;
	for (; i < n; i++) {
		int64_t digit = s[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, digit, &v))
			return false;
	}
	/* Collected below zero, where one number more fits. */
	if (!negative && v == INT64_MIN)
		return false;
	*out = negative ? v : -v;
	return true;
}
