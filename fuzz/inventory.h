/* What the inventory's fuzz targets share. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/layer.h"

static inline void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* Small figures, so that a limit is met now and then and an input stays quick. */
static inline struct limits fuzz_limits(void)
{
	struct limits l = limits_default();

	l.v[LIMIT_LAYER_SIZE] = 8 << 20;
	l.v[LIMIT_LAYER_ENTRIES] = 2000;
	l.v[LIMIT_OWNERS] = 200;
	l.v[LIMIT_SMALL_FILE] = 4000;
	l.v[LIMIT_SMALL_FILES] = 10000;
	l.v[LIMIT_SCRIPT_SIZE] = 4000;
	l.v[LIMIT_MENTIONS] = 1000;
	return l;
}

static inline int fuzz_sink(void *ctx, const void *bytes, size_t n, _unused_ struct error *err)
{
	return buf_append(ctx, bytes, n);
}

static inline void same_entry(const struct inv_entry *a, const struct inv_entry *b)
{
	check(a->index == b->index && a->kind == b->kind && a->flags == b->flags &&
		      a->mode == b->mode && a->owner == b->owner && a->uid == b->uid &&
		      a->gid == b->gid && a->size == b->size &&
		      a->header_offset == b->header_offset && a->cap_rootid == b->cap_rootid,
	      "numbers are the same");
	check(a->path_len == b->path_len && strcmp(a->path, b->path) == 0, "paths are the same");
	check(!a->name == !b->name && (!a->name || strcmp(a->name, b->name) == 0),
	      "names are the same");
	check(a->link_len == b->link_len && strcmp(a->link, b->link) == 0, "links are the same");
	check(a->acl_count == b->acl_count, "ACLs are the same");
	for (size_t i = 0; i < a->acl_count; i++)
		check(a->acl[i].id == b->acl[i].id && a->acl[i].is_gid == b->acl[i].is_gid,
		      "ids of ACLs are the same");
}

/* Walks both to the end. */
static inline void same_inventory(const struct layer_inventory *a, const struct layer_inventory *b)
{
	struct inv_iter ia, ib;
	struct inv_entry ea, eb;
	struct error err;
	int ra, rb;

	inv_iter_init(&ia, a);
	inv_iter_init(&ib, b);
	do {
		ra = inv_iter_next(&ia, &ea, &err);
		rb = inv_iter_next(&ib, &eb, &err);
		check(ra == rb && ra >= 0, "both go on");
		if (ra == 0)
			same_entry(&ea, &eb);
	} while (ra == 0);
	inv_iter_done(&ia);
	inv_iter_done(&ib);
	check(a->file_count == b->file_count, "as many files");
	for (size_t i = 0; i < a->file_count; i++)
		check(a->files[i].len == b->files[i].len && a->files[i].index == b->files[i].index &&
			      !a->files[i].data == !b->files[i].data &&
			      strcmp(a->files[i].path, b->files[i].path) == 0 &&
			      (!a->files[i].data ||
			       memcmp(a->files[i].data, b->files[i].data, a->files[i].len) == 0),
		      "files are the same");
	check(a->mention_count == b->mention_count && a->mentions_known == b->mentions_known &&
		      a->mentions_cut == b->mentions_cut,
	      "as many files that mention ids");
	for (size_t i = 0; i < a->mention_count; i++) {
		const struct inv_mentions *x = &a->mentions[i], *y = &b->mentions[i];

		check(x->index == y->index && x->flags == y->flags && x->line == y->line &&
			      x->count == y->count && strcmp(x->path, y->path) == 0,
		      "what they say is the same");
		for (size_t k = 0; k < x->count; k++)
			check(x->ids[k].id == y->ids[k].id && x->ids[k].line == y->ids[k].line &&
				      x->ids[k].is_gid == y->ids[k].is_gid,
			      "ids are the same");
	}
}
