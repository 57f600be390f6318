/* What the files of this folder share. */
#pragma once

#include "base/buf.h"
#include "sink/out.h"
#include "sink/sink.h"

/* One layout: how blobs are called, and the documents around them. */
struct layout {
	void (*blob_name)(char out[OUT_NAME_MAX], const struct oci_digest *digest);
	/* A manifest or index that is not the top one. */
	void (*document_name)(char out[OUT_NAME_MAX], const struct oci_digest *digest);
	/* Lists a document at the top; bytes are its own. */
	int (*list)(struct sink *s, const struct sink_document *doc, const void *bytes, size_t n,
		    const struct platform *platform, const char *const *names, size_t name_count,
		    struct error *err);
	int (*commit)(struct sink *s, struct error *err); /* the last documents; may be NULL */
	bool docker;					  /* with manifest.json of `docker save` */
};

extern const struct layout layout_oci, layout_docker, layout_dir, layout_registry;

struct kept {
	char digest[8 + DIGEST_HEX_MAX];
	bool document; /* as a document, whose name may be another */
};

struct sink {
	const struct layout *layout;
	struct out *out;
	const struct limits *limits;
	struct notes *notes;
	bool repositories, spools, dead, committed;
	char *name; /* of the reference, or NULL */
	bool engine;
	char *no_zstd; /* who does not read zstd, or NULL */

	bool open; /* a blob of unknown digest is being written */
	struct digest *digest;
	uint64_t size;

	struct kept *kept; /* sorted by digest */
	size_t kept_count, kept_cap;
	size_t images, listed;
	bool sha512;
	json_t *manifests;	 /* of index.json */
	json_t *docker_manifest; /* manifest.json */
	json_t *docker_repositories;
	struct buf root; /* index.json as given, or empty */
};

/* A file outside of the blobs. */
int sink_file(struct sink *s, const char *name, const void *bytes, size_t n,
	      struct error *err) _must_check_;
/* The same of a document made here. */
int sink_file_json(struct sink *s, const char *name, json_t *json, struct error *err) _must_check_;

/* A blob (a config), or where document a manifest or index, at its name, once. */
int sink_put(struct sink *s, const void *bytes, size_t n, bool document, struct oci_digest *digest,
	     struct error *err) _must_check_;

/* ERR_SEQUENCE where the sink is of no use any more, or a blob is open. */
int sink_ready(const struct sink *s, struct error *err) _must_check_;
/* Hands r on, and marks the sink as broken where it is an error. */
int sink_result(struct sink *s, int r);

/* Names a descriptor's annotations anew. -1 where memory is short. */
int layout_rename(const struct sink *s, json_t *annotations, const char *name) _must_check_;

/* A row of manifest.json. */
int docker_add(struct sink *s, const struct sink_image *image, const struct oci_digest *config,
	       struct error *err) _must_check_;
/* "app:1.0" or "app", of letters and lengths that `docker load` takes; and with a tag. */
bool docker_name_ok(const char *name);
bool docker_is_tagged(const char *name);
