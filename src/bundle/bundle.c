#include "bundle/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "bundle/internal.h"

#define OCI_VERSION "1.0.2" /* of runtime-spec; nothing newer is used */

int bundle_put(json_t *object, const char *key, json_t *value, struct error *err)
{
	return json_object_set_new(object, key, value) < 0 ? err_nomem(err) : 0;
}

int bundle_push(json_t *array, json_t *value, struct error *err)
{
	return json_array_append_new(array, value) < 0 ? err_nomem(err) : 0;
}

int bundle_put_part(json_t *object, const char *key, bundle_part *part, const struct bundle *b,
		    struct error *err)
{
	json_t *value = NULL;
	int r = part(&value, b, err);

	return r < 0 ? r : bundle_put(object, key, value, err);
}

json_t *bundle_list(const char *const *list)
{
	json_t *array = json_array();

	for (; array && *list; list++) {
		if (json_array_append_new(array, json_string(*list)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int bundle_text(json_t **out, const char *text, const char *what, struct error *err)
{
	char shown[80];

	if (!text_is_utf8(text, strlen(text)))
		return err_fail(err, ERR_USAGE, 0, "%s '%s' is not UTF-8, as config.json has to be",
				what, err_text(shown, sizeof(shown), text, strlen(text)));
	*out = json_string(text);
	return *out ? 0 : err_nomem(err);
}

bool bundle_when(const struct bundle *b, enum container_when when)
{
	const struct bundle_options *opts = b->opts;
	/* Without a map whoever may have cgroups is root of the host, not of a namespace. */
	bool own_sysfs = !opts->host_network || (opts->cgroups && !opts->map);

	switch (when) {
	case CONTAINER_OWN_NETWORK:
		return !opts->host_network;
	case CONTAINER_OWN_SYSFS:
		return own_sysfs;
	case CONTAINER_HOST_SYSFS:
		return !own_sysfs;
	case CONTAINER_HOST_SYSFS_ALONE:
		return !own_sysfs && !opts->cgroups;
	case CONTAINER_CGROUPS:
		return opts->cgroups;
	case CONTAINER_ALWAYS:
		break;
	}
	return true;
}

static int version(json_t **out, _unused_ const struct bundle *b, struct error *err)
{
	*out = json_string(OCI_VERSION);
	return *out ? 0 : err_nomem(err);
}

static int root(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *object = json_object();
	json_t *path = NULL;
	int r = bundle_text(&path, b->opts->rootfs ? b->opts->rootfs : "rootfs", "the directory",
			    err);

	if (r == 0)
		r = bundle_put(object, "path", path, err);
	if (r == 0)
		r = bundle_put(object, "readonly", json_boolean(b->opts->read_only), err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}

static int hostname(json_t **out, const struct bundle *b, struct error *err)
{
	return bundle_text(out, b->opts->hostname ? b->opts->hostname : "uidfit", "the host name",
			   err);
}

static const struct {
	const char *key;
	bundle_part *make;
} parts[] = {
	{ "ociVersion", version },
	{ "process", bundle_process },
	{ "root", root },
	{ "hostname", hostname },
	{ "mounts", bundle_mounts },
	{ "annotations", bundle_annotations },
	{ "linux", bundle_linux },
};

/* The options and the image as the parts take them. */
static int begin(struct bundle *b, const struct oci_config *config,
		 const struct bundle_options *opts, struct error *err)
{
	int r = 0;

	*b = (struct bundle){ .config = config, .opts = opts };
	if (!opts->user || opts->user->error)
		return err_fail(err, ERR_BUG, 0, "a bundle without a user");
	if (opts->map && !(opts->map->uid.has_host && opts->map->gid.has_host))
		return err_fail(err, ERR_BUG, 0, "a bundle's map without a host side");
	r = oci_json_object(config->json, "config", &b->image, err);
	return r < 0 ? err_wrap(err, "config") : r;
}

static int append(struct buf *out, const json_t *document, struct error *err)
{
	char *text = json_dumps(document, JSON_INDENT(2));
	int r = text ? buf_append_str(out, text) : -ERR_NOMEM;

	free(text);
	if (r == 0)
		r = buf_append_str(out, "\n");
	return r < 0 ? err_nomem(err) : 0;
}

int bundle_config(struct buf *out, const struct oci_config *config,
		  const struct bundle_options *opts, struct error *err)
{
	json_auto_t *document = json_object();
	struct bundle b;
	int r = begin(&b, config, opts, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = bundle_put_part(document, parts[i].key, parts[i].make, &b, err);
	return r < 0 ? r : append(out, document, err);
}

int bundle_program(char **out, const struct oci_config *config, const struct bundle_options *opts,
		   struct error *err)
{
	json_t *args = NULL;
	struct bundle b;
	int r = begin(&b, config, opts, err);

	if (r == 0)
		r = bundle_args(&args, &b, err);
	if (r < 0)
		return r;
	*out = strdup(json_string_value(json_array_get(args, 0)));
	json_decref(args);
	return *out ? 0 : err_nomem(err);
}
