#include "target/sparse-log.h"

#include <string.h>

#include "base/macro.h"

bool sparse_log_is(const struct inv_entry *e)
{
	static const char *const logs[] = { "var/log/lastlog", "var/log/faillog",
					    "var/log/tallylog" };

	if (e->kind != INV_REG || e->size <= SPARSE_LOG_SIZE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++)
		if (strlen(logs[i]) == e->path_len && !memcmp(logs[i], e->path, e->path_len))
			return true;
	return false;
}
