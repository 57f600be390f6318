/* What an image was before a fix, as the report of the fix tells: the documents as they were, and
 * for each layer that changed the difference that leads back. From a file that may be anybody's.
 */
#pragma once

#include "base/limits.h"
#include "fix/difference.h"
#include "fix/report-file.h"
#include "oci/image.h"

#define FIX_PAST_VERSION 1 /* of the report's member "undo" */

struct fix_past_layer {
	struct oci_digest old, new; /* diff_ids */
	struct fix_sizes sizes;
	const char *operations; /* the base64, or its place: for fix_report_file_bytes */
};

/* Bytes have the digests beside them. */
struct fix_past_image {
	struct oci_digest config, old_config;	/* sha256 of the bytes after and before the fix */
	struct oci_digest old_digest;		/* of the manifest; "" where there was none */
	uint8_t *config_bytes, *manifest_bytes; /* as before; manifest_bytes NULL: none */
	size_t config_len, manifest_len;
	struct oci_config parsed; /* config_bytes */
	json_t *names;		  /* an array, or NULL; as source_image has them */
};

struct fix_past_index {
	struct oci_digest digest, old_digest;
	uint8_t *bytes; /* as before */
	size_t len;
};

struct fix_past {
	struct fix_report_file file;
	struct fix_past_layer *layers; /* sorted by old */
	size_t layer_count;
	struct fix_past_image *images;
	size_t image_count;
	struct fix_past_index *indexes;
	size_t index_count;
};

/* Besides what fix_report_file_open gives: ERR_DENIED where the report is of a dry run, of an undo,
 * or without what is needed; ERR_UNSUPPORTED for a later version of it; ERR_BAD_INPUT, ERR_DIGEST,
 * ERR_LIMIT where it is damaged. */
int fix_past_read(struct fix_past **out, const char *path, const struct limits *limits,
		  struct error *err) _must_check_;
void fix_past_free(struct fix_past *p);
DEFINE_CLEANUP(struct fix_past, fix_past_free)

/* NULL where the layer stayed as it was. */
const struct fix_past_layer *fix_past_layer(const struct fix_past *p, const struct oci_digest *old);

/* The old tar of the new one, which it owns on success. Nothing is checked but the sizes: hash what
 * comes. */
int fix_past_open(const struct fix_past *p, const struct fix_past_layer *layer, struct stream *tar,
		  const struct limits *limits, struct stream **out, struct error *err) _must_check_;
