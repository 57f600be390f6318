/* manifest.json and repositories of `docker save` (moby, image/tarexport). */
#include <ctype.h>
#include <string.h>

#include "base/macro.h"
#include "sink/internal.h"

#define TAG_MAX	       128
#define REPOSITORY_MAX 255

static size_t span(const char *s, size_t n, const char *also)
{
	size_t i = 0;

	while (i < n && (islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]) ||
			 (s[i] && strchr(also, s[i]))))
		i++;
	return i;
}

static bool edge(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c);
}

/* A path's component: lower case, digits, and "._-" between them. */
static bool component_ok(const char *s, size_t n)
{
	return n && edge(s[0]) && edge(s[n - 1]) && span(s, n, "._-") == n;
}

/* A host may have upper case and a port. */
static bool host_ok(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : n;

	for (size_t i = 0; i < host; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(".-", s[i]))
			return false;
	for (size_t i = host + 1; i < n; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return host > 0 && host + 1 != n;
}

static bool tag_ok(const char *s)
{
	size_t n = strlen(s);

	if (!n || n > TAG_MAX || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	return true;
}

/* Where the tag's colon is, or the end. */
static size_t name_len(const char *name)
{
	const char *slash = strrchr(name, '/'), *colon = strchr(slash ? slash : name, ':');

	return colon ? (size_t)(colon - name) : strlen(name);
}

bool docker_name_ok(const char *name)
{
	size_t n = name_len(name), at = 0;

	if (n > REPOSITORY_MAX || (name[n] && !tag_ok(name + n + 1)))
		return false;
	for (bool first = true; at <= n; first = false) {
		const char *slash = memchr(name + at, '/', n - at);
		size_t len = slash ? (size_t)(slash - name) - at : n - at;

		if (!component_ok(name + at, len) && !(first && slash && host_ok(name + at, len)))
			return false;
		at += len + 1;
	}
	return true;
}

bool docker_is_tagged(const char *name)
{
	return docker_name_ok(name) && name[name_len(name)];
}

/* repositories: name, then tag, then the top layer, as docker 25 writes it. */
static int add_repository(struct sink *s, const char *name, const struct sink_image *image)
{
	_cleanup_(freep) char *repository = strndup(name, name_len(name));
	json_t *tags;

	if (!repository || !image->layer_count)
		return repository ? 0 : -1;
	tags = json_object_get(s->docker_repositories, repository);
	if (!tags) {
		tags = json_object();
		if (json_object_set_new(s->docker_repositories, repository, tags))
			return -1;
	}
	return json_object_set_new(
		tags, name + name_len(name) + 1,
		json_string(oci_digest_hex(&image->layers[image->layer_count - 1].digest)));
}

static int add_tag(struct sink *s, json_t *tags, const char *name, const struct sink_image *image)
{
	char shown[200];

	if (!docker_is_tagged(name)) {
		notes_add(s->notes, "'%s' is no NAME:TAG: a docker-archive does not keep it",
			  err_text(shown, sizeof(shown), name, strlen(name)));
		return 0;
	}
	if (json_array_append_new(tags, json_string(name)))
		return -1;
	return add_repository(s, name, image);
}

static int add_tags(struct sink *s, json_t *tags, const struct sink_image *image)
{
	int r = 0;

	/* A name stands for the first image alone: `docker load` gives it to the last. */
	if (s->name)
		return s->images ? 0 : add_tag(s, tags, s->name, image);
	for (size_t i = 0; r == 0 && i < image->name_count; i++)
		r = add_tag(s, tags, image->names[i], image);
	return r;
}

/* moby 20.10 has no zstd in pkg/archive; 23.0 has. */
static void note_zstd(struct sink *s, const struct sink_image *image)
{
	for (size_t i = 0; !s->engine && i < image->layer_count; i++)
		if (image->layers[i].codec == CODEC_ZSTD) {
			notes_add(s->notes, "a layer is compressed by zstd, which `docker load` "
					    "reads since Docker 23.0");
			return;
		}
}

static int add_blob(const struct sink *s, json_t *array, const struct oci_digest *digest)
{
	char name[OUT_NAME_MAX];

	s->layout->blob_name(name, digest);
	return json_array_append_new(array, json_string(name));
}

int docker_add(struct sink *s, const struct sink_image *image, const struct oci_digest *config,
	       struct error *err)
{
	json_t *tags = json_array(), *layers = json_array(), *row;
	char name[OUT_NAME_MAX];
	int r = tags && layers ? add_tags(s, tags, image) : -1;

	for (size_t i = 0; r == 0 && i < image->layer_count; i++)
		r = add_blob(s, layers, &image->layers[i].digest);
	note_zstd(s, image);
	s->layout->blob_name(name, config);
	row = json_pack("{s:s, s:o, s:o}", "Config", name, "RepoTags",
			tags && json_array_size(tags) ? json_incref(tags) : json_null(), "Layers",
			layers);
	json_decref(tags);
	if (r == 0 && row)
		r = json_array_append(s->docker_manifest, row);
	else
		r = -1;
	json_decref(row);
	return r ? err_nomem(err) : 0;
}
