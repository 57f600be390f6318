/* A session: its places, how each is spoken to, and what it wants to see of us. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "registry/helper.h"
#include "registry/impl.h"

#define HTTPS	    "https://"
#define PLAIN_TRIES 3 /* a connection may break */
#define SEND_TRIES  3 /* that other threads' new tokens cost */

static void wipe(char **s)
{
	registry_wipe(*s);
}

static void endpoint_done(struct endpoint *e)
{
	registry_wipe(e->authorization);
	free(e->base);
	free(e->refused);
	challenge_free(&e->challenge);
	registry_login_free(&e->login);
	pthread_mutex_destroy(&e->lock);
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; r->endpoints && i < r->places.count; i++)
		endpoint_done(&r->endpoints[i]);
	free(r->endpoints);
	http_free(r->http);
	registry_places_free(&r->places);
	registry_name_free(&r->name);
	free(r->mount_from);
	free(r);
}

static int copy_name(struct registry_name *out, const struct registry_name *name, struct error *err)
{
	out->host = strdup(name->host);
	out->repository = strdup(name->repository);
	out->tag = name->tag ? strdup(name->tag) : NULL;
	out->digest = name->digest;
	return out->host && out->repository && (out->tag || !name->tag) ? 0 : err_nomem(err);
}

struct registry_options registry_options_default(const struct limits *limits, struct notes *notes)
{
	return (struct registry_options){ .limits = limits,
					  .notes = notes,
					  .place = { .tls_verify = -1, .notes = notes },
					  .login = { .notes = notes },
					  .retries = HTTP_RETRIES };
}

static void endpoint_init(struct endpoint *e, struct registry *r, const struct registry_place *p)
{
	const struct http_tls tls = { .insecure = p->insecure,
				      .ca = (const char *const *)p->ca,
				      .ca_count = p->ca_count };

	*e = (struct endpoint){ .registry = r, .place = p, .tls = tls, .tls_elsewhere = tls };
	e->tls.cert = p->cert;
	e->tls.key = p->key;
	pthread_mutex_init(&e->lock, NULL);
}

static int is_local(struct endpoint *e, struct error *err)
{
	_cleanup_(freep) char *url = NULL;

	if (asprintf(&url, "http://%s/", e->place->host) < 0) {
		url = NULL;
		return err_nomem(err);
	}
	e->local = http_is_private(url);
	return 0;
}

int registry_open(struct registry **out, const struct registry_name *name, bool push,
		  const struct registry_options *opts, struct error *err)
{
	_cleanup_(registry_closep) struct registry *r = calloc(1, sizeof(*r));
	const struct http_options http = { .limits = opts->limits,
					   .notes = opts->notes,
					   .retries = opts->retries,
					   .hurry = opts->hurry };
	int ret;

	if (!r)
		return err_nomem(err);
	r->opts = *opts;
	r->push = push;
	ret = copy_name(&r->name, name, err);
	if (ret == 0)
		ret = registry_places(&r->places, name, push, &opts->place, err);
	if (ret == 0)
		ret = http_new(&r->http, &http, err);
	if (ret < 0)
		return ret;
	r->endpoints = calloc(r->places.count, sizeof(*r->endpoints));
	if (!r->endpoints)
		return err_nomem(err);
	for (size_t i = 0; i < r->places.count; i++)
		endpoint_init(&r->endpoints[i], r, &r->places.v[i]);
	for (size_t i = 0; i < r->places.count; i++) {
		ret = is_local(&r->endpoints[i], err);
		if (ret < 0)
			return ret;
	}
	*out = STEAL(r);
	return 0;
}

const struct registry_name *registry_name(const struct registry *r)
{
	return &r->name;
}

int registry_allow_mounts(struct registry *r, const char *from, struct error *err)
{
	free(r->mount_from);
	r->mount_from = strdup(from);
	return r->mount_from ? 0 : err_nomem(err);
}

/* The status that a server gives at scheme://HOST/v2/. */
static int speaks(struct endpoint *e, const char *base, unsigned patience, long *status,
		  struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	struct http_request rq = {
		.method = "GET", .tls = &e->tls, .once = true, .patience = patience
	};
	int r = http_url_join(&url, base, "/v2/", err);

	rq.url = url;
	if (r == 0)
		r = http_send(&a, e->registry->http, &rq, err);
	if (r == 0)
		*status = http_status(a);
	return r;
}

static int take_base(struct endpoint *e, const char *scheme, const char *rest, struct error *err)
{
	if (asprintf(&e->base, "%s%s", scheme, rest) >= 0)
		return 0;
	e->base = NULL;
	return err_nomem(err);
}

/* https, or where the place allows it http: told by one question to each. */
static int find_scheme(struct endpoint *e, struct error *err)
{
	const char *rest = e->place->base + strlen(HTTPS);
	_cleanup_(freep) char *plain = NULL;
	struct error plain_err;
	unsigned patience = 0;
	long status;
	int r;

	if (!e->place->plain)
		return take_base(e, HTTPS, rest, err);
	r = speaks(e, e->place->base, 0, &status, err);
	if (r == 0)
		return take_base(e, HTTPS, rest, err);
	if (r != -ERR_NET)
		return r;
	if (asprintf(&plain, "http://%s", rest) < 0) {
		plain = NULL;
		return err_nomem(err);
	}
	/* What takes a TLS greeting in silence is dead, most likely. */
	if (err->sys == ETIMEDOUT)
		patience = HTTP_CONNECT_WAIT;
	for (unsigned try = 0; try < PLAIN_TRIES; try++) {
		if (speaks(e, plain, patience, &status, &plain_err) == 0)
			/* 400: TLS is spoken there, and what was wrong with it will be told. */
			return take_base(e, status == 400 ? HTTPS : "http://", rest, err);
		if (plain_err.sys == ETIMEDOUT)
			break;
	}
	return r;
}

int endpoint_base(struct endpoint *e, const char **base, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&e->lock);
	if (e->refused) {
		r = err_fail(err, e->refused_code, 0, "%s", e->refused);
	} else if (!e->base) {
		struct error why;

		r = find_scheme(e, &why);
		if (r < 0) {
			e->refused = strdup(why.msg);
			e->refused_code = why.code;
			r = err_fail(err, why.code, 0, "%s", why.msg);
		}
	}
	*base = e->base;
	pthread_mutex_unlock(&e->lock);
	return r;
}

int endpoint_url(char **out, struct endpoint *e, struct error *err, const char *fmt, ...)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	char text[512];
	const char *base;
	va_list ap;
	int n, r = endpoint_base(e, &base, err);

	if (r < 0)
		return r;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return err_fail(err, ERR_USAGE, 0, "a name that is too long");
	if (buf_printf(&path, "%s/%s", base, text))
		return err_nomem(err);
	*out = (char *)STEAL(path.data);
	return 0;
}

static int read_challenges(struct endpoint *e, const struct http_answer *a, struct error *err)
{
	struct challenge c = { 0 };
	const char *header;

	for (size_t i = 0; i < 8 && (header = http_header(a, "WWW-Authenticate", i)); i++) {
		int r = challenge_read(&c, header, err);

		if (r < 0) {
			challenge_free(&c);
			return r;
		}
	}
	challenge_free(&e->challenge);
	e->challenge = c;
	return 0;
}

/* Another thread may have done it meanwhile: used is what was refused. *asked: a credential was
 * made anew here, and there is no better one. */
static int authorize_again(struct endpoint *e, const char *used, const struct http_answer *a,
			   bool *asked, struct error *err)
{
	bool changed;
	int r = 0;

	pthread_mutex_lock(&e->lock);
	changed = e->authorization && (!used || strcmp(used, e->authorization) != 0);
	if (!changed) {
		*asked = true;
		r = read_challenges(e, a, err);
		if (r == 0)
			r = endpoint_authorize(e, err);
		if (r == 0 && used && strcmp(used, e->authorization) == 0)
			r = 1;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

static int copy_authorization(struct endpoint *e, char **out, struct error *err)
{
	pthread_mutex_lock(&e->lock);
	*out = e->authorization ? strdup(e->authorization) : NULL;
	pthread_mutex_unlock(&e->lock);
	return *out || !e->authorization ? 0 : err_nomem(err);
}

/* http_request.renew: a token ran out while a blob was read. */
static int renew(void *ctx, char **authorization, struct error *err)
{
	struct endpoint *e = ctx;
	int r;

	pthread_mutex_lock(&e->lock);
	r = endpoint_authorize(e, err);
	if (r == 0) {
		*authorization = strdup(e->authorization);
		r = *authorization ? 0 : err_nomem(err);
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

static bool same_host(const char *a, const char *b)
{
	char x[300], y[300];
	size_t n;

	http_url_host(x, sizeof(x), a);
	http_url_host(y, sizeof(y), b);
	n = strrchr(x, ':') ? (size_t)(strrchr(x, ':') - x) : strlen(x);
	return strncmp(x, y, n) == 0 && y[n] == ':' && !strchr(y + n + 1, ':');
}

void endpoint_reach(const struct endpoint *e, struct http_request *rq)
{
	rq->tls = http_same_origin(rq->url, e->base) ? &e->tls : &e->tls_elsewhere;
	rq->public_only = !e->local && !same_host(rq->url, e->base);
}

static int send_once(struct endpoint *e, struct http_request *rq, const char *authorization,
		     struct http_answer **out, struct error *err)
{
	int r;

	rq->authorization = authorization;
	r = http_send(out, e->registry->http, rq, err);
	rq->authorization = NULL;
	return r;
}

int endpoint_send(struct endpoint *e, struct http_request *rq, struct http_answer **out,
		  struct error *err)
{
	bool own, asked = false;
	const char *base;
	int r = endpoint_base(e, &base, err);

	if (r < 0)
		return r;
	own = http_same_origin(rq->url, base);
	endpoint_reach(e, rq);
	rq->renew = own ? renew : NULL;
	rq->renew_ctx = e;
	for (unsigned try = 0;; try++) {
		_cleanup_(http_answer_freep) struct http_answer *a = NULL;
		_cleanup_(wipe) char *authorization = NULL;
		long status;

		r = own ? copy_authorization(e, &authorization, err) : 0;
		if (r == 0)
			r = send_once(e, rq, authorization, &a, err);
		if (r < 0)
			return r;
		status = http_status(a);
		/* Where a redirect has led elsewhere, that host's realm is not the registry's. */
		if (status == 401 && own && !asked && try < SEND_TRIES &&
		    http_same_origin(http_final_url(a), base)) {
			r = authorize_again(e, authorization, a, &asked, err);
			if (r < 0)
				return r;
			if (r == 0)
				continue;
		}
		if (status == 401 || status == 403)
			return endpoint_refused(e, a, err);
		*out = STEAL(a);
		return 0;
	}
}
