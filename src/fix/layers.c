/* What the mapping asks of each blob. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fix/passwd.h"
#include "fix/plan.h"

/* Kinds whose owner some target's engine looks at. */
static bool is_consulted(const struct fix_plan *p, const struct inv_entry *e)
{
	for (size_t i = 0; i < p->opts->use_count; i++) {
		const struct engine *engine = p->opts->uses[i].target->engine;

		if (engine->owners[e->kind] != OWNER_SKIPPED ||
		    (engine->absolute_root && e->flags & INV_ABSOLUTE))
			return true;
	}
	return false;
}

/* Of a whiteout nobody reads them. */
static bool xattrs_change(const struct fix_plan *p, const struct inv_entry *e)
{
	uint32_t to;

	if (e->kind == INV_WHITEOUT || e->kind == INV_OPAQUE)
		return false;
	for (size_t i = 0; i < e->acl_count; i++)
		if (fix_renumber(p, e->acl[i].is_gid, e->acl[i].id, &to))
			return true;
	return e->flags & INV_CAP_ROOTID && !fix_maps_hold(&p->maps, false, e->cap_rootid);
}

static bool was_asked(const struct fix_plan *p, const struct inv_entry *e)
{
	const struct fix_id *uid = fix_ids_find(&p->ids, false, e->uid);
	const struct fix_id *gid = fix_ids_find(&p->ids, true, e->gid);

	return (uid && (uid->why == FIX_WHY_ASKED || uid->why == FIX_WHY_LIKE)) ||
	       (gid && (gid->why == FIX_WHY_ASKED || gid->why == FIX_WHY_LIKE));
}

/* 1 where an entry must change, 0 where none must. */
static int must_change(const struct fix_plan *p, const struct layer_inventory *inv,
		       struct error *err)
{
	bool walk = inv->flags_seen & (INV_HAS_ACL_IDS | INV_CAP_ROOTID);
	struct fix_change c;
	struct inv_entry e;
	struct inv_iter it;
	int r, must = 0;

	for (size_t i = 0; i < inv->owner_count && !walk; i++)
		walk = fix_change_of(p, INV_REG, 0, inv->owners[i].uid, inv->owners[i].gid, &c) ||
		       fix_change_of(p, INV_WHITEOUT, 0, inv->owners[i].uid, inv->owners[i].gid,
				     &c);
	if (!walk)
		return 0;
	inv_iter_init(&it, inv);
	while (!must && (r = inv_iter_next(&it, &e, err)) == 0)
		must = (xattrs_change(p, &e) && is_consulted(p, &e)) ||
		       (fix_change_of(p, e.kind, e.mode, e.uid, e.gid, &c) &&
			(is_consulted(p, &e) || was_asked(p, &e)));
	inv_iter_done(&it);
	return must ? 1 : MIN(r, 0);
}

static int note_special(struct fix_plan *p, const struct inv_entry *e, const struct fix_change *c,
			struct error *err)
{
	struct fix_special *s = &p->specials[p->special_count];

	if (p->special_count == FIX_SPECIALS_MAX)
		return 0;
	*s = (struct fix_special){ .path = malloc(e->path_len + 1),
				   .path_len = e->path_len,
				   .mode = e->mode,
				   .uid = e->uid,
				   .gid = e->gid,
				   .new_uid = c->uid ? c->new_uid : (uint32_t)e->uid,
				   .new_gid = c->gid ? c->new_gid : (uint32_t)e->gid };
	if (!s->path)
		return err_nomem(err);
	memcpy(s->path, e->path, e->path_len);
	s->path[e->path_len] = '\0';
	p->special_count++;
	return 0;
}

/* A whiteout's id may be no row. */
static int count_id(struct fix_id *id, const struct fix_blob *b)
{
	uint32_t *layers;

	if (!id)
		return 0;
	id->entries++;
	if (id->layer_count && id->layers[id->layer_count - 1] == b->layer)
		return 0;
	layers = reallocarray(id->layers, id->layer_count + 1, sizeof(*layers));
	if (!layers)
		return -ERR_NOMEM;
	id->layers = layers;
	layers[id->layer_count++] = (uint32_t)b->layer;
	return 0;
}

static int count_entry(struct fix_plan *p, struct fix_blob *b, const struct inv_entry *e,
		       struct error *err)
{
	struct fix_change c;
	uint32_t to;
	bool changes = fix_change_of(p, e->kind, e->mode, e->uid, e->gid, &c);

	b->entries +=
		changes || (e->flags & (INV_HAS_ACL_IDS | INV_CAP_ROOTID) && xattrs_change(p, e));
	for (size_t i = 0; i < e->acl_count; i++)
		if (fix_renumber(p, e->acl[i].is_gid, e->acl[i].id, &to) &&
		    count_id(fix_ids_find(&p->ids, e->acl[i].is_gid, e->acl[i].id), b) < 0)
			return err_nomem(err);
	if (!changes)
		return 0;
	if ((c.uid && count_id(fix_ids_find(&p->ids, false, e->uid), b) < 0) ||
	    (c.gid && count_id(fix_ids_find(&p->ids, true, e->gid), b) < 0))
		return err_nomem(err);
	if (!c.clear_mode)
		return 0;
	b->specials++;
	return note_special(p, e, &c, err);
}

static int count_entries(struct fix_plan *p, struct fix_blob *b, struct error *err)
{
	struct inv_entry e;
	struct inv_iter it;
	int r;

	inv_iter_init(&it, b->inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		r = count_entry(p, b, &e, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return MIN(r, 0);
}

static int plan_file(struct fix_plan *p, struct fix_blob *b, const struct inv_file *f,
		     struct error *err)
{
	enum fix_file_kind kind = fix_file_kind(f->path, f->path_len, f->data, f->len);
	struct fix_file *file = &b->files[b->file_count];
	struct buf out = { 0 };
	int r;

	if (kind == FIX_FILE_NONE || !f->size)
		return 0;
	if (!f->data) {
		notes_add(p->opts->notes,
			  "layer %zu: %s is larger than limit small-file: its numbers stay",
			  b->layer, f->path);
		return 0;
	}
	r = fix_file_rewrite(&out, kind, f->data, f->len, fix_renumber, p);
	if (r <= 0) {
		buf_free(&out);
		return r < 0 ? err_nomem(err) : 0;
	}
	*file = (struct fix_file){
		.index = f->index, .path = strdup(f->path), .data = out.data, .len = out.len
	};
	b->file_count++;
	return file->path ? 0 : err_nomem(err);
}

static int plan_blob(struct fix_plan *p, struct fix_blob *b, struct error *err)
{
	const struct layer_inventory *inv = b->inventory;
	int r = 0;

	b->files = calloc(inv->file_count + 1, sizeof(*b->files));
	if (!b->files)
		return err_nomem(err);
	for (size_t i = 0; i < inv->file_count && r == 0; i++)
		r = plan_file(p, b, &inv->files[i], err);
	if (r == 0)
		r = must_change(p, inv, err);
	if (r < 0)
		return r;
	b->changed = r || b->file_count;
	r = b->changed ? count_entries(p, b, err) : 0;
	return r == 0 && b->changed ? fix_links(p, b, err) : r;
}

int fix_layers(struct fix_plan *p, struct error *err)
{
	for (size_t i = 0; i < p->blob_count; i++) {
		int r = plan_blob(p, &p->blobs[i], err);

		if (r < 0)
			return r;
		p->changed |= p->blobs[i].changed;
	}
	return 0;
}
