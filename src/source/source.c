#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/internal.h"

static source_open_fn *const transports[] = {
	[TRANSPORT_PATH] = path_open,
	[TRANSPORT_STDIN] = stdin_open,
	[TRANSPORT_DOCKER_ARCHIVE] = docker_archive_open,
	[TRANSPORT_OCI] = oci_open,
	[TRANSPORT_OCI_ARCHIVE] = oci_archive_open,
	[TRANSPORT_DIR] = dir_open,
	[TRANSPORT_TAR] = tar_open,
	[TRANSPORT_ROOTFS] = rootfs_open,
	[TRANSPORT_DOCKER] = registry_source_open,
	[TRANSPORT_DOCKER_DAEMON] = docker_daemon_open,
	[TRANSPORT_CONTAINERS_STORAGE] = containers_storage_open,
	[TRANSPORT_CONTAINERD] = containerd_open,
};

int source_open(struct source **out, const struct ref *ref, const struct source_options *opts,
		struct error *err)
{
	_cleanup_(source_closep) struct source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_nomem(err);
	s->fd = -1;
	s->limits = opts->limits;
	s->notes = opts->notes;
	s->platform_asked = opts->platform != NULL;
	s->all_platforms = opts->all_platforms;
	s->platform = opts->platform ? *opts->platform : platform_host();
	s->stdin_fd = opts->stdin_fd;
	s->read_twice = opts->read_twice;
	s->registry_options = opts->registry;
	s->transport = ref->transport;
	s->ref_index = ref->index;
	s->path = strdup(ref->path ? ref->path : "-");
	s->ref_name = ref->name ? strdup(ref->name) : NULL;
	if (!s->path || (ref->name && !s->ref_name))
		return err_nomem(err);
	if ((size_t)ref->transport >= ARRAY_SIZE(transports))
		return err_fail(err, ERR_BUG, 0, "no such transport");
	r = transports[ref->transport](s, err);
	if (r == 0)
		*out = STEAL(s);
	return r;
}

void source_image_done(struct source_image *img)
{
	free(img->name);
	oci_config_free(&img->config);
	for (size_t i = 0; i < img->layer_count; i++) {
		free(img->layers[i].blob);
		free(img->layers[i].media_type);
	}
	free(img->layers);
	free(img->config_bytes);
	free(img->manifest_bytes);
	for (size_t i = 0; i < img->name_count; i++)
		free(img->names[i]);
	free(img->names);
	*img = (struct source_image){ 0 };
}

int source_image_name(struct source_image *img, const char *name, struct error *err)
{
	char **names;

	for (size_t i = 0; i < img->name_count; i++)
		if (strcmp(img->names[i], name) == 0)
			return 0;
	names = reallocarray(img->names, img->name_count + 1, sizeof(*names));
	if (!names)
		return err_nomem(err);
	img->names = names;
	names[img->name_count] = strdup(name);
	return names[img->name_count] && ++img->name_count ? 0 : err_nomem(err);
}

void source_reset(struct source *s)
{
	for (size_t i = 0; i < s->image_count; i++)
		source_image_done(&s->images[i]);
	for (size_t i = 0; i < s->foreign_count; i++) {
		free(s->foreign[i].digest);
		free(s->foreign[i].url);
	}
	for (size_t i = 0; i < s->index_count; i++) {
		free(s->indexes[i].bytes);
		free(s->indexes[i].name);
	}
	free(s->indexes);
	free(s->foreign);
	free(s->images);
	store_close(s->store);
	registry_close(s->registry);
	kept_done(s);
	stream_close(s->once);
	engine_close(s->engine); /* what is read of it comes before */
	if (s->fd >= 0)
		close(s->fd);
	free(s->ref_name);
	*s = (struct source){ .limits = s->limits,
			      .notes = s->notes,
			      .platform_asked = s->platform_asked,
			      .all_platforms = s->all_platforms,
			      .platform = s->platform,
			      .stdin_fd = s->stdin_fd,
			      .read_twice = s->read_twice,
			      .transport = s->transport,
			      .path = s->path,
			      .ref_index = s->ref_index,
			      .fd = -1,
			      .registry_options = s->registry_options };
}

void source_close(struct source *s)
{
	if (!s)
		return;
	source_reset(s);
	free(s->path);
	free(s);
}

bool source_is_one_pass(const struct source *s)
{
	return s->scan != NULL;
}

int source_scan(struct source *s, source_blob_fn *fn, void *ctx, struct error *err)
{
	int r;

	if (!s->scan || s->scanned)
		return err_fail(err, ERR_SEQUENCE, 0, "%s: %s", s->path,
				s->scan ? "a one-pass source is read once" : "no one-pass source");
	s->scanned = true;
	r = s->scan(s, fn, ctx, err);
	return r < 0 ? err_wrap(err, "%s", s->path) : 0;
}

int source_add_image(struct source *s, struct source_image *img, struct error *err)
{
	struct source_image *images;

	images = reallocarray(s->images, s->image_count + 1, sizeof(*images));
	if (!images)
		return err_nomem(err);
	s->images = images;
	images[s->image_count++] = *img;
	*img = (struct source_image){ 0 };
	return 0;
}

int source_layer_headers(struct source *s, const struct source_layer *layer, struct stream **tar,
			 enum source_evidence *evidence, struct error *err)
{
	return s->headers ? s->headers(s, layer, tar, evidence, err) : 1;
}

const struct source_index *source_indexes(const struct source *s, size_t *count)
{
	*count = s->index_count;
	return s->indexes;
}

/* Where an image and a layer of it stand, for messages. */
static size_t layer_number(const struct source *s, const struct source_layer *layer)
{
	for (size_t i = 0; i < s->image_count; i++) {
		const struct source_image *img = &s->images[i];

		if (layer >= img->layers && layer < img->layers + img->layer_count)
			return (size_t)(layer - img->layers);
	}
	return 0;
}

static const char *foreign_url(const struct source *s, const struct source_layer *layer)
{
	for (size_t i = 0; i < s->foreign_count; i++)
		if (strcmp(s->foreign[i].digest, layer->digest.text) == 0)
			return s->foreign[i].url;
	return NULL;
}

static int layer_missing(const struct source *s, const struct source_layer *layer,
			 const char *label, struct error *err)
{
	const char *url = foreign_url(s, layer);
	char text[150];

	if (url)
		return err_fail(
			err, ERR_NOT_FOUND, 0,
			"%s: not in %s; it is a foreign layer, which only its own server gives: %s",
			label, s->path, err_text(text, sizeof(text), url, strlen(url)));
	return err_fail(err, ERR_NOT_FOUND, 0, "%s: not in %s", label, s->path);
}

int layer_find(struct source *s, const struct source_layer *layer, struct stored *out,
	       struct error *err)
{
	char label[200], blob[150];
	int r;

	snprintf(label, sizeof(label), "layer %zu %s", layer_number(s, layer),
		 layer->digest.text[0]
			 ? layer->digest.text
			 : err_text(blob, sizeof(blob), layer->blob, strlen(layer->blob)));
	r = s->store->ops->find(s->store, layer->blob, out, err);
	if (r < 0)
		return err_wrap(err, "%s", label);
	if (r > 0)
		return layer_missing(s, layer, label, err);
	if (layer->size != SOURCE_SIZE_UNKNOWN && out->size != SOURCE_SIZE_UNKNOWN &&
	    layer->size != out->size)
		return err_fail(err, ERR_DIGEST, 0,
				"%s: %" PRIu64 " bytes, its descriptor says %" PRIu64, label,
				out->size, layer->size);
	if (!out->layer)
		return err_fail(err, ERR_BAD_INPUT, 0, "%s: neither a tar nor a compressed one",
				label);
	return 0;
}

/* The layers of a one-pass source are not opened any more: what is wrong with them is told here.
 * Links are followed, so that a layer has the name that the scan told. */
static int settle_layers(struct source *s, struct error *err)
{
	for (size_t i = 0; i < s->image_count; i++) {
		struct source_image *img = &s->images[i];

		for (size_t k = 0; k < img->layer_count; k++) {
			struct source_layer *layer = &img->layers[k];
			struct stored found;
			struct error ignored;
			char *blob;
			int r;

			if (s->scan)
				r = layer_find(s, layer, &found, err);
			else
				r = s->store->ops->find(s->store, layer->blob, &found, &ignored);
			if (s->scan && r < 0)
				return r;
			if (r)
				continue;
			blob = strdup(found.name);
			if (!blob)
				return err_nomem(err);
			free(layer->blob);
			layer->blob = blob;
		}
	}
	return 0;
}

int source_images(struct source *s, const struct source_image **images, size_t *count,
		  struct error *err)
{
	int r = 0;

	if (s->scan && !s->scanned)
		return err_fail(err, ERR_SEQUENCE, 0, "%s: not read yet", s->path);
	if (!s->have_images) {
		r = s->read_images(s, err);
		if (r == 0 && s->store)
			r = settle_layers(s, err);
		if (r < 0)
			return r;
		s->have_images = true;
	}
	*images = s->images;
	*count = s->image_count;
	return 0;
}

int source_layer_open(struct source *s, const struct source_layer *layer, struct stream **out,
		      struct error *err)
{
	struct stored found;
	int r;

	if (s->scan)
		return err_fail(err, ERR_SEQUENCE, 0, "%s is read once, by source_scan()", s->path);
	if (s->open_layer)
		return s->open_layer(s, layer, out, err);
	r = layer_find(s, layer, &found, err);
	return r < 0 ? r : s->store->ops->open(s->store, layer->blob, out, err);
}

int source_layer_there(struct source *s, const struct source_layer *layer, struct error *err)
{
	struct stored found;

	return s->store && !s->scan ? layer_find(s, layer, &found, err) : 0;
}

bool source_same_blob(const struct source *s, const char *blob, const char *member)
{
	struct stored a, b;
	struct error ignored;

	if (!s->store)
		return strcmp(blob, member) == 0;
	return s->store->ops->find(s->store, blob, &a, &ignored) == 0 &&
	       s->store->ops->find(s->store, member, &b, &ignored) == 0 &&
	       strcmp(a.name, b.name) == 0;
}

char *source_name(const struct source *s, const char *suffix)
{
	char *name;

	if (asprintf(&name, "%s:%s%s%s%s", transport_name(s->transport),
		     s->transport == TRANSPORT_DOCKER ? "//" : "", s->path, suffix ? ":" : "",
		     suffix ? suffix : "") < 0)
		return NULL;
	return name;
}

char *source_name_index(const struct source *s, size_t index)
{
	char suffix[32];

	snprintf(suffix, sizeof(suffix), "@%zu", index);
	return source_name(s, suffix);
}

int single_layer_image(struct source *s, const char *blob, uint64_t size, struct error *err)
{
	struct source_image img = { .name = source_name(s, NULL) };
	int r;

	img.layers = calloc(1, sizeof(*img.layers));
	if (img.layers) {
		img.layer_count = 1;
		img.layers[0].blob = strdup(blob);
		img.layers[0].media_type = strdup("");
		img.layers[0].size = size;
	}
	if (!img.name || !img.layers || !img.layers[0].blob || !img.layers[0].media_type)
		r = err_nomem(err);
	else
		r = source_add_image(s, &img, err);
	source_image_done(&img);
	return r;
}
