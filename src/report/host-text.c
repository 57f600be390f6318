#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "report/host.h"
#include "report/print.h"

#define EXTENTS_SHOWN 5

static void name(FILE *out, const char *s)
{
	print_name(out, s, strlen(s), 120);
}

static void label(FILE *out, const char *s)
{
	fprintf(out, "%-10s", s);
}

/* "0:1000:1 1:100000:65536", the first few extents. */
static void map(FILE *out, const struct idmap *m)
{
	for (size_t i = 0; i < m->count && i < EXTENTS_SHOWN; i++)
		fprintf(out, "%s%" PRIu32 ":%" PRIu32 ":%" PRIu32, i ? " " : "",
			m->extents[i].container, m->extents[i].host, m->extents[i].count);
	if (m->count > EXTENTS_SHOWN)
		fprintf(out, " and %zu more", m->count - EXTENTS_SHOWN);
	if (!m->count)
		fputs("nothing", out);
}

static void pair(FILE *out, const struct idmap_pair *p)
{
	map(out, &p->uid);
	if (idmap_same(&p->uid, &p->gid)) {
		fputs(" (gids alike)", out);
		return;
	}
	fputs(", gids ", out);
	map(out, &p->gid);
}

static void process(FILE *out, const struct host *h)
{
	const struct host_process *p = &h->process;

	label(out, "process");
	if (!h->root[0])
		fprintf(out, "uid %u, ", (unsigned)p->uid);
	if (!h->kernel.has_userns)
		fputs("no map to see", out);
	else if (!p->nested)
		fputs("every id, in no user namespace", out);
	else {
		fputs("in a user namespace of ", out);
		pair(out, &p->map);
		if (p->setgroups_denied)
			fputs(", setgroups denied", out);
	}
	fputc('\n', out);
}

static void who(FILE *out, const struct host_user *u)
{
	name(out, u->name);
	if (u->known)
		fprintf(out, " (%" PRIu32 ")", u->uid);
	else
		fputs(" (no account)", out);
}

/* A map that the kernel would refuse is told among the problems. */
static void user(FILE *out, const struct host *h)
{
	struct idmap_pair p = { 0 };
	struct error err;
	int r;

	label(out, "user");
	who(out, &h->user);
	if (!h->user.uid) {
		fprintf(out, ": engines of root have what the %s has\n",
			h->process.nested ? "namespace" : "kernel");
		return;
	}
	r = host_rootless_map(&p, h, &err);
	if (r == 1)
		fputs(": rootless engines map id 0 alone\n", out);
	else if (r < 0)
		fprintf(out, ": no rootless map: %s\n", err.msg);
	else {
		fputs(": rootless engines map ", out);
		pair(out, &p);
		fputc('\n', out);
	}
	idmap_pair_free(&p);
}

static void docker(FILE *out, const struct host *h)
{
	const struct host_docker *d = &h->docker;
	struct idmap_pair p = { 0 };
	struct error err;
	int r;

	label(out, "docker");
	if (!d->exists || d->unread)
		fputs(d->exists ? "daemon.json cannot be read" : "no daemon.json: no userns-remap",
		      out);
	else if (!d->remap || d->remap_off)
		fputs("daemon.json without userns-remap: containers have every id", out);
	else {
		fputs("userns-remap ", out);
		name(out, d->remap);
		fputs(": ", out);
		who(out, &d->user);
		r = host_docker_map(&p, h, &err);
		fputs(r == 1 ? ", no ids" : r < 0 ? ", no map: " : ", ", out);
		if (r == 0)
			pair(out, &p);
		else if (r < 0)
			fputs(err.msg, out);
	}
	fputc('\n', out);
	idmap_pair_free(&p);
}

static void podman(FILE *out, const struct host *h)
{
	const struct host_podman *p = &h->podman;
	const struct {
		const char *key, *value;
	} set[] = {
		{ "ignore_chown_errors", p->ignore_chown_errors },
		{ "remap-uids", p->remap_uids },
		{ "remap-gids", p->remap_gids },
		{ "remap-user", p->remap_user },
		{ "root-auto-userns-user", p->auto_user },
		{ "auto-userns-min-size", p->auto_min },
		{ "auto-userns-max-size", p->auto_max },
	};

	label(out, "podman");
	if (!p->path)
		fputs("no storage.conf: its own defaults", out);
	else
		name(out, p->path);
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		if (set[i].value) {
			fprintf(out, ", %s ", set[i].key);
			name(out, set[i].value);
		}
	fputc('\n', out);
}

static void helpers(FILE *out, const struct host *h)
{
	label(out, "helpers");
	for (size_t i = 0; i < 2; i++) {
		const struct host_helper *x = &h->helpers[i];

		fprintf(out, "%s%s: %s", i ? ", " : "", x->name,
			!x->path     ? "not there"
			: x->nosuid  ? "on a nosuid mount"
			: x->setuid  ? "set-user-id root"
			: x->capable ? "with its file capability"
				     : "without privilege");
	}
	fputc('\n', out);
}

static void kernel(FILE *out, const struct host *h)
{
	const struct host_kernel *k = &h->kernel;
	const struct {
		const char *key;
		long long value;
	} set[] = {
		{ "user.max_user_namespaces", k->max_user_namespaces },
		{ "kernel.unprivileged_userns_clone", k->unprivileged_clone },
		{ "kernel.apparmor_restrict_unprivileged_userns", k->apparmor_restrict },
	};

	label(out, "kernel");
	name(out, k->release ? k->release : "not known");
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		if (set[i].value >= 0)
			fprintf(out, ", %s %lld", set[i].key, set[i].value);
	fputc('\n', out);
}

static void map_host(FILE *out, const struct host *h)
{
	struct idmap_pair p = { 0 };
	enum host_map_kind kind;
	struct error err;

	label(out, "--map host");
	if (host_map(&p, &kind, h, &err) < 0)
		fprintf(out, " cannot be had: %s\n", err.msg);
	else
		fprintf(out, " takes %s\n", host_map_words(kind));
	idmap_pair_free(&p);
}

static int problem(const struct report_options *opts, const struct host *h,
		   const struct host_problem *p, struct error *err)
{
	_cleanup_(buf_freep) struct buf say = { 0 }, mend = { 0 };
	int r = host_problem_say(&say, h, p, err);

	if (r >= 0)
		r = host_problem_mend(&mend, h, p, err);
	if (r < 0)
		return r;
	print_styled(opts, p->note ? STYLE_DIM : STYLE_BAD, p->note ? "  note: " : "  problem: ");
	fprintf(opts->out, "%s\n", buf_str(&say));
	if (mend.len && !opts->quiet)
		fprintf(opts->out, "      %s\n", buf_str(&mend));
	return print_check(opts->out, err);
}

static bool is_subid(enum host_problem_kind k)
{
	return k <= HOST_SUBID_DIFFERS;
}

static int report_text(const struct report_options *opts, const struct host *h,
		       const struct host_problems *problems, struct error *err)
{
	FILE *out = opts->out;
	bool subid = false;
	int r = 0;

	if (!opts->quiet) {
		process(out, h);
		user(out, h);
		docker(out, h);
		podman(out, h);
		helpers(out, h);
		kernel(out, h);
		map_host(out, h);
		if (problems->count)
			fputc('\n', out);
	}
	for (size_t i = 0; i < problems->count && r >= 0; i++) {
		if (problems->list[i].note && opts->quiet)
			continue;
		subid |= is_subid(problems->list[i].kind) && !problems->list[i].note;
		r = problem(opts, h, &problems->list[i], err);
	}
	if (problems->dropped)
		fprintf(out, "  ... and %zu more\n", problems->dropped);
	if (subid && !opts->quiet)
		fputs("  Engines take new ranges when they start anew: podman system migrate, "
		      "systemctl restart docker.\n",
		      out);
	if (!problems->any)
		fprintf(out, opts->quiet ? "no problem\n" : "\nno problem\n");
	fflush(out);
	return r < 0 ? r : print_check(out, err);
}

int host_report(const struct report_options *opts, const struct host *h,
		const struct host_problems *problems, struct error *err)
{
	return opts->format == REPORT_JSON ? host_report_json(opts, h, problems, err)
					   : report_text(opts, h, problems, err);
}
