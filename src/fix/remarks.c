/* What a user must know that the mapping does not tell: files that may name the ids that have
 * moved, and whose bytes nobody here has read; what stays wrong.
 */
#include <string.h>

#include "fix/plan.h"

#define TOC_NAME "stargz.index.json"

static const struct {
	const char *under, *ending; /* a path below under, or under itself; "" takes all */
	const char *words;
} kinds[] = {
	{ "etc/sudoers", "", "/etc/sudoers" },
	{ "etc/sudoers.d/", "", "/etc/sudoers.d" },
	{ "etc/systemd/", ".service", "units in /etc/systemd" },
	{ "usr/lib/systemd/", ".service", "units in /usr/lib/systemd" },
	{ "lib/systemd/", ".service", "units in /lib/systemd" },
	{ "etc/tmpfiles.d/", ".conf", "/etc/tmpfiles.d" },
	{ "usr/lib/tmpfiles.d/", ".conf", "/usr/lib/tmpfiles.d" },
	{ "usr/lib/sysusers.d/", ".conf", "/usr/lib/sysusers.d" },
};

bool fix_is_toc(const struct inv_entry *e)
{
	return e->kind == INV_REG && e->path_len == strlen(TOC_NAME) &&
	       memcmp(e->path, TOC_NAME, e->path_len) == 0;
}

static bool matches(const struct inv_entry *e, size_t k)
{
	size_t under = strlen(kinds[k].under), ending = strlen(kinds[k].ending);

	if (e->path_len < under || memcmp(e->path, kinds[k].under, under) != 0 ||
	    (kinds[k].under[under - 1] != '/' && e->path_len != under))
		return false;
	return e->path_len >= ending &&
	       memcmp(e->path + e->path_len - ending, kinds[k].ending, ending) == 0;
}

static int look(struct fix_plan *p, const struct fix_blob *b, bool seen[ARRAY_SIZE(kinds)],
		struct error *err)
{
	struct inv_entry e;
	struct inv_iter it;
	int r;

	inv_iter_init(&it, b->inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		if (e.kind != INV_REG || !e.size)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			seen[k] |= matches(&e, k);
		if (b->changed && fix_is_toc(&e))
			notes_add(p->opts->notes,
				  "layer %zu: " TOC_NAME " held the old owners and is dropped: the "
				  "layer is a plain one now",
				  b->layer);
	}
	inv_iter_done(&it);
	return MIN(r, 0);
}

static bool any_renumbered(const struct fix_side *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->ids[i].why != FIX_STAYS && s->ids[i].new)
			return true;
	return false;
}

static int say_files(struct fix_plan *p, const bool seen[ARRAY_SIZE(kinds)], struct error *err)
{
	_cleanup_(buf_freep) struct buf list = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		if (seen[k] && buf_printf(&list, "%s, ", kinds[k].words) < 0)
			return err_nomem(err);
	notes_add(p->opts->notes,
		  "ids have moved; not looked at for their numbers: %sscripts that chown when they "
		  "start, Cmd and Entrypoint",
		  buf_str(&list));
	return 0;
}

static void say_signatures(struct fix_plan *p)
{
	for (size_t i = 0; i < p->image_count; i++) {
		const struct source_image *s = p->images[i].image->source;

		if (p->images[i].changed && s->manifest_bytes)
			notes_add(p->opts->notes,
				  "signatures and attestations of %s do not hold for what is "
				  "written",
				  s->digest.text);
	}
}

int fix_remarks(struct fix_plan *p, struct error *err)
{
	bool seen[ARRAY_SIZE(kinds)] = { false };
	bool renumbered = any_renumbered(&p->ids.uid) || any_renumbered(&p->ids.gid);
	int r = 0;

	for (size_t i = 0; i < p->blob_count && r == 0; i++) {
		const struct fix_blob *b = &p->blobs[i];

		if (b->inventory->flags_seen &
		    (INV_ACL_INVALID | INV_ACL_MISPLACED | INV_CAP_INVALID))
			notes_add(
				p->opts->notes,
				"layer %zu has an ACL or a capability that the kernel refuses: no "
				"owner mends that",
				b->layer);
		if (renumbered || b->changed)
			r = look(p, b, seen, err);
	}
	if (r == 0 && renumbered)
		r = say_files(p, seen, err);
	say_signatures(p);
	return r;
}
