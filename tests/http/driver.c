/* One request through src/http, for tests/http/run.py: the body goes to standard output, all else
 * to standard error as lines that the suite reads.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "http/http.h"

#define MANY 16

struct options {
	struct http_request rq;
	struct http_options http;
	struct http_tls tls;
	struct http_header headers[MANY];
	const char *ca[MANY], *show[MANY], *urls[MANY];
	size_t shows, url_count;
	const char *pull, *renewal;
	uint64_t all;
	bool head_only, measured;
	unsigned slow_ms, threads;
	struct http *h; /* and how a thread ended: */
	struct error err;
	int r;
};

static int pull(void *ctx, void *buf, size_t n, size_t *got, struct error *err)
{
	*got = fread(buf, 1, n, ctx);
	if (ferror((FILE *)ctx))
		return err_fail(err, ERR_IO, 0, "the file to send");
	return 0;
}

static int renew(void *ctx, char **authorization, struct error *err)
{
	struct options *o = ctx;

	if (!o->renewal)
		return 1;
	*authorization = strdup(o->renewal);
	return *authorization ? 0 : err_nomem(err);
}

static void slurp(struct options *o, const char *path)
{
	static char bytes[8 << 20];
	FILE *f = fopen(path, "rb");

	if (!f)
		exit(2);
	o->rq.bytes = bytes;
	o->rq.size_bytes = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
}

static void header(struct options *o, char *text)
{
	char *colon = strstr(text, ": ");

	if (!colon || o->rq.header_count == MANY)
		exit(2);
	*colon = '\0';
	o->headers[o->rq.header_count++] = (struct http_header){ text, colon + 2 };
}

/* What stands behind an option, or NULL where it takes nothing. */
static bool flag(struct options *o, const char *name)
{
	const struct {
		const char *name;
		bool *to;
	} flags[] = {
		{ "--insecure", &o->tls.insecure },	 { "--once", &o->rq.once },
		{ "--no-redirect", &o->rq.no_redirect }, { "--idempotent", &o->rq.idempotent },
		{ "--public-only", &o->rq.public_only }, { "--head-only", &o->head_only },
		{ "--measure", &o->measured },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(name, flags[i].name) == 0)
			return *flags[i].to = true;
	return false;
}

static bool text(struct options *o, const char *name, char *value)
{
	const struct {
		const char *name, **to;
	} texts[] = {
		{ "--method", &o->rq.method },	  { "--auth", &o->rq.authorization },
		{ "--unix", &o->rq.unix_socket }, { "--cert", &o->tls.cert },
		{ "--key", &o->tls.key },	  { "--pull", &o->pull },
		{ "--renew", &o->renewal },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(name, texts[i].name) == 0)
			return (*texts[i].to = value) != NULL;
	if (strcmp(name, "--header") == 0)
		return header(o, value), true;
	if (strcmp(name, "--data") == 0)
		return slurp(o, value), true;
	if (strcmp(name, "--show") == 0)
		return (o->show[o->shows++ % MANY] = value) != NULL;
	if (strcmp(name, "--ca") == 0)
		return (o->ca[o->tls.ca_count++ % MANY] = value) != NULL;
	return false;
}

static bool number(struct options *o, const char *name, const char *value)
{
	uint64_t v = strtoull(value, NULL, 10);

	if (strcmp(name, "--hurry") == 0)
		o->http.hurry = (unsigned)v;
	else if (strcmp(name, "--retries") == 0)
		o->http.retries = (unsigned)v;
	else if (strcmp(name, "--from") == 0)
		o->rq.ranged = true, o->rq.range_offset = v;
	else if (strcmp(name, "--len") == 0)
		o->rq.ranged = true, o->rq.range_len = v;
	else if (strcmp(name, "--body-max") == 0)
		o->rq.body_max = v;
	else if (strcmp(name, "--patience") == 0)
		o->rq.patience = (unsigned)v;
	else if (strcmp(name, "--body-size") == 0)
		o->rq.body_size = v;
	else if (strcmp(name, "--all") == 0)
		o->all = v;
	else if (strcmp(name, "--threads") == 0)
		o->threads = (unsigned)v;
	else if (strcmp(name, "--slow") == 0)
		o->slow_ms = (unsigned)v;
	else
		return false;
	return true;
}

static void parse(struct options *o, int argc, char **argv)
{
	o->rq.method = "GET";
	o->http.retries = HTTP_RETRIES;
	o->rq.body_size = HTTP_SIZE_UNKNOWN;
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-' && o->url_count < MANY) {
			o->urls[o->url_count++] = argv[i];
		} else if (!flag(o, argv[i])) {
			if (i + 1 == argc ||
			    (!text(o, argv[i], argv[i + 1]) && !number(o, argv[i], argv[i + 1]))) {
				fprintf(stderr, "usage: driver: %s\n", argv[i]);
				exit(2);
			}
			i++;
		}
	}
	o->rq.headers = o->headers;
	o->tls.ca = o->ca;
	o->rq.tls = &o->tls;
	o->rq.renew = renew;
	o->rq.renew_ctx = o;
}

static int stream_out(struct options *o, struct http_answer **a, struct error *err)
{
	_cleanup_(stream_closep) struct stream *s = NULL;
	uint64_t total = 0;
	int r = http_body_stream(&s, *a, err);

	if (r < 0)
		return r;
	*a = NULL;
	for (;;) {
		struct block *b;
		struct timespec pause = { o->slow_ms / 1000, (long)(o->slow_ms % 1000) * 1000000 };

		r = stream_next(s, &b, err);
		if (r)
			break;
		total += b->len;
		if (!o->measured)
			fwrite(b->data, 1, b->len, stdout);
		block_unref(b);
		if (o->slow_ms)
			nanosleep(&pause, NULL);
	}
	fprintf(stderr, "bytes %llu\n", (unsigned long long)total);
	return r < 0 ? r : 0;
}

static void show(struct options *o, const struct http_answer *a)
{
	fprintf(stderr, "status %ld\n", http_status(a));
	if (http_length(a) != HTTP_SIZE_UNKNOWN)
		fprintf(stderr, "length %llu\n", (unsigned long long)http_length(a));
	if (http_total(a) != HTTP_SIZE_UNKNOWN)
		fprintf(stderr, "total %llu\n", (unsigned long long)http_total(a));
	fprintf(stderr, "final %s\n", http_final_url(a));
	for (size_t i = 0; i < o->shows; i++)
		for (size_t k = 0; http_header(a, o->show[i], k); k++)
			fprintf(stderr, "header %s: %s\n", o->show[i],
				http_header(a, o->show[i], k));
}

static int fetch(struct options *o, struct http *h, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	FILE *f = NULL;
	int r;

	if (o->pull) {
		f = fopen(o->pull, "rb");
		if (!f)
			exit(2);
		o->rq.body = pull;
		o->rq.body_ctx = f;
	}
	r = http_send(&a, h, &o->rq, err);
	if (f)
		fclose(f);
	if (r < 0)
		return r;
	show(o, a);
	if (o->head_only)
		return 0;
	if (o->all) {
		_cleanup_(freep) uint8_t *data = NULL;
		size_t n;

		r = http_body_all(a, o->all, &data, &n, err);
		if (r == 0)
			fwrite(data, 1, n, stdout);
		return r;
	}
	return stream_out(o, &a, err);
}

/* Not getrusage: its peak is inherited from who started us. */
static void show_memory(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			fprintf(stderr, "rss %ld KiB\n", strtol(line + 6, NULL, 10));
	if (f)
		fclose(f);
}

static void *fetch_all(void *ctx)
{
	struct options *o = ctx;

	for (size_t i = 0; i < o->url_count && o->r >= 0; i++) {
		o->rq.url = o->urls[i];
		o->r = fetch(o, o->h, &o->err);
	}
	return NULL;
}

/* The same requests from several threads at once; the first error is told. */
static void fetch_many(struct options *o)
{
	struct options each[MANY];
	pthread_t threads[MANY];
	unsigned n = MIN(o->threads, (unsigned)MANY);

	for (unsigned i = 0; i < n; i++) {
		each[i] = *o;
		if (pthread_create(&threads[i], NULL, fetch_all, &each[i]))
			exit(2);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		if (each[i].r < 0 && o->r >= 0) {
			o->r = each[i].r;
			o->err = each[i].err;
		}
	}
}

int main(int argc, char **argv)
{
	_cleanup_(notes_freep) struct notes *notes = notes_new();
	_cleanup_(http_freep) struct http *h = NULL;
	struct options o = { 0 };

	parse(&o, argc, argv);
	o.http.notes = notes;
	o.r = http_new(&h, &o.http, &o.err);
	o.h = h;
	if (o.threads)
		fetch_many(&o);
	else
		fetch_all(&o);
	for (size_t i = 0; i < notes_count(notes); i++)
		fprintf(stderr, "note %s\n", notes_get(notes, i));
	if (o.r < 0)
		fprintf(stderr, "error %s %s\n", err_name(o.err.code), o.err.msg);
	show_memory();
	return o.r < 0 ? 3 : 0;
}
