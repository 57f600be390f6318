/* Manifests, indexes, configs and docker-archive manifests as structs; no I/O.
 */
#pragma once

#include "base/notes.h"
#include "oci/descriptor.h"
#include "oci/json.h"

struct oci_index {
	json_t *json; /* whole document, for the rewriter */
	struct descriptor *manifests;
	size_t count;
};

struct oci_manifest {
	json_t *json;
	char *media_type; /* "" where not said */
	struct descriptor config;
	struct descriptor *layers;
	size_t layer_count;
};

/* One element of history, and where it stands. */
struct oci_history {
	char *created_by; /* "" where not said */
	bool empty_layer;
};

struct oci_config {
	json_t *json;
	struct platform platform;
	char *user; /* config.User, "" where none */
	struct oci_digest *diff_ids;
	size_t diff_id_count;
	struct oci_history *history;
	size_t history_count;
};

/* An element of docker-archive's manifest.json. */
struct docker_archive_image {
	char *config; /* member name */
	char **repo_tags;
	size_t repo_tag_count;
	char **layers; /* member names */
	size_t layer_count;
};

/* Each takes the bytes of one document. A document with both "manifests" and "layers" is refused
 * (an index posing as a manifest). Limits: json-size is the reader's; layers, images as in
 * base/limits.h. */
int oci_index_parse(struct oci_index *out, const void *bytes, size_t n, const struct limits *limits,
		    struct error *err) _must_check_;
int oci_manifest_parse(struct oci_manifest *out, const void *bytes, size_t n,
		       const struct limits *limits, struct error *err) _must_check_;
int oci_config_parse(struct oci_config *out, const void *bytes, size_t n,
		     const struct limits *limits, struct error *err) _must_check_;
int docker_archive_parse(struct docker_archive_image **out, size_t *count, const void *bytes,
			 size_t n, const struct limits *limits, struct error *err) _must_check_;

/* The index without the descriptors that drop marks, as text (malloc'd). */
int oci_index_without(const struct oci_index *index, const bool *drop, char **text,
		      struct error *err) _must_check_;

/* What another manifest is about: 0 with its subject and its kind (artifactType, else the config's
 * type; malloc'd), 1 where it is about nothing. */
int oci_manifest_subject(const void *bytes, size_t n, struct oci_digest *subject, char **kind,
			 struct error *err) _must_check_;

/* Free what the struct holds, not the struct; a zeroed struct is fine. */
void oci_index_free(struct oci_index *i);
void oci_manifest_free(struct oci_manifest *m);
void oci_config_free(struct oci_config *c);
void docker_archive_free(struct docker_archive_image *images, size_t count);

/* What a document is, by mediaType or by its members. */
enum media_kind oci_document_kind(const void *bytes, size_t n);
