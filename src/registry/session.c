/* A session: its places, how each is spoken to, and what it wants to see of us. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oci/json.h"
#include "registry/impl.h"

static void endpoint_done(struct endpoint *e)
{
	if (e->authorization)
		explicit_bzero(e->authorization, strlen(e->authorization));
	free(e->authorization);
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
	for (size_t i = 0; i < r->places.count; i++) {
		const struct registry_place *p = &r->places.v[i];

		r->endpoints[i] = (struct endpoint){
			.registry = r,
			.place = p,
			.tls = { .insecure = p->insecure,
				 .ca = (const char *const *)p->ca,
				 .ca_count = p->ca_count,
				 .cert = p->cert,
				 .key = p->key },
		};
		pthread_mutex_init(&r->endpoints[i].lock, NULL);
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

/* True where a server answers at scheme://HOST/v2/, with whatever status. */
static int speaks(struct endpoint *e, const char *base, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	struct http_request rq = { .method = "GET", .tls = &e->tls, .once = true };
	int r = http_url_join(&url, base, "/v2/", err);

	rq.url = url;
	return r < 0 ? r : http_send(&a, e->registry->http, &rq, err);
}

/* https, or where the place allows it http: told by one question to each. */
static int find_scheme(struct endpoint *e, struct error *err)
{
	const char *https = e->place->base;
	struct error plain_err;
	int r;

	if (!e->place->plain) {
		e->base = strdup(https);
		return e->base ? 0 : err_nomem(err);
	}
	r = speaks(e, https, err);
	if (r == 0) {
		e->base = strdup(https);
		return e->base ? 0 : err_nomem(err);
	}
	if (r != -ERR_NET || strncmp(https, "https://", 8) != 0)
		return r;
	if (asprintf(&e->base, "http://%s", https + 8) < 0) {
		e->base = NULL;
		return err_nomem(err);
	}
	if (speaks(e, e->base, &plain_err) == 0)
		return 0;
	free(STEAL(e->base));
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

/* Another thread may have done it meanwhile: used is what was refused. */
static int authorize_again(struct endpoint *e, const char *used, const struct http_answer *a,
			   struct error *err)
{
	bool changed;
	int r = 0;

	pthread_mutex_lock(&e->lock);
	changed = e->authorization && (!used || strcmp(used, e->authorization) != 0);
	if (!changed) {
		r = a ? read_challenges(e, a, err) : 0;
		if (r == 0)
			r = endpoint_authorize(e, err);
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

static int not_allowed(const struct endpoint *e, struct http_answer *a, struct error *err)
{
	long status = http_status(a);

	if (!e->login_known ||
	    (!e->login.user && !e->login.identity_token && !e->login.registry_token))
		return err_fail(err, ERR_AUTH, 0,
				"%s/%s: status %ld, and no credential is known for it",
				e->place->host, e->place->repository, status);
	return err_fail(err, ERR_AUTH, 0, "%s/%s: status %ld for the credential of %s",
			e->place->host, e->place->repository, status, e->login.from);
}

int endpoint_send(struct endpoint *e, struct http_request *rq, struct http_answer **out,
		  struct error *err)
{
	const char *base;
	bool own;
	int r = endpoint_base(e, &base, err);

	if (r < 0)
		return r;
	own = http_same_origin(rq->url, base);
	rq->tls = &e->tls;
	for (unsigned try = 0;; try++) {
		_cleanup_(http_answer_freep) struct http_answer *a = NULL;
		_cleanup_(freep) char *authorization = NULL;
		long status;

		if (own) {
			r = copy_authorization(e, &authorization, err);
			if (r < 0)
				return r;
		}
		rq->authorization = authorization;
		rq->renew = own ? renew : NULL;
		rq->renew_ctx = e;
		r = http_send(&a, e->registry->http, rq, err);
		rq->authorization = NULL;
		if (r < 0)
			return r;
		status = http_status(a);
		if (status == 401 && own && try < 2) {
			r = authorize_again(e, authorization, a, err);
			if (r < 0)
				return r;
			if (r == 0)
				continue;
		}
		if (status == 401 || status == 403)
			return not_allowed(e, a, err);
		*out = STEAL(a);
		return 0;
	}
}

/* The first message of {"errors":[{"code","message"}]}. */
static void first_message(char *out, size_t n, struct http_answer *a)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	const char *code = "", *message = "";
	json_t *json = NULL, *errors = NULL;
	struct error ignored;
	size_t len;

	*out = '\0';
	if (http_body_all(a, REGISTRY_ANSWER_MAX, &bytes, &len, &ignored) < 0)
		return;
	if (oci_json_parse(&json, bytes, len, "an error", &ignored) == 0 &&
	    oci_json_array(json, "errors", &errors, &ignored) == 0 && json_array_size(errors)) {
		json_t *first = json_array_get(errors, 0);
		char text[200];

		if (oci_json_string(first, "code", &code, &ignored) == 0 &&
		    oci_json_string(first, "message", &message, &ignored) == 0) {
			snprintf(text, sizeof(text), "%s: %s", code, message);
			*out++ = ':';
			*out++ = ' ';
			err_text(out, n - 2, text, strlen(text));
		}
	}
	json_decref(json);
}

int registry_refused(struct http_answer *a, const struct endpoint *e, const char *what,
		     struct error *err)
{
	long status = http_status(a);
	char text[240];

	first_message(text, sizeof(text), a);
	return err_fail(err, status == 404 ? ERR_NOT_FOUND : ERR_NET, 0, "%s/%s: %s: status %ld%s",
			e->place->host, e->place->repository, what, status, text);
}
