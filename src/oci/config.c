/* Image configs: OCI config.md, Docker image spec v1.2. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macro.h"
#include "oci/image.h"

/* Steps that make no layer, for each layer that may be: Dockerfiles have two or three. */
#define HISTORY_PER_LAYER 16

static int read_user(struct oci_config *c, struct error *err)
{
	const char *user = "";
	json_t *config = NULL;
	int r = oci_json_object(c->json, "config", &config, err);

	if (r == 0 && config)
		r = oci_json_string(config, "User", &user, err);
	if (r < 0)
		return r;
	c->user = strdup(user);
	return c->user ? 0 : err_nomem(err);
}

static int read_diff_ids(struct oci_config *c, const struct limits *limits, struct error *err)
{
	json_t *rootfs = NULL, *array = NULL;
	size_t n;
	int r = oci_json_object(c->json, "rootfs", &rootfs, err);

	if (r == 0 && rootfs)
		r = oci_json_array(rootfs, "diff_ids", &array, err);
	if (r < 0)
		return r;
	n = json_array_size(array);
	if (n > limits->v[LIMIT_LAYERS])
		return limit_passed(limits, LIMIT_LAYERS, "diff_ids", err);
	c->diff_ids = calloc(n + 1, sizeof(*c->diff_ids));
	if (!c->diff_ids)
		return err_nomem(err);
	for (; c->diff_id_count < n; c->diff_id_count++) {
		const char *text;

		r = oci_json_item(array, c->diff_id_count, &text, err);
		if (r == 0)
			r = oci_digest_parse(&c->diff_ids[c->diff_id_count], text, err);
		if (r < 0)
			return err_wrap(err, "diff_ids[%zu]", c->diff_id_count);
	}
	return 0;
}

static int read_step(struct oci_history *step, json_t *json, struct error *err)
{
	const char *created_by = "";
	int r = 0;

	/* Go reads null as an element with nothing in it. */
	if (!json_is_null(json)) {
		r = oci_json_string(json, "created_by", &created_by, err);
		if (r == 0)
			r = oci_json_bool(json, "empty_layer", &step->empty_layer, err);
	}
	if (r < 0)
		return r;
	step->created_by = strdup(created_by);
	return step->created_by ? 0 : err_nomem(err);
}

static int read_history(struct oci_config *c, const struct limits *limits, struct error *err)
{
	json_t *array = NULL;
	size_t n;
	int r = oci_json_array(c->json, "history", &array, err);

	if (r < 0)
		return r;
	n = json_array_size(array);
	if (n / HISTORY_PER_LAYER > limits->v[LIMIT_LAYERS])
		return limit_passed(limits, LIMIT_LAYERS, "history, at 16 steps a layer", err);
	c->history = calloc(n + 1, sizeof(*c->history));
	if (!c->history)
		return err_nomem(err);
	for (; c->history_count < n; c->history_count++) {
		r = read_step(&c->history[c->history_count],
			      json_array_get(array, c->history_count), err);
		if (r < 0)
			return err_wrap(err, "history[%zu]", c->history_count);
	}
	return 0;
}

int oci_config_parse(struct oci_config *out, const void *bytes, size_t n,
		     const struct limits *limits, struct error *err)
{
	struct oci_config c = { 0 };
	int r = oci_json_parse(&c.json, bytes, n, "config", err);

	if (r < 0)
		return r;
	r = platform_from_json(&c.platform, c.json, err);
	if (r == 0)
		r = read_user(&c, err);
	if (r == 0)
		r = read_diff_ids(&c, limits, err);
	if (r == 0)
		r = read_history(&c, limits, err);
	if (r < 0) {
		oci_config_free(&c);
		return err_wrap(err, "config");
	}
	*out = c;
	return 0;
}

void oci_config_free(struct oci_config *c)
{
	for (size_t i = 0; i < c->history_count; i++)
		free(c->history[i].created_by);
	free(c->history);
	free(c->diff_ids);
	free(c->user);
	json_decref(c->json);
	*c = (struct oci_config){ 0 };
}
