/* Walks the entries of layers that have something to tell, and tells it. */
#include "target/check-internal.h"

#include <string.h>

#include "base/num.h"
#include "target/sparse-log.h"

#define MODE_SETUID   04000u
#define MODE_SETGID   02000u
#define ACL_DEDUP_MAX 64 /* an ACL's ids are compared with each other up to here */

struct walk {
	struct check *c;
	told_fn *fn;
	void *ctx;
	size_t layer;
	const struct judged_inventory *inventory;
	const struct inv_entry *e;
	bool known; /* all layers above were looked at */
	bool seen;  /* visible and by_layer hold for e */
	enum visible visible;
	long by_layer;
};

/* Visibility costs a look at the layers above, so it is asked at the first finding of an entry. */
static int look(struct walk *w, struct error *err)
{
	if (w->seen || !w->known)
		return 0;
	w->seen = true;
	return image_visibility(w->c->image, w->layer, w->e, &w->visible, &w->by_layer, err);
}

/* ".wh..wh.plnk/1" is a file to an engine that knows no AUFS; a last name that begins ".wh." is a
 * whiteout to it. */
static bool is_whiteout(const struct inv_entry *e)
{
	const char *slash = memrchr(e->path, '/', e->path_len);

	return e->kind == INV_WHITEOUT ||
	       (e->kind == INV_AUFS_META && !strncmp(slash ? slash + 1 : e->path, ".wh.", 4));
}

/* Targets that consult the ids of this entry. */
static uint32_t consult(const struct walk *w)
{
	const struct judge *j = w->c->judge;
	enum inv_kind kind = w->e->kind;
	uint32_t mask;

	if (kind == INV_AUFS_META && is_whiteout(w->e))
		return j->consult[INV_AUFS_META] & j->consult[INV_WHITEOUT];
	mask = j->consult[kind];
	if (kind == INV_ROOT && w->e->flags & INV_ABSOLUTE)
		mask |= j->absolute_root;
	/* What may be hidden is nothing to those who look at what is there. */
	return w->visible == VISIBLE && w->known ? mask : mask & ~j->visible_only;
}

static void begin(const struct walk *w, struct told *t)
{
	*t = (struct told){ .f = {
				    .layer = (long)w->layer,
				    .entry = w->e,
				    .uid = w->e->uid,
				    .gid = w->e->gid,
				    .has_uid = true,
				    .has_gid = true,
				    .visible = w->visible,
				    .by_layer = w->by_layer,
				    .visible_unknown = !w->known,
				    .uid_fits = w->c->judge->all,
				    .gid_fits = w->c->judge->all,
			    } };
}

static int tell(struct walk *w, struct told *t, struct error *err)
{
	return told_finish(t) ? w->fn(w->ctx, t, err) : 0;
}

static bool is_file(enum inv_kind k)
{
	return k == INV_REG || k == INV_HARDLINK;
}

static bool keeps_owner(enum inv_kind k)
{
	return k <= INV_FIFO || k == INV_ROOT;
}

/* Rights that a change of owner to root hands to whoever runs the file. */
static bool is_security(const struct inv_entry *e, bool uid_root, bool gid_root)
{
	return is_file(e->kind) &&
	       ((uid_root && e->mode & MODE_SETUID) || (gid_root && e->mode & MODE_SETGID) ||
		((uid_root || gid_root) && e->flags & INV_CAPABILITY));
}

static int tell_owner(struct walk *w, const struct judged_owner *o, struct error *err)
{
	const struct judge *j = w->c->judge;
	const struct inv_entry *e = w->e;
	uint32_t mask = consult(w);
	uint32_t out = mask & (o->uid_out | o->gid_out);
	uint32_t root = mask & (o->uid_root | o->gid_root) & ~out;
	uint32_t wrap = mask & (o->uid_wrap | o->gid_wrap) & ~out;
	bool uid_zero = judge_wraps_to_root(e->uid), gid_zero = judge_wraps_to_root(e->gid);
	uint32_t zero = (uid_zero ? o->uid_wrap : 0) | (gid_zero ? o->gid_wrap : 0);
	struct told t;

	begin(w, &t);
	told_parts_by(&t, RULE_OWNER_OUTSIDE_MAP, j->owner_by, out & j->owner_by[OUTCOME_ERROR]);
	told_part(&t, RULE_OWNER_BECOMES_ROOT, STAGE_RUNTIME, OUTCOME_ROOT, root);
	told_part(&t, RULE_OWNER_WRAPS, STAGE_RUNTIME, OUTCOME_ROOT, wrap & zero);
	told_part(&t, RULE_OWNER_WRAPS, STAGE_RUNTIME, OUTCOME_IGNORED, wrap & ~zero);
	told_parts_by(&t, RULE_OWNER_BECOMES_NOBODY, j->owner_by,
		      out & j->owner_by[OUTCOME_NOBODY]);
	told_parts_by(&t, RULE_OWNER_OUTSIDE_MAP, j->owner_by,
		      out & ~(j->owner_by[OUTCOME_ERROR] | j->owner_by[OUTCOME_NOBODY]));
	if (o->unnamed && keeps_owner(e->kind))
		told_part(&t, RULE_OWNER_UNNAMED, STAGE_RUNTIME, OUTCOME_NONE,
			  j->all & ~(o->uid_out | o->gid_out | root | wrap));
	t.f.uid_fits = j->all & ~(mask & (o->uid_out | o->uid_root | o->uid_wrap));
	t.f.gid_fits = j->all & ~(mask & (o->gid_out | o->gid_root | o->gid_wrap));
	t.f.security = is_security(e, (mask & o->uid_root) || (uid_zero && wrap & o->uid_wrap),
				   (mask & o->gid_root) || (gid_zero && wrap & o->gid_wrap));
	t.uid_out = mask & o->uid_out;
	t.message = is_whiteout(e) ? "whiteout" : "owner";
	return tell(w, &t, err);
}

static bool told_before(const struct inv_entry *e, size_t i)
{
	for (size_t k = 0; k < i && i < ACL_DEDUP_MAX; k++)
		if (e->acl[k].id == e->acl[i].id && e->acl[k].is_gid == e->acl[i].is_gid)
			return true;
	return false;
}

static int tell_acl_id(struct walk *w, const struct inv_acl_id *a, uint32_t mask, struct error *err)
{
	const struct judge *j = w->c->judge;
	uint32_t out = mask & judge_outside(w->c, a->id, a->is_gid);
	struct told t;

	if (!out)
		return 0;
	begin(w, &t);
	t.f.has_uid = !a->is_gid;
	t.f.has_gid = a->is_gid;
	t.f.uid = t.f.gid = a->id;
	*(a->is_gid ? &t.f.gid_fits : &t.f.uid_fits) &= ~out;
	/* A symlink has no ACL: where the ids are read at all, the engine goes on without it. */
	told_parts_by(&t, RULE_ACL_OUTSIDE_MAP, j->acl_by,
		      w->e->kind == INV_SYMLINK ? out & j->acl_by[OUTCOME_ERROR] : out);
	t.message = "acl";
	return tell(w, &t, err);
}

/* What the kernel refuses of anyone, whatever the map. */
static int tell_invalid(struct walk *w, enum rule rule, const char *message, uint32_t mask,
			struct error *err)
{
	struct told t;

	begin(w, &t);
	told_parts_by(&t, rule, w->c->judge->xattr_invalid_by, mask);
	t.message = message;
	return tell(w, &t, err);
}

static int tell_acl(struct walk *w, uint32_t mask, struct error *err)
{
	const struct inv_entry *e = w->e;
	int r = 0;

	if (e->flags & INV_ACL_INVALID)
		r = tell_invalid(w, RULE_ACL_INVALID, "xattr-invalid", mask, err);
	for (size_t i = 0; i < e->acl_count && !r; i++)
		if (!told_before(e, i))
			r = tell_acl_id(w, &e->acl[i], mask, err);
	if (!r && e->flags & INV_ACL_MISPLACED)
		r = tell_invalid(w, RULE_ACL_INVALID, "acl-misplaced", mask, err);
	return r;
}

static int tell_capability(struct walk *w, uint32_t mask, struct error *err)
{
	const struct judge *j = w->c->judge;
	const struct inv_entry *e = w->e;
	struct told t;

	if (e->flags & INV_CAP_INVALID ||
	    (e->flags & INV_CAP_ROOTID && e->cap_rootid == ID_INVALID))
		return tell_invalid(w, RULE_CAPABILITY_INVALID, "xattr-invalid", mask, err);
	if (!(e->flags & INV_CAP_ROOTID))
		return 0;
	begin(w, &t);
	t.f.has_gid = false;
	t.f.uid = e->cap_rootid;
	mask &= judge_outside(w->c, e->cap_rootid, false);
	t.f.uid_fits &= ~mask;
	told_parts_by(&t, RULE_CAPABILITY_ROOTID_OUTSIDE_MAP, j->capability_by, mask);
	t.message = "capability";
	return tell(w, &t, err);
}

static int tell_xattrs(struct walk *w, struct error *err)
{
	uint32_t mask = consult(w);
	int r;

	if (is_whiteout(w->e) || !(keeps_owner(w->e->kind) || w->e->kind == INV_AUFS_META))
		return 0;
	r = tell_acl(w, mask, err);
	return r ? r : tell_capability(w, mask, err);
}

static int tell_entry(struct walk *w, struct error *err)
{
	const struct judged_owner *o = &w->inventory->owners[w->e->owner];
	bool owner = o->unnamed || (o->uid_out | o->gid_out | o->uid_root | o->gid_root |
				    o->uid_wrap | o->gid_wrap);
	bool xattrs = w->e->acl_count || w->e->flags & (INV_ACL_INVALID | INV_ACL_MISPLACED |
							INV_CAP_INVALID | INV_CAP_ROOTID);
	bool sparse = sparse_log_is(w->e);
	struct told t;
	int r = 0;

	w->seen = false;
	if (owner || xattrs || sparse)
		r = look(w, err);
	if (!r && owner)
		r = tell_owner(w, o, err);
	if (!r && xattrs)
		r = tell_xattrs(w, err);
	if (r || !sparse)
		return r;
	begin(w, &t);
	told_part(&t, RULE_OVERSIZED_SPARSE_LOG, STAGE_PULL, OUTCOME_NONE, w->c->judge->all);
	return tell(w, &t, err);
}

static int walk_layer(struct walk *w, struct error *err)
{
	struct inv_entry e;
	struct inv_iter it;
	int r;

	inv_iter_init(&it, w->inventory->inventory);
	w->e = &e;
	while (!(r = inv_iter_next(&it, &e, err))) {
		if (e.owner >= w->inventory->inventory->owner_count)
			r = err_fail(err, ERR_BUG, 0, "entry %llu: no such owner",
				     (unsigned long long)e.index);
		else
			r = tell_entry(w, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return r < 0 ? r : 0;
}

int walk_alone(struct check *c, const struct inv_entry *e, told_fn *fn, void *ctx,
	       struct error *err)
{
	const struct inv_owner owner = { .uid = e->uid, .gid = e->gid, .entries = 1 };
	struct judged_owner judged = { 0 };
	const struct judged_inventory inventory = { .owners = &judged };
	struct inv_entry entry = *e;
	struct walk w = { .c = c,
			  .fn = fn,
			  .ctx = ctx,
			  .inventory = &inventory,
			  .e = &entry,
			  .visible = VISIBLE,
			  .by_layer = -1 };

	entry.owner = 0;
	judge_owner(c, &owner, &judged);
	return tell_entry(&w, err);
}

int walk_layers(struct check *c, told_fn *fn, void *ctx, struct error *err)
{
	struct walk w = { .c = c, .fn = fn, .ctx = ctx };

	for (size_t i = 0; i < c->image->layer_count; i++) {
		int r;

		w.layer = i;
		w.known = image_visibility_known(c->image, i);
		w.visible = VISIBLE;
		w.by_layer = -1;
		w.inventory = &c->judge->inventories[c->judge->of_layer[i]];
		if (w.inventory->quiet)
			continue;
		r = walk_layer(&w, err);
		if (r < 0)
			return r;
	}
	return 0;
}
