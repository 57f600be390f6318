/* Writing: what is there, and manifests (OCI distribution-spec, "Push"); blobs are upload.c's. */
#include <stdio.h>
#include <string.h>

#include "registry/impl.h"

struct endpoint *registry_destination(struct registry *r)
{
	return &r->endpoints[r->places.count - 1];
}

int registry_blob_exists(struct registry *r, const struct oci_digest *digest, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	struct endpoint *e = registry_destination(r);
	struct http_request rq = { .method = "HEAD" };
	int ret = endpoint_url(&url, e, err, "blobs/%s", digest->text);

	rq.url = url;
	if (ret == 0)
		ret = endpoint_send(e, &rq, &a, err);
	if (ret < 0)
		return ret;
	if (http_status(a) == 200 || http_status(a) == 404)
		return http_status(a) == 404;
	return registry_refused(a, e, "blob", err);
}

int registry_check_digest(const struct http_answer *a, const struct endpoint *e, const char *want,
			  struct error *err)
{
	const char *said = http_header(a, "Docker-Content-Digest", 0);
	char text[160];

	if (!said || strcmp(said, want) == 0)
		return 0;
	return err_fail(err, ERR_DIGEST, 0, "%s took %s as %s", e->place->host, want,
			err_text(text, sizeof(text), said, strlen(said)));
}

int registry_put_manifest(struct registry *r, const char *reference, const char *media_type,
			  const void *bytes, size_t n, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	const struct http_header type = { "Content-Type", media_type };
	struct endpoint *e = registry_destination(r);
	struct http_request rq = { .method = "PUT",
				   .headers = &type,
				   .header_count = 1,
				   .bytes = bytes,
				   .size_bytes = n,
				   .idempotent = true };
	char hex[DIGEST_HEX_MAX + 1], digest[8 + DIGEST_HEX_MAX + 1];
	int ret = endpoint_url(&url, e, err, "manifests/%s", reference);

	rq.url = url;
	if (ret == 0)
		ret = digest_hex(DIGEST_SHA256, bytes, n, hex, err);
	if (ret == 0)
		ret = endpoint_send(e, &rq, &a, err);
	if (ret < 0)
		return ret;
	if (http_status(a) != 201 && http_status(a) != 200)
		return registry_refused(a, e, "manifest", err);
	snprintf(digest, sizeof(digest), "sha256:%s", hex);
	return registry_check_digest(a, e, digest, err);
}
