/* gzip by each engine: they must agree. The first byte picks how the input is cut and what it is: a
 * gzip stream, or deflate data alone, around which header and trailer are put so that wrong data
 * gets as far as right data.
 */
#include <zlib.h>

#include "decode.h"

static void engine(const char *name)
{
	setenv("UIDFIT_CODEC", name, 1);
}

/* ISA-L takes incomplete Huffman codes; see codec-gzip-isal.c. */
static bool known_difference(const struct decoded *zlib, const struct decoded *isal)
{
	static const char *const only_zlib[] = { "invalid literal/lengths set",
						 "invalid distances set",
						 "invalid code lengths set" };

	for (size_t i = 0; isal->status == 1 && i < ARRAY_SIZE(only_zlib); i++)
		if (zlib->status < 0 && strstr(zlib->err.msg, only_zlib[i]))
			return true;
	return false;
}

static void agree(const uint8_t *bytes, size_t n, size_t piece)
{
	struct decoded zlib, isal;

	engine("zlib");
	zlib = decode_pieces(CODEC_GZIP, bytes, n, piece);
#ifdef HAVE_ISAL
	engine("isal");
#endif
	isal = decode_pieces(CODEC_GZIP, bytes, n, piece);
	if (!known_difference(&zlib, &isal) && (zlib.status == 1) != (isal.status == 1)) {
		fprintf(stderr, "zlib: %s\nISA-L: %s\n", zlib.status < 0 ? zlib.err.msg : "fine",
			isal.status < 0 ? isal.err.msg : "fine");
		abort();
	}
	REQUIRE(zlib.status < 0 || same_bytes(&zlib, &isal));
	buf_free(&zlib.out);
	buf_free(&isal.out);
}

/* CRC and length of what zlib makes of the data, and how much of the data that takes. */
static void measure(const uint8_t *bytes, size_t n, size_t *used, uint8_t trailer[8])
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n };
	unsigned long crc = crc32(0, NULL, 0);
	uint8_t out[4096];
	int r = inflateInit2(&z, -15);

	while (r == Z_OK && z.total_out < DECODE_MAX) {
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = inflate(&z, Z_NO_FLUSH);
		crc = crc32(crc, out, (uInt)(sizeof(out) - z.avail_out));
	}
	*used = z.total_in;
	for (unsigned i = 0; i < 4; i++) {
		trailer[i] = (uint8_t)(crc >> 8 * i);
		trailer[4 + i] = (uint8_t)(z.total_out >> 8 * i);
	}
	inflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 13, 64, 511, 513 };
	struct buf member = { 0 };
	uint8_t trailer[8];
	size_t piece, used;

	if (size < 2)
		return 0;
	piece = pieces[data[0] & 7];
	if (!(data[0] & 8)) {
		agree(data + 1, size - 1, piece);
		return 0;
	}
	measure(data + 1, size - 1, &used, trailer);
	REQUIRE(buf_append(&member, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) == 0);
	REQUIRE(buf_append(&member, data + 1, used) == 0);
	REQUIRE(buf_append(&member, trailer, 8) == 0);
	agree(member.data, member.len, piece);
	buf_free(&member);
	return 0;
}
