/* Signatures and other things about images that lie beside them: named, never verified. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/content.h"

#define HEX 64 /* digits of a sha256 */

struct found {
	struct source *source;
	struct source_signature *v;
	size_t count;
};

static int add(struct found *f, const char *kind, const struct oci_digest *digest,
	       const struct oci_digest *subject, struct error *err)
{
	struct source_signature *grown = reallocarray(f->v, f->count + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(err);
	f->v = grown;
	f->v[f->count] = (struct source_signature){ .kind = strdup(kind) };
	if (!f->v[f->count].kind)
		return err_nomem(err);
	if (digest)
		f->v[f->count].digest = *digest;
	if (subject)
		f->v[f->count].subject = *subject;
	f->count++;
	return 0;
}

/* "sha256-HEX", and what stands behind it: cosign's ending, or "" for a list of referrers. */
static bool about(const char *name, struct oci_digest *subject, const char **ending)
{
	char text[8 + HEX + 1];
	struct error ignored;

	if (!name || strncmp(name, "sha256-", 7) != 0 || strlen(name) < 7 + HEX)
		return false;
	snprintf(text, sizeof(text), "sha256:%.*s", HEX, name + 7);
	*ending = name + 7 + HEX;
	return oci_digest_parse(subject, text, &ignored) == 0;
}

static int cosign(struct found *f, const struct descriptor *d, bool *done, struct error *err)
{
	static const struct {
		const char *ending, *kind;
	} rows[] = {
		{ ".sig", "cosign signature" },
		{ ".att", "cosign attestation" },
		{ ".sbom", "cosign SBOM" },
	};
	struct oci_digest subject;
	const char *ending;

	*done = false;
	if (!about(d->ref_name, &subject, &ending))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(ending, rows[i].ending) == 0) {
			*done = true;
			return add(f, rows[i].kind, &d->digest, &subject, err);
		}
	return 0;
}

/* A manifest with a subject. */
static int referrer(struct found *f, const struct descriptor *d, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	_cleanup_(freep) char *kind = NULL;
	struct oci_digest subject;
	struct error ignored;
	char name[BLOB_NAME_MAX];
	size_t len;
	int r;

	oci_blob_name(name, &d->digest);
	r = content_read(f->source, name, "manifest", &d->digest, d->size, &data, &len, err);
	if (r)
		return MIN(r, 0);
	r = oci_manifest_subject(data, len, &subject, &kind, &ignored);
	return r ? 0 : add(f, kind, &d->digest, &subject, err);
}

static int list(struct found *f, const struct oci_index *index, bool nested, struct error *err);

/* The tag schema for registries without a referrers API (distribution-spec). */
static int referrers_tag(struct found *f, const struct descriptor *d, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	struct oci_index index;
	char name[BLOB_NAME_MAX];
	size_t len;
	int r;

	oci_blob_name(name, &d->digest);
	r = content_read(f->source, name, "index", &d->digest, d->size, &data, &len, err);
	if (r)
		return MIN(r, 0);
	r = oci_index_parse(&index, data, len, f->source->limits, err);
	if (r < 0)
		return r;
	r = list(f, &index, true, err);
	oci_index_free(&index);
	return r;
}

static int one(struct found *f, const struct descriptor *d, bool nested, struct error *err)
{
	enum media_kind kind = media_kind(d->media_type, NULL);
	struct oci_digest subject;
	const char *ending;
	bool done;
	int r = cosign(f, d, &done, err);

	if (r < 0 || done)
		return r;
	if (kind == MEDIA_MANIFEST)
		return referrer(f, d, err);
	if (kind == MEDIA_INDEX && !nested && about(d->ref_name, &subject, &ending) && !*ending)
		return referrers_tag(f, d, err);
	return 0;
}

static int list(struct found *f, const struct oci_index *index, bool nested, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < index->count && r == 0; i++)
		if (!index->manifests[i].is_attestation)
			r = one(f, &index->manifests[i], nested, err);
	return r;
}

static int in_layout(struct found *f, struct error *err)
{
	struct source *s = f->source;
	_cleanup_(freep) uint8_t *data = NULL;
	struct oci_index index;
	size_t len;
	int r = store_read(s->store, "index.json", "index.json", s->limits, &data, &len, err);

	if (r)
		return MIN(r, 0);
	r = oci_index_parse(&index, data, len, s->limits, err);
	if (r < 0)
		return r;
	r = list(f, &index, false, err);
	oci_index_free(&index);
	return r;
}

/* containers/image keeps them under numbers from 1 without a gap. */
static int in_dir(struct found *f, struct error *err)
{
	char name[32];
	int r = 0;

	for (unsigned i = 1; r == 0 && i <= f->source->limits->v[LIMIT_IMAGES]; i++) {
		snprintf(name, sizeof(name), "signature-%u", i);
		if (!store_has(f->source->store, name))
			break;
		r = add(f, name, NULL, NULL, err);
	}
	return r;
}

int source_signatures(struct source *s, struct source_signature **out, size_t *count,
		      struct error *err)
{
	struct found f = { .source = s };
	int r = 0;

	if (!s->scan && (s->transport == TRANSPORT_OCI || s->transport == TRANSPORT_OCI_ARCHIVE))
		r = in_layout(&f, err);
	else if (!s->scan && s->transport == TRANSPORT_DIR)
		r = in_dir(&f, err);
	if (r < 0)
		source_signatures_free(f.v, f.count);
	*out = r < 0 ? NULL : f.v;
	*count = r < 0 ? 0 : f.count;
	return r;
}

void source_signatures_free(struct source_signature *v, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(v[i].kind);
	free(v);
}
