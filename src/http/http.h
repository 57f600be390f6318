/* HTTP for registries and engines, on libcurl: one request, its answer's head, its body as a stream
 * that resumes where the connection broke. It knows nothing of images.
 *
 * Every bound stands here or in base/limits.h: a server that drips, lies about lengths, sends
 * endless headers or redirects in circles ends in an error, in bounded time and memory (RFC 9110,
 * RFC 9112).
 */
#pragma once

#include "base/limits.h"
#include "base/notes.h"
#include "stream/stream.h"

#define HTTP_HEADERS_MAX   (64u << 10) /* bytes of one answer's head, interim ones too */
#define HTTP_REDIRECTS_MAX 10
#define HTTP_RETRIES	   5	/* per request, of what can be tried again; --retry-times */
#define HTTP_RETRY_WAIT	   30	/* seconds: the longest that Retry-After or back-off waits */
#define HTTP_CONNECT_WAIT  30	/* seconds to connect, TLS included */
#define HTTP_SLOW_BYTES	   1024 /* a transfer below so many bytes a second, ... */
#define HTTP_SLOW_WAIT	   60	/* ... for so many seconds, is broken */

/* How a host is reached; borrowed strings, NULL or false where not said. */
struct http_tls {
	bool insecure;	       /* certificates are not checked (--tls-verify=false) */
	const char *const *ca; /* PEM files trusted besides the system's own */
	size_t ca_count;
	const char *cert, *key; /* PEM files of a client's certificate */
};

struct http_options {
	const struct limits *limits; /* borrowed, outlives the client */
	struct notes *notes;	     /* borrowed; may be NULL: retries are said here */
	const char *user_agent;
	unsigned retries; /* HTTP_RETRIES unless told otherwise; 0: none */
	/* Test only: divides every wait. 0 is 1. */
	unsigned hurry;
};

/* Keeps idle connections, TLS sessions and names between requests. Any thread may make requests of
 * one client. Proxies come from the environment (HTTP_PROXY for http alone where REQUEST_METHOD is
 * not set, HTTPS_PROXY, ALL_PROXY, NO_PROXY: curl(1)). */
struct http;
int http_new(struct http **out, const struct http_options *opts, struct error *err) _must_check_;
void http_free(struct http *h);
DEFINE_CLEANUP(struct http, http_free)

struct http_header {
	const char *name, *value;
};

/* Borrowed for the call but for body_ctx, which lives as long as the request. */
struct http_request {
	const char *method;	    /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	const char *url;	    /* http:// or https:// */
	const char *unix_socket;    /* connect there, whatever the URL's host; or NULL */
	const struct http_tls *tls; /* or NULL: the system's */
	/* Sent to the URL's own host (scheme, host and port alike) only: a redirect to another
	 * never carries it. "Bearer ..." or "Basic ...", or NULL. */
	const char *authorization;
	const struct http_header *headers; /* carried by redirects too */
	size_t header_count;
	/* The body: memory, or pulled: body(ctx, buf, n, &got) with got 0 at its end. size unknown:
	 * SIZE_UNKNOWN, sent chunked. A pulled body is sent once: no retry, no redirect but 307/308
	 * before its first byte. */
	const void *bytes;
	size_t size_bytes;
	int (*body)(void *ctx, void *buf, size_t n, size_t *got, struct error *err);
	void *body_ctx;
	uint64_t body_size;
	bool no_redirect; /* the answer 3xx is handed on */
	bool idempotent; /* tried again after a broken connection, 429, 502, 503, 504, 408; HEAD and
			  * GET always are */
	/* Of the resource: bytes from offset, len of them (0: to the end). GET only. An answer that
	 * is not 206 with that Content-Range is read and cut where it is 200 and offset is 0, else
	 * ERR_NET. */
	uint64_t range_offset, range_len;
	bool ranged;
	uint64_t body_max; /* bytes of the answer's body: past it ERR_LIMIT; 0: no bound of its own
			    */
};
#define HTTP_SIZE_UNKNOWN UINT64_MAX

/* The head of an answer and its body. */
struct http_answer;

/* Sends and reads the head, redirects followed. 0 with whatever status the server gave, after
 * retries (Retry-After obeyed up to HTTP_RETRY_WAIT; exponential back-off with jitter else).
 * ERR_NET where no answer came (name, connection, TLS: the message says which, with host and port),
 * ERR_LIMIT past a bound. Redirects: https to http is refused (ERR_DENIED); 301, 302, 303 make POST
 * a GET as curl does. */
int http_send(struct http_answer **out, struct http *h, const struct http_request *rq,
	      struct error *err) _must_check_;
void http_answer_free(struct http_answer *a);
DEFINE_CLEANUP(struct http_answer, http_answer_free)

long http_status(const struct http_answer *a);
/* Of the last answer; NULL where it has none. Borrowed. The i-th of several (WWW-Authenticate). */
const char *http_header(const struct http_answer *a, const char *name, size_t i);
const char *http_final_url(const struct http_answer *a);
uint64_t http_length(const struct http_answer *a); /* Content-Length of the representation, or
						      HTTP_SIZE_UNKNOWN */

/* The body as a stream that owns the answer on success. A transfer of a GET that breaks is resumed
 * with Range and If-Range (a strong ETag where there is one) at the byte where it broke, up to
 * opts.retries times without progress; a server that does not do ranges is asked again and the
 * bytes that were handed on are passed over. A body shorter or longer than Content-Length is
 * ERR_TRUNCATED or ERR_NET. Reads ahead at most 1 MiB: memory stays flat and a slow consumer slows
 * the server. */
int http_body_stream(struct stream **out, struct http_answer *a, struct error *err) _must_check_;

/* The body whole (at most max bytes: ERR_LIMIT), malloc'd with a NUL behind. Frees nothing of a. */
int http_body_all(struct http_answer *a, uint64_t max, uint8_t **data, size_t *len,
		  struct error *err) _must_check_;

/* "https://user:secret@h/p?token=x" without what a log must not hold: userinfo and query values.
 * out holds n bytes. */
void http_url_safe(char *out, size_t n, const char *url);

/* True where scheme, host (case folds) and port (default ports known) are the same. */
bool http_same_origin(const char *a, const char *b);
/* True for https, for a host that is a loopback address or "localhost". */
bool http_is_private(const char *url);
