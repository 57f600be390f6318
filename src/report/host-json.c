/* uidfit/host/1.
 */
#include "report/host.h"
#include "report/json-writer.h"
#include "report/print.h"

/* "NAME":{"uid_map","gid_map"}; null where there is none. */
static void pair(struct jsonw *w, const char *key, int r, struct idmap_pair *p)
{
	if (r) {
		jsonw_null(w, key);
		return;
	}
	jsonw_open(w, key, '{');
	jsonw_map(w, "uid_map", &p->uid);
	jsonw_map(w, "gid_map", &p->gid);
	jsonw_close(w);
	idmap_pair_free(p);
}

static void spans(struct jsonw *w, const char *key, const struct subid_spans *s)
{
	jsonw_open(w, key, '[');
	for (size_t i = 0; i < s->count; i++) {
		jsonw_open(w, NULL, '{');
		jsonw_u64(w, "start", s->spans[i].start);
		jsonw_u64(w, "count", s->spans[i].count);
		if (s->spans[i].line)
			jsonw_u64(w, "line", s->spans[i].line);
		else
			jsonw_null(w, "line");
		jsonw_close(w);
	}
	jsonw_close(w);
}

static void user(struct jsonw *w, const char *key, const struct host_user *u)
{
	static const char *const kinds[] = { "subuid", "subgid" };

	jsonw_open(w, key, '{');
	jsonw_str(w, "name", u->name);
	jsonw_bool(w, "exists", u->known);
	if (u->has_uid) {
		jsonw_u64(w, "uid", u->uid);
		jsonw_u64(w, "gid", u->gid);
	} else {
		jsonw_null(w, "uid");
		jsonw_null(w, "gid");
	}
	for (int i = 0; i < 2; i++) {
		jsonw_open(w, kinds[i], '{');
		spans(w, "file", &u->file[i]);
		if (u->asked)
			spans(w, "libsubid", &u->nss[i]);
		else
			jsonw_null(w, "libsubid");
		jsonw_close(w);
	}
	jsonw_close(w);
}

static void docker(struct jsonw *w, const struct host *h)
{
	const struct host_docker *d = &h->docker;

	jsonw_open(w, "docker", '{');
	jsonw_str(w, "daemon_json", d->exists ? "/etc/docker/daemon.json" : NULL);
	jsonw_str(w, "error", d->unread);
	jsonw_str(w, "userns_remap", d->remap);
	if (d->user.name)
		user(w, "user", &d->user);
	else
		jsonw_null(w, "user");
	jsonw_close(w);
}

static void podman(struct jsonw *w, const struct host *h)
{
	const struct host_podman *p = &h->podman;

	jsonw_open(w, "podman", '{');
	jsonw_str(w, "storage_conf", p->path);
	jsonw_str(w, "ignore_chown_errors", p->ignore_chown_errors);
	jsonw_str(w, "remap_uids", p->remap_uids);
	jsonw_str(w, "remap_gids", p->remap_gids);
	jsonw_str(w, "remap_user", p->remap_user);
	jsonw_str(w, "auto_userns_min_size", p->auto_min);
	jsonw_str(w, "auto_userns_max_size", p->auto_max);
	user(w, "auto_userns_user", &p->auto_owner);
	jsonw_close(w);
}

static void helpers(struct jsonw *w, const struct host *h)
{
	jsonw_open(w, "helpers", '[');
	for (size_t i = 0; i < 2; i++) {
		jsonw_open(w, NULL, '{');
		jsonw_str(w, "name", h->helpers[i].name);
		jsonw_str(w, "path", h->helpers[i].path);
		jsonw_bool(w, "setuid", h->helpers[i].setuid);
		jsonw_bool(w, "capability", h->helpers[i].capable);
		jsonw_bool(w, "nosuid", h->helpers[i].nosuid);
		jsonw_close(w);
	}
	jsonw_close(w);
}

/* -1 is "no such file". */
static void setting(struct jsonw *w, const char *key, long long v)
{
	if (v < 0)
		jsonw_null(w, key);
	else
		jsonw_i64(w, key, v);
}

static void kernel(struct jsonw *w, const struct host *h)
{
	jsonw_open(w, "kernel", '{');
	jsonw_str(w, "release", h->kernel.release);
	jsonw_bool(w, "user_namespaces", h->kernel.has_userns);
	setting(w, "max_user_namespaces", h->kernel.max_user_namespaces);
	setting(w, "unprivileged_userns_clone", h->kernel.unprivileged_clone);
	setting(w, "apparmor_restrict_unprivileged_userns", h->kernel.apparmor_restrict);
	jsonw_close(w);
}

static void process(struct jsonw *w, const struct host *h)
{
	const struct host_process *p = &h->process;

	jsonw_open(w, "process", '{');
	jsonw_u64(w, "uid", p->uid);
	jsonw_u64(w, "gid", p->gid);
	jsonw_bool(w, "nested", p->nested);
	jsonw_str(w, "setgroups", p->setgroups_denied ? "deny" : "allow");
	jsonw_bool(w, "no_new_privs", p->no_new_privs);
	jsonw_map(w, "uid_map", &p->map.uid);
	jsonw_map(w, "gid_map", &p->map.gid);
	jsonw_close(w);
}

static void maps(struct jsonw *w, const struct host *h)
{
	static const char *const kinds[] = {
		[HOST_MAP_NESTED] = "process", [HOST_MAP_ROOTLESS] = "rootless",
		[HOST_MAP_SINGLE] = "single",  [HOST_MAP_DOCKER] = "docker",
		[HOST_MAP_ALL] = "all",
	};
	struct idmap_pair p = { 0 };
	enum host_map_kind kind = HOST_MAP_ALL;
	struct error err;
	int r;

	jsonw_open(w, "maps", '{');
	pair(w, "rootless", h->user.uid ? host_rootless_map(&p, h, &err) : 1, &p);
	pair(w, "docker", host_docker_map(&p, h, &err), &p);
	r = host_map(&p, &kind, h, &err);
	jsonw_str(w, "host_is", r ? NULL : kinds[kind]);
	pair(w, "host", r, &p);
	jsonw_close(w);
}

static int problem(struct jsonw *w, const struct host *h, const struct host_problem *p,
		   struct error *err)
{
	_cleanup_(buf_freep) struct buf say = { 0 }, mend = { 0 };
	int r = host_problem_say(&say, h, p, err);

	if (r >= 0)
		r = host_problem_mend(&mend, h, p, err);
	if (r < 0)
		return r;
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "code", host_problem_name(p->kind));
	jsonw_str(w, "level", p->note ? "note" : "problem");
	jsonw_str(w, "file", p->file);
	if (p->line)
		jsonw_u64(w, "line", p->line);
	else
		jsonw_null(w, "line");
	jsonw_str(w, "who", p->who);
	jsonw_str(w, "message", buf_str(&say));
	jsonw_str(w, "mend", mend.len ? buf_str(&mend) : NULL);
	jsonw_close(w);
	return 0;
}

int host_report_json(const struct report_options *opts, const struct host *h,
		     const struct host_problems *problems, struct error *err)
{
	struct jsonw w = { .out = opts->out };
	int r = 0;

	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/host/1");
	user(&w, "user", &h->user);
	process(&w, h);
	docker(&w, h);
	podman(&w, h);
	helpers(&w, h);
	kernel(&w, h);
	jsonw_str(&w, "nsswitch_subid", h->nsswitch);
	maps(&w, h);
	jsonw_open(&w, "problems", '[');
	for (size_t i = 0; i < problems->count && r >= 0; i++)
		r = problem(&w, h, &problems->list[i], err);
	jsonw_close(&w);
	jsonw_u64(&w, "more_problems", problems->dropped);
	jsonw_unwind(&w, 0);
	fputc('\n', opts->out);
	fflush(opts->out);
	return r < 0 ? r : print_check(opts->out, err);
}
