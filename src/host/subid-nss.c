/* libsubid, where it is built in. */
#include "host/subid.h"

#include <stdlib.h>

#include "base/macro.h"
#include "base/num.h"

#ifdef HAVE_LIBSUBID
#include <shadow/subid.h>

bool subid_can_ask(void)
{
	return true;
}

int subid_ask(struct subid_spans *out, const char *name, enum subid_kind kind, struct error *err)
{
	static bool ready;
	struct subid_range *ranges = NULL;
	int n, r = 0;

	/* Its own messages would go to standard error. */
	if (!ready)
		ready = subid_init("uidfit", NULL);
	n = kind == SUBID_UID ? subid_get_uid_ranges(name, &ranges)
			      : subid_get_gid_ranges(name, &ranges);
	for (int i = 0; i < n && r == 0; i++) {
		struct subid_span span = { .start = (uint32_t)ranges[i].start,
					   .count = (uint32_t)ranges[i].count };

		/* Nothing holds a plugin to 32 bits. */
		if (ranges[i].count && ranges[i].start < ID_INVALID &&
		    ranges[i].count <= ID_INVALID - ranges[i].start)
			r = subid_spans_add(out, span, err);
	}
	free(ranges);
	return r < 0 ? r : n < 0;
}
#else
bool subid_can_ask(void)
{
	return false;
}

int subid_ask(struct subid_spans *out, const char *name, enum subid_kind kind, struct error *err)
{
	(void)out;
	(void)name;
	(void)kind;
	(void)err;
	return 1;
}
#endif
