/* dockerd's image store with a graph driver (moby image/, layer/, distribution/ of 1.10 to 29).
 *
 * ROOT[/UID.GID]/image/DRIVER/
 *   repositories.json                     names
 *   imagedb/content/sha256/ID             configs as they are
 *   layerdb/sha256/CHAINID/               diff, parent, cache-id, tar-split.json.gz
 *   distribution/v2metadata-by-diffid/    blobs that a diff_id was pulled from
 *
 * With userns-remap, the daemon moves all this into a directory named by the ids that 0 becomes. A
 * daemon that keeps its images in containerd has none of it, or what it had before.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/macro.h"
#include "oci/familiar.h"
#include "storage/internal.h"

#define DEFAULT_ROOT "/var/lib/docker"

/* daemon.json's say on where images are. */
struct settings {
	char *root, *driver;
	bool snapshotter;
};

static void settings_done(struct settings *s)
{
	free(s->root);
	free(s->driver);
}

static int read_settings(struct settings *out, const char *path, struct error *err)
{
	const char *root = NULL, *graph = NULL, *driver = NULL;
	json_t *json = NULL, *features = NULL;
	int r = storage_read_json(path, &json, err);

	/* A file that only dockerd can read, or nobody, says nothing. */
	if (r > 0 || r == -ERR_DENIED || r == -ERR_BAD_INPUT)
		return 0;
	if (r == 0)
		r = oci_json_string(json, "data-root", &root, err);
	if (r == 0)
		r = oci_json_string(json, "graph", &graph, err);
	if (r == 0)
		r = oci_json_string(json, "storage-driver", &driver, err);
	if (r == 0)
		r = oci_json_object(json, "features", &features, err);
	if (r == 0 && features)
		r = oci_json_bool(features, "containerd-snapshotter", &out->snapshotter, err);
	root = root ? root : graph;
	if (r == 0 &&
	    ((root && !(out->root = strdup(root))) || (driver && !(out->driver = strdup(driver)))))
		r = err_nomem(err);
	json_decref(json);
	return r < 0 ? err_wrap(err, "%s", path) : 0;
}

/* Where this host's daemon is: the caller's own rootless one, else the system's. */
static int find_settings(struct settings *out, struct error *err)
{
	_cleanup_(freep) char *path = NULL, *root = NULL;
	int r;

	if (geteuid() != 0) {
		path = storage_xdg("XDG_CONFIG_HOME", ".config", "docker/daemon.json");
		root = storage_xdg("XDG_DATA_HOME", ".local/share", "docker");
		if (!path || !root)
			return err_nomem(err);
		r = read_settings(out, path, err);
		if (r < 0 || out->root)
			return r;
		if (storage_is_dir(root)) {
			out->root = STEAL(root);
			return 0;
		}
	}
	r = read_settings(out, "/etc/docker/daemon.json", err);
	if (r == 0 && !out->root) {
		out->root = strdup(DEFAULT_ROOT);
		if (!out->root)
			return err_nomem(err);
	}
	return r;
}

/* The image directory that was written last: a daemon that was told to remap, or to use another
 * driver, leaves the old one as it was. */
struct newest {
	char *image, *root, *driver;
	struct timespec when;
};

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int consider(struct newest *best, const char *root, const char *driver, struct error *err)
{
	_cleanup_(freep) char *image = storage_path("%s/image/%s", root, driver);
	_cleanup_(freep) char *names = storage_path("%s/image/%s/repositories.json", root, driver);
	_cleanup_(freep) char *content =
		storage_path("%s/image/%s/imagedb/content/sha256", root, driver);
	struct stat st;

	if (!image || !names || !content)
		return err_nomem(err);
	if (!storage_is_dir(content) || (stat(names, &st) < 0 && stat(content, &st) < 0))
		return 0;
	if (best->image && !is_newer(&st.st_mtim, &best->when))
		return 0;
	free(best->root);
	free(best->driver);
	free(best->image);
	best->when = st.st_mtim;
	best->image = STEAL(image);
	best->root = strdup(root);
	best->driver = strdup(driver);
	return best->root && best->driver ? 0 : err_nomem(err);
}

/* The drivers' directories of one root. */
static int look_below(struct newest *best, const char *root, const char *driver, struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/image", root);
	struct dirent *e;
	int r = 0;
	DIR *dir;

	if (!path)
		return err_nomem(err);
	if (driver)
		return consider(best, root, driver, err);
	dir = opendir(path);
	if (!dir)
		return errno == EACCES ? err_fail(err, ERR_DENIED, errno, "open '%s'", path) : 0;
	while (r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			r = consider(best, root, e->d_name, err);
	closedir(dir);
	return r;
}

/* "100000.100000" */
static bool is_remapped(const char *name)
{
	size_t uid = strspn(name, "0123456789"), gid;

	if (!uid || name[uid] != '.')
		return false;
	gid = strspn(name + uid + 1, "0123456789");
	return gid && !name[uid + 1 + gid];
}

static int look(struct newest *best, const char *root, const char *driver, struct error *err)
{
	struct dirent *e;
	DIR *dir = opendir(root);
	int r;

	if (!dir)
		return err_fail(err, errno == EACCES ? ERR_DENIED : ERR_NOT_FOUND, errno,
				"open '%s'", root);
	r = look_below(best, root, driver, err);
	while (r == 0 && (e = readdir(dir))) {
		_cleanup_(freep) char *path = NULL;

		if (!is_remapped(e->d_name))
			continue;
		path = storage_path("%s/%s", root, e->d_name);
		r = path ? look_below(best, path, driver, err) : err_nomem(err);
	}
	closedir(dir);
	return r;
}

/* roots[0] is the root, roots[1] the driver's directory below image/. */
static int docker_open(struct storage *s, const struct storage_options *opts, struct error *err)
{
	_cleanup_(settings_done) struct settings settings = { 0 };
	const char *root = opts->root, *driver = opts->driver;
	struct newest best = { 0 };
	int r = root ? 0 : find_settings(&settings, err);

	if (r < 0)
		return r;
	if (settings.snapshotter)
		return err_fail(err, ERR_NOT_FOUND, 0,
				"dockerd keeps its images in containerd (containerd-snapshotter)");
	root = root ? root : settings.root;
	r = look(&best, root, driver ? driver : settings.driver, err);
	if (r == 0 && !best.image)
		r = err_fail(err, ERR_NOT_FOUND, 0, "dockerd keeps no images in '%s'", root);
	if (r == 0)
		r = storage_add_root(s, best.root, err);
	if (r == 0)
		r = storage_add_root(s, best.image, err);
	if (r == 0)
		s->driver = STEAL(best.driver);
	free(best.image);
	free(best.root);
	free(best.driver);
	return r;
}

/* The id that a name has, and (for id) all names of an id. Either may be NULL. */
static int walk_names(json_t *json, const struct wanted *w, char found[65],
		      struct storage_image *img, struct error *err)
{
	json_t *repositories = NULL, *names, *value;
	const char *repository, *name;
	int r = oci_json_object(json, "Repositories", &repositories, err);

	json_object_foreach(repositories, repository, names)
	{
		json_object_foreach(names, name, value)
		{
			const char *id = json_string_value(value);

			if (r < 0 || !id || strncmp(id, "sha256:", 7) != 0)
				continue;
			if (img && strcmp(id, img->id) == 0 && !strchr(name, '@'))
				r = storage_image_name(img, name, err);
			if (w && familiar_equal(name, w->full))
				snprintf(found, 65, "%s", id + 7);
		}
	}
	return r;
}

static int find_prefix(const struct storage *s, const struct wanted *w, char found[65],
		       struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/imagedb/content/sha256", s->roots[1]);
	struct dirent *e;
	int r = 0;
	DIR *dir;

	if (!path)
		return err_nomem(err);
	dir = opendir(path);
	if (!dir)
		return err_fail(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "open '%s'",
				path);
	while (r == 0 && (e = readdir(dir)))
		if (strspn(e->d_name, "0123456789abcdef") == 64 && !e->d_name[64])
			r = wanted_id(w, e->d_name, found, err);
	closedir(dir);
	return r;
}

/* The blob that the layer was pulled as, the last one: a pull adds to the end. */
static int find_blob(const struct storage *s, struct storage_layer *l, struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/distribution/v2metadata-by-diffid/sha256/%s",
						   s->roots[1], oci_digest_hex(&l->diff_id));
	const char *digest = NULL;
	struct error ignored;
	json_t *json = NULL;

	if (!path)
		return err_nomem(err);
	if (storage_read_json(path, &json, &ignored) == 0 && json_array_size(json)) {
		json_t *last = json_array_get(json, json_array_size(json) - 1);

		if (oci_json_string(last, "Digest", &digest, &ignored) < 0 || !digest ||
		    oci_digest_parse(&l->digest, digest, &ignored) < 0)
			l->digest = (struct oci_digest){ 0 };
	}
	json_decref(json);
	return 0;
}

/* What layerdb has under the name of the chain, against what the config says. */
static int check_word(const char *dir, const char *name, const char *want, struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/%s", dir, name), *word = NULL;
	int r = path ? storage_read_word(path, &word, err) : err_nomem(err);

	if (r < 0)
		return r;
	if (r > 0 || strcmp(word, want) != 0)
		return err_fail(err, ERR_DIGEST, 0, "'%s' is not %s", path, want);
	return 0;
}

static int find_layer(struct storage *s, struct storage_layer *l, const char *chain,
		      const char *parent, struct error *err)
{
	_cleanup_(freep) char *dir =
		storage_path("%s/layerdb/sha256/%s", s->roots[1], chain + strlen("sha256:"));
	_cleanup_(freep) char *cache_path = NULL, *cache = NULL;
	struct stat st;
	int r;

	if (!dir)
		return err_nomem(err);
	cache_path = storage_path("%s/cache-id", dir);
	l->tar_split = storage_path("%s/tar-split.json.gz", dir);
	if (!cache_path || !l->tar_split)
		return err_nomem(err);
	r = storage_read_word(cache_path, &cache, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "'%s' is not there", dir);
	if (r == 0)
		r = check_word(dir, "diff", l->diff_id.text, err);
	if (r == 0 && parent)
		r = check_word(dir, "parent", parent, err);
	if (r == 0)
		r = storage_layer_dir(&l->diff, s->roots[0], s->driver, cache, err);
	if (r == 0)
		r = find_blob(s, l, err);
	if (r == 0 && stat(l->tar_split, &st) == 0)
		l->split_size = (uint64_t)st.st_size;
	return r;
}

/* image-spec config.md, "Layer ChainID". */
static int find_layers(struct storage *s, struct storage_image *img, struct error *err)
{
	char chain[80] = "", parent[80], hex[DIGEST_HEX_MAX + 1];

	for (size_t i = 0; i < img->layer_count; i++) {
		struct storage_layer *l = &img->layers[i];
		_cleanup_(freep) char *text = NULL;
		int r;

		if (l->diff_id.algo != DIGEST_SHA256)
			return err_fail(err, ERR_UNSUPPORTED, 0,
					"layer %zu: dockerd knows sha256 alone", i);
		memcpy(parent, chain, sizeof(parent));
		if (i) {
			text = storage_path("%s %s", parent, l->diff_id.text);
			if (!text)
				return err_nomem(err);
			r = digest_hex(DIGEST_SHA256, text, strlen(text), hex, err);
			if (r < 0)
				return r;
			snprintf(chain, sizeof(chain), "sha256:%.64s", hex);
		} else {
			snprintf(chain, sizeof(chain), "%.71s", l->diff_id.text);
		}
		r = find_layer(s, l, chain, i ? parent : NULL, err);
		if (r < 0)
			return err_wrap(err, "layer %zu", i);
	}
	return 0;
}

static int find_image(struct storage *s, json_t *names, const char *hex, struct storage_image *out,
		      struct error *err)
{
	_cleanup_(freep) char *path =
		storage_path("%s/imagedb/content/sha256/%s", s->roots[1], hex);
	_cleanup_(freep) char *text = storage_path("sha256:%s", hex);
	struct oci_digest digest;
	int r = path && text ? oci_digest_parse(&digest, text, err) : err_nomem(err);

	if (r == 0)
		r = storage_image_config(s, out, path, &digest, err);
	if (r == 0 && names)
		r = walk_names(names, NULL, NULL, out, err);
	return r < 0 ? r : find_layers(s, out, err);
}

static int docker_find(struct storage *s, const char *name, struct storage_image *out,
		       struct error *err)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	_cleanup_(freep) char *path = storage_path("%s/repositories.json", s->roots[1]);
	char found[65] = "";
	json_t *names = NULL;
	int r = path ? wanted_parse(&w, name, err) : err_nomem(err);

	if (r == 0)
		r = storage_read_json(path, &names, err);
	if (r >= 0 && names)
		r = walk_names(names, &w, found, NULL, err);
	if (r >= 0 && !found[0])
		r = find_prefix(s, &w, found, err);
	if (r >= 0)
		r = found[0] ? find_image(s, names, found, out, err) : 1;
	json_decref(names);
	return r;
}

const struct storage_ops storage_docker = { docker_open, docker_find };
