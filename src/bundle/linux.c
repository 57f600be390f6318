/* linux: namespaces, maps, what is hidden. */
#include "base/macro.h"
#include "bundle/internal.h"

static int namespaces(json_t **out, const struct bundle *b, struct error *err)
{
	const struct {
		const char *type;
		bool wanted;
	} types[] = {
		{ "pid", true },
		{ "ipc", true },
		{ "uts", true },
		{ "mount", true },
		{ "network", !b->opts->host_network },
		{ "cgroup", b->opts->cgroups },
		{ "user", b->opts->map },
	};
	json_auto_t *list = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(types); i++) {
		if (types[i].wanted)
			r = bundle_push(list, json_pack("{s:s}", "type", types[i].type), err);
	}
	if (r == 0)
		*out = STEAL(list);
	return r;
}

static int put_map(json_t *object, const char *key, const struct idmap *map, struct error *err)
{
	json_auto_t *list = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < map->count; i++) {
		const struct idmap_extent *e = &map->extents[i];

		r = bundle_push(list,
				json_pack("{s:I, s:I, s:I}", "containerID",
					  (json_int_t)e->container, "hostID", (json_int_t)e->host,
					  "size", (json_int_t)e->count),
				err);
	}
	return r < 0 ? r : bundle_put(object, key, STEAL(list), err);
}

static int put_maps(json_t *object, const struct bundle *b, struct error *err)
{
	int r;

	if (!b->opts->map)
		return 0;
	r = put_map(object, "uidMappings", &b->opts->map->uid, err);
	return r < 0 ? r : put_map(object, "gidMappings", &b->opts->map->gid, err);
}

static int sysctls(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *object = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < container_sysctl_count; i++) {
		const struct container_sysctl *s = &container_sysctls[i];

		if (bundle_when(b, s->when))
			r = bundle_put(object, s->key, json_string(s->value), err);
	}
	if (r == 0)
		*out = STEAL(object);
	return r;
}

/* No devices but those that each runtime makes (config-linux.md, "Default Devices"). */
static int put_resources(json_t *object, const struct bundle *b, struct error *err)
{
	if (!b->opts->cgroups)
		return 0;
	return bundle_put(object, "resources",
			  json_pack("{s:[{s:b, s:s}]}", "devices", "allow", 0, "access", "rwm"),
			  err);
}

int bundle_linux(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *object = json_object();
	int r = bundle_put_part(object, "namespaces", namespaces, b, err);

	if (r == 0)
		r = put_maps(object, b, err);
	if (r == 0)
		r = put_resources(object, b, err);
	if (r == 0)
		r = bundle_put_part(object, "sysctl", sysctls, b, err);
	if (r == 0)
		r = bundle_put(object, "maskedPaths", bundle_list(container_paths_masked), err);
	if (r == 0)
		r = bundle_put(object, "readonlyPaths", bundle_list(container_paths_read_only),
			       err);
	if (r == 0)
		r = bundle_put_part(object, "seccomp", bundle_seccomp, b, err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}
