/* A one-pass source: every member that may be a layer is read as it passes, hashed twice, since
 * which digests name it is known only at the end. What cannot be read is an error only if an image
 * names it.
 */
#include <string.h>

#include "inventory/load.h"
#include "stream/watch.h"

static int room(struct load *l, struct error *err)
{
	size_t cap = l->scanned_cap ? l->scanned_cap * 2 : 16;
	struct scanned *grown;

	if (l->scanned_count < l->scanned_cap)
		return 0;
	grown = realloc(l->scanned, cap * sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	l->scanned = grown;
	l->scanned_cap = cap;
	return 0;
}

static int scan_blob(void *ctx, const char *blob, uint64_t size, struct stream *raw,
		     struct error *err)
{
	struct stream *watched;
	size_t line;
	struct load *l = ctx;
	const struct layer_build how = {
		.limits = l->opts->limits,
		.verify = true,
		.want_blob_digest = true,
		.spool_memory = l->spooled < LOAD_SPOOL_ALL
					? MAX((size_t)(LOAD_SPOOL_ALL - l->spooled) / 2,
					      (size_t)LOAD_SPOOL_MIN)
					: LOAD_SPOOL_MIN,
	};
	struct error why;
	struct scanned *s;
	int r = room(l, err);

	if (r < 0) {
		stream_close(raw);
		return r;
	}
	s = &l->scanned[l->scanned_count];
	*s = (struct scanned){ .sequence = l->scanned_count, .blob = strdup(blob) };
	line = progress_begin(l->opts->progress, blob, size);
	if (stream_open_watched(&watched, raw, l->opts->progress, line, PROGRESS_READING, &why) ==
	    0)
		raw = watched;
	r = layer_inventory_build(&s->inv, raw, &how, &why);
	progress_end(l->opts->progress, line, r < 0 ? PROGRESS_FAILED : PROGRESS_DONE);
	if (r < 0) {
		s->err = malloc(sizeof(*s->err));
		if (s->err)
			*s->err = why;
	} else {
		l->spooled += MIN(spool_size(s->inv->records), (uint64_t)how.spool_memory);
	}
	if (s->blob && (s->inv || s->err)) {
		l->scanned_count++;
		return 0;
	}
	layer_inventory_free(s->inv);
	free(s->blob);
	free(s->err);
	return err_nomem(err);
}

static int by_name(const void *pa, const void *pb)
{
	const struct scanned *a = pa, *b = pb;
	int r = strcmp(a->blob, b->blob);

	return r ? r : a->sequence < b->sequence ? -1 : 1;
}

static int name_of(const void *key, const void *p)
{
	return strcmp(key, ((const struct scanned *)p)->blob);
}

int load_scan(struct load *l, struct error *err)
{
	int r = source_scan(l->source, scan_blob, l, err);

	if (r == 0 && l->scanned_count)
		qsort(l->scanned, l->scanned_count, sizeof(*l->scanned), by_name);
	return r;
}

struct scanned *load_scanned(const struct load *l, const char *blob)
{
	struct scanned *s = NULL;

	if (l->scanned_count)
		s = bsearch(blob, l->scanned, l->scanned_count, sizeof(*s), name_of);
	for (; s && s + 1 < l->scanned + l->scanned_count && strcmp(s[1].blob, blob) == 0; s++)
		;
	for (size_t i = l->scanned_count; !s && i-- > 0;)
		if (source_same_blob(l->source, blob, l->scanned[i].blob))
			s = &l->scanned[i];
	return s;
}
