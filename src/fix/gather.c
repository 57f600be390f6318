/* The ids of images: who owns entries, whom accounts name, who the process is. */
#include <string.h>

#include "base/num.h"
#include "fix/passwd.h"
#include "fix/plan.h"

#define SETUID 04000u
#define SETGID 02000u

static bool is_asked(const struct fix_plan *p, bool is_gid, int64_t id)
{
	const struct fix_policy *policy = &p->opts->policy;

	for (size_t i = 0; i < policy->pair_count; i++)
		if (policy->pairs[i].is_gid == is_gid && policy->pairs[i].old == id)
			return true;
	return false;
}

static bool may_move(const struct fix_plan *p, bool is_gid, int64_t id)
{
	return !fix_maps_hold(&p->maps, is_gid, id) || is_asked(p, is_gid, id);
}

/* What an entry tells of its uid, or of its gid. */
static unsigned uses_of(const struct inv_entry *e, unsigned bit)
{
	if (e->kind == INV_GLOBAL || e->kind == INV_WHITEOUT || e->kind == INV_OPAQUE)
		return 0;
	return FIX_USE_OWNER |
	       (e->mode & bit && (e->kind == INV_REG || e->kind == INV_HARDLINK) ? FIX_USE_SPECIAL
										 : 0u);
}

static int gather_entry(struct fix_plan *p, const struct inv_entry *e, uint8_t *seen,
			struct error *err)
{
	unsigned uid = uses_of(e, SETUID), gid = uses_of(e, SETGID);
	uint8_t both = (uint8_t)(1 | (uid ? 2 : 0) | (uid & FIX_USE_SPECIAL ? 4 : 0) |
				 (gid & FIX_USE_SPECIAL ? 8 : 0));
	int r = 0;

	if ((seen[e->owner] & both) != both) {
		seen[e->owner] |= both;
		r = fix_ids_add(&p->ids, false, e->uid, uid, NULL, err);
		if (r == 0)
			r = fix_ids_add(&p->ids, true, e->gid, gid, NULL, err);
	}
	for (size_t i = 0; i < e->acl_count && r == 0; i++)
		r = fix_ids_add(&p->ids, e->acl[i].is_gid, e->acl[i].id, FIX_USE_OWNER, NULL, err);
	return r;
}

static int gather_walk(struct fix_plan *p, const struct layer_inventory *inv, struct error *err)
{
	_cleanup_(freep) uint8_t *seen = calloc(inv->owner_count + 1, 1);
	struct inv_entry e;
	struct inv_iter it;
	int r;

	if (!seen)
		return err_nomem(err);
	inv_iter_init(&it, inv);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		if (e.owner >= inv->owner_count)
			r = err_fail(err, ERR_BUG, 0, "entry without an owner");
		else
			r = gather_entry(p, &e, seen, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return MIN(r, 0);
}

/* Where no id can move, the table of owners says all. */
static int gather_layer(struct fix_plan *p, const struct layer_inventory *inv, struct error *err)
{
	bool walk = inv->flags_seen & INV_HAS_ACL_IDS;
	int r = 0;

	for (size_t i = 0; i < inv->owner_count && !walk; i++)
		walk = may_move(p, false, inv->owners[i].uid) ||
		       may_move(p, true, inv->owners[i].gid);
	if (walk)
		return gather_walk(p, inv, err);
	for (size_t i = 0; i < inv->owner_count && r == 0; i++) {
		r = fix_ids_add(&p->ids, false, inv->owners[i].uid, FIX_USE_OWNER, NULL, err);
		if (r == 0)
			r = fix_ids_add(&p->ids, true, inv->owners[i].gid, FIX_USE_OWNER, NULL,
					err);
	}
	return r;
}

static bool ends_in(const struct inv_file *f, char last)
{
	return f->path_len && f->path[f->path_len - 1] == last;
}

static int gather_file(struct fix_plan *p, const struct inv_file *f, struct error *err)
{
	enum fix_file_kind kind = fix_file_kind(f->path, f->path_len, f->data, f->len);
	const struct limits limits = limits_default();
	struct accounts a = { 0 };
	bool is_group = kind == FIX_FILE_GROUP, refused = false;
	const char *unread = NULL;
	int r;

	if ((kind != FIX_FILE_PASSWD && kind != FIX_FILE_GROUP) || ends_in(f, '-') || !f->data)
		return 0;
	r = accounts_parse(is_group ? &a.groups : &a.users,
			   is_group ? &a.group_count : &a.user_count, (const char *)f->data, f->len,
			   is_group, (size_t)limits.v[LIMIT_ACCOUNTS], &unread, &refused, err);
	for (size_t i = 0; i < a.user_count && r == 0; i++) {
		r = fix_ids_add(&p->ids, false, a.users[i].id, FIX_USE_ACCOUNT, a.users[i].name,
				err);
		if (r == 0)
			r = fix_ids_add(&p->ids, true, a.users[i].gid, FIX_USE_ACCOUNT, NULL, err);
	}
	for (size_t i = 0; i < a.group_count && r == 0; i++)
		r = fix_ids_add(&p->ids, true, a.groups[i].id, FIX_USE_ACCOUNT, a.groups[i].name,
				err);
	accounts_free(&a);
	return r;
}

static int gather_process(struct fix_plan *p, struct image *img, struct error *err)
{
	const char *user = img->source->config.user ? img->source->config.user : "";
	struct accounts a = { 0 };
	struct exec_user u = { 0 };
	const char *colon = strchr(user, ':');
	bool by_number = *user >= '0' && *user <= '9';
	bool group_number = colon && colon[1] >= '0' && colon[1] <= '9';
	int r = accounts_load(&a, img, err);

	if (r == 0)
		r = exec_user_resolve(&u, &a, user, NULL, 0, err);
	if (r == 0 && u.error)
		notes_add(p->opts->notes, "USER: %s; its ids are not known", u.error);
	if (r == 0 && !u.error) {
		r = fix_ids_add(&p->ids, false, u.uid,
				FIX_USE_PROCESS | (by_number ? FIX_USE_NUMBER : 0u), NULL, err);
		if (r == 0)
			r = fix_ids_add(&p->ids, true, u.gid,
					FIX_USE_PROCESS | (group_number ? FIX_USE_NUMBER : 0u),
					NULL, err);
		for (size_t i = 0; i < u.group_count && r == 0; i++)
			r = fix_ids_add(&p->ids, true, u.groups[i], FIX_USE_PROCESS, NULL, err);
	}
	exec_user_free(&u);
	accounts_free(&a);
	return r;
}

int fix_gather(struct fix_plan *p, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < p->blob_count && r == 0; i++) {
		const struct layer_inventory *inv = p->blobs[i].inventory;

		r = gather_layer(p, inv, err);
		for (size_t k = 0; k < inv->file_count && r == 0; k++)
			r = gather_file(p, &inv->files[k], err);
	}
	for (size_t i = 0; i < p->image_count && r == 0; i++)
		r = gather_process(p, p->images[i].image, err);
	if (r == 0)
		fix_ids_tidy(&p->ids);
	return r;
}
