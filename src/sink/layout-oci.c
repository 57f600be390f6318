/* An OCI layout (image-spec image-layout.md), and with manifest.json beside it what `docker save`
 * writes since 25: engines that know no layout read manifest.json, containerd reads index.json.
 */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "oci/familiar.h"
#include "sink/internal.h"

#define REF_NAME   "org.opencontainers.image.ref.name"
#define IMAGE_NAME "io.containerd.image.name"

static void blob_name(char out[OUT_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, OUT_NAME_MAX, "blobs/%s/%s", d->algo == DIGEST_SHA512 ? "sha512" : "sha256",
		 oci_digest_hex(d));
}

static json_t *platform_json(const struct platform *p)
{
	json_t *json = json_pack("{s:s, s:s}", "architecture", p->architecture, "os", p->os);

	if (json && p->variant[0] &&
	    json_object_set_new(json, "variant", json_string(p->variant))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* Docker puts the whole name into containerd's annotation, and the tag alone into OCI's. */
static json_t *annotations(const struct sink *s, const char *name)
{
	_cleanup_(freep) char *full = NULL;

	if (!s->layout->docker)
		return json_pack("{s:s}", REF_NAME, name);
	full = familiar_full(name);
	return full ? json_pack("{s:s, s:s}", IMAGE_NAME, full, REF_NAME, strrchr(full, ':') + 1)
		    : NULL;
}

int layout_rename(const struct sink *s, json_t *to, const char *name)
{
	json_t *own = annotations(s, name);
	int r = own ? json_object_update(to, own) : -1;

	if (r == 0 && !s->layout->docker)
		json_object_del(to, IMAGE_NAME);
	json_decref(own);
	return r;
}

static int list_one(struct sink *s, const struct sink_document *doc,
		    const struct platform *platform, const char *name)
{
	json_t *d = json_pack("{s:s, s:s, s:I}", "mediaType", doc->media_type, "digest",
			      doc->digest.text, "size", (json_int_t)doc->size);
	int r = d ? 0 : -1;

	if (r == 0 && name)
		r = json_object_set_new(d, "annotations", annotations(s, name));
	if (r == 0 && platform && platform->os[0] && platform->architecture[0])
		r = json_object_set_new(d, "platform", platform_json(platform));
	if (r == 0)
		return json_array_append_new(s->manifests, d);
	json_decref(d);
	return r;
}

/* One descriptor a name, or one without. */
static int oci_list(struct sink *s, const struct sink_document *doc, const void *bytes, size_t n,
		    const struct platform *platform, const char *const *names, size_t count,
		    struct error *err)
{
	size_t listed = 0;
	int r = 0;

	(void)bytes;
	(void)n;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (s->layout->docker ? !docker_is_tagged(names[i])
				      : !text_is_utf8(names[i], strlen(names[i])))
			continue;
		r = list_one(s, doc, platform, names[i]);
		listed++;
	}
	if (r == 0 && !listed)
		r = list_one(s, doc, platform, NULL);
	return r ? err_nomem(err) : 0;
}

static int put_index(struct sink *s, struct error *err)
{
	json_t *json;
	int r;

	if (s->root.len)
		return sink_file(s, "index.json", s->root.data, s->root.len, err);
	json = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
			 "application/vnd.oci.image.index.v1+json", "manifests", s->manifests);
	r = json ? sink_file_json(s, "index.json", json, err) : err_nomem(err);
	json_decref(json);
	return r;
}

static int oci_commit(struct sink *s, struct error *err)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	int r = sink_file(s, "oci-layout", version, strlen(version), err);

	return r < 0 ? r : put_index(s, err);
}

/* manifest.json comes last: without it no engine takes an archive that was cut off. */
static int docker_commit(struct sink *s, struct error *err)
{
	int r = oci_commit(s, err);

	if (r == 0 && s->repositories)
		r = sink_file_json(s, "repositories", s->docker_repositories, err);
	return r < 0 ? r : sink_file_json(s, "manifest.json", s->docker_manifest, err);
}

const struct layout layout_oci = { blob_name, blob_name, oci_list, oci_commit, false };
const struct layout layout_docker = { blob_name, blob_name, oci_list, docker_commit, true };
