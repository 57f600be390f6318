/* uidfit/kubernetes/1.
 */
#include "base/macro.h"
#include "report/json-writer.h"
#include "report/kubernetes.h"
#include "report/print.h"

static void i64_or_null(struct jsonw *w, const char *key, int64_t v, bool known)
{
	if (known)
		jsonw_i64(w, key, v);
	else
		jsonw_null(w, key);
}

static int problems(struct jsonw *w, const struct kube_problems *list, struct error *err)
{
	jsonw_open(w, "problems", '[');
	for (size_t i = 0; i < list->count; i++) {
		_cleanup_(buf_freep) struct buf message = { 0 };
		const struct kube_problem *p = &list->list[i];

		if (kube_words(&message, p) < 0)
			return err_nomem(err);
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "problem", kube_trouble_name(p->trouble));
		jsonw_str(w, "level", level_name(kube_trouble_level(p->trouble)));
		jsonw_str(w, "subject", p->subject);
		i64_or_null(w, "id", p->id,
			    p->trouble == KUBE_ID_INVALID || p->trouble == KUBE_ID_OUTSIDE ||
				    p->trouble == KUBE_USER_OUTSIDE);
		if (p->count)
			jsonw_u64(w, "entries", p->count);
		jsonw_str(w, "message", buf_str(&message));
		jsonw_close(w);
	}
	jsonw_close(w);
	return 0;
}

static int container(struct jsonw *w, const struct kube_container *c, struct error *err)
{
	int r;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "kind", kube_container_kind_name(c->kind));
	jsonw_str(w, "name", c->name);
	jsonw_u64(w, "line", c->line);
	jsonw_str(w, "image", c->image);
	jsonw_str(w, "digest", c->digest);
	jsonw_bool(w, "looked_at", c->looked);
	jsonw_str(w, "not_looked_at", c->looked ? NULL : c->not_looked);
	i64_or_null(w, "runAsUser", c->user, c->has_user);
	i64_or_null(w, "runAsGroup", c->group, c->has_group);
	jsonw_bool(w, "runAsNonRoot", c->non_root);
	i64_or_null(w, "uid", c->uid, c->user_known);
	i64_or_null(w, "gid", c->gid, c->user_known);
	jsonw_str(w, "user_error", c->user_error);
	r = problems(w, &c->problems, err);
	jsonw_close(w);
	return r;
}

static int workload(struct jsonw *w, const struct kube_workload *work, struct error *err)
{
	bool open;
	enum kube_answer answer = kube_answer(work, &open);
	int r;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "kind", work->kind);
	jsonw_str(w, "namespace", work->space[0] ? work->space : NULL);
	jsonw_str(w, "name", work->name);
	jsonw_u64(w, "line", work->line);
	if (work->has_host_users)
		jsonw_bool(w, "hostUsers", work->host_users);
	else
		jsonw_null(w, "hostUsers");
	jsonw_str(w, "can_run", kube_answer_name(answer));
	jsonw_bool(w, "complete", !open);
	i64_or_null(w, "fsGroup", work->fs_group, work->has_fs_group);
	jsonw_open(w, "supplementalGroups", '[');
	for (size_t i = 0; i < work->group_count; i++)
		jsonw_i64(w, NULL, work->groups[i]);
	jsonw_close(w);
	r = problems(w, &work->problems, err);
	jsonw_open(w, "containers", '[');
	for (size_t i = 0; i < work->container_count && r >= 0; i++)
		r = container(w, &work->containers[i], err);
	jsonw_close(w);
	jsonw_close(w);
	return r;
}

static int file(struct jsonw *w, const struct kube_told_file *f, struct error *err)
{
	int r = 0;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "file", f->name);
	jsonw_open(w, "workloads", '[');
	for (size_t i = 0; i < f->file.count && r >= 0; i++)
		r = workload(w, &f->file.workloads[i], err);
	jsonw_close(w);
	jsonw_u64(w, "other_objects", f->file.others);
	if (f->failed)
		jsonw_error(w, &f->why);
	jsonw_close(w);
	return r;
}

int kube_json(const struct report_options *opts, const struct kube_told *told, struct error *err)
{
	struct jsonw w = { .out = opts->out };
	_cleanup_(buf_freep) struct buf range = { 0 };
	int r = 0;

	if (print_range(&range, told->use) < 0)
		return err_nomem(err);
	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/kubernetes/1");
	jsonw_str(&w, "target", told->use->name);
	jsonw_str(&w, "range", buf_str(&range));
	jsonw_open(&w, "files", '[');
	for (size_t i = 0; i < told->count && r >= 0; i++)
		r = file(&w, &told->files[i], err);
	jsonw_unwind(&w, 0);
	fputc('\n', opts->out);
	fflush(opts->out);
	return r < 0 ? r : print_check(opts->out, err);
}
