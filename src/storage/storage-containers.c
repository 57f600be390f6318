/* containers/storage: podman's, buildah's, skopeo's and CRI-O's (store.go, images.go, layers.go).
 *
 * ROOT/DRIVER-images/images.json, /ID/BIG-DATA          names, manifests, configs
 * ROOT/DRIVER-layers/layers.json, /ID.tar-split.gz      chains of layers, their headers
 * ROOT/DRIVER/ID/diff                                   their files
 *
 * No lock is taken. Each table is replaced by rename(2), so that what is read is whole; the lock
 * over both is held by a pull for as long as it unpacks a layer, and an image that is there stays
 * there meanwhile. A layer that was removed in between is told as one that is not there.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/text.h"
#include "storage/conf.h"
#include "storage/internal.h"

static bool has_driver(const char *root, const char *driver)
{
	_cleanup_(freep) char *path = storage_path("%s/%s-images", root, driver);

	return path && storage_is_dir(path);
}

/* The one that was asked for, or that is there. */
static const char *find_driver(const char *root, const char *asked)
{
	static const char *const drivers[] = { "overlay", "vfs", "btrfs", "zfs", "aufs" };

	if (asked && strcmp(asked, "overlay2") == 0)
		asked = "overlay";
	if (asked && has_driver(root, asked))
		return asked;
	for (size_t i = 0; !asked && i < ARRAY_SIZE(drivers); i++)
		if (has_driver(root, drivers[i]))
			return drivers[i];
	return NULL;
}

/* Whether the store is not there or not ours. */
static int no_store(const char *root, struct error *err)
{
	_cleanup_(freep) char *inside = storage_path("%s/.", root);

	if (inside && access(inside, X_OK) < 0 && errno == EACCES)
		return err_fail(err, ERR_DENIED, EACCES, "open '%s'", root);
	return err_fail(err, ERR_NOT_FOUND, 0, "containers/storage keeps no images in '%s'", root);
}

static int containers_open(struct storage *s, const struct storage_options *opts, struct error *err)
{
	_cleanup_(conf_done) struct conf conf = { 0 };
	const char *root, *driver = opts->driver;
	int r = opts->root ? 0 : conf_read(&conf, err);

	if (r < 0)
		return r;
	root = opts->root ? opts->root : conf.root;
	/* The settings' driver may be another than the one that made the store. */
	driver = find_driver(root, driver);
	if (!driver && !opts->driver)
		driver = find_driver(root, conf.driver);
	for (size_t i = 0; !driver && i < conf.more_count; i++)
		driver = find_driver(conf.more[i], conf.driver);
	if (!driver)
		return no_store(root, err);
	s->driver = strdup(driver);
	if (!s->driver)
		return err_nomem(err);
	r = storage_add_root(s, root, err);
	for (size_t i = 0; r == 0 && i < conf.more_count; i++)
		r = storage_add_root(s, conf.more[i], err);
	return r;
}

/* makeBigDataBaseName() of images.go: what is more than small letters, digits and dots stands as
 * base64. */
static char *big_data_path(const struct storage *s, const char *root, const char *id,
			   const char *key)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.";
	struct buf name = { 0 };
	size_t n = strspn(key, plain);
	char *path = NULL;

	/* It looks at all but the last character. */
	if (n + 1 >= strlen(key)
		    ? buf_append_str(&name, key) == 0
		    : buf_append_str(&name, "=") == 0 && text_base64(&name, key, strlen(key)) == 0)
		path = storage_path("%s/%s-images/%s/%s", root, s->driver, id, buf_str(&name));
	buf_free(&name);
	return path;
}

/* One image of images.json, borrowed from it. */
struct entry {
	const char *id, *digest, *layer;
	json_t *names, *digests;
};

static int read_entry(struct entry *e, json_t *json, struct error *err)
{
	int r;

	*e = (struct entry){ 0 };
	r = oci_json_string(json, "id", &e->id, err);
	if (r == 0)
		r = oci_json_string(json, "digest", &e->digest, err);
	if (r == 0)
		r = oci_json_string(json, "layer", &e->layer, err);
	if (r == 0)
		r = oci_json_array(json, "names", &e->names, err);
	if (r == 0)
		r = oci_json_object(json, "big-data-digests", &e->digests, err);
	if (r == 0 && (!e->id || strspn(e->id, "0123456789abcdef") != 64 || e->id[64]))
		r = err_fail(err, ERR_BAD_INPUT, 0, "an image without an id");
	return r;
}

/* One of the manifests that are kept with the image. */
static bool has_digest(const struct entry *e, const char *digest)
{
	const char *key;
	json_t *value;

	if (e->digest && strcmp(e->digest, digest) == 0)
		return true;
	json_object_foreach(e->digests, key, value)
	{
		if (strncmp(key, "manifest", strlen("manifest")) == 0 && json_is_string(value) &&
		    strcmp(json_string_value(value), digest) == 0)
			return true;
	}
	return false;
}

/* "docker.io/library/app:1.0" and the like up to its tag or digest. */
static size_t repository_len(const char *name)
{
	const char *at = strchr(name, '@'), *slash = strrchr(name, '/'),
		   *colon = strchr(slash ? slash : name, ':');

	if (at && colon && colon < at)
		return (size_t)(colon - name);
	return at ? (size_t)(at - name) : colon ? (size_t)(colon - name) : strlen(name);
}

static bool same_repository(const char *a, const char *b)
{
	size_t n = repository_len(a);

	return n == repository_len(b) && memcmp(a, b, n) == 0;
}

/* How well the image is named: 2 by its full name, 1 as one that was made here, else 0. */
static int is_named(const struct entry *e, const struct wanted *w)
{
	int best = 0;

	for (size_t i = 0; i < json_array_size(e->names); i++) {
		const char *name = json_string_value(json_array_get(e->names, i));

		if (!name)
			continue;
		if (strcmp(name, w->full) == 0 ||
		    (w->digest && same_repository(name, w->full) && has_digest(e, w->digest)))
			return 2;
		if (w->local &&
		    (strcmp(name, w->local) == 0 ||
		     (w->digest && same_repository(name, w->local) && has_digest(e, w->digest))))
			best = 1;
	}
	return best;
}

/* The manifest's word on the config, and on the blobs that the layers were. */
static int read_manifest(struct storage *s, const char *root, const struct entry *e,
			 struct storage_image *img, struct oci_manifest *manifest,
			 struct error *err)
{
	_cleanup_(freep) char *path = big_data_path(s, root, e->id, "manifest");
	char text[80], hex[DIGEST_HEX_MAX + 1];
	int r = path ? storage_read(path, s->limits->v[LIMIT_JSON_SIZE], &img->manifest,
				    &img->manifest_len, err)
		     : err_nomem(err);

	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "image %s has no manifest in the store",
				e->id);
	if (r == 0)
		r = digest_hex(DIGEST_SHA256, img->manifest, img->manifest_len, hex, err);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "sha256:%.64s", hex);
	if (e->digest && strncmp(e->digest, "sha256:", 7) == 0 && !has_digest(e, text))
		return err_fail(err, ERR_DIGEST, 0, "the manifest of image %s has the digest %s",
				e->id, text);
	if (oci_document_kind(img->manifest, img->manifest_len) == MEDIA_INDEX)
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"%s is a list of images in the store, no image", e->id);
	r = oci_manifest_parse(manifest, img->manifest, img->manifest_len, s->limits, err);
	return r < 0 ? err_wrap(err, "manifest of image %s", e->id) : 0;
}

/* Strings are borrowed from layers. */
static int find_layer(json_t *layers, const char *id, const char **parent, const char **diff,
		      struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(layers, i, item)
	{
		const char *is = NULL;
		int r = oci_json_string(item, "id", &is, err);

		if (r < 0)
			return r;
		if (!is || strcmp(is, id) != 0)
			continue;
		*parent = *diff = NULL;
		r = oci_json_string(item, "parent", parent, err);
		return r < 0 ? r : oci_json_string(item, "diff-digest", diff, err);
	}
	return err_fail(err, ERR_NOT_FOUND, 0, "layer %.64s is not in the store", id);
}

static int place_layer(struct storage *s, const char *root, struct storage_layer *l, const char *id,
		       struct error *err)
{
	struct stat st;
	int r = storage_layer_dir(&l->diff, root, s->driver, id, err);

	if (r < 0)
		return r;
	l->tar_split = storage_path("%s/%s-layers/%s.tar-split.gz", root, s->driver, id);
	if (!l->tar_split)
		return err_nomem(err);
	if (stat(l->tar_split, &st) == 0)
		l->split_size = (uint64_t)st.st_size;
	return 0;
}

/* From the top down, against the config's diff_ids. */
static int walk_layers(struct storage *s, const char *root, json_t *layers, const char *top,
		       struct storage_image *img, struct error *err)
{
	const char *id = top && top[0] ? top : NULL, *parent, *diff;
	size_t left = img->layer_count;
	int r;

	while (id && left) {
		struct storage_layer *l = &img->layers[--left];

		r = find_layer(layers, id, &parent, &diff, err);
		if (r == 0 && diff && diff[0] && strcmp(diff, l->diff_id.text) != 0)
			r = err_fail(err, ERR_DIGEST, 0, "the store says %.80s, the config %s",
				     diff, l->diff_id.text);
		if (r == 0)
			r = place_layer(s, root, l, id, err);
		if (r < 0)
			return err_wrap(err, "layer %zu", left);
		id = parent && parent[0] ? parent : NULL;
	}
	if (id || left)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"the store has %s layers than the config's %zu",
				id ? "more" : "fewer", img->layer_count);
	return 0;
}

static int find_layers(struct storage *s, const char *root, const char *top,
		       struct storage_image *img, struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/%s-layers/layers.json", root, s->driver);
	json_t *layers = NULL;
	int r = path ? storage_read_json(path, &layers, err) : err_nomem(err);

	if (r > 0)
		r = err_fail(err, ERR_NOT_FOUND, 0, "no file '%s'", path);
	if (r == 0)
		r = walk_layers(s, root, layers, top, img, err);
	json_decref(layers);
	return r;
}

static int take_image(struct storage *s, const char *root, const struct entry *e,
		      struct storage_image *out, struct error *err)
{
	_cleanup_(oci_manifest_free) struct oci_manifest manifest = { 0 };
	_cleanup_(freep) char *path = NULL;
	int r = read_manifest(s, root, e, out, &manifest, err);

	if (r < 0)
		return r;
	path = big_data_path(s, root, e->id, manifest.config.digest.text);
	r = path ? storage_image_config(s, out, path, &manifest.config.digest, err)
		 : err_nomem(err);
	for (size_t i = 0; r == 0 && i < json_array_size(e->names); i++) {
		const char *name = json_string_value(json_array_get(e->names, i));

		if (name && !strchr(name, '@'))
			r = storage_image_name(out, name, err);
	}
	for (size_t i = 0;
	     r == 0 && manifest.layer_count == out->layer_count && i < out->layer_count; i++) {
		out->layers[i].digest = manifest.layers[i].digest;
		out->layers[i].size = manifest.layers[i].size;
	}
	return r < 0 ? r : find_layers(s, root, e->layer, out, err);
}

/* By name, else by the beginning of an id. Index into images, or -1. */
static int choose(json_t *images, const struct wanted *w, long *out, struct error *err)
{
	int named = 0;
	char found[65] = "";
	long by_id = -1;

	*out = -1;
	for (size_t i = 0; i < json_array_size(images); i++) {
		struct entry e;
		int r = read_entry(&e, json_array_get(images, i), err), how;

		if (r < 0)
			return r;
		how = is_named(&e, w);
		if (how > named) {
			named = how;
			*out = (long)i;
		}
	}
	for (size_t i = 0; !named && i < json_array_size(images); i++) {
		struct entry e;
		int r = read_entry(&e, json_array_get(images, i), err);

		if (r == 0)
			r = wanted_id(w, e.id, found, err);
		if (r < 0)
			return r;
		if (found[0] && strcmp(found, e.id) == 0)
			by_id = (long)i;
	}
	if (!named)
		*out = by_id;
	return 0;
}

static int find_in(struct storage *s, const char *root, const struct wanted *w,
		   struct storage_image *out, struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/%s-images/images.json", root, s->driver);
	json_t *images = NULL;
	struct entry e;
	long at = -1;
	int r = path ? storage_read_json(path, &images, err) : err_nomem(err);

	if (r == 0)
		r = choose(images, w, &at, err);
	if (r == 0 && at >= 0)
		r = read_entry(&e, json_array_get(images, (size_t)at), err);
	if (r == 0)
		r = at < 0 ? 1 : take_image(s, root, &e, out, err);
	json_decref(images);
	return r < 0 ? err_wrap(err, "%s", root) : r;
}

static int containers_find(struct storage *s, const char *name, struct storage_image *out,
			   struct error *err)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	int r = wanted_parse(&w, name[0] == '@' ? name + 1 : name, err);

	if (r < 0)
		return r;
	r = 1;
	for (size_t i = 0; r == 1 && i < s->root_count; i++)
		r = find_in(s, s->roots[i], &w, out, err);
	return r;
}

const struct storage_ops storage_containers = { containers_open, containers_find };
