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
#define HTTP_CONNECT_WAIT  10	/* seconds to connect, TLS included */
#define HTTP_SLOW_BYTES	   1024 /* a transfer below so many bytes a second, ... */
#define HTTP_SLOW_WAIT	   60	/* ... for so many seconds, is broken */
#define HTTP_ANSWER_WAIT   300	/* seconds to begin the answer to a POST, PUT, PATCH or DELETE */
#define HTTP_SEND_WAIT	   600	/* seconds in all, over redirects and retries, for one head */
#define HTTP_READ_AHEAD	   (1u << 20) /* bytes that a body stream holds */
#define HTTP_RESUME_EARN   (1u << 20) /* bytes that arrive and earn a retry back */

/* How a host is reached; borrowed strings, NULL or false where not said. */
struct http_tls {
	bool insecure;	       /* certificates are not checked (--tls-verify=false) */
	const char *const *ca; /* PEM files trusted besides the system's own, which SSL_CERT_FILE
				  and SSL_CERT_DIR name otherwise */
	size_t ca_count;
	const char *cert, *key; /* PEM files of a client's certificate; the URL's own host alone
				   sees it */
};

struct http_options {
	const struct limits *limits; /* borrowed, outlives the client */
	struct notes *notes;	     /* borrowed; may be NULL: retries are said here */
	const char *user_agent;	     /* or NULL: "uidfit/VERSION" */
	unsigned retries;	     /* HTTP_RETRIES unless told otherwise; 0: none */
	/* Test only: divides every wait. 0 is 1. */
	unsigned hurry;
};

/* Keeps idle connections, TLS sessions and names between requests. Any thread may make requests of
 * one client. Proxies come from the environment (HTTP_PROXY for http alone where REQUEST_METHOD is
 * not set, HTTPS_PROXY, ALL_PROXY, NO_PROXY: curl(1)); loopback hosts and sockets never go through
 * one, as in Go's engines (net/http ProxyFromEnvironment). */
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
	const char *url;	    /* http:// or https://; "user:secret@" in it is dropped */
	const char *unix_socket;    /* connect there, whatever the URL's host; or NULL */
	const struct http_tls *tls; /* or NULL: the system's */
	/* Sent to the URL's own host (scheme, host and port alike) only: a redirect to another
	 * never carries it, nor one that comes back. "Bearer ..." or "Basic ...", or NULL. */
	const char *authorization;
	/* Where a broken GET is asked for again and gets 401, a token having run out meanwhile:
	 * another authorization (malloc'd), once a resumption; 1: none. May be NULL. Called on the
	 * thread that reads the body; the ctx lives as long as the answer. */
	int (*renew)(void *ctx, char **authorization, struct error *err);
	void *renew_ctx;
	/* Carried by redirects too, but for those of credentials (Cookie, X-Registry-Auth,
	 * X-Registry-Config). A control character in one is ERR_BAD_INPUT. */
	const struct http_header *headers;
	size_t header_count;
	/* The body: memory, or pulled: body(ctx, buf, n, &got) with got 0 at its end. size unknown:
	 * SIZE_UNKNOWN, sent chunked. A pulled body is sent once: no retry, no redirect but 307/308
	 * before its first byte. */
	const void *bytes;
	size_t size_bytes;
	int (*body)(void *ctx, void *buf, size_t n, size_t *got, struct error *err);
	void *body_ctx;
	uint64_t body_size;
	/* So many bytes of the body went out by now, of this try: 0, or the error that ends the
	 * request. On the caller's thread, before http_send returns. May be NULL. */
	int (*sent)(void *ctx, uint64_t bytes, struct error *err);
	void *sent_ctx;
	bool no_redirect; /* the answer 3xx is handed on */
	/* Tried again after a broken connection, 408 and 5xx (but 501 and 505); HEAD and GET always
	 * are. What has not been done, a connection not made or 429, is tried again for all. */
	bool idempotent;
	bool once; /* a probe: no retries at all */
	/* Addresses of this host and its links (loopback, link-local, unspecified) are ERR_DENIED,
	 * as names resolve and after each redirect. A redirect from elsewhere to such an address
	 * always is. */
	bool public_only;
	unsigned
		patience; /* seconds for the answer's first byte; 0: HTTP_SLOW_WAIT for GET and
			     HEAD, else HTTP_ANSWER_WAIT. For engines, that pack before they send */
	/* Of the resource: bytes from offset, len of them (0: to the end). GET only. An answer that
	 * is not 206 with that Content-Range is read and cut where it is 200 and offset is 0, else
	 * ERR_NET; 4xx and 5xx are handed on. */
	uint64_t range_offset, range_len;
	bool ranged;
	uint64_t body_max; /* bytes of the answer's body: past it ERR_LIMIT; 0: no bound of its own
			    */
};
#define HTTP_SIZE_UNKNOWN UINT64_MAX

/* The head of an answer and its body. */
struct http_answer;

/* Sends and reads the head, redirects followed. 0 with whatever status the server gave, after
 * retries (Retry-After obeyed up to HTTP_RETRY_WAIT; exponential back-off with jitter else; what
 * cannot be reached at all is tried twice more at most, and once where it let HTTP_CONNECT_WAIT
 * pass). ERR_NET where no answer came (name, connection, TLS: the message says which, with host and
 * port; sys is ETIMEDOUT where nothing came in time), ERR_LIMIT past a bound,
 * ERR_BAD_INPUT for what is no http URL, and what the pulled body gave. Redirects: https to http is
 * refused (ERR_DENIED); 301, 302, 303 make POST a GET as curl does. A pulled body is never called
 * after this returns. */
int http_send(struct http_answer **out, struct http *h, const struct http_request *rq,
	      struct error *err) _must_check_;
void http_answer_free(struct http_answer *a);
DEFINE_CLEANUP(struct http_answer, http_answer_free)

long http_status(const struct http_answer *a);
/* Of the last answer; NULL where it has none. Borrowed. The i-th of several (WWW-Authenticate). */
const char *http_header(const struct http_answer *a, const char *name, size_t i);
const char *http_final_url(const struct http_answer *a);
/* Bytes that the body stream will give (HEAD: would have given), or HTTP_SIZE_UNKNOWN. */
uint64_t http_length(const struct http_answer *a);
/* Bytes of the whole resource, of which a range may be a part, or HTTP_SIZE_UNKNOWN. */
uint64_t http_total(const struct http_answer *a);

/* The body as a stream that owns the answer on success. A transfer of a GET that breaks is resumed
 * with Range and If-Range (a strong ETag where there is one) at the byte where it broke, the URL
 * asked from its start again, for what it redirects to runs out. A server that does not do ranges
 * gives all again, and the bytes that were handed on are passed over, where ETag, Last-Modified or
 * the length say that they are the same. opts.retries times; each HTTP_RESUME_EARN bytes that
 * arrive earn one back. Never over a unix socket, nor for other methods.
 *
 * A body that ends before its Content-Length, or is another when resumed, is ERR_NET; what comes
 * behind the Content-Length is not of this answer and ends with its connection. Content-Encoding is
 * neither asked for nor decoded: a server that sends it unasked has a note, and its bytes are taken
 * as they come. Reads ahead at most HTTP_READ_AHEAD: memory stays flat and a slow consumer slows
 * the server; time in which nobody reads does not count as slow. */
int http_body_stream(struct stream **out, struct http_answer *a, struct error *err) _must_check_;

/* The body whole (at most max bytes: ERR_LIMIT), malloc'd with a NUL behind. Frees nothing of a. */
int http_body_all(struct http_answer *a, uint64_t max, uint8_t **data, size_t *len,
		  struct error *err) _must_check_;

/* "https://user:secret@h/p?token=x" without what a log must not hold: userinfo, query values,
 * fragment; escaped. out holds n bytes. */
void http_url_safe(char *out, size_t n, const char *url);
/* "host:port" for a message, escaped; the port always stands. */
void http_url_host(char *out, size_t n, const char *url);
/* *out (malloc'd) is what a Location or Link on the page base means: absolute, no userinfo, no
 * fragment. ERR_BAD_INPUT where it is no http or https URL. */
int http_url_join(char **out, const char *base, const char *location,
		  struct error *err) _must_check_;
/* *out (malloc'd) is url with NAME=VALUE behind its query, value percent-encoded. */
int http_url_add(char **out, const char *url, const char *name, const char *value,
		 struct error *err) _must_check_;

/* True where scheme, host (case folds) and port (default ports known) are the same. */
bool http_same_origin(const char *a, const char *b);
/* Nobody on the way reads along: https, or a host that is a loopback address or "localhost". */
bool http_is_private(const char *url);
