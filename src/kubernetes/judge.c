/* What a container's image brings: who USER is, and which files are nobody's. */
#include <inttypes.h>
#include <string.h>

#include "kubernetes/workload.h"

struct tally {
	const struct kube_workload *w;
	struct kube_container *c;
	uint64_t files;
	char *example;
};

/* What the pod itself sets was told when it was read. */
static bool is_pods_own(const struct tally *t, int64_t gid)
{
	bool own = (t->c->has_group && t->c->group == gid) ||
		   (t->w->has_fs_group && t->w->fs_group == gid);

	for (size_t i = 0; i < t->w->group_count; i++)
		own = own || t->w->groups[i] == gid;
	return own;
}

static int tally_one(void *ctx, const struct finding *f, struct error *err)
{
	struct tally *t = ctx;

	if (f->entry) {
		if (f->level < LEVEL_WARNING)
			return 0;
		if (!t->files++)
			t->example = strndup(f->entry->path, f->entry->path_len);
		return 0;
	}
	if (f->rule == RULE_USER_OUTSIDE_MAP && !t->c->has_user)
		return kube_problem_add(&t->c->problems, KUBE_USER_OUTSIDE, "user", f->uid, err);
	if (f->rule == RULE_GROUP_OUTSIDE_MAP && !is_pods_own(t, f->gid))
		return kube_problem_add(&t->c->problems, KUBE_USER_OUTSIDE, "group", f->gid, err);
	return 0;
}

/* USER as the runtime is told: what the pod says in place of the image's words. */
static int user_text(struct buf *out, const struct kube_container *c, const struct image *img)
{
	const char *own =
		img->source->has_config && img->source->config.user ? img->source->config.user : "";
	int r;

	if (c->has_user)
		r = buf_printf(out, "%" PRId64, c->user);
	else if (c->has_group)
		r = buf_printf(out, "%.*s", (int)strcspn(own, ":"), own);
	else
		return buf_append_str(out, own);
	if (r >= 0 && c->has_group)
		r = buf_printf(out, "%s:%" PRId64, out->len ? "" : "0", c->group);
	return r;
}

struct group_words {
	const char **list;
	char (*texts)[24];
	size_t count;
};

static int group_words(struct group_words *out, const struct kube_workload *w, struct error *err)
{
	size_t n = w->group_count + w->has_fs_group;

	out->list = calloc(n + 1, sizeof(const char *));
	out->texts = calloc(n + 1, sizeof(*out->texts));
	if (!out->list || !out->texts)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		snprintf(out->texts[i], sizeof(out->texts[i]), "%" PRId64,
			 i < w->group_count ? w->groups[i] : w->fs_group);
		out->list[i] = out->texts[i];
	}
	out->count = n;
	return 0;
}

static int non_root(struct kube_container *c, const struct image *img, struct error *err)
{
	const char *own =
		img->source->has_config && img->source->config.user ? img->source->config.user : "";

	if (!c->non_root || c->has_user)
		return 0;
	if (own[0] && strspn(own, "0123456789") != strcspn(own, ":"))
		return kube_problem_add(&c->problems, KUBE_NON_ROOT_BY_NAME, own, 0, err);
	return c->user_known && !c->uid ? kube_problem_add(&c->problems, KUBE_NON_ROOT_IS_ROOT,
							   "the image's USER", 0, err)
					: 0;
}

static int keep(struct kube_container *c, struct check *check, struct error *err)
{
	const struct exec_user *u = &check->user.user;
	const struct oci_digest *d = &check->image->source->digest;

	c->looked = true;
	c->user_known = !u->error;
	c->uid = u->uid;
	c->gid = u->gid;
	c->user_error = u->error ? strdup(u->error) : NULL;
	c->digest = d->text[0] ? strdup(d->text) : NULL;
	return (u->error && !c->user_error) || (d->text[0] && !c->digest) ? err_nomem(err) : 0;
}

/* Ids that no exec_user can be were told already; the image's are still worth a look. */
static bool usable(const struct kube_workload *w, const struct kube_container *c)
{
	bool ok = !(c->has_user && c->user < 0) && !(c->has_group && c->group < 0) &&
		  !(w->has_fs_group && w->fs_group < 0);

	for (size_t i = 0; i < w->group_count; i++)
		ok = ok && w->groups[i] >= 0;
	return ok;
}

int kube_judge_image(const struct kube_workload *w, struct kube_container *c, struct image *img,
		     const struct target_use *use, struct error *err)
{
	_cleanup_(check_freep) struct check *check = NULL;
	_cleanup_(buf_freep) struct buf user = { 0 };
	struct group_words groups = { 0 };
	struct tally t = { .w = w, .c = c };
	struct check_options opts = { .uses = use, .use_count = 1, .fail_on = LEVEL_WARNING };
	int r = user_text(&user, c, img) < 0 ? err_nomem(err) : group_words(&groups, w, err);

	if (r >= 0 && usable(w, c)) {
		opts.user = user.len ? buf_str(&user) : NULL;
		opts.group_add = groups.list;
		opts.group_add_count = groups.count;
	}
	if (r >= 0)
		r = check_image(&check, img, &opts, err);
	if (r >= 0)
		r = keep(c, check, err);
	if (r >= 0)
		r = check_each(check, tally_one, &t, err);
	if (r >= 0 && t.files) {
		r = kube_problem_add(&c->problems, KUBE_FILES, t.example, 0, err);
		if (r >= 0)
			c->problems.list[c->problems.count - 1].count = t.files;
	}
	if (r >= 0)
		r = non_root(c, img, err);
	free(t.example);
	free(groups.list);
	free(groups.texts);
	return r;
}
