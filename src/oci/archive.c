/* manifest.json of `docker save` (moby, image/tarexport). */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macro.h"
#include "oci/image.h"

/* The strings of the array key. *out and *count are owned by the caller, on an error too. */
static int read_strings(char ***out, size_t *count, json_t *json, const char *key,
			const struct limits *limits, enum limit limit, struct error *err)
{
	json_t *array = NULL;
	size_t n;
	int r = oci_json_array(json, key, &array, err);

	if (r < 0)
		return r;
	n = json_array_size(array);
	if (n > limits->v[limit])
		return limit_passed(limits, limit, key, err);
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return err_nomem(err);
	for (; *count < n; ++*count) {
		const char *text;

		r = oci_json_item(array, *count, &text, err);
		if (r < 0)
			return err_wrap(err, "%s", key);
		(*out)[*count] = strdup(text);
		if (!(*out)[*count])
			return err_nomem(err);
	}
	return 0;
}

static int read_image(struct docker_archive_image *image, json_t *json, const struct limits *limits,
		      struct error *err)
{
	const char *config = "";
	int r = oci_json_string(json, "Config", &config, err);

	if (r < 0)
		return r;
	if (!*config)
		return err_fail(err, ERR_BAD_INPUT, 0, "no 'Config'");
	image->config = strdup(config);
	if (!image->config)
		return err_nomem(err);
	r = read_strings(&image->repo_tags, &image->repo_tag_count, json, "RepoTags", limits,
			 LIMIT_IMAGES, err);
	if (r < 0)
		return r;
	return read_strings(&image->layers, &image->layer_count, json, "Layers", limits,
			    LIMIT_LAYERS, err);
}

static int read_images(struct docker_archive_image **out, size_t *count, json_t *json,
		       const struct limits *limits, struct error *err)
{
	size_t n = json_array_size(json);

	if (!n)
		return err_fail(err, ERR_BAD_INPUT, 0, "not an array of images");
	if (n > limits->v[LIMIT_IMAGES])
		return limit_passed(limits, LIMIT_IMAGES, "the array", err);
	*out = calloc(n, sizeof(**out));
	if (!*out)
		return err_nomem(err);
	for (; *count < n; ++*count) {
		/* Counted first: a half-read image is freed with the others. */
		size_t i = *count;
		int r = read_image(&(*out)[i], json_array_get(json, i), limits, err);

		if (r < 0) {
			++*count;
			return err_wrap(err, "image %zu", i);
		}
	}
	return 0;
}

int docker_archive_parse(struct docker_archive_image **out, size_t *count, const void *bytes,
			 size_t n, const struct limits *limits, struct error *err)
{
	struct docker_archive_image *images = NULL;
	size_t found = 0;
	json_t *json;
	int r = oci_json_parse(&json, bytes, n, "manifest.json", err);

	if (r < 0)
		return r;
	r = read_images(&images, &found, json, limits, err);
	json_decref(json);
	if (r < 0) {
		docker_archive_free(images, found);
		return err_wrap(err, "manifest.json");
	}
	*out = images;
	*count = found;
	return 0;
}

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

void docker_archive_free(struct docker_archive_image *images, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(images[i].config);
		free_strings(images[i].repo_tags, images[i].repo_tag_count);
		free_strings(images[i].layers, images[i].layer_count);
	}
	free(images);
}
