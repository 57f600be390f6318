/* What is asked of whom: redirects by hand, so that no credential leaves its origin, and retries.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "http/impl.h"

#define BACKOFF_MS	500 /* the first wait; doubles */
#define UNREACHED_TRIES 2   /* a name that is wrong, a server that is off */
#define SILENT_TRIES	1   /* each costs HTTP_CONNECT_WAIT */

/* --- a request that outlives its caller --- */

struct arena {
	char *at;    /* NULL: only counting */
	size_t need; /* bytes in all */
};

static const char *keep(struct arena *a, const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;
	char *copy = a->at;

	a->need += n;
	if (!text || !copy)
		return text;
	memcpy(copy, text, n);
	a->at += n;
	return copy;
}

/* Pointers first, for their alignment. */
static void *keep_array(struct arena *a, const void *from, size_t n)
{
	void *copy = a->at;

	a->need += n;
	if (!copy || !n)
		return NULL;
	memcpy(copy, from, n);
	a->at += n;
	return copy;
}

static void keep_all(struct arena *a, struct http_request *rq, struct http_tls *tls_copy)
{
	const struct http_tls *tls = rq->tls;
	const char **ca =
		keep_array(a, tls ? tls->ca : NULL, tls ? tls->ca_count * sizeof(*tls->ca) : 0);
	struct http_header *headers =
		keep_array(a, rq->headers, rq->header_count * sizeof(*headers));

	for (size_t i = 0; i < rq->header_count; i++) {
		const char *name = keep(a, rq->headers[i].name);
		const char *value = keep(a, rq->headers[i].value);

		if (headers)
			headers[i] = (struct http_header){ name, value };
	}
	rq->headers = headers;
	rq->method = keep(a, rq->method);
	rq->url = keep(a, rq->url);
	rq->unix_socket = keep(a, rq->unix_socket);
	rq->authorization = keep(a, rq->authorization);
	if (!tls)
		return;
	for (size_t i = 0; i < tls->ca_count; i++) {
		const char *path = keep(a, tls->ca[i]);

		if (ca)
			ca[i] = path;
	}
	*tls_copy = (struct http_tls){ .insecure = tls->insecure,
				       .ca = ca,
				       .ca_count = tls->ca_count,
				       .cert = keep(a, tls->cert),
				       .key = keep(a, tls->key) };
	rq->tls = tls_copy;
}

int http_ask_copy(struct http_ask *a, struct http *h, const struct http_request *rq,
		  struct error *err)
{
	struct http_request counted = *rq;
	struct http_tls tls;
	struct arena count = { 0 }, fill = { 0 };

	keep_all(&count, &counted, &tls);
	a->memory = malloc(count.need);
	if (!a->memory)
		return err_nomem(err);
	a->memory_len = count.need;
	fill.at = a->memory;
	a->h = h;
	a->rq = *rq;
	keep_all(&fill, &a->rq, &a->tls);
	a->from = rq->ranged ? rq->range_offset : 0;
	return 0;
}

void http_ask_free(struct http_ask *a)
{
	if (a->memory)
		explicit_bzero(a->memory, a->memory_len);
	free(a->memory);
	if (a->renewed)
		explicit_bzero(a->renewed, strlen(a->renewed));
	free(a->renewed);
}

/* --- redirects --- */

struct route {
	char *url;
	const char *method;
	bool own, local_ok, send_body;
};

static bool sends(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int turn(struct route *at, struct http_ask *a, struct http_transfer *t, const char *location,
		struct error *err)
{
	_cleanup_(freep) char *next = NULL;
	long status = t->head.status;
	bool same;
	int r = http_url_join(&next, at->url, location, err);

	if (r == -ERR_BAD_INPUT)
		return err_fail(
			err, ERR_DENIED, 0, "%s: a redirect to %s, which is not followed", t->who,
			strstr(err->msg, "neither") ? "another protocol" : "what is no URL");
	if (r < 0)
		return r;
	same = http_same_origin(at->url, next);
	if (http_url_https(at->url) && !http_url_https(next))
		return err_fail(err, ERR_DENIED, 0,
				"%s: a redirect from https to http, which is not followed", t->who);
	if (a->rq.unix_socket && !same)
		return err_fail(err, ERR_DENIED, 0,
				"%s: a redirect to another host, which is not followed", t->who);
	if (strcmp(at->method, "HEAD") != 0 &&
	    (status == 303 || (status < 303 && strcmp(at->method, "POST") == 0))) {
		at->method = "GET";
		at->send_body = false;
	}
	if (at->send_body && a->pulled)
		return err_fail(err, ERR_NET, 0,
				"%s: a redirect in the middle of what is sent to it", t->who);
	at->own = at->own && same;
	at->local_ok = at->local_ok && http_reach_local(t);
	free(at->url);
	at->url = STEAL(next);
	return 0;
}

static int hop_of(struct http_hop *hop, struct http_ask *a, const struct route *at,
		  struct error *err)
{
	const struct http_request *rq = &a->rq;
	uint64_t last = HTTP_SIZE_UNKNOWN;

	if (rq->ranged && rq->range_len &&
	    __builtin_add_overflow(rq->range_offset, rq->range_len - 1, &last))
		return err_fail(err, ERR_BAD_INPUT, 0, "a range that ends past any file");
	*hop = (struct http_hop){ .rq = rq,
				  .method = at->method,
				  .url = at->url,
				  .own = at->own,
				  .local_ok = at->local_ok,
				  .send_body = at->send_body,
				  .no_expect = a->no_expect,
				  .ranged = a->from || (rq->ranged && rq->range_len),
				  .from = a->from,
				  .to = last,
				  .if_range = a->if_range,
				  .pulled = &a->pulled };
	return 0;
}

/* One chain of redirects, to its end. */
static int follow(struct http_ask *a, struct route *at, struct http_transfer **out,
		  enum http_trouble *trouble, uint64_t *waited, struct error *err)
{
	for (unsigned n = 0;; n++) {
		_cleanup_(http_transfer_closep) struct http_transfer *t = NULL;
		const char *location;
		struct http_hop hop;
		int r = hop_of(&hop, a, at, err);

		if (r == 0)
			r = http_transfer_open(&t, a->h, &hop, trouble, waited, err);
		if (r < 0)
			return r;
		location = http_head_get(&t->head, "Location", 0);
		if (a->rq.no_redirect || !is_redirect(t->head.status) || !location) {
			*out = STEAL(t);
			return 0;
		}
		*trouble = HTTP_FINAL;
		if (n == HTTP_REDIRECTS_MAX)
			return err_fail(err, ERR_LIMIT, 0, "%s: more than %d redirects", t->who,
					HTTP_REDIRECTS_MAX);
		r = turn(at, a, t, location, err);
		if (r < 0)
			return r;
	}
}

static int follow_from_start(struct http_ask *a, struct http_transfer **out, char **final_url,
			     enum http_trouble *trouble, uint64_t *waited, struct error *err)
{
	struct route at = { .method = a->rq.method,
			    .own = true,
			    .local_ok = !a->rq.public_only,
			    .send_body = sends(a->rq.method) || a->rq.body || a->rq.size_bytes };
	/* Without userinfo. */
	int r = http_url_join(&at.url, a->rq.url, a->rq.url, err);

	*trouble = HTTP_FINAL;
	if (r == 0)
		r = follow(a, &at, out, trouble, waited, err);
	if (r == 0)
		*final_url = STEAL(at.url);
	free(at.url);
	return r;
}

/* --- retries --- */

uint64_t http_ask_wait(const struct http_ask *a, unsigned n, struct http_transfer *t)
{
	uint64_t most = HTTP_RETRY_WAIT * 1000ull,
		 ms = MIN(BACKOFF_MS * (1ull << MIN(n, 10)), most);
	curl_off_t after = 0;
	struct timespec pause;
	uint16_t noise = 0;

	/* Many clients that were turned away together come back apart. */
	if (getrandom(&noise, sizeof(noise), GRND_NONBLOCK) == sizeof(noise))
		ms -= ms / 2 * noise / UINT16_MAX;
	if (t)
		curl_easy_getinfo(t->slot->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > 0)
		ms = MIN((uint64_t)after * 1000, most);
	if (a->h->opts.hurry)
		ms /= a->h->opts.hurry;
	pause = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
		;
	return ms;
}

static bool again(struct http_ask *a, const struct http_transfer *t, enum http_trouble trouble,
		  unsigned n)
{
	const char *method = a->rq.method;
	long status = t ? t->head.status : 0;
	bool harmless =
		a->rq.idempotent || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (a->rq.once || a->pulled)
		return false;
	if (!t && trouble == HTTP_SILENT)
		return n < SILENT_TRIES;
	if (!t && trouble == HTTP_UNREACHED)
		return n < UNREACHED_TRIES;
	if (!t)
		return trouble == HTTP_BROKEN && harmless;
	if (status == 417 && !a->no_expect)
		return a->no_expect = true;
	if (status == 429)
		return true;
	return harmless && (status == 408 || (status >= 500 && status != 501 && status != 505));
}

int http_ask_send(struct http_ask *a, unsigned *tries, struct http_transfer **out, char **final_url,
		  struct error *err)
{
	uint64_t waited = 0, bound = (uint64_t)http_wait_ms(a->h, HTTP_SEND_WAIT);

	for (unsigned n = 0;; n++) {
		_cleanup_(http_transfer_closep) struct http_transfer *t = NULL;
		_cleanup_(freep) char *url = NULL;
		enum http_trouble trouble;
		int r = follow_from_start(a, &t, &url, &trouble, &waited, err);

		if (!*tries || waited > bound || !again(a, t, trouble, n)) {
			*out = STEAL(t);
			*final_url = STEAL(url);
			return r;
		}
		(*tries)--;
		if (t)
			notes_add(a->h->opts.notes, "%s answered %ld and was asked again", t->who,
				  t->head.status);
		else
			notes_add(a->h->opts.notes, "%s; asked again", err->msg);
		waited += http_ask_wait(a, n, t);
	}
}

/* --- the caller's side --- */

int http_send(struct http_answer **out, struct http *h, const struct http_request *rq,
	      struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_nomem(err);
	a->base.ops = &http_body_ops;
	a->tries = h->opts.retries;
	r = http_ask_copy(&a->ask, h, rq, err);
	if (r == 0)
		r = http_ask_send(&a->ask, &a->tries, &a->t, &a->final_url, err);
	/* What was lent for the call alone. */
	a->ask.rq.bytes = NULL;
	a->ask.rq.body = NULL;
	if (r < 0)
		return r;
	a->head = a->t->head;
	a->t->head.fields = (struct buf){ 0 };
	memcpy(a->who, a->t->who, sizeof(a->who));
	a->tries = h->opts.retries;
	r = http_body_judge(a, err);
	if (r < 0)
		return r;
	*out = STEAL(a);
	return 0;
}

void http_answer_free(struct http_answer *a)
{
	if (!a)
		return;
	http_transfer_close(a->t);
	http_ask_free(&a->ask);
	buf_free(&a->head.fields);
	free(a->final_url);
	free(a);
}

long http_status(const struct http_answer *a)
{
	return a->head.status;
}

const char *http_header(const struct http_answer *a, const char *name, size_t i)
{
	return http_head_get(&a->head, name, i);
}

const char *http_final_url(const struct http_answer *a)
{
	return a->final_url;
}

uint64_t http_length(const struct http_answer *a)
{
	return a->length;
}

uint64_t http_total(const struct http_answer *a)
{
	return a->total;
}
