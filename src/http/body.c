/* The body as a stream: bytes as they come, counted, and asked for again where they break off. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/impl.h"

/* --- what the head promises --- */

static int judge_part(struct http_answer *a, struct error *err)
{
	const struct http_request *rq = &a->ask.rq;
	uint64_t first, last, total, want = HTTP_SIZE_UNKNOWN;

	if (!http_head_range(&a->head, &first, &last, &total))
		return err_fail(err, ERR_NET, 0, "%s: 206 without a Content-Range to read", a->who);
	if (rq->range_len)
		want = rq->range_offset + (rq->range_len - 1);
	if (total != HTTP_SIZE_UNKNOWN)
		want = MIN(want, total - 1);
	if (first != rq->range_offset || (want != HTTP_SIZE_UNKNOWN && last != want))
		return err_fail(err, ERR_NET, 0,
				"%s: gave bytes %" PRIu64 "-%" PRIu64
				" where others were asked for, from %" PRIu64,
				a->who, first, last, rq->range_offset);
	a->length = last - first + 1;
	a->total = total;
	return 0;
}

int http_body_judge(struct http_answer *a, struct error *err)
{
	const struct http_request *rq = &a->ask.rq;
	const char *encoding = http_head_get(&a->head, "Content-Encoding", 0);
	long status = a->head.status;
	bool ranged = rq->ranged && (rq->range_offset || rq->range_len);

	a->bodiless = strcmp(rq->method, "HEAD") == 0 || status == 204 || status == 304;
	a->cut = HTTP_SIZE_UNKNOWN;
	a->length = a->total = http_head_length(&a->head);
	if (status == 204 || status == 304)
		a->length = 0;
	if (encoding && strcasecmp(encoding, "identity") != 0 && !a->bodiless)
		notes_add(a->ask.h->opts.notes,
			  "%s sends a Content-Encoding that was not asked for; its bytes are taken "
			  "as they come",
			  a->who);
	if (a->bodiless || status < 200 || status > 299)
		return 0;
	if (status == 206 && ranged)
		return judge_part(a, err);
	if (status == 206)
		return err_fail(err, ERR_NET, 0, "%s: gave a part where all was asked for", a->who);
	if (!ranged)
		return 0;
	if (rq->range_offset)
		return err_fail(err, ERR_NET, 0, "%s: does not give parts of a file (Range)",
				a->who);
	a->cut = rq->range_len;
	if (a->length != HTTP_SIZE_UNKNOWN)
		a->length = MIN(a->length, a->cut);
	return 0;
}

/* --- resumption --- */

enum same { SAME, DIFFERENT, NOT_SAID };

static const char *weakly(const char *etag)
{
	return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

static enum same same_file(const struct http_head *x, const struct http_head *y)
{
	const char *a = http_head_get(x, "ETag", 0), *b = http_head_get(y, "ETag", 0);

	if (a && b)
		return strcmp(weakly(a), weakly(b)) == 0 ? SAME : DIFFERENT;
	a = http_head_get(x, "Last-Modified", 0);
	b = http_head_get(y, "Last-Modified", 0);
	if (a && b)
		return strcmp(a, b) == 0 ? SAME : DIFFERENT;
	return NOT_SAID;
}

static int changed(const struct http_answer *a, struct error *err)
{
	return err_fail(err, ERR_NET, 0, "%s: the file changed while it was read", a->who);
}

/* Whether t goes on where a broke off. */
static int rejoin(struct http_answer *a, struct http_transfer *t, struct error *err)
{
	enum same same = same_file(&a->head, &t->head);
	uint64_t first, last, total = http_head_length(&t->head), from = a->ask.from;
	long status = t->head.status;
	bool sizes_known;

	if (status == 206) {
		if (!http_head_range(&t->head, &first, &last, &total) || first != from)
			return err_fail(err, ERR_NET, 0,
					"%s: asked again from byte %" PRIu64
					", it gave another part",
					a->who, from);
		a->pass = 0;
	} else if (status == 200) {
		a->pass = from;
	} else if (status == 416) {
		return changed(a, err);
	} else {
		return err_fail(err, ERR_NET, 0,
				"%s: asked again from byte %" PRIu64 ", it answered %ld", a->who,
				from, status);
	}
	sizes_known = a->total != HTTP_SIZE_UNKNOWN && total != HTTP_SIZE_UNKNOWN;
	if (same == DIFFERENT || (sizes_known && total != a->total))
		return changed(a, err);
	if (status == 200 && from && same == NOT_SAID && !sizes_known)
		return err_fail(err, ERR_NET, 0,
				"%s: gives no parts of a file, nor anything to know it by", a->who);
	return 0;
}

/* A strong validator alone lets the server judge (RFC 9110 section 13.1.5). */
static const char *strong_etag(const struct http_head *h)
{
	const char *etag = http_head_get(h, "ETag", 0);

	return etag && etag[0] == '"' ? etag : NULL;
}

/* A token that ran out meanwhile: 0 renewed, 1 there is no other. */
static int renew(struct http_answer *a, struct error *err)
{
	struct http_request *rq = &a->ask.rq;
	char *fresh = NULL;
	int r = rq->renew ? rq->renew(rq->renew_ctx, &fresh, err) : 1;

	if (r)
		return r;
	if (a->ask.renewed)
		explicit_bzero(a->ask.renewed, strlen(a->ask.renewed));
	free(a->ask.renewed);
	a->ask.renewed = fresh;
	rq->authorization = fresh;
	return 0;
}

static int ask_again(struct http_answer *a, struct error *err)
{
	a->ask.from = a->ask.rq.ranged ? a->ask.rq.range_offset + a->at : a->at;
	a->ask.if_range = a->ask.from ? strong_etag(&a->head) : NULL;
	for (bool fresh = false;; fresh = true) {
		_cleanup_(http_transfer_closep) struct http_transfer *t = NULL;
		_cleanup_(freep) char *url = NULL;
		int r = http_ask_send(&a->ask, &a->tries, &t, &url, err);

		if (r < 0)
			return r;
		if (t->head.status == 401 && !fresh) {
			r = renew(a, err);
			if (r < 0)
				return r;
			if (r == 0)
				continue;
		}
		r = rejoin(a, t, err);
		if (r < 0)
			return r;
		a->t = STEAL(t);
		return 0;
	}
}

static void earn(struct http_answer *a)
{
	uint64_t more = (a->at - a->counted) / HTTP_RESUME_EARN;

	a->counted += more * HTTP_RESUME_EARN;
	a->tries = (unsigned)MIN((uint64_t)a->tries + more, (uint64_t)a->ask.h->opts.retries);
}

static int after_bytes(const struct http_answer *a, struct error *err)
{
	char was[ERR_MSG_MAX];

	memcpy(was, err->msg, sizeof(was));
	if (a->length == HTTP_SIZE_UNKNOWN)
		return err_fail(err, err->code, 0, "%s (after %" PRIu64 " bytes)", was, a->at);
	return err_fail(err, err->code, 0, "%s (after %" PRIu64 " of %" PRIu64 " bytes)", was,
			a->at, a->length);
}

/* err holds what broke. 0: a->t goes on. */
static int resume(struct http_answer *a, enum http_trouble trouble, struct error *err)
{
	const struct http_request *rq = &a->ask.rq;
	long status = a->head.status;
	int r;

	http_transfer_close(STEAL(a->t));
	earn(a);
	if (err->code != ERR_NET)
		return -(int)err->code;
	if (trouble != HTTP_BROKEN || !a->tries || rq->once || rq->unix_socket ||
	    strcmp(rq->method, "GET") != 0 || (status != 200 && status != 206))
		return after_bytes(a, err);
	notes_add(a->ask.h->opts.notes, "%s; asked again from there", err->msg);
	a->tries--;
	http_ask_wait(&a->ask, a->ask.h->opts.retries - a->tries - 1, NULL);
	r = ask_again(a, err);
	return r == -ERR_NET ? after_bytes(a, err) : r;
}

/* --- the stream --- */

/* Drops what was handed on before and what was not asked for: 0 where some of b is left. */
static int trim(struct http_answer *a, struct block **b, struct error *err)
{
	uint64_t len = (*b)->len, pass = MIN(a->pass, len), left;
	struct block *view;

	a->pass -= pass;
	left = MIN(len - pass, a->cut - a->at);
	if (!left)
		return 1;
	if (a->length != HTTP_SIZE_UNKNOWN && left > a->length - a->at)
		return err_fail(err, ERR_LIMIT, 0, "%s: more than the %" PRIu64 " bytes announced",
				a->who, a->length);
	if (a->ask.rq.body_max && left > a->ask.rq.body_max - a->at)
		return err_fail(err, ERR_LIMIT, 0, "%s: more than %" PRIu64 " bytes", a->who,
				a->ask.rq.body_max);
	if (left == len)
		return 0;
	view = block_view(*b, (size_t)pass, (size_t)left);
	if (!view)
		return err_nomem(err);
	block_unref(*b);
	*b = view;
	return 0;
}

static bool is_whole(const struct http_answer *a)
{
	return a->at == a->cut ||
	       (a->length == HTTP_SIZE_UNKNOWN ? a->pass == 0 : a->at == a->length);
}

static int body_next(struct stream *s, struct block **out, struct error *err)
{
	struct http_answer *a = (struct http_answer *)s;

	if (a->broken)
		return err_fail(err, ERR_SEQUENCE, 0, "%s: read after an error", a->who);
	while (a->t && !a->bodiless && a->at != a->cut) {
		_cleanup_(block_unrefp) struct block *b = NULL;
		enum http_trouble trouble = HTTP_BROKEN;
		int r = http_transfer_read(a->t, &b, err);

		if (r == 0) {
			trouble = HTTP_FINAL;
			r = trim(a, &b, err);
			if (r == 1)
				continue;
			if (r == 0) {
				a->at += b->len;
				*out = STEAL(b);
				return 0;
			}
		} else if (r == 1) {
			if (is_whole(a))
				break;
			err_fail(err, ERR_NET, 0, "%s: the body ended too early", a->who);
		} else {
			trouble = a->t->trouble;
		}
		r = resume(a, trouble, err);
		if (r < 0) {
			a->broken = true;
			return r;
		}
	}
	http_transfer_close(STEAL(a->t));
	return 1;
}

static void body_close(struct stream *s)
{
	http_answer_free((struct http_answer *)s);
}

const struct stream_ops http_body_ops = { body_next, NULL, body_close };

int http_body_stream(struct stream **out, struct http_answer *a, struct error *err)
{
	(void)err;
	*out = &a->base;
	return 0;
}

int http_body_all(struct http_answer *a, uint64_t max, uint8_t **data, size_t *len,
		  struct error *err)
{
	int r = stream_read_all(&a->base, max, data, len, err);

	/* That bound is the reader's: its message does not say whose bytes these were. */
	return r == -ERR_LIMIT && !a->broken ? err_wrap(err, "%s", a->who) : r;
}
