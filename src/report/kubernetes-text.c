#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report/kubernetes.h"
#include "report/lsmode.h"
#include "report/print.h"

#define NAME_SHOWN 200

struct text {
	const struct report_options *opts;
	FILE *out;
	const struct kube_told *told;
};

/* %s of these is the subject. */
static const char *const words[KUBE_TROUBLE_COUNT] = {
	[KUBE_HOST_NETWORK] = "hostNetwork: true forbids it",
	[KUBE_HOST_PID] = "hostPID: true forbids it",
	[KUBE_HOST_IPC] = "hostIPC: true forbids it",
	[KUBE_VOLUME_DEVICES] = "volumeDevices (a raw block volume) forbids it",
	[KUBE_WINDOWS] = "a Windows pod has no user namespaces",
	[KUBE_VOLUME_NO_IDMAP] =
		"volume %s: its file system has no idmapped mounts, so the pod does "
		"not start",
	[KUBE_NON_ROOT_BY_NAME] = "runAsNonRoot: the image's USER is the name %s, so the kubelet "
				  "cannot tell and does not start it; set runAsUser",
	[KUBE_PRIVILEGED] = "privileged: true counts inside the namespace alone: no devices and no "
			    "settings of the host",
	[KUBE_CAPABILITY] =
		"capability %s: the kernel asks for it on the host for some or all that "
		"it allows; in a pod's namespace that part is gone",
	[KUBE_VOLUME_DEPENDS] = "volume %s: whether its file system has idmapped mounts depends on "
				"the driver and the node",
	[KUBE_HOST_PATH] =
		"volume %s: the host's files keep their ids inside, where the file system "
		"has idmapped mounts; ids outside the range are nobody's",
};

int kube_words(struct buf *out, const struct kube_problem *p)
{
	_cleanup_(buf_freep) struct buf subject = { 0 };
	const char *s = p->subject ? p->subject : "", *at;

	if (p->trouble == KUBE_FILES) {
		if (ls_path(&subject, s, strlen(s)) < 0)
			return -ERR_NOMEM;
		return buf_printf(out, "%" PRIu64 " %s of the image %s to nobody, such as %s",
				  p->count, plural(p->count, "entry", "entries"),
				  plural(p->count, "belongs", "belong"), buf_str(&subject));
	}
	if (text_escape(&subject, s, strnlen(s, NAME_SHOWN)) < 0)
		return -ERR_NOMEM;
	switch ((int)p->trouble) {
	case KUBE_ID_INVALID:
		return buf_printf(out, "%s %" PRId64 ": an id is 0 to 2147483647",
				  buf_str(&subject), p->id);
	case KUBE_ID_OUTSIDE:
		return buf_printf(out, "%s %" PRId64 " is outside the range", buf_str(&subject),
				  p->id);
	case KUBE_USER_OUTSIDE:
		return buf_printf(out, "the image's USER: %s %" PRId64 " is outside the range",
				  buf_str(&subject), p->id);
	case KUBE_NON_ROOT_IS_ROOT:
		return buf_printf(out,
				  "runAsNonRoot: it would run as root (by %s), so the kubelet "
				  "does not start it, whatever hostUsers says",
				  buf_str(&subject));
	default:
		break;
	}
	at = strstr(words[p->trouble], "%s");
	if (!at)
		return buf_append_str(out, words[p->trouble]);
	return buf_printf(out, "%.*s%s%s", (int)(at - words[p->trouble]), words[p->trouble],
			  buf_str(&subject), at + 2);
}

enum kube_answer kube_answer(const struct kube_workload *w, bool *open)
{
	int worst = kube_worst(&w->problems);

	*open = false;
	for (size_t i = 0; i < w->container_count; i++) {
		worst = MAX(worst, kube_worst(&w->containers[i].problems));
		*open |= !w->containers[i].looked;
	}
	return worst == LEVEL_ERROR ? KUBE_NOT : worst == LEVEL_WARNING ? KUBE_LOSES : KUBE_RUNS;
}

const char *kube_answer_name(enum kube_answer a)
{
	static const char *const names[] = { "yes", "loses", "no" };

	return names[a];
}

static void name(FILE *out, const char *s)
{
	print_name(out, s, strlen(s), NAME_SHOWN);
}

static int problems(struct text *t, const struct kube_problems *p, const char *indent,
		    struct error *err)
{
	for (int level = LEVEL_ERROR; level >= LEVEL_NOTE; level--)
		for (size_t i = 0; i < p->count; i++) {
			_cleanup_(buf_freep) struct buf line = { 0 };

			if (kube_trouble_level(p->list[i].trouble) != (enum level)level)
				continue;
			if (kube_words(&line, &p->list[i]) < 0)
				return err_nomem(err);
			fputs(indent, t->out);
			print_styled(t->opts,
				     level == LEVEL_ERROR     ? STYLE_BAD
				     : level == LEVEL_WARNING ? STYLE_WARN
							      : STYLE_DIM,
				     "%s:", level_name((enum level)level));
			fprintf(t->out, " %s\n", buf_str(&line));
		}
	return 0;
}

static int container(struct text *t, const struct kube_container *c, struct error *err)
{
	fprintf(t->out, "    %s ", kube_container_kind_name(c->kind));
	name(t->out, c->name);
	fputs("  ", t->out);
	name(t->out, c->image[0] ? c->image : "(no image)");
	if (c->user_known)
		fprintf(t->out, "  runs as %" PRId64 ":%" PRId64, c->uid, c->gid);
	else if (c->has_user) {
		fprintf(t->out, "  runs as %" PRId64, c->user);
		if (c->has_group)
			fprintf(t->out, ":%" PRId64, c->group);
	}
	fputc('\n', t->out);
	if (!c->looked) {
		fputs("      the image was not looked at", t->out);
		if (c->not_looked) {
			fputs(": ", t->out);
			print_told(t->out, c->not_looked);
		}
		fputc('\n', t->out);
	}
	if (c->user_error) {
		fputs("      note: who it runs as is not known: ", t->out);
		name(t->out, c->user_error);
		fputc('\n', t->out);
	}
	return problems(t, &c->problems, "      ", err);
}

static void groups(struct text *t, const struct kube_workload *w)
{
	if (w->has_fs_group)
		fprintf(t->out, "; fsGroup %" PRId64, w->fs_group);
	for (size_t i = 0; i < w->group_count; i++)
		fprintf(t->out, "%s%" PRId64, i ? "," : "; supplementalGroups ", w->groups[i]);
}

static int workload(struct text *t, const struct kube_workload *w, struct error *err)
{
	static const char *const verdicts[] = {
		"can run with hostUsers: false",
		"can run with hostUsers: false, and loses something",
		"cannot run with hostUsers: false"
	};
	bool open;
	enum kube_answer answer = kube_answer(w, &open);
	int r;

	fputs("\n  ", t->out);
	name(t->out, w->kind);
	fputc(' ', t->out);
	if (w->space[0]) {
		name(t->out, w->space);
		fputc('/', t->out);
	}
	name(t->out, w->name[0] ? w->name : "(no name)");
	fprintf(t->out, ", line %zu: ", w->line);
	print_styled(t->opts,
		     answer == KUBE_NOT	    ? STYLE_BAD
		     : answer == KUBE_LOSES ? STYLE_WARN
					    : STYLE_GOOD,
		     "%s", verdicts[answer]);
	fprintf(t->out, "%s; hostUsers is %s",
		open && answer != KUBE_NOT ? ", as far as can be told without its images" : "",
		!w->has_host_users ? "not set, so true"
		: w->host_users	   ? "true"
				   : "false");
	groups(t, w);
	fputc('\n', t->out);
	r = problems(t, &w->problems, "    ", err);
	for (size_t i = 0; i < w->container_count && r >= 0; i++)
		r = container(t, &w->containers[i], err);
	return r;
}

static int file(struct text *t, const struct kube_told_file *f, struct error *err)
{
	size_t count[3] = { 0 };
	_cleanup_(buf_freep) struct buf range = { 0 };
	int r = 0;

	for (size_t i = 0; i < f->file.count; i++) {
		bool open;

		count[kube_answer(&f->file.workloads[i], &open)]++;
	}
	if (print_range(&range, t->told->use) < 0)
		return err_nomem(err);
	name(t->out, f->name);
	fprintf(t->out, ": %zu %s with ids %s: %zu can run with hostUsers: false", f->file.count,
		plural(f->file.count, "workload", "workloads"), buf_str(&range), count[KUBE_RUNS]);
	if (count[KUBE_LOSES])
		fprintf(t->out, ", %zu can and %s something", count[KUBE_LOSES],
			plural(count[KUBE_LOSES], "loses", "lose"));
	if (count[KUBE_NOT])
		fprintf(t->out, ", %zu cannot", count[KUBE_NOT]);
	if (f->file.others)
		fprintf(t->out, "; %" PRIu64 " other %s", f->file.others,
			plural(f->file.others, "object", "objects"));
	fputc('\n', t->out);
	for (size_t i = 0; i < f->file.count && r >= 0 && !t->opts->quiet; i++)
		r = workload(t, &f->file.workloads[i], err);
	return r;
}

int kube_report(const struct report_options *opts, const struct kube_told *told, struct error *err)
{
	struct text t = { opts, opts->out, told };
	size_t shown = 0;
	int r = 0;

	if (opts->format == REPORT_JSON)
		return kube_json(opts, told, err);
	for (size_t i = 0; i < told->count && r >= 0; i++) {
		if (told->files[i].failed)
			continue;
		if (shown++ && !opts->quiet)
			fputc('\n', opts->out);
		r = file(&t, &told->files[i], err);
	}
	return r < 0 ? r : print_check(opts->out, err);
}
