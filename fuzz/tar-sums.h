/* What the fuzz targets that read a tar share: hardly a changed header would have a right sum, so
 * each gets one, but for every 16th input. Include it once, with TAR_AT bytes before the tar.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "tar/reader.h"

/* libFuzzer's own; absent where replay.c runs the corpus. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, max);
	for (size_t at = TAR_AT; seed % 16 && at + TAR_BLOCK <= size; at += TAR_BLOCK) {
		uint8_t *block = data + at;
		unsigned sum = 0;
		char text[8];

		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		memset(block + 148, ' ', 8);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += block[i];
		snprintf(text, sizeof(text), "%06o", sum & 0777777);
		memcpy(block + 148, text, 7);
	}
	return size;
}
