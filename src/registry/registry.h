/* A repository of a registry: OCI distribution 1.1, Docker registry v2 with its token
 * authentication (distribution docs: spec/auth/token). Manifests and blobs by name and by digest,
 * read and written. It knows no layouts, no layers' contents.
 */
#pragma once

#include "base/progress.h"
#include "http/http.h"
#include "registry/login.h"
#include "registry/place.h"

#define REGISTRY_MANIFEST_MAX (4u << 20)  /* bytes, as registries have it */
#define REGISTRY_TOKEN_MAX    (64u << 10) /* bytes of a token, and of the answer that holds it */

struct registry_options {
	const struct limits *limits;
	struct notes *notes;
	struct registry_place_options place;
	struct registry_login_options login;
	unsigned retries; /* --retry-times; HTTP_RETRIES unless told otherwise */
	unsigned hurry;	  /* tests only: as http_options */
};

/* What holds where nothing is asked for. */
struct registry_options registry_options_default(const struct limits *limits, struct notes *notes);

/* A session with one repository. Any thread may ask. */
struct registry;

/* Nothing is sent yet. push: for writing too (scope pull,push; no mirrors). */
int registry_open(struct registry **out, const struct registry_name *name, bool push,
		  const struct registry_options *opts, struct error *err) _must_check_;
void registry_close(struct registry *r);
DEFINE_CLEANUP(struct registry, registry_close)
const struct registry_name *registry_name(const struct registry *r);

/* A manifest or index, by tag or digest text: 0 with *data (malloc'd, NUL behind), *media_type
 * (malloc'd) and its digest as computed; by digest it is verified (ERR_DIGEST), by tag it is
 * compared with Docker-Content-Digest where that is sent. 1 where there is none (404 of all
 * places). Accepts OCI and Docker schema 2 manifests and indexes. ERR_AUTH where credentials are
 * refused or missing (the message says which were sent, and from where they came), ERR_NET. */
int registry_manifest(struct registry *r, const char *reference, uint8_t **data, size_t *len,
		      char **media_type, struct oci_digest *digest, struct error *err) _must_check_;

/* A blob from offset, len bytes (0: to its end); digests are the caller's to check. A redirect to
 * another host carries no credential. 1 where it is not there. */
int registry_blob(struct registry *r, const struct oci_digest *digest, uint64_t size,
		  uint64_t offset, uint64_t len, struct stream **out,
		  struct error *err) _must_check_;
/* A foreign layer's own URL: http or https alone, no credential, only where the registry has no
 * such blob; addresses of loopback and link-local are refused (ERR_DENIED) unless the registry is
 * there itself. */
int registry_foreign_blob(struct registry *r, const char *url, uint64_t size, struct stream **out,
			  struct error *err) _must_check_;

/* Writing. 0 where the blob is there already, 1 where it is not. */
int registry_blob_exists(struct registry *r, const struct oci_digest *digest,
			 struct error *err) _must_check_;
/* Tokens from here on ask for reading of that repository of the same registry too. Before the first
 * request. */
int registry_allow_mounts(struct registry *r, const char *from, struct error *err) _must_check_;
/* An upload whose digest is known at its end: POST, PATCH of chunks of at most 16 MiB (a chunk is
 * kept in memory so that it can be sent again, from where the registry says that it broke off), PUT
 * ?digest=; a blob of one chunk is POST and PUT. What breaks or is 5xx is tried again, with a note.
 * A registry may give an upload up that broke: keep has all but the first chunk's worth of a blob
 * in an unlinked file too, to send it once more at the end; without it that is ERR_NET. An upload
 * that is dropped is DELETEd. */
struct registry_upload;
int registry_upload_begin(struct registry_upload **out, struct registry *r, bool keep,
			  struct error *err) _must_check_;
/* POST ?mount=&from=: 0 mounted; 1 it has to be sent: by *out, which the registry has begun for it,
 * or where that is NULL by one of its own. */
int registry_blob_mount(struct registry_upload **out, struct registry *r,
			const struct oci_digest *digest, const char *from,
			struct error *err) _must_check_;
/* Tells from here on how many of the blob's bytes went out, PROGRESS_WRITING on that line; once the
 * user wants an end, what is sent is ERR_SEQUENCE "interrupted". */
void registry_upload_watch(struct registry_upload *u, struct progress *progress, size_t line);
int registry_upload_write(struct registry_upload *u, const void *bytes, size_t n,
			  struct error *err) _must_check_;
/* Frees u on any outcome. */
int registry_upload_finish(struct registry_upload *u, const struct oci_digest *digest,
			   struct error *err) _must_check_;
void registry_upload_drop(struct registry_upload *u);

/* reference is a tag or a digest's text; the answer's Docker-Content-Digest must be ours. */
int registry_put_manifest(struct registry *r, const char *reference, const char *media_type,
			  const void *bytes, size_t n, struct error *err) _must_check_;
