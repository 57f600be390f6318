/* In place of the other files where there is no libcurl (-Dregistry=disabled): no client can be
 * made, and so no request. What asks without a client answers as it would for what is no URL.
 */
#include <stdio.h>
#include <string.h>

#include "http/http.h"

int http_new(struct http **out, const struct http_options *opts _unused_, struct error *err)
{
	*out = NULL;
	return err_fail(err, ERR_UNSUPPORTED, 0,
			"this uidfit was built without registries and engines (libcurl)");
}

void http_free(struct http *h _unused_)
{
}

int http_send(struct http_answer **out, struct http *h _unused_,
	      const struct http_request *rq _unused_, struct error *err)
{
	*out = NULL;
	return err_fail(err, ERR_BUG, 0, "a request without a client");
}

void http_answer_free(struct http_answer *a _unused_)
{
}

long http_status(const struct http_answer *a _unused_)
{
	return 0;
}

const char *http_header(const struct http_answer *a _unused_, const char *name _unused_,
			size_t i _unused_)
{
	return NULL;
}

const char *http_final_url(const struct http_answer *a _unused_)
{
	return "";
}

uint64_t http_length(const struct http_answer *a _unused_)
{
	return HTTP_SIZE_UNKNOWN;
}

uint64_t http_total(const struct http_answer *a _unused_)
{
	return HTTP_SIZE_UNKNOWN;
}

int http_body_stream(struct stream **out, struct http_answer *a _unused_, struct error *err)
{
	*out = NULL;
	return err_fail(err, ERR_BUG, 0, "a body without an answer");
}

int http_body_all(struct http_answer *a _unused_, uint64_t max _unused_, uint8_t **data,
		  size_t *len, struct error *err)
{
	*data = NULL;
	*len = 0;
	return err_fail(err, ERR_BUG, 0, "a body without an answer");
}

/* Nothing of it is shown: what holds a secret is not known here. */
void http_url_safe(char *out, size_t n, const char *url _unused_)
{
	snprintf(out, n, "URL");
}

void http_url_host(char *out, size_t n, const char *url _unused_)
{
	snprintf(out, n, "host");
}

int http_url_join(char **out, const char *base _unused_, const char *location _unused_,
		  struct error *err)
{
	*out = NULL;
	return err_fail(err, ERR_BAD_INPUT, 0, "no URL is read without libcurl");
}

int http_url_add(char **out, const char *url _unused_, const char *name _unused_,
		 const char *value _unused_, struct error *err)
{
	*out = NULL;
	return err_fail(err, ERR_BAD_INPUT, 0, "no URL is read without libcurl");
}

bool http_same_origin(const char *a _unused_, const char *b _unused_)
{
	return false;
}

bool http_is_private(const char *url _unused_)
{
	return false;
}
