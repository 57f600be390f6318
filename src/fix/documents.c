#include "fix/documents.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "oci/json.h"

/* Replaces a member under the name that it has, in its place; "key" where there is none. Takes
 * value over. */
static int set(json_t *obj, const char *key, json_t *value, struct error *err)
{
	const char *name = key, *k;
	json_t *old = NULL, *v;
	int r = oci_json_member(obj, key, &old, err);

	if (r == 0 && !value)
		r = err_nomem(err);
	if (r < 0) {
		json_decref(value);
		return r;
	}
	json_object_foreach(obj, k, v) if (strcasecmp(k, key) == 0) name = k;
	return json_object_set_new_nocheck(obj, name, value) < 0 ? err_nomem(err) : 0;
}

/* The object of that key, made where there is none (or a null). */
static int object(json_t *obj, const char *key, json_t **out, struct error *err)
{
	int r;

	*out = NULL;
	r = oci_json_object(obj, key, out, err);
	if (r < 0 || *out)
		return r;
	r = set(obj, key, json_object(), err);
	return r < 0 ? r : oci_json_object(obj, key, out, err);
}

static int dump(struct buf *out, const json_t *json, struct error *err)
{
	char *text = json_dumps(json, JSON_COMPACT);
	int r = text ? buf_append_str(out, text) : -ERR_NOMEM;

	free(text);
	return r < 0 ? err_nomem(err) : 0;
}

static int label_side(struct buf *out, const struct fix_side *side, const char *name, size_t max,
		      bool *cut)
{
	bool first = true;

	for (size_t i = 0; i < side->count && !*cut; i++) {
		const struct fix_id *id = &side->ids[i];

		if (id->why == FIX_STAYS)
			continue;
		if (out->len + 48 > max) {
			*cut = true;
			return buf_append_str(out, ", ...");
		}
		if (buf_printf(out, "%s%s%" PRId64 "=%" PRIu32, first ? name : "",
			       first ? " " : ", ", id->old, id->new) < 0)
			return -ERR_NOMEM;
		first = false;
	}
	return 0;
}

int fix_label(struct buf *out, const struct fix_ids *ids, size_t max)
{
	bool cut = false;

	if (buf_append_str(out, "uidfit " UIDFIT_VERSION ": ") < 0 ||
	    label_side(out, &ids->uid, "uid", max, &cut) < 0)
		return -ERR_NOMEM;
	return cut ? 0
		   : label_side(out, &ids->gid, out->data[out->len - 1] == ' ' ? "gid" : "; gid",
				max, &cut);
}

static int put_label(json_t *config, const struct fix_plan *p, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	json_t *labels;
	int r = object(config, "Labels", &labels, err);

	if (r == 0 && fix_label(&text, &p->ids, FIX_LABEL_MAX) < 0)
		r = err_nomem(err);
	return r < 0 ? r : set(labels, FIX_LABEL, json_string(buf_str(&text)), err);
}

static int put_diff_ids(json_t *doc, const struct fix_plan *p, const struct fix_image *img,
			struct error *err)
{
	json_t *rootfs = NULL, *ids = NULL;
	int r = oci_json_object(doc, "rootfs", &rootfs, err);

	if (r == 0 && rootfs)
		r = oci_json_array(rootfs, "diff_ids", &ids, err);
	for (size_t i = 0; i < img->image->layer_count && r == 0; i++) {
		const struct fix_blob *b = &p->blobs[img->blobs[i]];

		if (b->changed &&
		    (!ids || json_array_set_new(ids, i, json_string(b->diff_id.text)) < 0))
			r = err_nomem(err);
	}
	return r;
}

int fix_config(struct buf *out, const struct fix_plan *p, const struct fix_image *img,
	       struct error *err)
{
	const struct oci_config *config = &img->image->source->config;
	_cleanup_(json_decrefp) json_t *doc = json_deep_copy(config->json);
	json_t *inner;
	int r = doc ? put_diff_ids(doc, p, img, err) : err_nomem(err);

	if (r == 0 && (img->user || !p->opts->no_label))
		r = object(doc, "config", &inner, err);
	if (r == 0 && img->user)
		r = set(inner, "User", json_string(img->user), err);
	if (r == 0 && !p->opts->no_label)
		r = put_label(inner, p, err);
	return r < 0 ? r : dump(out, doc, err);
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Annotations that tell of a table of contents within the old bytes. */
static bool is_toc(const char *key)
{
	static const char *const prefixes[] = {
		"containerd.io/snapshot/stargz/",
		"io.containers.estargz.",
		"io.github.containers.zstd-chunked.",
		"io.containers.zstd-chunked.",
		"com.amazon.soci.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (begins(key, prefixes[i]))
			return true;
	return false;
}

static void drop_toc(json_t *descriptor, const struct fix_plan *p, size_t layer)
{
	json_t *annotations = json_object_get(descriptor, "annotations"), *v;
	const char *key;
	void *next;
	bool any = false;

	json_object_foreach_safe(annotations, next, key, v)
	{
		if (!is_toc(key))
			continue;
		json_object_del(annotations, key);
		any = true;
	}
	if (any && !json_object_size(annotations))
		json_object_del(descriptor, "annotations");
	if (any)
		notes_add(
			p->opts->notes, "layer %zu: its table of contents %s and is dropped", layer,
			p->past ? "told of bytes that are compressed anew" : "held the old owners");
}

static int put_descriptor(json_t *d, const struct oci_digest *digest, uint64_t size,
			  struct error *err)
{
	int r = set(d, "digest", json_string(digest->text), err);

	if (r == 0)
		r = set(d, "size", json_integer((json_int_t)size), err);
	json_object_del(d, "data");
	json_object_del(d, "urls");
	return r;
}

/* A layer that was compressed in a way that nothing here writes is gzip's now. An undo finds what
 * has become of the fixed image meanwhile. */
static int put_media_type(json_t *d, const struct fix_blob *b, struct error *err)
{
	static const char *const types[CODEC_COUNT] = {
		[CODEC_NONE] = "application/vnd.oci.image.layer.v1.tar",
		[CODEC_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
		[CODEC_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
	};
	enum codec said = b->inventory->codec;
	const char *type = "";
	int r = 0;

	if (b->past || !b->changed) {
		r = oci_json_string(d, "mediaType", &type, err);
		if (r == 0)
			media_kind(type, &said);
	}
	if (r < 0 || b->codec == said || !types[b->codec])
		return r;
	return set(d, "mediaType", json_string(types[b->codec]), err);
}

static bool names(json_t *d, const struct oci_digest *digest)
{
	const char *text = json_string_value(json_object_get(d, "digest"));

	return text && strcmp(text, digest->text) == 0;
}

int fix_manifest(struct buf *out, const struct fix_plan *p, const struct fix_image *img,
		 const struct sink_image *docs, const struct oci_digest *config, struct error *err)
{
	json_t *doc = NULL, *d = NULL, *layers = NULL;
	bool changed = false;
	int r = oci_json_parse(&doc, docs->manifest, docs->manifest_len, "manifest", err);

	if (r == 0)
		r = oci_json_object(doc, "config", &d, err);
	if (r == 0 && d && !names(d, config)) {
		changed = true;
		r = put_descriptor(d, config, docs->config_len, err);
	}
	if (r == 0)
		r = oci_json_array(doc, "layers", &layers, err);
	if (r == 0 && json_array_size(layers) != img->image->layer_count)
		r = err_fail(err, ERR_BAD_INPUT, 0, "the manifest has %zu layers, not %zu",
			     json_array_size(layers), img->image->layer_count);
	for (size_t i = 0; i < img->image->layer_count && r == 0; i++) {
		const struct fix_blob *b = &p->blobs[img->blobs[i]];
		json_t *layer = json_array_get(layers, i);

		if (names(layer, &b->digest))
			continue;
		changed = true;
		drop_toc(layer, p, i);
		r = put_descriptor(layer, &b->digest, b->size, err);
		if (r == 0)
			r = put_media_type(layer, b, err);
	}
	if (r == 0 && !changed)
		r = buf_append(out, docs->manifest, docs->manifest_len) < 0 ? err_nomem(err) : 0;
	else if (r == 0)
		r = dump(out, doc, err);
	json_decref(doc);
	return r;
}

static const struct fix_moved *find_moved(const struct fix_moved *moved, size_t count,
					  const char *digest)
{
	for (size_t i = 0; digest && i < count; i++)
		if (strcmp(moved[i].old.text, digest) == 0)
			return &moved[i];
	return NULL;
}

int fix_index(struct buf *out, const void *bytes, size_t n, const struct fix_moved *moved,
	      size_t count, struct error *err)
{
	json_t *doc = NULL, *list = NULL;
	bool changed = false;
	int r = oci_json_parse(&doc, bytes, n, "index", err);

	if (r == 0)
		r = oci_json_array(doc, "manifests", &list, err);
	for (size_t i = 0; r == 0 && i < json_array_size(list);) {
		json_t *d = json_array_get(list, i);
		const struct fix_moved *m;
		const char *digest = NULL;

		r = oci_json_string(d, "digest", &digest, err);
		m = find_moved(moved, count, digest);
		if (r == 0 && !m) {
			json_array_remove(list, i);
			changed = true;
			continue;
		}
		i++;
		if (r < 0 || strcmp(m->new.text, digest) == 0)
			continue;
		changed = true;
		r = put_descriptor(d, &m->new, m->size, err);
		if (r == 0 && m->replaced)
			r = set(d, "mediaType", json_string(m->media_type), err);
	}
	if (r == 0)
		r = changed ? dump(out, doc, err) : buf_append(out, bytes, n);
	json_decref(doc);
	return r == -ERR_NOMEM ? err_nomem(err) : r;
}
