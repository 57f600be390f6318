/* Any bytes as a file that mentions ids; the first says of which form. */
#include "inventory.h"
#include "inventory/mention.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inv_mentions m = { 0 };
	uint32_t lines = 1;

	if (!size)
		return 0;
	for (size_t i = 1; i < size; i++)
		lines += data[i] == '\n';
	check(mention_scan(&m, data[0] % (MENTION_SCRIPT + 1), (const char *)data + 1, size - 1) == 0, "there is memory");
	check(m.count <= MENTIONS_IN_FILE, "ids are bounded");
	check(m.line <= lines && !m.line == !(m.flags & INV_MENTIONS_UNDECIDED), "the line is one of the file");
	for (size_t i = 0; i < m.count; i++)
		check(m.ids[i].id >= 100 && m.ids[i].line >= 1 && m.ids[i].line <= lines, "ids and lines are some");
	inv_mentions_done(&m);
	return 0;
}
