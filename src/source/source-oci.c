/* oci: and oci-archive: an image layout (image-spec image-layout.md): oci-layout, index.json,
 * blobs/ALGORITHM/HEX. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/familiar.h"
#include "source/content.h"

void oci_blob_name(char out[BLOB_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, BLOB_NAME_MAX, "blobs/%s/%s", d->algo == DIGEST_SHA512 ? "sha512" : "sha256",
		 oci_digest_hex(d));
}

static const struct content_names names = { oci_blob_name, oci_blob_name };

int oci_open(struct source *s, struct error *err)
{
	s->read_images = oci_images;
	return store_dir_open(&s->store, s->path, err);
}

int oci_archive_open(struct source *s, struct error *err)
{
	s->read_images = oci_images;
	return archive_store_open(s, err);
}

static const char *ref_of(const struct descriptor *d)
{
	return d->image_name ? d->image_name : d->ref_name;
}

/* Layouts name an image by the annotation as it stands; Docker's have the full name in
 * containerd's. */
static bool is_named(const struct descriptor *d, const char *name)
{
	return (d->ref_name && strcmp(d->ref_name, name) == 0) ||
	       (d->image_name && familiar_equal(d->image_name, name));
}

/* Descriptors of one image for several platforms: the same name (or both none), and each tells its
 * platform. */
static bool same_group(const struct descriptor *a, const struct descriptor *b)
{
	const char *x = ref_of(a), *y = ref_of(b);

	return a->has_platform && b->has_platform && (x && y ? strcmp(x, y) == 0 : x == y);
}

static int no_such_name(const struct source *s, const struct oci_index *index, struct error *err)
{
	char there[300] = "", name[100];
	size_t used = 0;

	for (size_t i = 0; i < index->count && used < sizeof(there) - 80; i++) {
		const char *ref = ref_of(&index->manifests[i]);
		char one[64];

		if (ref)
			used += (size_t)snprintf(there + used, sizeof(there) - used, "%s%s",
						 used ? ", " : "",
						 err_text(one, sizeof(one), ref, strlen(ref)));
	}
	return err_fail(err, ERR_NOT_FOUND, 0, "%s has no image '%s'; it has %s", s->path,
			err_text(name, sizeof(name), s->ref_name, strlen(s->ref_name)),
			used ? there : "none with a name");
}

/* The i-th and those that belong to it. */
static int group(struct content_walk *w, const struct oci_index *index, size_t i, bool *done,
		 struct error *err)
{
	const struct descriptor *d = &index->manifests[i];
	struct source *s = w->source;
	const char *ref = s->ref_name ? s->ref_name : ref_of(d);
	_cleanup_(freep) char *name = NULL;
	int r = 0;

	if (s->ref_index >= 0 || (!ref && index->count > 1))
		name = source_name_index(s, i);
	else
		name = source_name(s, ref);
	if (!name)
		return err_nomem(err);
	w->name = name;
	w->ref = ref_of(d);
	for (size_t k = i; r == 0 && k < index->count; k++) {
		bool joins = k == i || (s->ref_index < 0 && same_group(d, &index->manifests[k]));

		if (done[k] || !joins)
			continue;
		done[k] = true;
		r = content_collect(w, &index->manifests[k], 1, err);
	}
	return r < 0 ? r : content_choose(w, err);
}

/* By the reference, whatever the platform. */
static bool is_asked(const struct source *s, const struct oci_index *index, size_t i)
{
	return s->ref_index >= 0 ? (size_t)s->ref_index == i
				 : !s->ref_name || is_named(&index->manifests[i], s->ref_name);
}

static int choose(struct content_walk *w, const struct oci_index *index, struct error *err)
{
	const struct source *s = w->source;
	_cleanup_(freep) bool *done = calloc(index->count + 1, sizeof(*done));
	bool any = false;
	int r = 0;

	if (!done)
		return err_nomem(err);
	if (s->ref_index >= 0 && (size_t)s->ref_index >= index->count)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s has %zu images, none @%ld", s->path,
				index->count, s->ref_index);
	for (size_t i = 0; i < index->count; i++)
		done[i] = !is_asked(s, index, i);
	for (size_t i = 0; r == 0 && i < index->count; i++) {
		if (done[i])
			continue;
		any = true;
		r = group(w, index, i, done, err);
	}
	if (r == 0 && !any && s->ref_name)
		return no_such_name(s, index, err);
	return r < 0 ? r : content_finish(w, err);
}

/* For who writes the layout again: without what the reference did not ask for. */
static int keep_root(struct source *s, const struct oci_index *index, uint8_t **data, size_t len,
		     struct error *err)
{
	struct source_index *v = reallocarray(s->indexes, s->index_count + 1, sizeof(*v));
	_cleanup_(freep) bool *drop = calloc(index->count + 1, sizeof(*drop));
	bool any = false;
	char *text;
	int r;

	if (v)
		s->indexes = v;
	if (!v || !drop)
		return err_nomem(err);
	for (size_t i = 0; i < index->count; i++)
		any |= drop[i] = !is_asked(s, index, i);
	if (any) {
		r = oci_index_without(index, drop, &text, err);
		if (r < 0)
			return r;
		free(*data);
		*data = (uint8_t *)text;
		len = strlen(text);
	}
	v[s->index_count++] =
		(struct source_index){ .bytes = STEAL(*data), .len = len, .root = true };
	return 0;
}

int oci_images(struct source *s, struct error *err)
{
	struct content_walk w = { .source = s, .names = &names };
	_cleanup_(freep) uint8_t *data = NULL;
	struct oci_index index = { 0 };
	size_t len;
	int r;

	if (s->transport != TRANSPORT_OCI && s->transport != TRANSPORT_CONTAINERD)
		s->transport = TRANSPORT_OCI_ARCHIVE;
	r = store_read(s->store, "index.json", "index.json", s->limits, &data, &len, err);
	if (r > 0 && store_has(s->store, "manifest.json"))
		return err_fail(
			err, ERR_BAD_INPUT, 0,
			"%s: no index.json, but manifest.json: docker-archive: or dir: read it",
			s->path);
	if (r > 0)
		return err_fail(err, ERR_BAD_INPUT, 0, "%s: no OCI layout: no index.json in it",
				s->path);
	if (r == 0)
		r = oci_index_parse(&index, data, len, s->limits, err);
	if (r < 0)
		return err_wrap(err, "%s: index.json", s->path);
	r = choose(&w, &index, err);
	if (r == 0)
		r = keep_root(s, &index, &data, len, err);
	content_walk_done(&w);
	oci_index_free(&index);
	return r;
}
