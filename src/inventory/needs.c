#include "inventory/needs.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "inventory/accounts.h"

/* The image under way, and which of a layer's owners were met before. */
struct walk {
	struct id_needs *n;
	const char *label;
	long layer;
	bool *seen;
	size_t unseen;
};

const char *need_origin_name(enum need_origin o)
{
	static const char *const names[NEED_ORIGIN_COUNT] = {
		[NEED_ROOT] = "root",	    [NEED_OWNER] = "owner",
		[NEED_ACL] = "acl",	    [NEED_CAPABILITY] = "capability",
		[NEED_USER] = "user",	    [NEED_GROUP] = "group",
		[NEED_ACCOUNT] = "account",
	};

	return names[o];
}

static void need_free(struct need *need)
{
	free(need->image);
	free(need->path);
	free(need->subject);
	*need = (struct need){ 0 };
}

static void side_free(struct need_side *s)
{
	idset_free(&s->ids);
	need_free(&s->highest);
	for (size_t i = 0; i < s->beyond_count; i++)
		need_free(&s->beyond[i]);
}

void id_needs_free(struct id_needs *n)
{
	side_free(&n->uid);
	side_free(&n->gid);
	free(n->no_user);
	*n = (struct id_needs){ 0 };
}

static int place(struct need *out, const struct walk *w, int64_t id, enum need_origin origin,
		 const struct inv_entry *e, const char *subject, struct error *err)
{
	struct need need = { .id = id, .origin = origin, .layer = w->layer };

	need.image = strdup(w->label);
	if (e && e->path) {
		need.path = malloc(e->path_len + 1);
		need.path_len = e->path_len;
		if (need.path) {
			memcpy(need.path, e->path, e->path_len);
			need.path[e->path_len] = '\0';
		}
	}
	if (subject)
		need.subject = strdup(subject);
	if (!need.image || (e && !need.path) || (subject && !need.subject)) {
		need_free(&need);
		return err_nomem(err);
	}
	need_free(out);
	*out = need;
	return 0;
}

static int beyond(struct need_side *s, const struct walk *w, int64_t id, enum need_origin origin,
		  const struct inv_entry *e, const char *subject, struct error *err)
{
	int r;

	for (size_t i = 0; i < s->beyond_count; i++)
		if (s->beyond[i].id == id)
			return 0;
	s->beyond_more |= s->beyond_count == NEEDS_BEYOND_MAX;
	if (s->beyond_more)
		return 0;
	s->beyond[s->beyond_count] = (struct need){ 0 };
	r = place(&s->beyond[s->beyond_count], w, id, origin, e, subject, err);
	s->beyond_count += r == 0;
	return r;
}

static int add(struct need_side *s, const struct walk *w, int64_t id, enum need_origin origin,
	       const struct inv_entry *e, const char *subject, struct error *err)
{
	int r;

	if (id < 0 || id >= ID_INVALID)
		return beyond(s, w, id, origin, e, subject, err);
	r = idset_add(&s->ids, (uint32_t)id, (uint32_t)id, err);
	if (r < 0 || (s->any && id <= s->highest.id))
		return r;
	s->any = true;
	return place(&s->highest, w, id, origin, e, subject, err);
}

static int add_xattrs(struct walk *w, const struct inv_entry *e, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < e->acl_count && r == 0; i++)
		r = add(e->acl[i].is_gid ? &w->n->gid : &w->n->uid, w, e->acl[i].id, NEED_ACL, e,
			NULL, err);
	if (r == 0 && e->flags & INV_CAP_ROOTID)
		r = add(&w->n->uid, w, e->cap_rootid, NEED_CAPABILITY, e, NULL, err);
	return r;
}

static int add_entry(struct walk *w, const struct inv_entry *e, struct error *err)
{
	int r = 0;

	if (e->kind == INV_GLOBAL)
		return 0;
	if (!w->seen[e->owner]) {
		w->seen[e->owner] = true;
		w->unseen--;
		r = add(&w->n->uid, w, e->uid, NEED_OWNER, e, NULL, err);
		if (r == 0)
			r = add(&w->n->gid, w, e->gid, NEED_OWNER, e, NULL, err);
	}
	return r < 0 ? r : add_xattrs(w, e, err);
}

/* An owner counts once, so the walk ends where all were met, unless xattrs may hold more. */
static int walk_layer(struct walk *w, const struct layer_inventory *inv, struct error *err)
{
	bool all = inv->flags_seen & (INV_HAS_ACL_IDS | INV_CAP_ROOTID);
	struct inv_entry e;
	struct inv_iter it;
	int r = 0;

	w->unseen = inv->owner_count;
	w->seen = calloc(inv->owner_count + 1, sizeof(*w->seen));
	if (!w->seen)
		return err_nomem(err);
	inv_iter_init(&it, inv);
	while (r == 0 && (all || w->unseen)) {
		r = inv_iter_next(&it, &e, err);
		if (r == 0 && e.owner >= inv->owner_count)
			r = err_fail(err, ERR_BUG, 0, "entry %llu: no such owner",
				     (unsigned long long)e.index);
		if (r == 0)
			r = add_entry(w, &e, err);
	}
	inv_iter_done(&it);
	free(STEAL(w->seen));
	return r < 0 ? r : 0;
}

static int walk_layers(struct walk *w, const struct image *img, struct error *err)
{
	for (size_t i = 0; i < img->layer_count; i++) {
		const struct layer_inventory *inv = img->layers[i].inventory;
		bool before = false;
		int r;

		for (size_t k = 0; k < i && !before; k++)
			before = img->layers[k].inventory == inv;
		w->layer = (long)i;
		r = before ? 0 : walk_layer(w, inv, err);
		if (r < 0)
			return r;
	}
	w->layer = -1;
	return 0;
}

static int add_user(struct walk *w, const struct image *img, const struct accounts *a,
		    const struct need_options *opts, struct error *err)
{
	const char *user = opts->user ? opts->user : img->source->config.user;
	struct exec_user u = { 0 };
	int r = exec_user_resolve(&u, a, user ? user : "", opts->group_add, opts->group_add_count,
				  err);

	if (r == 0 && u.error && !w->n->no_user) {
		w->n->no_user = strdup(u.error);
		r = w->n->no_user ? 0 : err_nomem(err);
	}
	if (r == 0 && !u.error) {
		r = add(&w->n->uid, w, u.uid, NEED_USER, NULL, u.text, err);
		if (r == 0)
			r = add(&w->n->gid, w, u.gid, NEED_GROUP, NULL, u.text, err);
		for (size_t i = 0; i < u.group_count && r == 0; i++)
			r = add(&w->n->gid, w, u.groups[i], NEED_GROUP, NULL, u.text, err);
	}
	exec_user_free(&u);
	return r;
}

static int add_accounts(struct walk *w, const struct accounts *a, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < a->user_count && r == 0; i++) {
		r = add(&w->n->uid, w, a->users[i].id, NEED_ACCOUNT, NULL, a->users[i].name, err);
		if (r == 0)
			r = add(&w->n->gid, w, a->users[i].gid, NEED_ACCOUNT, NULL,
				a->users[i].name, err);
	}
	for (size_t i = 0; i < a->group_count && r == 0; i++)
		r = add(&w->n->gid, w, a->groups[i].id, NEED_ACCOUNT, NULL, a->groups[i].name, err);
	return r;
}

int id_needs_add(struct id_needs *n, const char *label, struct image *img,
		 const struct need_options *opts, struct error *err)
{
	struct walk w = { .n = n, .label = label, .layer = -1 };
	struct accounts a = { 0 };
	int r = add(&n->uid, &w, 0, NEED_ROOT, NULL, NULL, err);

	n->images++;
	if (r == 0)
		r = add(&n->gid, &w, 0, NEED_ROOT, NULL, NULL, err);
	if (r == 0)
		r = walk_layers(&w, img, err);
	if (r == 0)
		r = accounts_load(&a, img, err);
	if (r == 0)
		r = add_user(&w, img, &a, opts, err);
	if (r == 0 && opts->accounts)
		r = add_accounts(&w, &a, err);
	accounts_free(&a);
	idset_tidy(&n->uid.ids);
	idset_tidy(&n->gid.ids);
	return r;
}
