/* What curl is told of one exchange: method, headers, bounds, and what it must not do by itself. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/impl.h"

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool is_credential(const char *name)
{
	static const char *const names[] = { "Authorization", "Proxy-Authorization", "Cookie",
					     "X-Registry-Auth", "X-Registry-Config" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static int add_header(struct http_transfer *t, const char *name, const char *value,
		      struct error *err)
{
	_cleanup_(freep) char *line = NULL;
	struct curl_slist *grown;
	char shown[64];

	if (!is_clean(name) || !is_clean(value))
		return err_fail(err, ERR_BAD_INPUT, 0,
				"%s: header %s would hold a control character", t->who,
				err_text(shown, sizeof(shown), name, strlen(name)));
	/* curl takes "Name;" for a header without a value. */
	if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0) {
		line = NULL;
		return err_nomem(err);
	}
	grown = curl_slist_append(t->headers, line);
	explicit_bzero(line, strlen(line));
	if (!grown)
		return err_nomem(err);
	t->headers = grown;
	return 0;
}

static int set_headers(struct http_transfer *t, struct error *err)
{
	const struct http_request *rq = t->hop.rq;
	char range[64];
	int r = add_header(t, "Accept-Encoding", "identity", err);

	for (size_t i = 0; i < rq->header_count && r == 0; i++)
		if (t->hop.own || !is_credential(rq->headers[i].name))
			r = add_header(t, rq->headers[i].name, rq->headers[i].value, err);
	if (r == 0 && t->hop.own && rq->authorization)
		r = add_header(t, "Authorization", rq->authorization, err);
	if (r == 0 && t->hop.ranged) {
		if (t->hop.to == HTTP_SIZE_UNKNOWN)
			snprintf(range, sizeof(range), "bytes=%llu-",
				 (unsigned long long)t->hop.from);
		else
			snprintf(range, sizeof(range), "bytes=%llu-%llu",
				 (unsigned long long)t->hop.from, (unsigned long long)t->hop.to);
		r = add_header(t, "Range", range, err);
	}
	if (r == 0 && t->hop.no_expect) {
		struct curl_slist *grown = curl_slist_append(t->headers, "Expect:");

		if (!grown)
			return err_nomem(err);
		t->headers = grown;
	}
	if (r == 0 && t->hop.if_range)
		r = add_header(t, "If-Range", t->hop.if_range, err);
	if (r == 0)
		curl_easy_setopt(t->slot->easy, CURLOPT_HTTPHEADER, t->headers);
	return r;
}

static void set_method(struct http_transfer *t)
{
	const struct http_request *rq = t->hop.rq;
	CURL *easy = t->slot->easy;
	uint64_t size = http_body_size(rq);

	if (strcmp(t->hop.method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	if (t->hop.send_body) {
		t->body = rq;
		t->body_ended = size == 0;
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
				 size == HTTP_SIZE_UNKNOWN ? (curl_off_t)-1 : (curl_off_t)size);
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BLOCK_SIZE);
		curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, http_wait_ms(t->h, 1));
		/* What was pulled is gone: it must not go into a kept connection that is dead. */
		if (rq->body)
			curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	}
	if (strcmp(t->hop.method, "HEAD") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->hop.method);
}

int http_options_set(struct http_transfer *t, struct error *err)
{
	CURL *easy = t->slot->easy;
	int r;

	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->errbuf);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, http_connect_ms(t->h));
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BLOCK_SIZE);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, t->h->user_agent);
	if (curl_easy_setopt(easy, CURLOPT_URL, t->hop.url) != CURLE_OK)
		return err_nomem(err);
	set_method(t);
	r = set_headers(t, err);
	return r < 0 ? r : http_reach_set(t, err);
}
