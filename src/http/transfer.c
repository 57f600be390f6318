/* One exchange: the request goes out, the head is kept, the body waits in blocks until it is read.
 * Nothing moves but while somebody waits for it, so that a slow reader slows the server and no
 * thread is needed.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/impl.h"

#define LEFT_OVER_MAX	(16u << 10) /* bytes read for the sake of keeping a connection */
#define LEFT_OVER_MS	25	    /* each of ... */
#define LEFT_OVER_STEPS 8

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- curl's callbacks --- */

static size_t on_header(char *line, size_t one, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;

	t->moved += n;
	if (http_head_line(&t->head, line, one * n, t->body != NULL, &t->failure) == 0)
		return one * n;
	err_wrap(&t->failure, "%s", t->who);
	return 0;
}

static struct block *queue_last(struct http_transfer *t)
{
	return t->count ? t->queue[(t->first + t->count - 1) % HTTP_QUEUE] : NULL;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;

	n *= one;
	if (t->queued + n > HTTP_READ_AHEAD) {
		t->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	for (size_t done = 0; done < n;) {
		struct block *b = queue_last(t);
		size_t k;

		if (!b || b->len == BLOCK_SIZE) {
			b = block_new();
			if (!b) {
				err_nomem(&t->failure);
				return 0;
			}
			t->queue[(t->first + t->count++) % HTTP_QUEUE] = b;
		}
		k = MIN(n - done, BLOCK_SIZE - b->len);
		memcpy(b->buffer + b->len, bytes + done, k);
		b->len += k;
		done += k;
	}
	t->queued += n;
	t->moved += n;
	return n;
}

static size_t memory_body(struct http_transfer *t, char *out, size_t room)
{
	size_t n = MIN(room, t->body->size_bytes - (size_t)t->body_pos);

	if (n)
		memcpy(out, (const char *)t->body->bytes + t->body_pos, n);
	return n;
}

static size_t pulled_body(struct http_transfer *t, char *out, size_t room)
{
	const struct http_request *rq = t->body;
	size_t got = 0;
	int r;

	if (rq->body_size != HTTP_SIZE_UNKNOWN)
		room = (size_t)MIN((uint64_t)room, rq->body_size - t->body_pos);
	if (!room)
		return 0;
	*t->hop.pulled = true;
	r = rq->body(rq->body_ctx, out, room, &got, &t->failure);
	if (r == 0 && got > room)
		r = err_fail(&t->failure, ERR_BUG, 0, "a body that gives more than it may");
	if (r == 0 && got == 0 && rq->body_size != HTTP_SIZE_UNKNOWN)
		r = err_fail(&t->failure, ERR_TRUNCATED, 0,
			     "%s: the body to send ended after %llu of %llu bytes", t->who,
			     (unsigned long long)t->body_pos, (unsigned long long)rq->body_size);
	return r == 0 ? got : CURL_READFUNC_ABORT;
}

static size_t on_read(char *out, size_t one, size_t room, void *ctx)
{
	struct http_transfer *t = ctx;
	size_t n;

	if (!t->body) /* the answer was handed on: nothing may be pulled any more */
		return CURL_READFUNC_ABORT;
	n = t->body->body ? pulled_body(t, out, one * room) : memory_body(t, out, one * room);
	if (n == CURL_READFUNC_ABORT)
		return n;
	t->body_pos += n;
	t->moved += n;
	if (t->body->sent && t->body->sent(t->body->sent_ctx, t->body_pos, &t->failure) < 0)
		return CURL_READFUNC_ABORT;
	t->body_ended = n == 0 || t->body_pos == http_body_size(t->body);
	if (t->body_ended) { /* the server's turn: the wait for it begins here */
		t->window_ms = 0;
		t->window_moved = t->moved;
	}
	return n;
}

/* curl sends again from the start where a kept connection turns out dead, or Expect is refused. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct http_transfer *t = ctx;

	if (!t->body || offset != 0 || origin != SEEK_SET || (t->body->body && t->body_pos))
		return CURL_SEEKFUNC_FAIL;
	t->body_pos = 0;
	t->body_ended = http_body_size(t->body) == 0;
	return CURL_SEEKFUNC_OK;
}

static void set_callbacks(struct http_transfer *t)
{
	CURL *easy = t->slot->easy;

	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, t);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, t);
}

/* --- the loop --- */

static int check_speed(struct http_transfer *t, struct error *err)
{
	const struct http_request *rq = t->hop.rq;
	uint64_t moved = t->moved - t->window_moved;
	bool waits = !t->head.complete && (!t->body || t->body_ended);
	bool reads = strcmp(t->hop.method, "GET") == 0 || strcmp(t->hop.method, "HEAD") == 0;
	unsigned patience = reads ? HTTP_SLOW_WAIT : HTTP_ANSWER_WAIT;
	bool silent = waits && moved == 0;
	long limit;

	if (rq->patience)
		patience = rq->patience;
	limit = http_wait_ms(t->h, silent ? patience : HTTP_SLOW_WAIT);
	if (t->window_ms < (uint64_t)limit)
		return 0;
	if (moved < (uint64_t)HTTP_SLOW_BYTES * (uint64_t)limit / 1000 || silent)
		return http_too_slow(t, limit, silent, err);
	t->window_moved = t->moved;
	t->window_ms = 0;
	return 0;
}

/* Moves what can be moved now; where nothing can and wait says so, waits for more. Below 0: the
 * transfer stands still for too long. */
static int step(struct http_transfer *t, bool wait, struct error *err)
{
	uint64_t before = t->moved, start;
	int running, left, r = 0;
	CURLMsg *m;

	if (curl_multi_perform(t->slot->multi, &running) != CURLM_OK)
		return err_fail(err, ERR_NET, 0, "%s: the transfer failed", t->who);
	while ((m = curl_multi_info_read(t->slot->multi, &left)))
		if (m->msg == CURLMSG_DONE) {
			t->done = true;
			t->result = m->data.result;
		}
	if (t->done || !wait || t->moved != before)
		return 0;
	start = now_ms();
	if (curl_multi_poll(t->slot->multi, NULL, 0, (int)MIN(http_wait_ms(t->h, 20), 1000), NULL))
		return err_fail(err, ERR_NET, 0, "%s: the transfer failed", t->who);
	start = now_ms() - start;
	t->window_ms += start;
	t->waited_ms += start;
	r = check_speed(t, err);
	return r;
}

/* Until the head is there and the request is out, for a body's source must not be asked later. */
static int read_head(struct http_transfer *t, struct error *err)
{
	while (!t->done) {
		int r;

		if (t->head.complete && (!t->body || t->body_ended || t->head.status >= 400))
			break;
		r = step(t, true, err);
		if (r < 0)
			return r;
	}
	if (t->done && t->result != CURLE_OK && !t->head.complete)
		return http_failure(t, err);
	/* curl may have asked again without Expect, or not. */
	t->head.complete = t->head.complete || t->head.status == 417;
	if (t->done && !t->head.complete) {
		t->trouble = HTTP_BROKEN;
		return err_fail(err, ERR_NET, 0, "%s: the connection ended within the head",
				t->who);
	}
	if (t->failure.code)
		return http_failure(t, err);
	t->body = NULL;
	return 0;
}

static void drop(struct http_transfer *t)
{
	if (t->slot) {
		curl_multi_remove_handle(t->slot->multi, t->slot->easy);
		http_slot_give(t->h, t->slot);
	}
	for (; t->count; t->count--, t->first = (t->first + 1) % HTTP_QUEUE)
		block_unref(t->queue[t->first]);
	for (struct curl_slist *l = t->headers; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(t->headers);
	buf_free(&t->head.fields);
	free(t);
}

static int start(struct http_transfer *t, struct error *err)
{
	_cleanup_(freep) char *origin = http_url_origin(t->hop.url), *key = NULL;
	const char *socket = t->hop.rq->unix_socket;
	int r;

	if (!origin)
		return err_fail(err, ERR_BAD_INPUT, 0, "a URL that is neither http nor https");
	if (asprintf(&key, "%s %s", origin, socket ? socket : "") < 0) {
		key = NULL;
		return err_nomem(err);
	}
	if (socket)
		err_text(t->who, sizeof(t->who), socket, strlen(socket));
	else
		http_url_host(t->who, sizeof(t->who), t->hop.url);
	r = http_slot_take(&t->slot, t->h, key, err);
	if (r == 0) {
		set_callbacks(t);
		r = http_options_set(t, err);
	}
	if (r == 0 && curl_multi_add_handle(t->slot->multi, t->slot->easy) != CURLM_OK)
		r = err_nomem(err);
	return r;
}

int http_transfer_open(struct http_transfer **out, struct http *h, const struct http_hop *hop,
		       enum http_trouble *trouble, uint64_t *waited_ms, struct error *err)
{
	struct http_transfer *t = calloc(1, sizeof(*t));
	int r;

	*trouble = HTTP_FINAL;
	if (!t)
		return err_nomem(err);
	t->h = h;
	t->hop = *hop;
	r = start(t, err);
	if (r == 0)
		r = read_head(t, err);
	*waited_ms += t->waited_ms;
	*trouble = t->trouble;
	if (r < 0) {
		drop(t);
		return r;
	}
	/* What follows is the body's: its own windows. */
	t->window_ms = 0;
	t->window_moved = t->moved;
	t->owed = http_head_length(&t->head);
	*out = t;
	return 0;
}

static void queue_take(struct http_transfer *t, struct block **out)
{
	*out = t->queue[t->first];
	t->first = (t->first + 1) % HTTP_QUEUE;
	t->count--;
	t->queued -= (*out)->len;
}

int http_transfer_read(struct http_transfer *t, struct block **out, struct error *err)
{
	/* Small pieces are gathered while they come without waiting. */
	while (!t->done && !(t->count && t->queue[t->first]->len == BLOCK_SIZE)) {
		uint64_t before = t->moved;
		int r;

		if (t->paused && !t->count) {
			t->paused = false;
			curl_easy_pause(t->slot->easy, CURLPAUSE_CONT);
		}
		r = step(t, t->count == 0, err);
		if (r < 0)
			return r;
		if (t->moved == before && t->count)
			break;
	}
	if (t->count) {
		queue_take(t, out);
		return 0;
	}
	return t->result == CURLE_OK ? 1 : http_failure(t, err);
}

void http_transfer_close(struct http_transfer *t)
{
	struct error ignored;
	uint64_t owed;
	int running;

	if (!t)
		return;
	owed = strcmp(t->hop.method, "HEAD") == 0 ? 0 : t->owed;
	for (int i = 0; i < LEFT_OVER_STEPS && owed <= LEFT_OVER_MAX; i++) {
		if (step(t, false, &ignored) < 0 || t->done)
			break;
		curl_multi_poll(t->slot->multi, NULL, 0, LEFT_OVER_MS, &running);
	}
	drop(t);
}
