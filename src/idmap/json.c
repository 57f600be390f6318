/* Maps in JSON: an OCI runtime-spec config.json, podman info, podman inspect, or the bare objects.
 * Only the places named here are looked at: config.json has maps of single mounts too, which are
 * other maps. */
#include <jansson.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"
#include "idmap/builder.h"

static const char *const places[][2] = {
	{ NULL, NULL },
	{ "linux", NULL },
	{ "idMappings", NULL },
	{ "host", "idMappings" },
	{ "HostConfig", "IDMappings" },
};

static const struct {
	const char *key;
	enum idmap_which kind;
} members[] = {
	{ "uidMappings", IDMAP_UID }, { "uidmap", IDMAP_UID }, { "UidMap", IDMAP_UID },
	{ "gidMappings", IDMAP_GID }, { "gidmap", IDMAP_GID }, { "GidMap", IDMAP_GID },
};

static const char *const container_keys[] = { "containerID", "container_id", NULL };
static const char *const host_keys[] = { "hostID", "host_id", NULL };
static const char *const size_keys[] = { "size", "length", NULL };

static int get(const json_t *object, const char *const *keys, uint32_t *out, struct error *err)
{
	const json_t *found = NULL;

	for (size_t i = 0; keys[i] && !found; i++)
		found = json_object_get(object, keys[i]);
	if (!json_is_integer(found) || json_integer_value(found) < 0 ||
	    json_integer_value(found) > (json_int_t)UINT32_MAX)
		return err_fail(err, ERR_USAGE, 0,
				"map in JSON: %s is not a number from 0 to 4294967295", keys[0]);
	*out = (uint32_t)json_integer_value(found);
	return 0;
}

static int read_extents(struct idmap_builder *b, const json_t *array, enum idmap_which kinds,
			struct error *err)
{
	enum idmap_which asked = b->which;
	size_t i;
	json_t *item;
	int r = 0;

	if (!json_is_array(array))
		return err_fail(err, ERR_USAGE, 0, "map in JSON: the mappings are not an array");
	json_array_foreach(array, i, item)
	{
		struct idmap_extent e;

		if (json_is_string(item)) {
			b->which = kinds;
			r = idmap_builder_piece(b, json_string_value(item),
						json_string_length(item), err);
			b->which = asked;
		} else {
			r = get(item, container_keys, &e.container, err);
			if (r == 0)
				r = get(item, host_keys, &e.host, err);
			if (r == 0)
				r = get(item, size_keys, &e.count, err);
			if (r == 0)
				r = idmap_builder_put(b, kinds, e, true, false, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_document(struct idmap_builder *b, const json_t *root, struct error *err)
{
	/* podman inspect prints an array of containers. */
	if (json_is_array(root) && json_array_size(root) == 1 &&
	    json_object_get(json_array_get(root, 0), "HostConfig"))
		root = json_array_get(root, 0);
	if (json_is_array(root))
		return read_extents(b, root, b->which, err);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const json_t *holder = root;

		for (size_t depth = 0; depth < 2 && places[i][depth]; depth++)
			holder = json_object_get(holder, places[i][depth]);
		for (size_t k = 0; k < ARRAY_SIZE(members); k++) {
			const json_t *array = json_object_get(holder, members[k].key);
			int r = json_is_null(array) || !array
					? 0
					: read_extents(b, array, members[k].kind, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* jansson's message up to " near '...'", which quotes the document. */
static const char *without_excerpt(json_error_t *e)
{
	char *near = strstr(e->text, " near ");

	if (near)
		*near = '\0';
	return e->text;
}

int idmap_builder_json(struct idmap_builder *b, const char *text, struct error *err)
{
	json_error_t where;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	int r;

	if (!root)
		return err_fail(err, ERR_USAGE, 0, "map in JSON: byte %d: %s", where.position,
				without_excerpt(&where));
	r = read_document(b, root, err);
	b->owner = NULL; /* may point into the document */
	json_decref(root);
	return r;
}
