/* xz and bzip2 streams: the same outcome however the input is cut. The first byte picks cut and
 * codec. */
#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 13, 64, 511, 513 };
	struct decoded d;

	if (size < 1)
		return 0;
	d = decode_pieces(data[0] & 8 ? CODEC_BZIP2 : CODEC_XZ, data + 1, size - 1,
			  pieces[data[0] & 7]);
	buf_free(&d.out);
	return 0;
}
