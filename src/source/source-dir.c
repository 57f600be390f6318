/* dir: skopeo's plain directory (containers/image, directory/): "version", "manifest.json", blobs
 * by their hex alone, the manifests of an index as HEX.manifest.json; digests of another algorithm
 * than sha256 as ALGORITHM-HEX.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/content.h"

static void blob_name(char out[BLOB_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, BLOB_NAME_MAX, "%s%s", d->algo == DIGEST_SHA512 ? "sha512-" : "",
		 oci_digest_hex(d));
}

static void manifest_name(char out[BLOB_NAME_MAX], const struct oci_digest *d)
{
	snprintf(out, BLOB_NAME_MAX, "%s%s.manifest.json",
		 d->algo == DIGEST_SHA512 ? "sha512-" : "", oci_digest_hex(d));
}

static const struct content_names names = { manifest_name, blob_name };

int dir_open(struct source *s, struct error *err)
{
	s->transport = TRANSPORT_DIR;
	s->read_images = dir_images;
	return store_dir_open(&s->store, s->path, err);
}

static int check_version(struct source *s, struct error *err)
{
	static const char known[] = "Directory Transport Version: 1.";
	_cleanup_(freep) uint8_t *data = NULL;
	char text[80];
	size_t len;
	int r;

	r = store_read(s->store, "version", "version", s->limits, &data, &len, err);
	if (r > 0)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"%s: no file 'version': not made by dir:", s->path);
	if (r < 0)
		return err_wrap(err, "%s", s->path);
	if (len < strlen(known) || memcmp(data, known, strlen(known)) != 0)
		return err_fail(err, ERR_UNSUPPORTED, 0, "%s: version '%s'", s->path,
				err_text(text, sizeof(text), data, len));
	return 0;
}

/* manifest.json itself is named by no descriptor: its digest is what its bytes have. */
static int single(struct content_walk *w, const uint8_t *data, size_t len, struct error *err)
{
	struct oci_digest digest = { .algo = DIGEST_SHA256 };
	char hex[DIGEST_HEX_MAX + 1];
	struct leaf *leaf;
	int r;

	r = digest_hex(DIGEST_SHA256, data, len, hex, err);
	if (r < 0)
		return r;
	snprintf(digest.text, sizeof(digest.text), "sha256:%s", hex);
	r = content_add_leaf(w, &digest, len, &leaf, err);
	if (r < 0)
		return r;
	r = content_build_from(w, leaf, data, len, err);
	if (r > 0)
		w->leaf_count = 0;
	return MIN(r, 0);
}

static int collect(struct content_walk *w, const uint8_t *data, size_t len, struct error *err)
{
	struct oci_index index = { 0 };
	enum media_kind kind = oci_document_kind(data, len);
	int r;

	if (kind == MEDIA_SCHEMA1)
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"manifest.json is of Docker's schema 1: skopeo copy --format v2s2 "
				"converts it");
	if (kind != MEDIA_INDEX)
		return single(w, data, len, err);
	r = oci_index_parse(&index, data, len, w->source->limits, err);
	if (r == 0)
		r = content_collect_index(w, &index, 1, err);
	oci_index_free(&index);
	return r;
}

int dir_images(struct source *s, struct error *err)
{
	struct content_walk w = { .source = s, .names = &names };
	_cleanup_(freep) char *name = source_name(s, NULL);
	_cleanup_(freep) uint8_t *data = NULL;
	size_t len;
	int r;

	if (!name)
		return err_nomem(err);
	r = check_version(s, err);
	if (r < 0)
		return r;
	w.name = name;
	r = store_read(s->store, "manifest.json", "manifest.json", s->limits, &data, &len, err);
	if (r > 0)
		return err_fail(err, ERR_BAD_INPUT, 0, "%s: no manifest.json in it", s->path);
	if (r == 0)
		r = collect(&w, data, len, err);
	if (r < 0)
		err_wrap(err, "%s", s->path);
	if (r == 0)
		r = content_choose(&w, err);
	if (r == 0)
		r = content_finish(&w, err);
	content_walk_done(&w);
	return r;
}
