#include "storage/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "oci/familiar.h"
#include "stream/codec.h"

static const struct storage_ops *const stores[] = {
	[STORAGE_DOCKER] = &storage_docker,
	[STORAGE_CONTAINERS] = &storage_containers,
};

int storage_open(struct storage **out, enum storage_kind kind, const struct storage_options *opts,
		 struct error *err)
{
	_cleanup_(storage_closep) struct storage *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_nomem(err);
	if ((size_t)kind >= ARRAY_SIZE(stores))
		return err_fail(err, ERR_BUG, 0, "no such kind of store");
	s->ops = stores[kind];
	s->limits = opts->limits;
	s->notes = opts->notes;
	r = s->ops->open(s, opts, err);
	if (r == 0)
		*out = STEAL(s);
	return r;
}

void storage_close(struct storage *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->root_count; i++)
		free(s->roots[i]);
	free(s->roots);
	free(s->driver);
	free(s);
}

const char *storage_root(const struct storage *s)
{
	return s->roots[0];
}

int storage_find(struct storage *s, const char *name, struct storage_image *out, struct error *err)
{
	int r;

	*out = (struct storage_image){ 0 };
	r = s->ops->find(s, name, out, err);
	if (r)
		storage_image_free(out);
	return r;
}

void storage_image_free(struct storage_image *img)
{
	for (size_t i = 0; i < img->name_count; i++)
		free(img->names[i]);
	for (size_t i = 0; i < img->layer_count; i++) {
		free(img->layers[i].tar_split);
		free(img->layers[i].diff);
	}
	free(img->names);
	free(img->layers);
	free(img->id);
	free(img->config);
	free(img->manifest);
	*img = (struct storage_image){ 0 };
}

int storage_image_name(struct storage_image *img, const char *name, struct error *err)
{
	char **names = reallocarray(img->names, img->name_count + 1, sizeof(*names));

	if (!names)
		return err_nomem(err);
	img->names = names;
	names[img->name_count] = strdup(name);
	return names[img->name_count] && ++img->name_count ? 0 : err_nomem(err);
}

int storage_add_root(struct storage *s, const char *path, struct error *err)
{
	char **roots;

	for (size_t i = 0; i < s->root_count; i++)
		if (strcmp(s->roots[i], path) == 0)
			return 0;
	roots = reallocarray(s->roots, s->root_count + 1, sizeof(*roots));
	if (!roots)
		return err_nomem(err);
	s->roots = roots;
	roots[s->root_count] = strdup(path);
	return roots[s->root_count] && ++s->root_count ? 0 : err_nomem(err);
}

char *storage_path(const char *fmt, ...)
{
	va_list ap;
	char *path;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&path, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : path;
}

char *storage_xdg(const char *variable, const char *in_home, const char *rest)
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (base && base[0] == '/')
		return storage_path("%s/%s", base, rest);
	return storage_path("%s/%s/%s", home ? home : "", in_home, rest);
}

bool storage_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* 0 with *fd, 1 where there is none. */
static int open_file(const char *path, int *fd, uint64_t *size, struct error *err)
{
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (*fd < 0)
		return err_fail(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "open '%s'",
				path);
	if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		closep(fd);
		return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is no file", path);
	}
	*size = (uint64_t)st.st_size;
	return 0;
}

int storage_read(const char *path, size_t max, uint8_t **data, size_t *len, struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	uint64_t size;
	int fd, r = open_file(path, &fd, &size, err);

	if (r)
		return r;
	r = stream_open_range(&in, fd, true, 0, size, err);
	if (r < 0) {
		closep(&fd);
		return r;
	}
	r = stream_read_all(in, max, data, len, err);
	return r < 0 ? err_wrap(err, "%s", path) : 0;
}

int storage_read_json(const char *path, json_t **out, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	size_t len;
	int r = storage_read(path, STORE_TABLE_MAX, &data, &len, err);

	return r ? r : oci_json_parse(out, data, len, path, err);
}

int storage_read_word(const char *path, char **out, struct error *err)
{
	uint8_t *data;
	size_t len;
	int r = storage_read(path, 4096, &data, &len, err);

	if (r)
		return r;
	*out = (char *)data;
	(*out)[strcspn(*out, "\r\n")] = '\0';
	return 0;
}

static const char *hex_of(const char *text, size_t *n)
{
	const char *hex = strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;

	*n = strspn(hex, "0123456789abcdef");
	return *n >= 4 && *n <= 64 && !hex[*n] ? hex : NULL;
}

int wanted_parse(struct wanted *w, const char *text, struct error *err)
{
	static const char hub[] = "docker.io/", library[] = "docker.io/library/";
	const char *at = strchr(text, '@');
	_cleanup_(freep) char *name = NULL;

	*w = (struct wanted){ .text = text };
	w->hex = hex_of(text, &w->hex_len);
	/* "app:1.0@sha256:...": the digest tells, as to every engine. */
	if (at) {
		const char *last = memrchr(text, '/', (size_t)(at - text));
		const char *start = last ? last : text;
		const char *colon = memchr(start, ':', (size_t)(at - start));

		name = storage_path("%.*s%s", (int)((colon ? colon : at) - text), text, at);
		w->digest = at + 1;
	} else {
		name = strdup(text);
	}
	w->full = name ? familiar_full(name) : NULL;
	if (!w->full)
		return err_nomem(err);
	/* What is built or loaded here gets this host where it has none (libimage). */
	if (strncmp(w->full, hub, strlen(hub)) == 0 && !strstr(text, hub)) {
		w->local = storage_path("localhost/%s",
					w->full + strlen(strchr(text, '/') ? hub : library));
		if (!w->local)
			return err_nomem(err);
	}
	return 0;
}

void wanted_done(struct wanted *w)
{
	free(w->full);
	free(w->local);
}

int wanted_id(const struct wanted *w, const char *id, char found[65], struct error *err)
{
	if (!w->hex || strncmp(id, w->hex, w->hex_len) != 0 || strcmp(id, found) == 0)
		return 0;
	if (found[0])
		return err_fail(err, ERR_USAGE, 0, "'%s' is the beginning of several ids", w->text);
	snprintf(found, 65, "%s", id);
	return 0;
}

int storage_image_config(struct storage *s, struct storage_image *img, const char *path,
			 const struct oci_digest *digest, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	struct oci_config config = { 0 };
	int r = storage_read(path, s->limits->v[LIMIT_JSON_SIZE], &img->config, &img->config_len,
			     err);

	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "config %s: no file '%s'", digest->text,
				path);
	if (r == 0)
		r = digest_hex(digest->algo, img->config, img->config_len, hex, err);
	if (r < 0)
		return r;
	if (strcmp(hex, oci_digest_hex(digest)) != 0)
		return err_fail(err, ERR_DIGEST, 0, "config %s: its bytes have the digest %s",
				digest->text, hex);
	r = oci_config_parse(&config, img->config, img->config_len, s->limits, err);
	if (r < 0)
		return err_wrap(err, "config %s", digest->text);
	img->id = strdup(digest->text);
	img->layers = calloc(config.diff_id_count + 1, sizeof(*img->layers));
	if (!img->id || !img->layers)
		r = err_nomem(err);
	for (size_t i = 0; r == 0 && i < config.diff_id_count; i++)
		img->layers[img->layer_count++] =
			(struct storage_layer){ .diff_id = config.diff_ids[i], .size = UINT64_MAX };
	oci_config_free(&config);
	return r;
}

int storage_layer_dir(char **out, const char *root, const char *driver, const char *id,
		      struct error *err)
{
	static const struct {
		const char *driver, *before, *behind;
	} rows[] = {
		{ "overlay", "overlay", "/diff" },
		{ "overlay2", "overlay2", "/diff" },
		{ "fuse-overlayfs", "fuse-overlayfs", "/diff" },
		/* Whole trees, not only what the layer changed: its own files are in them too. */
		{ "vfs", "vfs/dir", "" },
		{ "btrfs", "btrfs/subvolumes", "" },
	};

	*out = NULL;
	if (!id[0] || strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-_") != strlen(id))
		return err_fail(err, ERR_BAD_INPUT, 0, "the store has a layer without a name");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].driver, driver) != 0)
			continue;
		*out = storage_path("%s/%s/%s%s", root, rows[i].before, id, rows[i].behind);
		return *out ? 0 : err_nomem(err);
	}
	return 0;
}

int storage_layer_open(struct storage *s, const struct storage_layer *layer, struct stream **out,
		       struct error *err)
{
	_cleanup_(stream_closep) struct stream *raw = NULL, *json = NULL;
	struct tar_split_options how = { .diff = -1, .own_diff = true };
	enum codec codec;
	uint64_t size;
	int fd, r;

	if (!layer->tar_split)
		r = 1;
	else
		r = open_file(layer->tar_split, &fd, &size, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0,
				"the store keeps no headers (tar-split) of %s",
				layer->diff_id.text);
	if (r < 0)
		return r;
	r = stream_open_range(&raw, fd, true, 0, size, err);
	if (r < 0) {
		closep(&fd);
		return r;
	}
	r = codec_open_detected(&json, raw, &codec, s->limits, err);
	if (r < 0)
		return r;
	STEAL(raw);
	if (layer->diff)
		how.diff = open(layer->diff, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = tar_split_open(out, json, &how, err);
	if (r < 0)
		closep(&how.diff);
	else
		STEAL(json);
	return r;
}
