#include "map.h"

#include <stdio.h>
#include <string.h>

#include "report/host.h"

static int add(struct idmap *out, const struct idmap *m, struct error *err)
{
	int r = 0;

	if (!out->count)
		out->has_host = true;
	else if (!out->has_host)
		return err_fail(err, ERR_USAGE, 0,
				"a map has host ids for all of its ranges, or for none");
	for (size_t i = 0; i < m->count && r >= 0; i++)
		r = idmap_add(out, m->extents[i], err);
	return r;
}

static int host_option(struct idmap_pair *out, enum idmap_which which,
		       const struct common_options *o, struct error *err)
{
	const struct host_options how = { 0 };
	_cleanup_(idmap_pair_freep) struct idmap_pair map = { 0 };
	enum host_map_kind kind = HOST_MAP_ALL;
	struct host h = { 0 };
	int r = host_look(&h, &how, err);

	if (r >= 0)
		r = host_map(&map, &kind, &h, err);
	host_free(&h);
	if (r >= 0 && which & IDMAP_UID)
		r = add(&out->uid, &map.uid, err);
	if (r >= 0 && which & IDMAP_GID)
		r = add(&out->gid, &map.gid, err);
	if (r < 0)
		return err_wrap(err, "host");
	if (!o->quiet)
		fprintf(stderr, "note: host is %s\n", host_map_words(kind));
	return 0;
}

int cli_map_option(struct idmap_pair *out, const char *word, enum idmap_which which,
		   const struct common_options *o, struct error *err)
{
	if (strcmp(word, "host") == 0)
		return host_option(out, which, o, err);
	return idmap_parse_option(out, word, which, err);
}
