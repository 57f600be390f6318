/* Reading: manifests and blobs, of the first place that has them. */
#include <stdio.h>
#include <string.h>

#include "registry/impl.h"

static const struct http_header accept[] = {
	{ "Accept", "application/vnd.oci.image.index.v1+json, "
		    "application/vnd.oci.image.manifest.v1+json, "
		    "application/vnd.docker.distribution.manifest.list.v2+json, "
		    "application/vnd.docker.distribution.manifest.v2+json, "
		    "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1" },
};

/* A question put to one place: 0 with *answer, 1 where it has no such thing. */
static int ask(struct endpoint *e, struct http_request *rq, const char *what,
	       struct http_answer **answer, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	int r = endpoint_send(e, rq, &a, err);

	if (r < 0)
		return r;
	if (http_status(a) == 404)
		return 1;
	if (http_status(a) != 200 && http_status(a) != 206)
		return registry_refused(a, e, what, err);
	*answer = STEAL(a);
	return 0;
}

/* A place that failed is said and left for good; the last one's answer counts. */
static bool go_on(struct registry *r, size_t i, int ret, const struct error *err)
{
	if (ret == 0 || i + 1 == r->places.count)
		return false;
	if (ret < 0 && !atomic_exchange(&r->endpoints[i].passed_over, true))
		notes_add(r->opts.notes, "mirror %s was passed over: %s", r->places.v[i].host,
			  err->msg);
	return true;
}

static int verify(const char *reference, const uint8_t *data, size_t len, struct http_answer *a,
		  struct oci_digest *digest, struct error *err)
{
	const char *said = http_header(a, "Docker-Content-Digest", 0);
	struct oci_digest want = { .algo = DIGEST_SHA256 };
	char hex[DIGEST_HEX_MAX + 1];
	int r = 0;

	if (strchr(reference, ':'))
		r = oci_digest_parse(&want, reference, err);
	else if (said)
		r = oci_digest_parse(&want, said, err);
	if (r == 0)
		r = digest_hex(want.algo, data, len, hex, err);
	if (r < 0)
		return err_wrap(err, "manifest %s", reference);
	if (want.text[0] && strcmp(oci_digest_hex(&want), hex) != 0)
		return err_fail(err, ERR_DIGEST, 0, "manifest %s: its bytes have the digest %s%s%s",
				reference, hex, said ? ", the registry says " : "",
				said ? want.text : "");
	digest->algo = want.algo;
	snprintf(digest->text, sizeof(digest->text), "%s:%s",
		 want.algo == DIGEST_SHA512 ? "sha512" : "sha256", hex);
	return 0;
}

static int one_manifest(struct endpoint *e, const char *reference, uint8_t **data, size_t *len,
			char **media_type, struct oci_digest *digest, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	_cleanup_(freep) char *url = NULL;
	struct http_request rq = { .method = "GET",
				   .headers = accept,
				   .header_count = ARRAY_SIZE(accept),
				   .body_max = REGISTRY_MANIFEST_MAX };
	const char *type;
	int r = endpoint_url(&url, e, err, "manifests/%s", reference);

	rq.url = url;
	if (r == 0)
		r = ask(e, &rq, "manifest", &a, err);
	if (r == 0)
		r = http_body_all(a, REGISTRY_MANIFEST_MAX, &bytes, len, err);
	if (r == 0)
		r = verify(reference, bytes, *len, a, digest, err);
	if (r)
		return r;
	type = http_header(a, "Content-Type", 0);
	*media_type = strdup(type ? type : "");
	if (!*media_type)
		return err_nomem(err);
	*data = STEAL(bytes);
	return 0;
}

int registry_manifest(struct registry *r, const char *reference, uint8_t **data, size_t *len,
		      char **media_type, struct oci_digest *digest, struct error *err)
{
	bool tag = !strchr(reference, ':');
	int ret = 1;

	for (size_t i = 0; i < r->places.count; i++) {
		if (r->endpoints[i].passed_over || (tag && r->places.v[i].digest_only))
			continue;
		ret = one_manifest(&r->endpoints[i], reference, data, len, media_type, digest, err);
		if (!go_on(r, i, ret, err))
			break;
	}
	return ret;
}

static int check_size(struct http_answer *a, uint64_t size, struct error *err)
{
	uint64_t total = http_total(a);

	if (size == HTTP_SIZE_UNKNOWN || total == HTTP_SIZE_UNKNOWN || total == size)
		return 0;
	return err_fail(err, ERR_DIGEST, 0,
			"the server has %llu bytes of it, the manifest says %llu",
			(unsigned long long)total, (unsigned long long)size);
}

static int one_blob(struct endpoint *e, const struct oci_digest *digest, uint64_t size,
		    uint64_t offset, uint64_t len, struct stream **out, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	struct http_request rq = {
		.method = "GET", .ranged = offset || len, .range_offset = offset, .range_len = len
	};
	int r = endpoint_url(&url, e, err, "blobs/%s", digest->text);

	rq.url = url;
	if (r == 0)
		r = ask(e, &rq, "blob", &a, err);
	if (r == 0)
		r = check_size(a, size, err);
	if (r == 0)
		r = http_body_stream(out, a, err);
	if (r == 0)
		a = NULL; /* the stream owns it */
	return r;
}

int registry_blob(struct registry *r, const struct oci_digest *digest, uint64_t size,
		  uint64_t offset, uint64_t len, struct stream **out, struct error *err)
{
	int ret = 1;

	for (size_t i = 0; i < r->places.count; i++) {
		if (r->endpoints[i].passed_over)
			continue;
		ret = one_blob(&r->endpoints[i], digest, size, offset, len, out, err);
		if (!go_on(r, i, ret, err))
			break;
	}
	return ret;
}

int registry_foreign_blob(struct registry *r, const char *url, uint64_t size, struct stream **out,
			  struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	/* Where the registry is on this host itself, its foreign layers may be too. */
	const struct http_request rq = { .method = "GET",
					 .url = url,
					 .public_only = !r->endpoints[r->places.count - 1].local };
	char shown[200];
	int ret = http_send(&a, r->http, &rq, err);

	http_url_safe(shown, sizeof(shown), url);
	if (ret == 0 && http_status(a) != 200)
		ret = err_fail(err, ERR_NET, 0, "status %ld", http_status(a));
	if (ret == 0)
		ret = check_size(a, size, err);
	if (ret == 0)
		ret = http_body_stream(out, a, err);
	if (ret < 0)
		return err_wrap(err, "foreign layer at %s", shown);
	a = NULL; /* the stream owns it */
	return 0;
}
