/* Private to src/http. A request goes through these files in this order: request.c decides what is
 * asked of whom (redirects, retries), transfer.c (and options.c) does one exchange, head.c keeps
 * its head, failure.c says what broke, body.c hands the bytes on and resumes. reach.c holds TLS,
 * proxies and addresses; client.c the handles that are kept.
 */
#pragma once

#include <curl/curl.h>
#include <pthread.h>

#include "base/buf.h"
#include "http/http.h"

/* --- client.c: handles with their connections, one owner at a time --- */

/* curl keeps connections with the multi handle: one of each makes a slot. */
struct http_slot {
	CURLM *multi;
	CURL *easy;
	char *origin; /* of the last request, "" or text that only equality is asked of */
	struct http_slot *next;
};

struct http {
	struct http_options opts;
	char *user_agent;
	CURLSH *share; /* names and TLS sessions */
	pthread_mutex_t share_lock[CURL_LOCK_DATA_LAST];
	pthread_mutex_t lock;
	struct http_slot *idle;
};

/* An idle slot that was at this origin before, or a new one; its easy handle is as new. */
int http_slot_take(struct http_slot **out, struct http *h, const char *origin, struct error *err);
void http_slot_give(struct http *h, struct http_slot *s); /* no transfer is in it */

/* Milliseconds of this wait, divided by opts.hurry; never 0. */
long http_wait_ms(const struct http *h, unsigned seconds);
long http_connect_ms(const struct http *h); /* of HTTP_CONNECT_WAIT */

/* --- head.c: the lines of one answer --- */

struct http_head {
	struct buf fields; /* "name\0value\0" each */
	size_t bytes;	   /* of every head and trailer of this exchange */
	long status;	   /* 0: no status line yet */
	bool complete;	   /* the head of the final answer */
};

/* One line with its end, as curl gives them; interim answers are forgotten. wait_417: an answer 417
 * is not final yet, for curl asks again without Expect. ERR_LIMIT past HTTP_HEADERS_MAX. */
int http_head_line(struct http_head *h, const char *line, size_t n, bool wait_417,
		   struct error *err);
const char *http_head_get(const struct http_head *h, const char *name, size_t i);
/* Content-Length, or HTTP_SIZE_UNKNOWN where there is none, or none to rely on. */
uint64_t http_head_length(const struct http_head *h);
/* "bytes FIRST-LAST/TOTAL" of Content-Range; total may be HTTP_SIZE_UNKNOWN. */
bool http_head_range(const struct http_head *h, uint64_t *first, uint64_t *last, uint64_t *total);

/* --- transfer.c: one exchange --- */

/* What is asked once redirects and resumption have had their say. Borrowed by the transfer. */
struct http_hop {
	const struct http_request *rq;
	const char *method, *url;
	bool own;      /* the request's own origin, and never another before: credentials go */
	bool local_ok; /* may lead to this host */
	bool send_body;
	bool no_expect; /* 100-continue is not asked for */
	bool ranged;
	uint64_t from, to;    /* the range, both inclusive; to HTTP_SIZE_UNKNOWN: to the end */
	const char *if_range; /* or NULL */
	bool *pulled;	      /* set when a pulled body is asked for its first byte */
};

/* Of the body that rq sends. */
static inline uint64_t http_body_size(const struct http_request *rq)
{
	return rq->body ? rq->body_size : rq->size_bytes;
}

/* What another try would help against. */
enum http_trouble {
	HTTP_FINAL,	/* nothing */
	HTTP_UNREACHED, /* no connection: nothing was sent */
	HTTP_SILENT,	/* nor a refusal, for HTTP_CONNECT_WAIT */
	HTTP_BROKEN,	/* a connection that ended or stood still */
};

#define HTTP_QUEUE (HTTP_READ_AHEAD / BLOCK_SIZE + 1)

struct http_transfer {
	struct http *h;
	struct http_slot *slot;
	struct http_hop hop; /* its strings are the caller's, valid until the head is there */
	struct curl_slist *headers;
	char who[128]; /* host:port or the socket, for messages */
	char errbuf[CURL_ERROR_SIZE];
	struct http_head head;

	struct block *queue[HTTP_QUEUE]; /* the last one is being filled */
	unsigned first, count;
	size_t queued;
	bool paused;

	const struct http_request *body; /* what is sent; NULL once nothing may be pulled */
	uint64_t body_pos;
	bool body_ended;
	uint64_t owed; /* Content-Length */

	bool done;
	CURLcode result;
	struct error failure; /* a callback's own, where its code is not 0 */
	enum http_trouble trouble;
	bool refused; /* an address that may not be asked */
	bool proxied; /* a proxy may stand in between */
	long proxy_port;

	uint64_t moved;		       /* bytes either way */
	uint64_t window_moved;	       /* moved when the window of the speed check began */
	uint64_t window_ms, waited_ms; /* spent waiting: in the window, in all */
};

/* Sends and reads the head: 0, or an error with *trouble and *waited_ms (added to) set. */
int http_transfer_open(struct http_transfer **out, struct http *h, const struct http_hop *hop,
		       enum http_trouble *trouble, uint64_t *waited_ms, struct error *err);
/* Next run of the body: 0, 1 where it ended as its framing says, or an error (t->trouble). */
int http_transfer_read(struct http_transfer *t, struct block **out, struct error *err);
/* Reads what little is left, so that the connection can be used again. NULL does nothing. */
void http_transfer_close(struct http_transfer *t);
static inline void http_transfer_closep(struct http_transfer **t)
{
	http_transfer_close(*t);
}

/* --- options.c --- */

int http_options_set(struct http_transfer *t, struct error *err);

/* --- failure.c --- */

/* Fills err from what curl, or a callback, says of t; sets t->trouble. */
int http_failure(struct http_transfer *t, struct error *err);
int http_too_slow(struct http_transfer *t, long ms, bool silent, struct error *err);

/* --- reach.c: TLS, proxies, sockets, addresses --- */

int http_reach_set(struct http_transfer *t, struct error *err);
/* The connection that answered leads to this host, or may: the URL's own host says so. */
bool http_reach_local(struct http_transfer *t);

/* --- url.c --- */

/* The host is a literal address of this host or its links, or "localhost". */
bool http_url_local(const char *url);
bool http_url_loopback(const char *url);
bool http_url_https(const char *url);
bool http_address_local(int family, const void *address); /* in_addr or in6_addr */
/* scheme://host:port, malloc'd, NULL where it is no URL; host in lower case. */
char *http_url_origin(const char *url);

/* --- request.c --- */

/* A request, its text copied, with what its tries have used up. */
struct http_ask {
	struct http *h;
	struct http_request rq;
	struct http_tls tls;
	void *memory; /* holds the texts; wiped */
	size_t memory_len;
	char *renewed;	/* the authorization that renew gave; wiped */
	bool pulled;	/* some of a pulled body is gone */
	bool no_expect; /* the server refused that */
	/* For resumption; see http_hop. */
	uint64_t from;
	const char *if_range;
};

int http_ask_copy(struct http_ask *a, struct http *h, const struct http_request *rq,
		  struct error *err);
void http_ask_free(struct http_ask *a);
/* Sends until an answer comes or *tries (retries that are left) are used up. *final_url is
 * malloc'd. */
int http_ask_send(struct http_ask *a, unsigned *tries, struct http_transfer **t, char **final_url,
		  struct error *err);
/* Waits before try n (0 the first), Retry-After of t (may be NULL) obeyed. */
uint64_t http_ask_wait(const struct http_ask *a, unsigned n, struct http_transfer *t);

struct http_answer {
	struct stream base; /* the body; first */
	struct http_ask ask;
	struct http_transfer *t; /* NULL once the body ended */
	struct http_head head;
	char *final_url;
	char who[128];
	bool bodiless;		/* HEAD, 204, 304 */
	bool broken;		/* an error was told */
	uint64_t length, total; /* as http_length and http_total tell */
	uint64_t cut;		/* bytes that are handed on at most */
	uint64_t at;		/* bytes handed on */
	uint64_t pass;		/* bytes to pass over before the next one */
	uint64_t counted;	/* of at, what has earned a retry */
	unsigned tries;		/* that are left */
};

extern const struct stream_ops http_body_ops;

/* Fills length, total, cut from the head; ERR_NET where it is not the range that was asked for. */
int http_body_judge(struct http_answer *a, struct error *err);
