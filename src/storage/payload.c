/* Decoding of base64, made for text that is mostly zero bytes: tar headers and their padding.
 */
#include <string.h>

#include "storage/payload.h"

#define BAD 0x80000000u /* above every sum of four digits */

/* The value of a digit where it stands in its group of four. */
static uint32_t digits[4][256];

__attribute__((constructor)) static void make_digits(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";

	for (unsigned at = 0; at < 4; at++) {
		for (unsigned c = 0; c < 256; c++)
			digits[at][c] = BAD;
		for (unsigned v = 0; v < 64; v++)
			digits[at][(uint8_t)alphabet[v]] = v << (18 - 6 * at);
	}
}

static uint32_t group(const uint8_t *p)
{
	return digits[0][p[0]] | digits[1][p[1]] | digits[2][p[2]] | digits[3][p[3]];
}

static void put(uint8_t *out, uint32_t v)
{
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
}

/* The last group, which may end in '='. */
static bool last_group(uint8_t *out, size_t *len, const uint8_t *p)
{
	unsigned pads = p[3] != '=' ? 0 : p[2] != '=' ? 1 : 2;
	const uint8_t whole[4] = { p[0], p[1], pads > 1 ? 'A' : p[2], pads ? 'A' : p[3] };
	uint32_t v = group(whole);

	/* Bits that a short group leaves over are zero. */
	if (v & BAD || v & (pads == 2 ? 0xffffu : pads == 1 ? 0xffu : 0u))
		return false;
	for (unsigned i = 0; i < 3 - pads; i++)
		out[(*len)++] = (uint8_t)(v >> (16 - 8 * i));
	return true;
}

#define RUN 32 /* digits that are compared with zeros at once */

bool payload_decode(uint8_t *out, size_t *len, const char *text, size_t n)
{
	static const char zeros[RUN + 1] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	const uint8_t *p = (const uint8_t *)text, *end = p + n;
	uint8_t *q = out;
	uint32_t bad = 0;

	*len = 0;
	if (n % 4)
		return false;
	if (!n)
		return true;
	end -= 4;
	while (p < end) {
		uint32_t v;

		while ((size_t)(end - p) >= RUN && memcmp(p, zeros, RUN) == 0) {
			memset(q, 0, RUN / 4 * 3);
			p += RUN;
			q += RUN / 4 * 3;
		}
		for (unsigned i = 0; i < 4 && p < end; i++, p += 4, q += 3) {
			v = group(p);
			bad |= v;
			put(q, v);
		}
	}
	*len = (size_t)(q - out);
	return !(bad & BAD) && last_group(out, len, p);
}
