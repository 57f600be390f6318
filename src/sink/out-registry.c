/* A repository of a registry: blobs as they come, manifests behind them, the one with the tag last.
 * What was sent before it has no name, and a registry drops it by itself.
 */
#include <string.h>

#include "base/buf.h"
#include "oci/image.h"
#include "sink/out.h"

#define MANIFESTS "manifests/"

enum file { FILE_NONE, FILE_UPLOAD, FILE_THERE, FILE_MANIFEST };

struct out_registry {
	struct out base;
	struct registry *registry;
	char *mount_from;	   /* a repository of the same registry, or NULL */
	struct oci_digest missing; /* the last one that take() did not find */
	enum file file;		   /* the open one */
	bool replace;
	struct registry_upload *upload; /* of the open one; or begun for one to come */
	struct buf manifest;		/* the open one; the top one until commit */
	struct progress *progress;	/* of what is uploaded, on that line; or NULL */
	size_t line;
};

static struct out_registry *of(struct out *o)
{
	return (struct out_registry *)o;
}

static int mount(struct out_registry *g, const struct oci_digest *digest, struct error *err)
{
	struct registry_upload *begun;
	int r = registry_blob_mount(&begun, g->registry, digest, g->mount_from, err);

	if (r > 0 && begun) {
		registry_upload_drop(g->upload);
		g->upload = begun;
	}
	return r;
}

static int take(struct out *o, const char *name, struct error *err)
{
	struct out_registry *g = of(o);
	struct oci_digest digest;
	int r = oci_digest_parse(&digest, name, err);

	if (r == 0)
		r = registry_blob_exists(g->registry, &digest, err);
	if (r > 0 && g->mount_from)
		r = mount(g, &digest, err);
	if (r > 0)
		g->missing = digest;
	return r;
}

static int begin(struct out *o, const char *name, _unused_ uint64_t size, struct error *err)
{
	struct out_registry *g = of(o);
	int r = 1;

	if (name && strncmp(name, MANIFESTS, strlen(MANIFESTS)) == 0) {
		buf_clear(&g->manifest);
		g->file = FILE_MANIFEST;
		return 0;
	}
	if (name && strcmp(name, g->missing.text) != 0)
		r = take(o, name, err);
	g->file = r > 0 ? FILE_UPLOAD : FILE_THERE;
	/* What has a name can be had from the source again. */
	if (!name)
		registry_upload_drop(STEAL(g->upload));
	if (r > 0)
		r = g->upload ? 0 : registry_upload_begin(&g->upload, g->registry, !name, err);
	if (r == 0 && g->file == FILE_UPLOAD)
		registry_upload_watch(g->upload, g->progress, g->line);
	return r;
}

static void watch(struct out *o, struct progress *progress, size_t line)
{
	of(o)->progress = progress;
	of(o)->line = line;
}

static int write_bytes(struct out *o, const void *bytes, size_t n, struct error *err)
{
	struct out_registry *g = of(o);

	if (g->file == FILE_UPLOAD)
		return registry_upload_write(g->upload, bytes, n, err);
	if (g->file == FILE_THERE)
		return 0;
	if (n > REGISTRY_MANIFEST_MAX - g->manifest.len)
		return err_fail(err, ERR_LIMIT, 0, "a manifest of more than %u MiB",
				REGISTRY_MANIFEST_MAX >> 20);
	return buf_append(&g->manifest, bytes, n) ? err_nomem(err) : 0;
}

/* What the document says of itself, else what its members tell. */
static int put_manifest(struct out_registry *g, const char *reference, struct error *err)
{
	const char *type = "";
	json_t *json = NULL;
	int r = oci_json_parse(&json, g->manifest.data, g->manifest.len, "manifest", err);

	if (r == 0)
		r = oci_json_string(json, "mediaType", &type, err);
	if (r == 0 && !*type)
		type = oci_document_kind(g->manifest.data, g->manifest.len) == MEDIA_INDEX
			       ? "application/vnd.oci.image.index.v1+json"
			       : "application/vnd.oci.image.manifest.v1+json";
	if (r == 0)
		r = registry_put_manifest(g->registry, reference, type, g->manifest.data,
					  g->manifest.len, err);
	json_decref(json);
	return r;
}

static int end(struct out *o, const char *name, struct error *err)
{
	struct out_registry *g = of(o);
	enum file file = g->file;
	struct oci_digest digest;
	int r;

	g->file = FILE_NONE;
	if (file == FILE_THERE || strcmp(name, OUT_REGISTRY_TOP) == 0)
		return 0;
	if (file == FILE_MANIFEST)
		return put_manifest(g, name + strlen(MANIFESTS), err);
	r = oci_digest_parse(&digest, name, err);
	return r < 0 ? r : registry_upload_finish(STEAL(g->upload), &digest, err);
}

static int drop(struct out *o, _unused_ struct error *err)
{
	registry_upload_drop(STEAL(of(o)->upload));
	of(o)->file = FILE_NONE;
	return 0;
}

static void close_registry(struct out *o)
{
	struct out_registry *g = of(o);

	registry_upload_drop(g->upload);
	registry_close(g->registry);
	free(g->mount_from);
	buf_free(&g->manifest);
	free(g);
}

static int check_free(struct out_registry *g, struct error *err)
{
	const struct registry_name *name = registry_name(g->registry);
	_cleanup_(freep) uint8_t *data = NULL;
	_cleanup_(freep) char *type = NULL;
	struct oci_digest digest;
	size_t len;
	int r = registry_manifest(g->registry, name->tag, &data, &len, &type, &digest, err);

	if (r == 0)
		return err_fail(err, ERR_DENIED, 0,
				"%s/%s:%s is there already (%s): --replace lets the tag move",
				name->host, name->repository, name->tag, digest.text);
	return r < 0 ? r : 0;
}

/* The tag may have come meanwhile. */
static int commit(struct out *o, struct error *err)
{
	struct out_registry *g = of(o);
	int r = g->replace ? 0 : check_free(g, err);

	return r < 0 ? r : put_manifest(g, registry_name(g->registry)->tag, err);
}

/* Blobs of another repository of the same registry need not travel. */
static int set_mount(struct out_registry *g, const struct registry_name *from, struct error *err)
{
	const struct registry_name *to = registry_name(g->registry);

	if (!from || strcmp(from->host, to->host) != 0 ||
	    strcmp(from->repository, to->repository) == 0)
		return 0;
	g->mount_from = strdup(from->repository);
	return g->mount_from ? registry_allow_mounts(g->registry, from->repository, err)
			     : err_nomem(err);
}

int out_registry_open(struct out **out, const char *path, bool replace,
		      const struct registry_options *opts, const struct registry_name *from,
		      struct error *err)
{
	static const struct out_ops ops = { .begin = begin,
					    .write = write_bytes,
					    .end = end,
					    .drop = drop,
					    .commit = commit,
					    .close = close_registry,
					    .take = take,
					    .watch = watch };
	_cleanup_(registry_name_freep) struct registry_name name = { 0 };
	struct out_registry *g;
	int r = registry_name_parse(&name, path, err);

	if (r < 0)
		return r;
	if (name.digest.text[0])
		return err_fail(err, ERR_USAGE, 0,
				"a digest is no name to write to: name a tag of %s/%s", name.host,
				name.repository);
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_nomem(err);
	g->base.ops = &ops;
	g->replace = replace;
	r = registry_open(&g->registry, &name, true, opts, err);
	if (r == 0)
		r = set_mount(g, from, err);
	if (r == 0 && !replace)
		r = check_free(g, err);
	if (r < 0)
		close_registry(&g->base);
	else
		*out = &g->base;
	return r;
}
