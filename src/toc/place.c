/* Whether a layer's descriptor names a table of contents, and where it lies. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "oci/json.h"
#include "toc/toc.h"

#define ESTARGZ_DIGEST	 "containerd.io/snapshot/stargz/toc.digest"
#define CHUNKED_POSITION "manifest-position"
#define CHUNKED_CHECKSUM "manifest-checksum"

/* podman wrote the first until it learned that the name is not its own. */
static const char *const prefixes[] = { "io.containers.zstd-chunked.",
					"io.github.containers.zstd-chunked." };

/* "OFFSET:LENGTH:DECODED:TYPE", of type 1 (JSON). */
static int read_position(struct toc_place *out, const char *text, struct error *err)
{
	uint64_t v[4];
	const char *at = text;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		size_t n = strcspn(at, ":");

		if (!num_u64(at, n, &v[i]) || (at[n] == ':') != (i + 1 < ARRAY_SIZE(v)))
			return err_fail(err, ERR_BAD_INPUT, 0,
					"annotation " CHUNKED_POSITION ": not four numbers");
		at += n + 1;
	}
	if (v[3] != 1)
		return 1;
	if (!v[1] || v[1] > TOC_SIZE_MAX || v[2] > TOC_SIZE_MAX || v[0] > INT64_MAX)
		return err_fail(err, ERR_LIMIT, 0,
				"annotation " CHUNKED_POSITION ": a table of more than %u MiB",
				TOC_SIZE_MAX >> 20);
	out->offset = v[0];
	out->len = v[1];
	out->raw_len = v[2];
	return 0;
}

/* Both, or neither. */
static int find_chunked(json_t *annotations, const char **position, const char **checksum,
			struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		char key[2][64];
		int r;

		*position = *checksum = NULL;
		snprintf(key[0], sizeof(key[0]), "%s" CHUNKED_POSITION, prefixes[i]);
		snprintf(key[1], sizeof(key[1]), "%s" CHUNKED_CHECKSUM, prefixes[i]);
		r = oci_json_entry(annotations, key[0], position, err);
		if (r == 0)
			r = oci_json_entry(annotations, key[1], checksum, err);
		if (r < 0 || (*position && *checksum))
			return r;
	}
	*position = *checksum = NULL;
	return 0;
}

bool toc_is_same(const struct toc_place *a, const struct toc_place *b)
{
	return a->kind == b->kind && strcmp(a->digest.text, b->digest.text) == 0 &&
	       a->offset == b->offset && a->len == b->len && a->raw_len == b->raw_len;
}

int toc_find(struct toc_place *out, const struct descriptor *d, struct error *err)
{
	const char *estargz = NULL, *position = NULL, *checksum = NULL;
	json_t *annotations = NULL;
	int r;

	*out = (struct toc_place){ 0 };
	if (!d->json)
		return 0;
	r = oci_json_object(d->json, "annotations", &annotations, err);
	if (r == 0)
		r = oci_json_entry(annotations, ESTARGZ_DIGEST, &estargz, err);
	if (r == 0)
		r = find_chunked(annotations, &position, &checksum, err);
	if (r < 0)
		return r;
	if (position) {
		r = read_position(out, position, err);
		if (r)
			return r < 0 ? r : 0;
		out->kind = TOC_ZSTD_CHUNKED;
		return oci_digest_parse(&out->digest, checksum, err);
	}
	if (!estargz)
		return 0;
	out->kind = TOC_ESTARGZ;
	return oci_digest_parse(&out->digest, estargz, err);
}
