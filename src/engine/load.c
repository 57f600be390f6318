/* POST /images/load: what is written into a pipe is read at its other end by a thread, which sends
 * it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"
#include "oci/json.h"

struct load {
	struct engine_taker base;
	struct engine *engine;
	int in; /* the pipe's other end; the thread's */
	pthread_t thread;
	atomic_bool dropped;
	int result;
	struct error err;
};

static int pull(void *ctx, void *buf, size_t n, size_t *got, struct error *err)
{
	struct load *l = ctx;
	ssize_t k;

	do
		k = read(l->in, buf, n);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return err_fail(err, ERR_IO, errno, "read a pipe");
	/* A body that is cut off, so that nothing half is taken for whole. */
	if (k == 0 && atomic_load(&l->dropped))
		return err_fail(err, ERR_SEQUENCE, 0, "given up");
	*got = (size_t)k;
	return 0;
}

/* {"errorDetail": {"message": "..."}, "error": "..."}, {"stream": "..."}. */
static int judge_row(const struct engine *e, json_t *row, bool *loaded, struct error *err)
{
	const char *words = NULL, *said = NULL;
	json_t *detail = NULL;
	char shown[300];
	int r = oci_json_object(row, "errorDetail", &detail, err);

	if (r == 0 && detail)
		r = oci_json_string(detail, "message", &words, err);
	if (r == 0 && !words)
		r = oci_json_string(row, "error", &words, err);
	if (r == 0)
		r = oci_json_string(row, "stream", &said, err);
	if (r < 0)
		return r;
	if (words || detail)
		return err_fail(err, ERR_NET, 0, "%s did not load the image: %s", e->at.shown,
				words ? err_text(shown, sizeof(shown), words, strlen(words))
				      : "it does not say why");
	*loaded |= said && strstr(said, "Loaded image");
	return 0;
}

/* One document a line. */
static int judge(const struct engine *e, const char *text, size_t n, struct error *err)
{
	bool loaded = false;
	int r = 0;

	for (const char *end = text + n; r == 0 && text < end;) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((stop ? stop : end) - text), blank = strspn(text, " \t\r");
		json_t *row = NULL;

		if (blank < len) {
			r = oci_json_parse(&row, text, len, "its answer", err);
			r = r < 0 ? err_wrap(err, "%s", e->at.shown) : 0;
		}
		if (r == 0 && row)
			r = judge_row(e, row, &loaded, err);
		json_decref(row);
		text += len + 1;
	}
	if (r == 0 && !loaded)
		return err_fail(err, ERR_NET, 0, "%s does not say that the image was loaded",
				e->at.shown);
	return r;
}

static int send_all(struct load *l, struct error *err)
{
	static const struct http_header type = { "Content-Type", "application/x-tar" };
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) uint8_t *data = NULL;
	_cleanup_(freep) char *url = NULL;
	struct http_request rq;
	size_t len;
	int r;

	if (asprintf(&url, "%s/images/load?quiet=1", l->engine->at.base) < 0) {
		url = NULL;
		return err_nomem(err);
	}
	rq = engine_request(l->engine, "POST", url);
	rq.headers = &type;
	rq.header_count = 1;
	rq.body = pull;
	rq.body_ctx = l;
	rq.body_size = HTTP_SIZE_UNKNOWN;
	rq.patience = ENGINE_PACK_WAIT;
	r = http_send(&a, l->engine->http, &rq, err);
	if (r < 0)
		return err_wrap(err, "the docker daemon");
	if (http_status(a) != 200)
		return engine_refused(l->engine, a, err);
	r = http_body_all(a, ENGINE_ANSWER_MAX, &data, &len, err);
	return r < 0 ? err_wrap(err, "the docker daemon")
		     : judge(l->engine, (char *)data, len, err);
}

static void *work(void *ctx)
{
	struct load *l = ctx;

	l->result = send_all(l, &l->err);
	/* Whoever still writes learns that nobody reads. */
	closep(&l->in);
	return NULL;
}

static int load_end(struct engine_taker *t, struct error *err)
{
	struct load *l = (struct load *)t;
	int r;

	closep(&t->fd);
	pthread_join(l->thread, NULL);
	r = l->result;
	if (r < 0)
		*err = l->err;
	free(l);
	return r;
}

static void load_drop(struct engine_taker *t)
{
	struct load *l = (struct load *)t;
	struct error ignored;

	atomic_store(&l->dropped, true);
	(void)!load_end(t, &ignored);
}

int engine_load(struct engine_taker **out, struct engine *e, struct error *err)
{
	struct load *l = calloc(1, sizeof(*l));
	int ends[2], r;

	if (!l)
		return err_nomem(err);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = err_fail(err, ERR_IO, errno, "make a pipe");
		free(l);
		return r;
	}
	*l = (struct load){ .base = { ends[1], load_end, load_drop }, .engine = e, .in = ends[0] };
	r = pthread_create(&l->thread, NULL, work, l);
	if (r) {
		close(ends[0]);
		close(ends[1]);
		free(l);
		return err_fail(err, ERR_IO, r, "start a thread");
	}
	*out = &l->base;
	return 0;
}
