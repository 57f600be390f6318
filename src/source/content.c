#include "source/content.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void content_walk_done(struct content_walk *w)
{
	for (size_t i = 0; i < w->leaf_count; i++)
		source_image_done(&w->leaves[i].image);
	free(w->leaves);
	buf_free(&w->seen);
}

static int verify(const struct oci_digest *digest, uint64_t size, const char *what,
		  const uint8_t *data, size_t len, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	int r;

	if (size != SOURCE_SIZE_UNKNOWN && size != len)
		return err_fail(err, ERR_DIGEST, 0, "%s: %zu bytes, its descriptor says %" PRIu64,
				what, len, size);
	r = digest_hex(digest->algo, data, len, hex, err);
	if (r < 0)
		return r;
	if (strcmp(hex, oci_digest_hex(digest)) != 0)
		return err_fail(err, ERR_DIGEST, 0, "%s: its bytes have the digest %s", what, hex);
	return 0;
}

int content_read(struct source *s, const char *name, const char *what,
		 const struct oci_digest *digest, uint64_t size, uint8_t **data, size_t *len,
		 struct error *err)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	char label[200];
	int r;

	snprintf(label, sizeof(label), "%s %s", what, digest->text);
	r = store_read(s->store, name, label, s->limits, &bytes, len, err);
	if (r)
		return r;
	r = verify(digest, size, label, bytes, *len, err);
	if (r == 0)
		*data = STEAL(bytes);
	return r;
}

int content_add_leaf(struct content_walk *w, const struct oci_digest *digest, uint64_t size,
		     struct leaf **out, struct error *err)
{
	struct leaf *leaves = w->leaves;

	if (w->leaf_count == w->leaf_cap) {
		size_t cap = w->leaf_cap ? 2 * w->leaf_cap : 8;

		leaves = reallocarray(w->leaves, cap, sizeof(*leaves));
		if (!leaves)
			return err_nomem(err);
		w->leaves = leaves;
		w->leaf_cap = cap;
	}
	leaves[w->leaf_count] = (struct leaf){ .digest = *digest, .size = size };
	*out = &leaves[w->leaf_count++];
	return 0;
}

static int collect_manifest(struct content_walk *w, const struct descriptor *d, struct error *err)
{
	struct leaf *leaf;
	int r;

	for (size_t i = 0; i < w->leaf_count; i++)
		if (strcmp(w->leaves[i].digest.text, d->digest.text) == 0)
			return 0;
	r = content_add_leaf(w, &d->digest, d->size, &leaf, err);
	if (r < 0)
		return r;
	leaf->has_platform = d->has_platform;
	leaf->platform = d->platform;
	return 0;
}

/* The bytes are taken over. One index may stand under two names; each counts. */
static int keep_index(struct content_walk *w, const struct descriptor *d, uint8_t **data,
		      size_t len, unsigned depth, struct error *err)
{
	struct source *s = w->source;
	struct source_index *v = reallocarray(s->indexes, s->index_count + 1, sizeof(*v));
	const char *name = depth == 1 ? w->ref : NULL;

	if (!v)
		return err_nomem(err);
	s->indexes = v;
	v += s->index_count;
	*v = (struct source_index){ .digest = d->digest,
				    .len = len,
				    .name = name ? strdup(name) : NULL,
				    .nested = depth > 1 };
	if (name && !v->name)
		return err_nomem(err);
	v->bytes = STEAL(*data);
	s->index_count++;
	return 0;
}

static int collect_document(struct content_walk *w, const struct descriptor *d,
			    enum media_kind said, unsigned depth, struct error *err)
{
	struct oci_index index = { 0 };
	_cleanup_(freep) uint8_t *data = NULL;
	char name[BLOB_NAME_MAX];
	enum media_kind kind;
	size_t len;
	int r;

	w->names->manifest(name, &d->digest);
	r = content_read(w->source, name, said == MEDIA_INDEX ? "index" : "manifest", &d->digest,
			 d->size, &data, &len, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "index %s is not in %s", d->digest.text,
				w->source->path);
	if (r < 0)
		return r;
	kind = oci_document_kind(data, len);
	if (said == MEDIA_UNKNOWN && kind == MEDIA_MANIFEST)
		return collect_manifest(w, d, err);
	r = oci_index_parse(&index, data, len, w->source->limits, err);
	if (r < 0)
		return err_wrap(err, "index %s", d->digest.text);
	r = keep_index(w, d, &data, len, depth, err);
	if (r == 0)
		r = content_collect_index(w, &index, depth + 1, err);
	oci_index_free(&index);
	return r;
}

int content_collect(struct content_walk *w, const struct descriptor *d, unsigned depth,
		    struct error *err)
{
	struct source *s = w->source;
	enum media_kind kind = media_kind(d->media_type, NULL);
	char text[120];

	if (++w->visits > s->limits->v[LIMIT_IMAGES])
		return limit_passed(s->limits, LIMIT_IMAGES, s->path, err);
	if (d->is_attestation) {
		notes_add(s->notes, "attestation manifest %s skipped", d->digest.text);
		return 0;
	}
	if (kind == MEDIA_SCHEMA1)
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"manifest %s is of Docker's schema 1: skopeo copy --format v2s2 "
				"converts it",
				d->digest.text);
	if (kind == MEDIA_MANIFEST)
		return collect_manifest(w, d, err);
	if (kind == MEDIA_INDEX || !d->media_type[0])
		return collect_document(w, d, kind, depth, err);
	notes_add(s->notes, "artifact %s (%s) skipped: it is no image", d->digest.text,
		  err_text(text, sizeof(text), d->media_type, strlen(d->media_type)));
	return 0;
}

int content_collect_index(struct content_walk *w, const struct oci_index *index, unsigned depth,
			  struct error *err)
{
	const struct limits *limits = w->source->limits;

	if (depth > limits->v[LIMIT_INDEX_DEPTH])
		return limit_passed(limits, LIMIT_INDEX_DEPTH, w->source->path, err);
	for (size_t i = 0; i < index->count; i++) {
		int r = content_collect(w, &index->manifests[i], depth, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int content_build(struct content_walk *w, struct leaf *leaf, bool missing_ok, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	char name[BLOB_NAME_MAX];
	size_t len;
	int r;

	if (leaf->built)
		return 0;
	w->names->manifest(name, &leaf->digest);
	r = content_read(w->source, name, "manifest", &leaf->digest, leaf->size, &data, &len, err);
	if (r > 0 && missing_ok) {
		char platform[100];

		platform_print(&leaf->platform, platform);
		notes_add(w->source->notes, "manifest %s%s%s is not in the source: skipped",
			  leaf->digest.text, platform[0] ? " of " : "", platform);
		return 1;
	}
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "manifest %s is not in %s",
				leaf->digest.text, w->source->path);
	return r < 0 ? r : content_build_from(w, leaf, data, len, err);
}
