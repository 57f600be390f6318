#include "kubernetes/workload.h"

#include <string.h>

#include "idmap/idmap.h"

#define ID_MAX 2147483647 /* apimachinery, IsValidUserID */

struct reader {
	const char *what;
	const struct idmap_pair *map;
	struct kube_file *file;
	struct error *err;
};

static const struct {
	const char *name;
	enum level level;
} troubles[KUBE_TROUBLE_COUNT] = {
	[KUBE_HOST_NETWORK] = { "host-network", LEVEL_ERROR },
	[KUBE_HOST_PID] = { "host-pid", LEVEL_ERROR },
	[KUBE_HOST_IPC] = { "host-ipc", LEVEL_ERROR },
	[KUBE_VOLUME_DEVICES] = { "volume-devices", LEVEL_ERROR },
	[KUBE_WINDOWS] = { "windows", LEVEL_ERROR },
	[KUBE_VOLUME_NO_IDMAP] = { "volume-without-idmapped-mounts", LEVEL_ERROR },
	[KUBE_ID_INVALID] = { "invalid-id", LEVEL_ERROR },
	[KUBE_ID_OUTSIDE] = { "id-outside-map", LEVEL_ERROR },
	[KUBE_USER_OUTSIDE] = { "user-outside-map", LEVEL_ERROR },
	[KUBE_NON_ROOT_IS_ROOT] = { "non-root-is-root", LEVEL_ERROR },
	[KUBE_NON_ROOT_BY_NAME] = { "non-root-by-name", LEVEL_ERROR },
	[KUBE_FILES] = { "files-become-nobody", LEVEL_WARNING },
	[KUBE_PRIVILEGED] = { "privileged", LEVEL_WARNING },
	[KUBE_CAPABILITY] = { "capability", LEVEL_WARNING },
	[KUBE_VOLUME_DEPENDS] = { "volume-depends", LEVEL_NOTE },
	[KUBE_HOST_PATH] = { "host-path", LEVEL_NOTE },
};

const char *kube_trouble_name(enum kube_trouble t)
{
	return troubles[t].name;
}

enum level kube_trouble_level(enum kube_trouble t)
{
	return troubles[t].level;
}

const char *kube_container_kind_name(enum kube_container_kind k)
{
	static const char *const names[] = { "container", "initContainer", "ephemeralContainer" };

	return names[k];
}

int kube_problem_add(struct kube_problems *p, enum kube_trouble t, const char *subject, int64_t id,
		     struct error *err)
{
	char *copy = subject ? strdup(subject) : NULL;

	if (p->count == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 4;
		struct kube_problem *list = reallocarray(p->list, cap, sizeof(*list));

		if (list) {
			p->list = list;
			p->cap = cap;
		}
	}
	if (p->count == p->cap || (subject && !copy)) {
		free(copy);
		return err_nomem(err);
	}
	p->list[p->count++] = (struct kube_problem){ .trouble = t, .subject = copy, .id = id };
	return 0;
}

int kube_worst(const struct kube_problems *p)
{
	int worst = -1;

	for (size_t i = 0; i < p->count; i++)
		worst = MAX(worst, (int)kube_trouble_level(p->list[i].trouble));
	return worst;
}

/* Volumes by type. Block devices with a file system of their own, tmpfs and what the kubelet writes
 * are fine; what is not here is fine. Source: mount_setattr(2), "idmapped mounts", and the file
 * systems with FS_ALLOW_IDMAP in Linux 6.12. */
static const struct {
	const char *type;
	enum kube_trouble trouble;
} volumes[] = {
	{ "nfs", KUBE_VOLUME_NO_IDMAP },
	{ "azureFile", KUBE_VOLUME_NO_IDMAP }, /* SMB */
	{ "glusterfs", KUBE_VOLUME_DEPENDS },  /* FUSE: Linux 6.12 */
	{ "quobyte", KUBE_VOLUME_DEPENDS },
	{ "cephfs", KUBE_VOLUME_DEPENDS }, /* Linux 6.7 */
	{ "csi", KUBE_VOLUME_DEPENDS },
	{ "flexVolume", KUBE_VOLUME_DEPENDS },
	{ "persistentVolumeClaim", KUBE_VOLUME_DEPENDS },
	{ "ephemeral", KUBE_VOLUME_DEPENDS },
	{ "portworxVolume", KUBE_VOLUME_DEPENDS },
	{ "storageos", KUBE_VOLUME_DEPENDS },
	{ "scaleIO", KUBE_VOLUME_DEPENDS },
	{ "hostPath", KUBE_HOST_PATH },
};

/* Capabilities that the kernel asks of the first user namespace (capable() in place of
 * ns_capable()): in a pod's own they allow nothing, or only what the pod owns. */
static const char *const host_capabilities[] = {
	"ALL",
	"AUDIT_CONTROL",
	"AUDIT_READ",
	"BLOCK_SUSPEND",
	"BPF",
	"IPC_LOCK",
	"LEASE",
	"LINUX_IMMUTABLE",
	"MAC_ADMIN",
	"MAC_OVERRIDE",
	"MKNOD",
	"PERFMON",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_MODULE",
	"SYS_NICE",
	"SYS_PACCT",
	"SYS_RAWIO",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"SYSLOG",
	"WAKE_ALARM",
};

static int kind_of(struct reader *r, const struct kube_value *v, enum kube_value_kind kind,
		   const char *words)
{
	if (!v || v->kind == kind)
		return 0;
	return err_fail(r->err, ERR_BAD_INPUT, 0, "%s line %zu: %s is no %s", r->what, v->line,
			words, kind == KUBE_MAP ? "map" : "list");
}

static int copy_text(struct reader *r, char **out, const char *text)
{
	*out = strdup(text ? text : "");
	return *out ? 0 : err_nomem(r->err);
}

/* An id against the map. */
static int judge_id(struct reader *r, struct kube_problems *p, const char *field, int64_t id,
		    bool is_gid)
{
	uint32_t host;

	if (id < 0 || id > ID_MAX)
		return kube_problem_add(p, KUBE_ID_INVALID, field, id, r->err);
	if (idmap_lookup(is_gid ? &r->map->gid : &r->map->uid, id, &host))
		return 0;
	return kube_problem_add(p, KUBE_ID_OUTSIDE, field, id, r->err);
}

static int forbids(struct reader *r, const struct kube_value *spec, struct kube_workload *w)
{
	static const struct {
		const char *key;
		enum kube_trouble trouble;
	} keys[] = { { "hostNetwork", KUBE_HOST_NETWORK },
		     { "hostPID", KUBE_HOST_PID },
		     { "hostIPC", KUBE_HOST_IPC } };
	const char *os = kube_text(kube_get(spec, "os"), "name");
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && ret >= 0; i++) {
		bool set = false;

		ret = kube_bool(spec, keys[i].key, &set, r->what, r->err);
		if (ret >= 0 && set)
			ret = kube_problem_add(&w->problems, keys[i].trouble, NULL, 0, r->err);
	}
	if (ret >= 0 && os && strcmp(os, "windows") == 0)
		ret = kube_problem_add(&w->problems, KUBE_WINDOWS, NULL, 0, r->err);
	return ret;
}

static int read_volumes(struct reader *r, const struct kube_value *spec, struct kube_workload *w)
{
	const struct kube_value *list = kube_get(spec, "volumes");
	int ret = kind_of(r, list, KUBE_SEQUENCE, "volumes");

	for (size_t i = 0; list && i < list->count && ret >= 0; i++)
		for (size_t k = 0; k < ARRAY_SIZE(volumes) && ret >= 0; k++) {
			const char *name = kube_text(list->items[i], "name");
			_cleanup_(buf_freep) struct buf subject = { 0 };

			if (!kube_get(list->items[i], volumes[k].type))
				continue;
			if (buf_printf(&subject, "%s (%s)", name ? name : "", volumes[k].type) < 0)
				return err_nomem(r->err);
			ret = kube_problem_add(&w->problems, volumes[k].trouble, buf_str(&subject),
					       0, r->err);
		}
	return ret;
}

static int read_groups(struct reader *r, const struct kube_value *context, struct kube_workload *w)
{
	const struct kube_value *list = kube_get(context, "supplementalGroups");
	int ret = kube_int(context, "fsGroup", &w->fs_group, r->what, r->err);

	w->has_fs_group = ret > 0;
	if (ret > 0)
		ret = judge_id(r, &w->problems, "fsGroup", w->fs_group, true);
	if (ret >= 0)
		ret = kind_of(r, list, KUBE_SEQUENCE, "supplementalGroups");
	if (ret < 0 || !list)
		return ret;
	if (list->count > KUBE_GROUPS_MAX)
		return err_fail(r->err, ERR_LIMIT, 0, "%s line %zu: more than %d groups", r->what,
				list->line, KUBE_GROUPS_MAX);
	w->groups = calloc(list->count + 1, sizeof(*w->groups));
	if (!w->groups)
		return err_nomem(r->err);
	for (size_t i = 0; i < list->count && ret >= 0; i++) {
		ret = kube_int_of(list->items[i], &w->groups[i], r->what, r->err);
		if (ret >= 0)
			ret = judge_id(r, &w->problems, "supplementalGroups", w->groups[i], true);
		w->group_count += ret >= 0;
	}
	return ret;
}

static int capabilities(struct reader *r, const struct kube_value *context,
			struct kube_container *c)
{
	const struct kube_value *list = kube_get(kube_get(context, "capabilities"), "add");
	int ret = kind_of(r, list, KUBE_SEQUENCE, "capabilities.add");

	for (size_t i = 0; list && i < list->count && ret >= 0; i++) {
		const char *name = list->items[i]->kind == KUBE_SCALAR ? list->items[i]->text : "";

		name += strncasecmp(name, "CAP_", 4) == 0 ? 4 : 0;
		for (size_t k = 0; k < ARRAY_SIZE(host_capabilities) && ret >= 0; k++)
			if (strcasecmp(name, host_capabilities[k]) == 0)
				ret = kube_problem_add(&c->problems, KUBE_CAPABILITY,
						       host_capabilities[k], 0, r->err);
	}
	return ret;
}

/* The container's own, else the pod's. */
static int effective(struct reader *r, const struct kube_value *pod, const struct kube_value *own,
		     struct kube_container *c)
{
	int ret = kube_int(own, "runAsUser", &c->user, r->what, r->err);

	if (!ret)
		ret = kube_int(pod, "runAsUser", &c->user, r->what, r->err);
	c->has_user = ret > 0;
	if (ret > 0)
		ret = judge_id(r, &c->problems, "runAsUser", c->user, false);
	if (ret >= 0)
		ret = kube_int(own, "runAsGroup", &c->group, r->what, r->err);
	if (!ret)
		ret = kube_int(pod, "runAsGroup", &c->group, r->what, r->err);
	c->has_group = ret > 0;
	if (ret > 0)
		ret = judge_id(r, &c->problems, "runAsGroup", c->group, true);
	if (ret >= 0)
		ret = kube_bool(own, "runAsNonRoot", &c->non_root, r->what, r->err);
	if (!ret)
		ret = kube_bool(pod, "runAsNonRoot", &c->non_root, r->what, r->err);
	if (ret >= 0 && c->non_root && c->has_user && !c->user)
		ret = kube_problem_add(&c->problems, KUBE_NON_ROOT_IS_ROOT, "runAsUser", 0, r->err);
	return ret < 0 ? ret : 0;
}

static int read_container(struct reader *r, const struct kube_value *pod,
			  const struct kube_value *v, struct kube_container *c)
{
	const struct kube_value *own = kube_get(v, "securityContext");
	const struct kube_value *devices = kube_get(v, "volumeDevices");
	bool privileged = false;
	int ret;

	c->line = v->line;
	ret = kind_of(r, v, KUBE_MAP, "a container");
	if (ret >= 0)
		ret = copy_text(r, &c->name, kube_text(v, "name"));
	if (ret >= 0)
		ret = copy_text(r, &c->image, kube_text(v, "image"));
	if (ret >= 0)
		ret = kind_of(r, own, KUBE_MAP, "securityContext");
	if (ret >= 0)
		ret = effective(r, pod, own, c);
	if (ret >= 0)
		ret = kube_bool(own, "privileged", &privileged, r->what, r->err);
	if (ret >= 0 && privileged)
		ret = kube_problem_add(&c->problems, KUBE_PRIVILEGED, NULL, 0, r->err);
	if (ret >= 0)
		ret = capabilities(r, own, c);
	if (ret >= 0 && devices && devices->count)
		ret = kube_problem_add(&c->problems, KUBE_VOLUME_DEVICES, NULL, 0, r->err);
	return ret;
}

static int read_containers(struct reader *r, const struct kube_value *spec, struct kube_workload *w)
{
	static const char *const keys[] = { "containers", "initContainers", "ephemeralContainers" };
	const struct kube_value *pod = kube_get(spec, "securityContext");
	const struct kube_value *lists[ARRAY_SIZE(keys)];
	size_t total = 0;
	int ret = kind_of(r, pod, KUBE_MAP, "securityContext");

	for (size_t i = 0; i < ARRAY_SIZE(keys) && ret >= 0; i++) {
		lists[i] = kube_get(spec, keys[i]);
		ret = kind_of(r, lists[i], KUBE_SEQUENCE, keys[i]);
		total += lists[i] ? lists[i]->count : 0;
	}
	if (ret >= 0 && total > KUBE_CONTAINERS_MAX)
		ret = err_fail(r->err, ERR_LIMIT, 0, "%s line %zu: more than %d containers",
			       r->what, spec->line, KUBE_CONTAINERS_MAX);
	if (ret < 0)
		return ret;
	w->containers = calloc(total + 1, sizeof(*w->containers));
	if (!w->containers)
		return err_nomem(r->err);
	for (size_t i = 0; i < ARRAY_SIZE(keys) && ret >= 0; i++)
		for (size_t k = 0; lists[i] && k < lists[i]->count && ret >= 0; k++) {
			struct kube_container *c = &w->containers[w->container_count++];

			c->kind = (enum kube_container_kind)i;
			ret = read_container(r, pod, lists[i]->items[k], c);
		}
	return ret;
}

static int read_workload(struct reader *r, const struct kube_value *object, const char *kind,
			 const struct kube_value *spec)
{
	const struct kube_value *meta = kube_get(object, "metadata");
	struct kube_file *f = r->file;
	struct kube_workload *w;
	int ret;

	if (f->count == KUBE_WORKLOADS_MAX)
		return err_fail(r->err, ERR_LIMIT, 0, "%s: more than %d workloads", r->what,
				KUBE_WORKLOADS_MAX);
	if (f->count == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 4;

		w = reallocarray(f->workloads, cap, sizeof(*w));
		if (!w)
			return err_nomem(r->err);
		f->workloads = w;
		f->cap = cap;
	}
	w = &f->workloads[f->count++];
	*w = (struct kube_workload){ .line = object->line };
	if (!kube_text(meta, "name") && kube_text(meta, "generateName"))
		ret = copy_text(r, &w->name, kube_text(meta, "generateName"));
	else
		ret = copy_text(r, &w->name, kube_text(meta, "name"));
	if (ret >= 0)
		ret = copy_text(r, &w->kind, kind);
	if (ret >= 0)
		ret = copy_text(r, &w->space, kube_text(meta, "namespace"));
	if (ret >= 0)
		ret = kube_bool(spec, "hostUsers", &w->host_users, r->what, r->err);
	w->has_host_users = ret > 0;
	if (ret >= 0)
		ret = forbids(r, spec, w);
	if (ret >= 0)
		ret = read_volumes(r, spec, w);
	if (ret >= 0)
		ret = read_groups(r, kube_get(spec, "securityContext"), w);
	return ret < 0 ? ret : read_containers(r, spec, w);
}

/* Where a kind keeps its pod's spec. */
static const struct {
	const char *kind;
	const char *path[5]; /* ends with NULL */
} kinds[] = {
	{ "Pod", { "spec" } },
	{ "PodTemplate", { "template", "spec" } },
	{ "Deployment", { "spec", "template", "spec" } },
	{ "StatefulSet", { "spec", "template", "spec" } },
	{ "DaemonSet", { "spec", "template", "spec" } },
	{ "ReplicaSet", { "spec", "template", "spec" } },
	{ "ReplicationController", { "spec", "template", "spec" } },
	{ "Job", { "spec", "template", "spec" } },
	{ "CronJob", { "spec", "jobTemplate", "spec", "template", "spec" } },
};

static bool is_list(const char *kind)
{
	size_t n = strlen(kind);

	return n >= 4 && strcmp(kind + n - 4, "List") == 0;
}

/* Lists of lists end with the document's own depth (limit yaml-depth). */
static int read_object(struct reader *r, const struct kube_value *v, const char *given)
{
	const char *kind = kube_text(v, "kind");
	const struct kube_value *items = kube_get(v, "items"), *spec = v;
	int ret = kind_of(r, v, KUBE_MAP, "the document");

	if (ret < 0)
		return ret;
	kind = kind ? kind : given;
	if (kind && is_list(kind) && items) {
		/* The items of a PodList need not say that they are Pods. */
		_cleanup_(freep) char *of = strndup(kind, strlen(kind) - 4);

		if (!of)
			return err_nomem(r->err);
		ret = kind_of(r, items, KUBE_SEQUENCE, "items");
		for (size_t i = 0; i < items->count && ret >= 0; i++)
			ret = read_object(r, items->items[i], of);
		return ret;
	}
	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kind, kinds[i].kind) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kinds[i].path) && kinds[i].path[k]; k++) {
			spec = kube_get(spec, kinds[i].path[k]);
			ret = kind_of(r, spec, KUBE_MAP, kinds[i].path[k]);
			if (ret < 0)
				return ret;
		}
		if (!spec)
			return err_fail(r->err, ERR_BAD_INPUT, 0,
					"%s line %zu: a %s without a pod's spec", r->what, v->line,
					kind);
		return read_workload(r, v, kind, spec);
	}
	r->file->others++;
	return 0;
}

int kube_read(struct kube_file *out, const char *text, size_t n, const char *what,
	      const struct idmap_pair *map, const struct limits *limits, struct error *err)
{
	struct reader r = { .what = what, .map = map, .file = out, .err = err };
	struct kube_documents docs;
	int ret = kube_parse(&docs, text, n, what, limits, err);

	*out = (struct kube_file){ 0 };
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < docs.count && ret >= 0; i++)
		ret = read_object(&r, docs.list[i], NULL);
	kube_documents_free(&docs);
	if (ret < 0)
		kube_file_free(out);
	return ret < 0 ? ret : 0;
}

static void problems_free(struct kube_problems *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].subject);
	free(p->list);
}

static void workload_free(struct kube_workload *w)
{
	for (size_t i = 0; i < w->container_count; i++) {
		struct kube_container *c = &w->containers[i];

		problems_free(&c->problems);
		free(c->name);
		free(c->image);
		free(c->user_error);
		free(c->not_looked);
		free(c->digest);
	}
	problems_free(&w->problems);
	free(w->containers);
	free(w->groups);
	free(w->kind);
	free(w->name);
	free(w->space);
}

void kube_file_free(struct kube_file *f)
{
	for (size_t i = 0; i < f->count; i++)
		workload_free(&f->workloads[i]);
	free(f->workloads);
	*f = (struct kube_file){ 0 };
}

bool kube_looks_like(const char *text, size_t n)
{
	return !memchr(text, '\0', n) && memmem(text, n, "apiVersion", 10);
}
