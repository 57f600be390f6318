/* Credentials become an Authorization header: Basic as they are, Bearer by asking the realm that
 * the registry names (distribution docs: spec/auth/token, spec/auth/oauth).
 *
 * A realm is the registry's word and may be anybody's server: it gets the credential over TLS or on
 * loopback alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "oci/json.h"
#include "registry/helper.h"
#include "registry/impl.h"

static int look_up(struct endpoint *e, struct error *err)
{
	struct registry_login_options opts = e->registry->opts.login;
	int r;

	if (e->login_known)
		return 0;
	if (e->place->elsewhere)
		opts.creds = opts.user = opts.password = opts.token = NULL;
	r = registry_login_find(&e->login, e->place->auth_name, &opts, err);
	if (r < 0)
		return r;
	e->login_known = true;
	return 0;
}

static int basic(char **out, const struct registry_login *l, struct error *err)
{
	_cleanup_(buf_freep) struct buf plain = { 0 }, text = { 0 };
	int r = buf_printf(&plain, "%s:%s", l->user, l->secret);

	if (r == 0)
		r = buf_append_str(&text, "Basic ");
	if (r == 0)
		r = text_base64(&text, plain.data, plain.len);
	if (plain.data)
		explicit_bzero(plain.data, plain.cap);
	if (r == 0)
		*out = (char *)STEAL(text.data);
	return r ? err_nomem(err) : 0;
}

static int bearer(char **out, const char *token, struct error *err)
{
	/* A token goes into a header: nothing but what RFC 6750's b64token has, and a little more.
	 */
	for (const char *c = token; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return err_fail(err, ERR_NET, 0, "a token that no header can hold");
	return asprintf(out, "Bearer %s", token) < 0 ? err_nomem(err) : 0;
}

static int read_token(char **out, struct http_answer *a, const char *realm, struct error *err)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	const char *token = NULL;
	json_t *json = NULL;
	size_t n;
	int r = http_body_all(a, REGISTRY_TOKEN_MAX, &bytes, &n, err);

	if (r == 0)
		r = oci_json_parse(&json, bytes, n, "the token", err);
	if (r == 0)
		r = oci_json_string(json, "token", &token, err);
	if (r == 0 && (!token || !*token))
		r = oci_json_string(json, "access_token", &token, err);
	if (r == 0 && (!token || !*token))
		r = err_fail(err, ERR_NET, 0, "an answer without a token");
	if (r == 0)
		r = bearer(out, token, err);
	json_decref(json);
	if (bytes)
		explicit_bzero(bytes, n);
	return r < 0 ? err_wrap(err, "token server %s", realm) : 0;
}

/* *url with NAME=VALUE; what it was may hold a secret. */
static int add_param(char **url, const char *name, const char *value, struct error *err)
{
	char *longer;
	int r = http_url_add(&longer, *url, name, value, err);

	if (r < 0)
		return r;
	registry_wipe(*url);
	*url = longer;
	return 0;
}

/* What the token is to allow: here, and reading where blobs are mounted from. */
static int scopes(struct buf *here, struct buf *there, const struct endpoint *e, struct error *err)
{
	const struct registry *reg = e->registry;
	int r;

	/* A registry may know the repository by another name: its own word counts for reading. */
	if (e->challenge.scope && !reg->push)
		r = buf_append_str(here, e->challenge.scope);
	else
		r = buf_printf(here, "repository:%s:%s", e->place->repository,
			       reg->push ? "pull,push" : "pull");
	if (r == 0 && reg->mount_from)
		r = buf_printf(there, "repository:%s:pull", reg->mount_from);
	return r ? err_nomem(err) : 0;
}

/* Each scope its own parameter, as the token specification has it for GET. */
static int add_scopes(char **url, const struct endpoint *e, struct error *err)
{
	_cleanup_(buf_freep) struct buf here = { 0 }, there = { 0 };
	int r = scopes(&here, &there, e, err);

	if (r == 0)
		r = add_param(url, "scope", buf_str(&here), err);
	return r < 0 || !there.len ? r : add_param(url, "scope", buf_str(&there), err);
}

/* "NAME=VALUE" parameters without the URL that http_url_add wants: behind its '?'. All scopes are
 * one here (spec/auth/oauth). */
static int form(struct buf *out, const struct endpoint *e, struct error *err)
{
	_cleanup_(buf_freep) struct buf here = { 0 }, there = { 0 };
	char *url = strdup("http://form/");
	int r = url ? scopes(&here, &there, e, err) : err_nomem(err);

	if (r == 0 && there.len &&
	    (buf_append_str(&here, " ") || buf_append_str(&here, buf_str(&there))))
		r = err_nomem(err);
	if (r == 0) {
		const struct {
			const char *name, *value;
		} params[] = {
			{ "grant_type", "refresh_token" },
			{ "service", e->challenge.service ? e->challenge.service : "" },
			{ "client_id", "uidfit" },
			{ "scope", buf_str(&here) },
			{ "refresh_token", e->login.identity_token },
		};

		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(params); i++)
			r = add_param(&url, params[i].name, params[i].value, err);
	}
	if (r == 0 && buf_append_str(out, strchr(url, '?') + 1))
		r = err_nomem(err);
	registry_wipe(url);
	return r;
}

static int token_status(struct http_answer *a, const char *realm, const struct endpoint *e,
			struct error *err)
{
	long status = http_status(a);
	char text[240];

	if (status == 200)
		return 0;
	registry_message(text, sizeof(text), a);
	if (status == 401 || status == 403 || status == 400)
		return err_fail(err, ERR_AUTH, 0, "token server %s: status %ld%s (%s%s)", realm,
				status, text, e->login.from ? "the credential of " : "",
				e->login.from ? e->login.from : "no credential is known");
	return err_fail(err, ERR_NET, 0, "token server %s: status %ld%s", realm, status, text);
}

static int by_refresh(struct endpoint *e, const char *realm, const char *shown, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(buf_freep) struct buf body = { 0 };
	const struct http_header type = { "Content-Type", "application/x-www-form-urlencoded" };
	struct http_request rq = { .method = "POST",
				   .url = realm,
				   .headers = &type,
				   .header_count = 1,
				   .no_redirect = true,
				   .idempotent = true,
				   .body_max = REGISTRY_TOKEN_MAX };
	int r = form(&body, e, err);

	if (r < 0)
		return r;
	rq.bytes = body.data;
	rq.size_bytes = body.len;
	endpoint_reach(e, &rq);
	r = http_send(&a, e->registry->http, &rq, err);
	explicit_bzero(body.data, body.len);
	if (r == 0)
		r = token_status(a, shown, e, err);
	return r < 0 ? r : read_token(&e->authorization, a, shown, err);
}

static int by_login(struct endpoint *e, const char *realm, const char *shown, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = strdup(realm), *authorization = NULL;
	struct http_request rq = { .method = "GET", .body_max = REGISTRY_TOKEN_MAX };
	int r = url ? 0 : err_nomem(err);

	if (r == 0 && e->challenge.service)
		r = add_param(&url, "service", e->challenge.service, err);
	if (r == 0)
		r = add_scopes(&url, e, err);
	if (r == 0 && e->login.user)
		r = basic(&authorization, &e->login, err);
	if (r < 0)
		return r;
	rq.url = url;
	rq.authorization = authorization;
	endpoint_reach(e, &rq);
	r = http_send(&a, e->registry->http, &rq, err);
	if (authorization)
		explicit_bzero(authorization, strlen(authorization));
	if (r == 0)
		r = token_status(a, shown, e, err);
	return r < 0 ? r : read_token(&e->authorization, a, shown, err);
}

static int by_realm(struct endpoint *e, struct error *err)
{
	_cleanup_(freep) char *realm = NULL;
	bool secret = e->login.user || e->login.identity_token;
	char shown[200];
	int r;

	if (!e->challenge.realm)
		return err_fail(err, ERR_NET, 0, "%s: asks for a token and names no realm",
				e->place->host);
	r = http_url_join(&realm, e->base, e->challenge.realm, err);
	if (r < 0)
		return err_wrap(err, "%s: token realm", e->place->host);
	http_url_safe(shown, sizeof(shown), realm);
	if (secret && !http_is_private(realm))
		return err_fail(err, ERR_DENIED, 0,
				"%s: its token realm %s has no TLS: the credential of %s is not "
				"sent there",
				e->place->host, shown, e->login.from);
	r = e->login.identity_token ? by_refresh(e, realm, shown, err)
				    : by_login(e, realm, shown, err);
	return r < 0 ? err_wrap(err, "%s/%s", e->place->host, e->place->repository) : 0;
}

int endpoint_authorize(struct endpoint *e, struct error *err)
{
	int r = look_up(e, err);

	if (r < 0)
		return r;
	registry_wipe(STEAL(e->authorization));
	if (e->login.registry_token)
		return bearer(&e->authorization, e->login.registry_token, err);
	if (e->challenge.scheme == CHALLENGE_BEARER)
		return by_realm(e, err);
	if (e->challenge.scheme != CHALLENGE_BASIC || !e->login.user)
		return 1;
	if (!http_is_private(e->base) && !e->place->insecure)
		return err_fail(err, ERR_DENIED, 0,
				"%s: has no TLS: the credential of %s is not sent there",
				e->place->host, e->login.from);
	return basic(&e->authorization, &e->login, err);
}
