/* Where images come from, behind one interface: a list of images, each with its manifest and
 * config, and layer blobs as streams. One file per transport (source-*.c) and one row of the table
 * in source.c.
 *
 * Most sources can be read in any order and by several threads. A one-pass source (standard input,
 * a compressed archive) cannot: its layers come first, in whatever order they stand, through
 * source_scan(); the images are known after it.
 */
#pragma once

#include "base/limits.h"
#include "base/notes.h"
#include "oci/image.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "stream/stream.h"
#include "toc/toc.h"

struct source;

struct source_options {
	const struct limits *limits; /* borrowed, outlives the source */
	struct notes *notes;	     /* borrowed; may be NULL */
	const struct platform
		*platform; /* --platform, or NULL: this machine's, else the only one */
	bool all_platforms;
	int stdin_fd;	 /* what "-" reads */
	bool read_twice; /* what a daemon sends once is kept in an unlinked file first, with a note
			  */
	const struct registry_options *registry; /* borrowed, outlives the source; NULL: defaults */
};

/* A layer as the source knows it. */
struct source_layer {
	char *blob;	  /* the source's own name of the blob: equal names are equal blobs */
	char *media_type; /* "" where the format has none (docker-archive) */
	struct oci_digest digest;  /* of the blob as stored; text "" where the format names none */
	struct oci_digest diff_id; /* from the config; text "" where there is none */
	uint64_t size;		   /* of the blob as stored; SOURCE_SIZE_UNKNOWN where not known */
	struct toc_place toc;	   /* of its table of contents, where the manifest names one */
	uint64_t effort; /* bytes that a short way reads, or 0: who has several begins with most */
};
#define SOURCE_SIZE_UNKNOWN UINT64_MAX

/* One image of a source. Everything is owned by the source. */
struct source_image {
	char *name;		  /* what to call it: the reference with its tag or index */
	struct oci_digest digest; /* of the manifest; for a docker-archive the config's; "" where
				     none (tar:, rootfs:) */
	struct platform platform;
	bool has_config; /* false for tar: and rootfs: */
	struct oci_config config;
	struct source_layer *layers;
	size_t layer_count;
	/* For who writes the image again: the documents as stored, NULL where there is none
	 * (manifest: docker-archive), and what the source calls the image: tags, or names of
	 * references; none for dir:. */
	uint8_t *config_bytes, *manifest_bytes;
	size_t config_len, manifest_len;
	char **names;
	size_t name_count;
};

/* Opens what ref names. A bare path is recognised: directory with "oci-layout" or index.json
 * (oci:), with "version"+manifest.json (dir:), any other directory is refused with the advice
 * rootfs:; a file that holds a tar (through any codec) with manifest.json or index.json
 * (docker-archive:, oci-archive:), else a layer (tar:), said in a note. What is no path here, and
 * does not look like one, is a name: of an image of the docker daemon, else of containers-storage,
 * else of a registry; which is said in a note. ERR_NOT_FOUND, ERR_BAD_INPUT. */
int source_open(struct source **out, const struct ref *ref, const struct source_options *opts,
		struct error *err) _must_check_;
void source_close(struct source *s);
DEFINE_CLEANUP(struct source, source_close)

/* True where source_scan() must run before source_images(). */
bool source_is_one_pass(const struct source *s);

/* Called for each member of a one-pass source that may be a layer: blob is its name, raw its bytes
 * as stored (not decoded), valid during the call; what it does not read is passed over. fn may
 * close raw or not: the bytes stay the source's. The same name twice: the later replaces the
 * earlier, as extraction would. Some that are no layer come too (a compressed document): what fn
 * cannot read is only an error if an image names it. size may be SOURCE_SIZE_UNKNOWN. Below 0 stops
 * the scan. */
typedef int source_blob_fn(void *ctx, const char *blob, uint64_t size, struct stream *raw,
			   struct error *err);

/* Reads a one-pass source to its end. Small JSON members are kept; every other regular member that
 * looks like a layer (a codec's magic, a tar header, a zero block, or empty) goes to fn.
 * ERR_SEQUENCE on any other source or a second call. */
int source_scan(struct source *s, source_blob_fn *fn, void *ctx, struct error *err) _must_check_;

/* The images that the reference, the platform and all_platforms choose; at least one, else
 * ERR_NOT_FOUND naming what there is. Manifests and configs are verified against their digests.
 * Attestations are skipped with a note. Without --platform, an index gives this machine's platform
 * or its only one (with a note), else ERR_NOT_FOUND; with it, images for others are skipped with a
 * note. Of a one-pass source the layers are looked up here too, with the errors of
 * source_layer_open. */
int source_images(struct source *s, const struct source_image **images, size_t *count,
		  struct error *err) _must_check_;

/* An index above images, as stored: all that were read for the images chosen, an outer one before
 * those in it; last, marked as root, the index.json of a layout, which nothing names. */
struct source_index {
	struct oci_digest digest;
	uint8_t *bytes;
	size_t len;
	char *name;  /* the layout's own, or NULL: none, or it lies in another */
	bool nested; /* in another index */
	bool root;
};
const struct source_index *source_indexes(const struct source *s, size_t *count);

/* What signs or describes an image, beside it in the source: cosign's tags sha256-HEX.sig, .att and
 * .sbom and manifests with a subject, listed by a layout's index.json (or the tag sha256-HEX that
 * stands for a referrers API); signature-N of dir:. */
struct source_signature {
	char *kind; /* "cosign signature", "signature-1", or an artifact's type, as it stands */
	struct oci_digest digest;  /* its own; text "" where it has none */
	struct oci_digest subject; /* text "" for the image at the top of a dir: */
};

/* *out (count long) is the caller's. Empty for a source that keeps none beside its images. Errors
 * as of reading a document; what is no manifest is passed over. */
int source_signatures(struct source *s, struct source_signature **out, size_t *count,
		      struct error *err) _must_check_;
void source_signatures_free(struct source_signature *v, size_t count);

/* Whether an archive has the file `repositories`, which Docker read before 1.10 and still writes.
 */
bool source_has_repositories(const struct source *s);

/* A layer's bytes as stored. Any thread may call it, each with its own stream. ERR_NOT_FOUND names
 * the layer; ERR_DIGEST where the size differs from the descriptor's; ERR_SEQUENCE for a one-pass
 * source. A stream of an uncompressed file can skip. */
int source_layer_open(struct source *s, const struct source_layer *layer, struct stream **out,
		      struct error *err) _must_check_;

/* Whether the layer is there, as far as that costs nothing: a file's name and size are looked at,
 * a server is not asked. Errors as source_layer_open. Any thread. */
int source_layer_there(struct source *s, const struct source_layer *layer,
		       struct error *err) _must_check_;

/* A short way to a layer's headers, where the source has one that somebody vouches for: a table of
 * contents whose digest the manifest holds, or what a local engine kept of the layer. 0 with *tar,
 * a decoded tar stream whose bodies can be skipped, and what it rests on; 1 where there is none.
 * Any thread. Of SOURCE_TOC nothing tells that the tar holds the same; of SOURCE_STORE the bytes
 * are the layer's own, so that reading all of them gives the diff_id. */
enum source_evidence { SOURCE_TOC, SOURCE_STORE };
int source_layer_headers(struct source *s, const struct source_layer *layer, struct stream **tar,
			 enum source_evidence *evidence, struct error *err) _must_check_;

/* For a one-pass source: true where blob names, through the archive's own links, the member member.
 * Old `docker save` stores a repeated layer as a link to the first. Otherwise equality of names. */
bool source_same_blob(const struct source *s, const char *blob, const char *member);
