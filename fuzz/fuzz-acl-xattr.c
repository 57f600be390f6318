/* Any bytes as an ACL and as a capability: ids lie inside the value and are the bytes there. */
#include <stdlib.h>
#include <string.h>

#include "tar/xattr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acl_id ids[16];
	size_t count, again;
	uint32_t rootid = 0;

	if (acl_ids(data, size, ids, 16, &count)) {
		if (count > size / 8)
			abort();
		for (size_t i = 0; i < count && i < 16; i++) {
			const uint8_t *p = data + ids[i].offset;
			uint32_t id = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
				      (uint32_t)p[3] << 24;

			if (ids[i].offset + 4 > size || id != ids[i].id || id == UINT32_MAX)
				abort();
		}
		if (!acl_ids(data, size, NULL, 0, &again) || again != count)
			abort();
	}
	if (capability_rootid(data, size, &rootid) == 1 &&
	    (size != 24 || memcmp(data + 20, &rootid, 4) != 0))
		abort();
	return 0;
}
