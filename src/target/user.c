/* USER, its groups, and the accounts of the image. */
#include "target/check-internal.h"

#include <string.h>

#include "base/num.h"

/* podman's own reading of USER for a map that grows: its numeric parts count, names are found in
 * passwd. */
static uint64_t user_text_need(const char *text)
{
	uint64_t need = 0;

	for (const char *s = text; s; s = strchr(s, ':')) {
		uint32_t id;

		s += *s == ':';
		if (num_u32(s, strcspn(s, ":"), &id))
			need = MAX(need, (uint64_t)id + 1);
	}
	return need;
}

/* Accounts that podman leaves out of the count (containers/storage userns.go). */
static bool left_out(const struct account *a, int64_t id)
{
	return id == ID_OVERFLOW || !strcmp(a->name, "nobody") || !strcmp(a->name, "nogroup");
}

static uint64_t account_need(const struct account *a, int64_t id)
{
	return left_out(a, id) || id < 0 || id > UINT32_MAX ? 0 : (uint64_t)id + 1;
}

uint64_t user_need(const struct check *c)
{
	uint64_t need = user_text_need(c->user.user.text ? c->user.user.text : "");

	for (size_t i = 0; i < c->accounts.user_count; i++) {
		const struct account *a = &c->accounts.users[i];

		need = MAX(need, account_need(a, a->id));
		need = MAX(need, account_need(a, a->gid));
	}
	for (size_t i = 0; i < c->accounts.group_count; i++)
		need = MAX(need, account_need(&c->accounts.groups[i], c->accounts.groups[i].id));
	return need;
}

/* A map that grows does not grow for --group-add. */
static uint32_t group_outside(const struct check *c, int64_t id)
{
	uint32_t out = judge_outside(c, id, true);

	for (size_t i = 0; i < c->target_count; i++)
		if (c->judge->auto_size >> i & 1 && (uint64_t)id >= c->targets[i].size)
			out |= 1u << i;
	return out;
}

int user_judge(struct check *c, struct error *err)
{
	const struct check_options *o = c->opts;
	const struct source_image *s = c->image->source;
	const char *config = s->has_config && s->config.user ? s->config.user : "";

	return exec_user_resolve(&c->user.user, &c->accounts, o->user ? o->user : config,
				 o->group_add, o->group_add_count, err);
}

static void begin(const struct check *c, struct told *t)
{
	*t = (struct told){ .f = {
				    .layer = -1,
				    .by_layer = -1,
				    .visible = VISIBLE,
				    .uid_fits = c->judge->all,
				    .gid_fits = c->judge->all,
			    } };
}

static int tell(struct told *t, told_fn *fn, void *ctx, struct error *err)
{
	return told_finish(t) ? fn(ctx, t, err) : 0;
}

/* rule says what the id is. */
static int tell_user(struct check *c, enum rule rule, int64_t id, uint32_t out, told_fn *fn,
		     void *ctx, struct error *err)
{
	bool is_gid = rule == RULE_GROUP_OUTSIDE_MAP;
	struct told t;

	begin(c, &t);
	t.f.subject = c->user.user.text;
	t.f.uid = t.f.gid = id;
	t.f.has_uid = !is_gid;
	t.f.has_gid = is_gid;
	*(is_gid ? &t.f.gid_fits : &t.f.uid_fits) &= ~out;
	told_parts_by(&t, rule, c->judge->user_by, out);
	return tell(&t, fn, ctx, err);
}

/* A part of USER that is a number no engine takes. */
static bool out_of_range(const char *s, int64_t *id)
{
	return num_i64(s, strcspn(s, ":"), id) && (*id < 0 || *id > INT32_MAX);
}

/* Such a number is outside every map. What fails for want of a name fails without any map, and is
 * no finding. */
static int walk_no_user(struct check *c, told_fn *fn, void *ctx, struct error *err)
{
	struct check_user *u = &c->user;
	const char *colon = strchr(u->user.text, ':');
	uint32_t all = c->judge->all;
	int64_t id;
	int r = 0;

	if (out_of_range(u->user.text, &id)) {
		u->uid_fits = u->fits = 0;
		r = tell_user(c, RULE_USER_OUTSIDE_MAP, id, all, fn, ctx, err);
	}
	if (!r && colon && out_of_range(colon + 1, &id)) {
		u->gid_fits = u->fits = 0;
		r = tell_user(c, RULE_GROUP_OUTSIDE_MAP, id, all, fn, ctx, err);
	}
	return r;
}

/* Whose the gid is stands in the layers, but where USER says it. */
static bool gid_is_unknown(const struct check *c)
{
	const char *colon = strchr(c->user.user.text, ':');

	return c->image->unread && (!colon || !colon[1]);
}

static int walk_user(struct check *c, told_fn *fn, void *ctx, struct error *err)
{
	struct check_user *u = &c->user;
	uint32_t all = c->judge->all, uid, gid, groups = 0;
	int r;

	u->uid_fits = u->gid_fits = u->group_fits = u->fits = all;
	/* A layer alone has no process; a name that nobody knows has no id to judge. */
	if (!c->image->source->has_config && !c->opts->user)
		return 0;
	if (u->user.error)
		return walk_no_user(c, fn, ctx, err);
	uid = judge_outside(c, u->user.uid, false);
	u->gid_unknown = gid_is_unknown(c);
	gid = u->gid_unknown ? 0 : judge_outside(c, u->user.gid, true);
	u->uid_fits &= ~uid;
	u->gid_fits &= ~gid;
	r = tell_user(c, RULE_USER_OUTSIDE_MAP, u->user.uid, uid, fn, ctx, err);
	if (!r)
		r = tell_user(c, RULE_GROUP_OUTSIDE_MAP, u->user.gid, gid, fn, ctx, err);
	for (size_t i = 0; i < u->user.group_count && !r; i++) {
		uint32_t out = group_outside(c, u->user.groups[i]);

		groups |= out;
		if (u->gid_unknown || u->user.groups[i] != u->user.gid)
			r = tell_user(c, RULE_GROUP_OUTSIDE_MAP, u->user.groups[i], out, fn, ctx,
				      err);
	}
	u->group_fits &= ~groups;
	u->fits = all & ~(uid | gid | groups);
	return r;
}

static int tell_account(struct check *c, const struct account *a, bool is_group, told_fn *fn,
			void *ctx, struct error *err)
{
	const struct judge *j = c->judge;
	int64_t gid = is_group ? a->id : a->gid;
	uint32_t uid_out = is_group ? 0 : judge_outside(c, a->id, false);
	uint32_t gid_out = judge_outside(c, gid, true), told_to;
	struct told t;

	if (!(uid_out | gid_out))
		return 0;
	/* A map that grows stops at the accounts that it counts; the others are only worth knowing.
	 */
	if (left_out(a, a->id))
		uid_out &= ~j->auto_size;
	if (left_out(a, gid))
		gid_out &= ~j->auto_size;
	told_to = uid_out | gid_out;
	begin(c, &t);
	t.f.layer = is_group ? c->accounts.group_layer : c->accounts.passwd_layer;
	t.f.subject = a->name;
	t.f.path = is_group ? "etc/group" : "etc/passwd";
	t.f.uid = a->id;
	t.f.gid = gid;
	t.f.has_uid = !is_group;
	t.f.has_gid = true;
	t.f.uid_fits &= ~uid_out;
	t.f.gid_fits &= ~gid_out;
	told_parts_by(&t, RULE_PASSWD_OUTSIDE_MAP, j->passwd_by,
		      told_to & j->passwd_by[OUTCOME_ERROR]);
	told_part(&t, RULE_PASSWD_OUTSIDE_MAP, STAGE_COUNT, OUTCOME_NONE,
		  told_to & j->passwd_by[OUTCOME_NONE]);
	return tell(&t, fn, ctx, err);
}

int walk_config(struct check *c, told_fn *fn, void *ctx, struct error *err)
{
	int r = walk_user(c, fn, ctx, err);

	for (size_t i = 0; i < c->accounts.user_count && !r; i++)
		r = tell_account(c, &c->accounts.users[i], false, fn, ctx, err);
	for (size_t i = 0; i < c->accounts.group_count && !r; i++)
		r = tell_account(c, &c->accounts.groups[i], true, fn, ctx, err);
	return r;
}
