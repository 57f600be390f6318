/* An entry of a table of contents: what is read without the parser is what the parser reads. */
#include <stdlib.h>

#include "toc-entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (toc_entry_both(data, size) < 0)
		abort();
	return 0;
}
