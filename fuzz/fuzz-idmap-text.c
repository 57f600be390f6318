/* A map that a user pasted: what is accepted keeps the promises of idmap.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "idmap/notation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_map(const struct idmap *m)
{
	uint64_t end = 0;
	struct buf ranges = { 0 };

	require(m->count <= IDMAP_EXTENTS_MAX);
	for (size_t i = 0; i < m->count; i++) {
		const struct idmap_extent *e = &m->extents[i];
		uint32_t host = e->host;

		require(e->count && e->container >= end);
		end = (uint64_t)e->container + e->count;
		require(end <= ID_INVALID);
		require(!m->has_host || (uint64_t)e->host + e->count <= ID_INVALID);
		require(idmap_lookup(m, e->container, &host) && host == e->host);
		require(idmap_lookup(m, (int64_t)end - 1, NULL));
		for (size_t k = 0; m->has_host && k < i; k++)
			require(m->extents[k].host + (uint64_t)m->extents[k].count <= e->host ||
				e->host + (uint64_t)e->count <= m->extents[k].host);
	}
	require(!idmap_lookup(m, (int64_t)end, NULL));
	if (m->count && idmap_print_ranges(m, &ranges) == 0) {
		struct idmap_pair again = { 0 };

		/* What is printed can be read, and is the same set of ids. */
		require(idmap_parse(&again, buf_str(&ranges), IDMAP_UID, NULL) == 0);
		require(again.uid.count <= m->count);
		idmap_pair_free(&again);
	}
	buf_free(&ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct idmap_pair maps = { 0 };
	struct error err = { 0 };
	char *text = strndup((const char *)data, size);
	int r;

	for (int which = IDMAP_UID; text && which <= IDMAP_BOTH; which++) {
		r = idmap_parse(&maps, text, (enum idmap_which)which, &err);
		require(r == 0 || (r == -(int)err.code && err.msg[0]));
		require(text_is_utf8(err.msg, strlen(err.msg)));
		require(r < 0 || maps.uid.count || maps.gid.count);
		check_map(&maps.uid);
		check_map(&maps.gid);
		if (which != IDMAP_GID)
			idmap_pair_free(&maps);
	}
	idmap_pair_free(&maps);
	free(text);
	return 0;
}
