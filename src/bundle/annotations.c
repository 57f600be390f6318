/* annotations: the image's labels, and what image-spec conversion.md takes from its config. */
#include <string.h>

#include "base/macro.h"
#include "bundle/internal.h"

/* Labels that a runtime obeys: an image would set its own seccomp filter (crun). */
static bool is_order(const char *name)
{
	for (const char *const *p = container_runtime_labels; *p; p++) {
		size_t n = strlen(*p);

		if (strncmp(name, *p, n) == 0 && (!name[n] || (*p)[n - 1] == '.'))
			return true;
	}
	return false;
}

static int put_labels(json_t *object, const struct bundle *b, struct error *err)
{
	json_t *labels = NULL, *value;
	const char *name;
	char shown[120];
	int r = b->image ? oci_json_object(b->image, "Labels", &labels, err) : 0;

	json_object_foreach(labels, name, value)
	{
		err_text(shown, sizeof(shown), name, strlen(name));
		if (!json_is_string(value))
			return err_fail(err, ERR_BAD_INPUT, 0, "label '%s' is not a string", shown);
		/* Config.json's annotations have names, and C's runtimes strings without NUL. */
		if (!name[0] || strlen(json_string_value(value)) != json_string_length(value)) {
			notes_add(b->opts->notes, "label '%s' left out: no annotation can hold it",
				  shown);
			continue;
		}
		if (is_order(name)) {
			notes_add(b->opts->notes, "label '%s' left out: a runtime would obey it",
				  shown);
			continue;
		}
		r = bundle_put(object, name, json_incref(value), err);
		if (r < 0)
			return r;
	}
	return r;
}

/* A label of that name stands above what the config says elsewhere. */
static int put_text(json_t *object, const char *name, const char *text, struct error *err)
{
	if (!text[0] || json_object_get(object, name))
		return 0;
	return bundle_put(object, name, json_string(text), err);
}

/* "a,b,c" of an object's names (ExposedPorts) or an array's strings (os.features). */
static int put_joined(json_t *object, const char *name, json_t *list, struct error *err)
{
	_cleanup_(buf_freep) struct buf joined = { 0 };
	const char *text;
	json_t *value;
	size_t i;
	int r = 0;

	json_object_foreach(list, text, value)
	{
		if (buf_printf(&joined, "%s%s", joined.len ? "," : "", text) < 0)
			return err_nomem(err);
	}
	json_array_foreach(list, i, value)
	{
		r = oci_json_item(list, i, &text, err);
		if (r < 0)
			return r;
		if (buf_printf(&joined, "%s%s", joined.len ? "," : "", text) < 0)
			return err_nomem(err);
	}
	return put_text(object, name, buf_str(&joined), err);
}

static int put_member(json_t *object, const char *name, json_t *from, const char *key,
		      struct error *err)
{
	const char *text = "";
	int r = from ? oci_json_string(from, key, &text, err) : 0;

	return r < 0 ? r : put_text(object, name, text, err);
}

static int put_lists(json_t *object, const struct bundle *b, struct error *err)
{
	json_t *ports = NULL, *features = NULL;
	int r = oci_json_array(b->config->json, "os.features", &features, err);

	if (r == 0 && b->image)
		r = oci_json_object(b->image, "ExposedPorts", &ports, err);
	if (r == 0)
		r = put_joined(object, "org.opencontainers.image.os.features", features, err);
	if (r == 0)
		r = put_joined(object, "org.opencontainers.image.exposedPorts", ports, err);
	return r;
}

int bundle_annotations(json_t **out, const struct bundle *b, struct error *err)
{
	const struct {
		const char *name, *key;
		json_t *from;
	} members[] = {
		{ "org.opencontainers.image.os", "os", b->config->json },
		{ "org.opencontainers.image.architecture", "architecture", b->config->json },
		{ "org.opencontainers.image.variant", "variant", b->config->json },
		{ "org.opencontainers.image.os.version", "os.version", b->config->json },
		{ "org.opencontainers.image.author", "author", b->config->json },
		{ "org.opencontainers.image.created", "created", b->config->json },
		{ "org.opencontainers.image.stopSignal", "StopSignal", b->image },
	};
	json_auto_t *object = json_object();
	int r = put_labels(object, b, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
		r = put_member(object, members[i].name, members[i].from, members[i].key, err);
	if (r == 0)
		r = put_lists(object, b, err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}
