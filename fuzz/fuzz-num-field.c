/* A header's number against a plain reading of the same rules, one byte after the other; a PAX
 * number against strtoll. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar/number.h"

static bool plain_octal(const uint8_t *f, size_t n, int64_t *out)
{
	char text[64];
	char *end;
	size_t first = 0, len = 0;

	while (n && (f[n - 1] == 0 || f[n - 1] == ' '))
		n--;
	while (first < n && (f[first] == 0 || f[first] == ' '))
		first++;
	for (; first < n && f[first]; first++) {
		if (f[first] < '0' || f[first] > '7')
			return false;
		if (len || f[first] != '0')
			text[len++] = (char)f[first];
	}
	text[len] = '\0';
	errno = 0;
	*out = strtoll(text, &end, 8);
	return errno == 0;
}

__extension__ typedef __int128 wide;

static bool plain_base256(const uint8_t *f, size_t n, int64_t *out)
{
	wide v = f[0] & 0x40 ? -1 : 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = f[i];

		if (i == 0)
			c = f[0] & 0x40 ? c | 0x80 : c & 0x7f;
		v = v * 256 + c;
		if (v > INT64_MAX || v < INT64_MIN)
			return false;
	}
	*out = (int64_t)v;
	return true;
}

static void check_pax(const uint8_t *data, size_t size)
{
	char text[64], *end;
	int64_t v = 0, expected;
	bool ok = tar_pax_number((const char *)data, size, &v), plain;

	memcpy(text, data, size);
	text[size] = '\0';
	errno = 0;
	expected = strtoll(text, &end, 10);
	plain = size && end == text + size && errno == 0 && strchr("+-0123456789", text[0]) &&
		text[0];
	if (ok != plain || (ok && v != expected))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t widths[] = { 8, 12, 0 };

	if (size > 40)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		size_t n = widths[i] ? widths[i] : size;
		int64_t v = 0, expected = 0;
		bool ok, plain;

		if (n > size)
			continue;
		ok = tar_number(data, n, &v);
		plain = n && data[0] & 0x80 ? plain_base256(data, n, &expected)
					    : plain_octal(data, n, &expected);
		if (ok != plain || (ok && v != expected))
			abort();
	}
	check_pax(data, size);
	return 0;
}
