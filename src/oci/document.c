/* Indexes and manifests, and which of them a document is. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macro.h"
#include "oci/image.h"

/* A document may look like both, and then engines disagree on what it is (CVE-2021-41190): refuse
 * what has members of the other kind, or says it is another. */
static int check_shape(json_t *json, enum media_kind want, struct error *err)
{
	static const char *const others[][3] = {
		[MEDIA_INDEX] = { "layers", "config", "fsLayers" },
		[MEDIA_MANIFEST] = { "manifests", "fsLayers", NULL },
	};
	const char *media_type = "";
	uint64_t version = 2;
	json_t *found;
	int r = oci_json_u64(json, "schemaVersion", &version, err);

	if (r < 0)
		return r;
	if (version != 2)
		return err_fail(err, ERR_UNSUPPORTED, 0, "schemaVersion is not 2");
	for (size_t i = 0; i < 3 && others[want][i]; i++) {
		r = oci_json_member(json, others[want][i], &found, err);
		if (r < 0)
			return r;
		if (found)
			return err_fail(err, ERR_BAD_INPUT, 0, "%s with '%s' in it",
					want == MEDIA_INDEX ? "an index" : "a manifest",
					others[want][i]);
	}
	r = oci_json_string(json, "mediaType", &media_type, err);
	if (r == 0 && media_kind(media_type, NULL) != want &&
	    media_kind(media_type, NULL) != MEDIA_UNKNOWN)
		return err_fail(err, ERR_BAD_INPUT, 0, "the mediaType is another's");
	return r;
}

/* The descriptors of the array key. *out and *count are owned by the caller, on an error too. */
static int read_descriptors(struct descriptor **out, size_t *count, json_t *json, const char *key,
			    const struct limits *limits, enum limit limit, struct error *err)
{
	json_t *array = NULL;
	size_t n;
	int r = oci_json_array(json, key, &array, err);

	if (r < 0)
		return r;
	if (!array)
		return err_fail(err, ERR_BAD_INPUT, 0, "no '%s'", key);
	n = json_array_size(array);
	if (n > limits->v[limit])
		return limit_passed(limits, limit, key, err);
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return err_nomem(err);
	for (; *count < n; ++*count) {
		r = descriptor_from_json(&(*out)[*count], json_array_get(array, *count), err);
		if (r < 0)
			return err_wrap(err, "%s[%zu]", key, *count);
	}
	return 0;
}

int oci_index_parse(struct oci_index *out, const void *bytes, size_t n, const struct limits *limits,
		    struct error *err)
{
	struct oci_index index = { 0 };
	int r = oci_json_parse(&index.json, bytes, n, "index", err);

	if (r < 0)
		return r;
	r = check_shape(index.json, MEDIA_INDEX, err);
	if (r == 0)
		r = read_descriptors(&index.manifests, &index.count, index.json, "manifests",
				     limits, LIMIT_IMAGES, err);
	if (r < 0) {
		oci_index_free(&index);
		return err_wrap(err, "index");
	}
	*out = index;
	return 0;
}

int oci_index_without(const struct oci_index *index, const bool *drop, char **text,
		      struct error *err)
{
	_cleanup_(json_decrefp) json_t *copy = json_deep_copy(index->json);
	json_t *list = NULL;
	int r = copy ? oci_json_array(copy, "manifests", &list, err) : err_nomem(err);

	for (size_t i = index->count; r == 0 && i > 0; i--)
		if (drop[i - 1])
			json_array_remove(list, i - 1);
	if (r == 0)
		*text = json_dumps(copy, JSON_COMPACT);
	return r == 0 && !*text ? err_nomem(err) : r;
}

static int read_subject(json_t *doc, struct oci_digest *subject, char **kind, struct error *err)
{
	json_t *about = NULL, *config = NULL;
	const char *digest = NULL, *type = NULL;
	int r = oci_json_object(doc, "subject", &about, err);

	if (r == 0 && about)
		r = oci_json_string(about, "digest", &digest, err);
	if (r < 0 || !digest)
		return r < 0 ? r : 1;
	r = oci_digest_parse(subject, digest, err);
	if (r == 0)
		r = oci_json_string(doc, "artifactType", &type, err);
	if (r == 0 && !type)
		r = oci_json_object(doc, "config", &config, err);
	if (r == 0 && config)
		r = oci_json_string(config, "mediaType", &type, err);
	if (r < 0)
		return r;
	*kind = strdup(type ? type : "");
	return *kind ? 0 : err_nomem(err);
}

int oci_manifest_subject(const void *bytes, size_t n, struct oci_digest *subject, char **kind,
			 struct error *err)
{
	_cleanup_(json_decrefp) json_t *doc = NULL;
	int r = oci_json_parse(&doc, bytes, n, "manifest", err);

	return r < 0 ? r : read_subject(doc, subject, kind, err);
}

static int read_manifest(struct oci_manifest *m, const struct limits *limits, struct error *err)
{
	const char *media_type = "";
	json_t *config = NULL;
	int r = check_shape(m->json, MEDIA_MANIFEST, err);

	if (r == 0)
		r = oci_json_string(m->json, "mediaType", &media_type, err);
	if (r < 0)
		return r;
	m->media_type = strdup(media_type);
	if (!m->media_type)
		return err_nomem(err);
	r = oci_json_object(m->json, "config", &config, err);
	if (r < 0)
		return r;
	if (!config)
		return err_fail(err, ERR_BAD_INPUT, 0, "no 'config'");
	r = descriptor_from_json(&m->config, config, err);
	if (r < 0)
		return err_wrap(err, "config");
	return read_descriptors(&m->layers, &m->layer_count, m->json, "layers", limits,
				LIMIT_LAYERS, err);
}

int oci_manifest_parse(struct oci_manifest *out, const void *bytes, size_t n,
		       const struct limits *limits, struct error *err)
{
	struct oci_manifest m = { 0 };
	int r = oci_json_parse(&m.json, bytes, n, "manifest", err);

	if (r < 0)
		return r;
	r = read_manifest(&m, limits, err);
	if (r < 0) {
		oci_manifest_free(&m);
		return err_wrap(err, "manifest");
	}
	*out = m;
	return 0;
}

static void free_descriptors(struct descriptor *d, size_t count)
{
	for (size_t i = 0; i < count; i++)
		descriptor_free(&d[i]);
	free(d);
}

void oci_index_free(struct oci_index *i)
{
	free_descriptors(i->manifests, i->count);
	json_decref(i->json);
	*i = (struct oci_index){ 0 };
}

void oci_manifest_free(struct oci_manifest *m)
{
	free_descriptors(m->layers, m->layer_count);
	descriptor_free(&m->config);
	free(m->media_type);
	json_decref(m->json);
	*m = (struct oci_manifest){ 0 };
}

static bool has(json_t *json, const char *key, bool *broken)
{
	json_t *found;

	if (oci_json_member(json, key, &found, NULL) < 0)
		*broken = true;
	return found != NULL;
}

static enum media_kind kind_by_members(json_t *json)
{
	bool broken = false;
	bool index = has(json, "manifests", &broken), layers = has(json, "layers", &broken);
	bool schema1 = has(json, "fsLayers", &broken), rootfs = has(json, "rootfs", &broken);

	if (broken || index + layers + schema1 + rootfs != 1)
		return MEDIA_UNKNOWN;
	return index	 ? MEDIA_INDEX
	       : layers	 ? MEDIA_MANIFEST
	       : schema1 ? MEDIA_SCHEMA1
			 : MEDIA_CONFIG;
}

enum media_kind oci_document_kind(const void *bytes, size_t n)
{
	enum media_kind said = MEDIA_UNKNOWN, seen;
	const char *media_type = "";
	json_t *json;

	if (oci_json_parse(&json, bytes, n, "document", NULL) < 0)
		return MEDIA_UNKNOWN;
	seen = kind_by_members(json);
	if (oci_json_string(json, "mediaType", &media_type, NULL) < 0)
		seen = MEDIA_UNKNOWN;
	else
		said = media_kind(media_type, NULL);
	json_decref(json);
	return said == MEDIA_UNKNOWN || said == seen ? seen : MEDIA_UNKNOWN;
}
