/* A repository as a store: "manifests/DIGEST" and "blobs/DIGEST". A manifest is asked for once and
 * kept, as looking for it and reading it are one request; nothing is asked to find a blob. */
#include <stdlib.h>
#include <string.h>

#include "source/source-registry.h"

#define MANIFESTS "manifests/"
#define BLOBS	  "blobs/"

struct kept_manifest {
	char *digest;
	uint8_t *data;
	size_t len;
};

struct store_registry {
	struct store base;
	struct registry *registry; /* borrowed */
	struct kept_manifest *kept;
	size_t count;
};

static const struct kept_manifest *find_kept(const struct store_registry *s, const char *digest)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->kept[i].digest, digest) == 0)
			return &s->kept[i];
	return NULL;
}

int store_registry_keep(struct store *st, const char *digest, uint8_t *data, size_t len,
			struct error *err)
{
	struct store_registry *s = (struct store_registry *)st;
	struct kept_manifest *more;

	more = reallocarray(s->kept, s->count + 1, sizeof(*more));
	if (more)
		s->kept = more;
	if (!more || !(more[s->count].digest = strdup(digest))) {
		free(data);
		return err_nomem(err);
	}
	more[s->count].data = data;
	more[s->count].len = len;
	s->count++;
	return 0;
}

static int find_manifest(struct store_registry *s, const char *digest, struct stored *out,
			 struct error *err)
{
	const struct kept_manifest *kept = find_kept(s, digest);
	_cleanup_(freep) uint8_t *data = NULL;
	_cleanup_(freep) char *type = NULL;
	struct oci_digest computed;
	size_t len;
	int r;

	if (!kept) {
		r = registry_manifest(s->registry, digest, &data, &len, &type, &computed, err);
		if (r == 0)
			r = store_registry_keep(&s->base, digest, STEAL(data), len, err);
		if (r)
			return r;
		kept = find_kept(s, digest);
	}
	out->size = kept->len;
	return 0;
}

static int registry_find(struct store *st, const char *name, struct stored *out, struct error *err)
{
	if (strlen(name) >= sizeof(out->name))
		return 1;
	strcpy(out->name, name);
	out->layer = true;
	out->size = SOURCE_SIZE_UNKNOWN;
	if (strncmp(name, MANIFESTS, strlen(MANIFESTS)) == 0)
		return find_manifest((struct store_registry *)st, name + strlen(MANIFESTS), out,
				     err);
	return strncmp(name, BLOBS, strlen(BLOBS)) == 0 ? 0 : 1;
}

static int registry_read(struct store *st, const char *name, struct stream **out, struct error *err)
{
	struct store_registry *s = (struct store_registry *)st;
	struct oci_digest digest;
	int r;

	if (strncmp(name, MANIFESTS, strlen(MANIFESTS)) == 0) {
		const struct kept_manifest *kept = find_kept(s, name + strlen(MANIFESTS));

		return kept ? stream_open_memory(out, kept->data, kept->len, err)
			    : err_fail(err, ERR_BUG, 0, "a manifest that was not looked for");
	}
	r = oci_digest_parse(&digest, name + strlen(BLOBS), err);
	return r < 0 ? r : registry_blob(s->registry, &digest, HTTP_SIZE_UNKNOWN, 0, 0, out, err);
}

static void registry_done(struct store *st)
{
	struct store_registry *s = (struct store_registry *)st;

	for (size_t i = 0; i < s->count; i++) {
		free(s->kept[i].digest);
		free(s->kept[i].data);
	}
	free(s->kept);
	free(s);
}

int store_registry_open(struct store **out, struct registry *registry, struct error *err)
{
	static const struct store_ops ops = { registry_find, registry_read, registry_done };
	struct store_registry *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(err);
	s->base.ops = &ops;
	s->registry = registry;
	*out = &s->base;
	return 0;
}
