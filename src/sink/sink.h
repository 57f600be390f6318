/* Where a rewritten image goes: docker-archive:, oci:, oci-archive:, dir:, and "-", a
 * docker-archive on standard output. One file a transport (sink-*.c), one row of the table in
 * sink.c. And engines of this host, docker-daemon: and containers-storage:, which load a
 * docker-archive as it is made.
 *
 * The destination appears whole or not at all: it is built beside its name as
 * "NAME.partial-XXXXXXXX", synced, and renamed by sink_commit. Without commit sink_close removes
 * what was built; a killed process leaves a *.partial-* at most. Standard output alone cannot be
 * taken back: there the documents that name the layers come last, so that no engine loads a part.
 *
 * Order of calls: layer blobs, one at a time; documents; images and indexes; commit. One thread.
 * After an error only sink_close is of use (ERR_SEQUENCE).
 *
 * Layouts: OCI image-layout 1.0 (oci:, oci-archive:); containers/image's dir: version 1.1; as
 * docker-archive what `docker save` 25 and later write, an OCI layout with manifest.json (and
 * repositories) beside index.json, which dockerd since 1.10, podman and skopeo load. Layers stay
 * compressed as they were put: dockerd before 23.0 reads gzip, but no zstd.
 */
#pragma once

#include "base/notes.h"
#include "base/progress.h"
#include "oci/image.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "stream/codec.h"

struct sink;

struct sink_options {
	const struct limits *limits; /* borrowed, outlives the sink */
	struct notes *notes;	     /* borrowed; may be NULL */
	bool replace;		     /* an existing destination may be replaced */
	bool repositories;	     /* docker-archive: write the legacy file `repositories` too */
	int stdout_fd;		     /* what "-" writes; borrowed */
	/* docker://; borrowed, both may be NULL: the default settings; where blobs come from, so
	 * that those of the same registry need not travel. */
	const struct registry_options *registry;
	const struct registry_name *from;
};

/* Opens what ref names (borrowed for the call); nothing exists under its name until commit.
 * ref->name names the image, in place of sink_image.names; one image, or one index, then.
 * ERR_USAGE for a transport that nothing can be written to, an index (:@N), or a terminal as
 * standard output. A bare path is refused with the transports to choose from. ERR_DENIED where the
 * destination exists without replace, or with it is none of its own kind: a regular file for an
 * archive, a layout or dir: image for a directory; a symbolic link never. ERR_NOT_FOUND where the
 * folder it stands in does not exist. ERR_IO. */
int sink_open(struct sink **out, const struct ref *ref, const struct sink_options *opts,
	      struct error *err) _must_check_;
/* Removes what was not committed. */
void sink_close(struct sink *s);
DEFINE_CLEANUP(struct sink, sink_close)

/* True where a blob of unknown size is first kept in an unlinked file under TMPDIR (standard
 * output): what is kept and where is said in a note when it happens. */
bool sink_spools(const struct sink *s);

/* NULL where the destination takes layers that are compressed so, else who does not. Such a layer
 * is put without compression. */
const char *sink_refuses(const struct sink *s, enum codec codec);

/* A new blob, whose digest (sha256) and size come out at its end. */
int sink_blob_begin(struct sink *s, struct error *err) _must_check_;
/* An encoder_sink_fn with the sink as ctx. ERR_IO (disk full), ERR_SEQUENCE without begin. */
int sink_blob_write(void *sink, const void *bytes, size_t n, struct error *err) _must_check_;
/* digest and size may be NULL. The same blob twice is kept once (an archive holds both bodies no
 * longer: the second is cut off again, or never written). */
int sink_blob_finish(struct sink *s, struct oci_digest *digest, uint64_t *size,
		     struct error *err) _must_check_;

/* A blob as the source has it, verified: ERR_DIGEST where the bytes are not those that digest and
 * size name, ERR_TRUNCATED as reading gives it. from is borrowed, read to its end, not closed.
 * Nothing is read where the blob is there already. For a source that names no digest of its
 * layers (docker-archive) use begin, write, finish. After ERR_NET a registry stays usable, and the
 * same blob may be copied from its start. */
int sink_blob_copy(struct sink *s, struct stream *from, const struct oci_digest *digest,
		   uint64_t size, struct error *err) _must_check_;

/* Asks the destination for a blob of the source: 0 where it is there now (a registry had it, or
 * mounted it), 1 where its bytes are wanted. */
int sink_blob_take(struct sink *s, const struct oci_digest *digest, struct error *err) _must_check_;

/* Of the blobs that follow, the destination tells how much of one went out, PROGRESS_WRITING on
 * that line, until it is called with NULL. False where it tells nothing: there a blob is written as
 * fast as it is read. */
bool sink_watch(struct sink *s, struct progress *progress, size_t line);

/* False once something has failed for good: nothing more is taken. */
bool sink_is_usable(const struct sink *s);

bool sink_has_blob(const struct sink *s, const struct oci_digest *digest);

/* Puts a document as a blob, byte by byte as given. For documents that neither sink_add_image nor
 * sink_add_index puts. digest may be NULL. */
int sink_put_json(struct sink *s, const void *bytes, size_t n, struct oci_digest *digest,
		  struct error *err) _must_check_;

struct sink_layer {
	struct oci_digest digest; /* of a blob that was put: ERR_SEQUENCE where it was not */
	uint64_t size;
	enum codec codec; /* for the media type of a manifest that is made here, and for notes */
};

/* Borrowed for the call. */
struct sink_image {
	const char *const *names; /* tags ("app:1.0") or OCI reference names; may be none */
	size_t name_count;
	struct platform platform; /* for the descriptor of a made index.json; may be empty */
	const void *config;	  /* bytes, kept as they are */
	size_t config_len;
	const void *manifest; /* bytes, kept as they are; NULL: an OCI manifest is made */
	size_t manifest_len;
	const struct sink_layer *layers; /* lowest first, as in the manifest */
	size_t layer_count;
	bool nested; /* an index that follows lists it: index.json does not */
	/* Names under which index.json lists a nested one too, where nothing else is its name: not
	 * with ref->name, nor in dir:. */
	const char *const *listed;
	size_t listed_count;
};

/* A document as descriptors name it. */
struct sink_document {
	struct oci_digest digest;
	uint64_t size;
	const char *media_type; /* static, or as long as the sink */
};

/* Puts config and manifest and lists the image. *manifest (may be NULL) is what an index above it
 * says of it. docker-archive takes of names those that are NAME:TAG (others go to a note), for
 * manifest.json, of a nested image too; ref->name goes to the first image there. ERR_USAGE where
 * dir: gets a second image that is not nested. */
int sink_add_image(struct sink *s, const struct sink_image *image, struct sink_document *manifest,
		   struct error *err) _must_check_;

/* Puts an index over images (or indexes) that were added as nested, byte by byte, and lists it
 * unless nested. *index may be NULL. */
int sink_add_index(struct sink *s, const void *bytes, size_t n, const char *const *names,
		   size_t name_count, bool nested, struct sink_document *index,
		   struct error *err) _must_check_;

/* index.json, byte by byte, in place of one that is made of what was listed: for a layout whose own
 * index.json is to keep its keys. With ref->name its only descriptor gets that name; one of several
 * is left as a made one would be. docker-archive takes what names images as containerd does, else
 * makes its own. dir: ignores it. */
int sink_set_root_index(struct sink *s, const void *bytes, size_t n,
			struct error *err) _must_check_;

/* Whether docker-archive gets the file `repositories`, where that is known only now. */
void sink_set_repositories(struct sink *s, bool on);

/* Writes what is left, syncs, and renames. ERR_SEQUENCE without an image, or a blob open.
 * ERR_DENIED where the destination has appeared meanwhile. After success a crash loses nothing;
 * with replace, what stood there is gone. */
int sink_commit(struct sink *s, struct error *err) _must_check_;
