/* From a name to the servers that are asked for it (containers/image pkg/sysregistriesv2). */
#include "registry/place.h"

#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "registry/conf.h"

static void free_place(struct registry_place *p)
{
	free(p->host);
	free(p->repository);
	free(p->base);
	free(p->auth_name);
	for (size_t i = 0; i < p->ca_count; i++)
		free(p->ca[i]);
	free(p->ca);
	free(p->cert);
	free(p->key);
	*p = (struct registry_place){ 0 };
}

void registry_places_free(struct registry_places *p)
{
	for (size_t i = 0; i < p->count; i++)
		free_place(&p->v[i]);
	free(p->v);
	*p = (struct registry_places){ 0 };
}

/* 127.0.0.0/8, [::1], localhost. */
static int is_loopback(bool *out, const char *host, struct error *err)
{
	_cleanup_(freep) char *url = NULL;

	if (asprintf(&url, "http://%s/", host) < 0) {
		url = NULL;
		return err_nomem(err);
	}
	*out = http_is_private(url);
	return 0;
}

static int fill(struct registry_place *p, const struct registry_name *name,
		const struct conf_endpoint *e, const struct registry_place_options *opts,
		struct error *err)
{
	bool hub = strcmp(name->host, "docker.io") == 0, loopback;
	int r = is_loopback(&loopback, name->host, err);

	if (r < 0)
		return r;
	p->insecure = opts->tls_verify == 0 || (opts->tls_verify < 0 && e && e->insecure);
	p->plain = p->insecure || (opts->tls_verify < 0 && loopback);
	p->host = strdup(name->host);
	p->repository = strdup(name->repository);
	if (asprintf(&p->base, "https://%s/v2/%s", hub ? "registry-1.docker.io" : name->host,
		     name->repository) < 0)
		p->base = NULL;
	if (asprintf(&p->auth_name, "%s/%s", name->host, name->repository) < 0)
		p->auth_name = NULL;
	if (!p->host || !p->repository || !p->base || !p->auth_name)
		return err_nomem(err);
	return registry_certs(p, opts, err);
}

static int add(struct registry_places *out, const struct registry_name *name,
	       const struct conf_endpoint *e, bool mirror,
	       const struct registry_place_options *opts, struct error *err)
{
	struct registry_place *v = reallocarray(out->v, out->count + 1, sizeof(*v));

	if (!v)
		return err_nomem(err);
	out->v = v;
	v = &v[out->count++];
	*v = (struct registry_place){ .mirror = mirror,
				      .digest_only = mirror && e->pull == CONF_PULL_DIGEST };
	return fill(v, name, e, opts, err);
}

/* The name with what the prefix covers replaced by the endpoint's location. */
static int add_rewritten(struct registry_places *out, const char *name, size_t covered,
			 const struct conf_registry *g, const struct conf_endpoint *e,
			 const struct registry_place_options *opts, struct error *err)
{
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = e->location[0] ? buf_printf(&text, "%s%s", e->location, name + covered)
			       : buf_append_str(&text, name);

	if (r < 0)
		return err_nomem(err);
	r = registry_name_parse(&n, buf_str(&text), err);
	if (r == 0 &&
	    (!registry_name_has_host(buf_str(&text)) || !n.tag || strcmp(n.tag, "latest") != 0))
		r = err_fail(err, ERR_USAGE, 0, "a location is HOST[:PORT][/PATH]");
	if (r < 0) {
		char shown[128];

		if (err->code == ERR_USAGE)
			err->code = ERR_BAD_INPUT;
		return err_wrap(err, "'%s': location '%s'", g->from,
				err_text(shown, sizeof(shown), e->location, strlen(e->location)));
	}
	return add(out, &n, e, e != &g->own, opts, err);
}

static bool mirror_serves(const struct conf_endpoint *m, bool by_digest)
{
	return m->pull == CONF_PULL_ALL || (m->pull == CONF_PULL_DIGEST) == by_digest;
}

static int look(struct registry_places *out, const struct registry_name *name, bool push,
		const struct registry_place_options *opts, struct error *err)
{
	_cleanup_(registry_conf_freep) struct registry_conf conf = { 0 };
	_cleanup_(buf_freep) struct buf text = { 0 };
	const struct conf_registry *g;
	bool by_digest = name->digest.text[0];
	size_t covered = 0;
	int r = registry_conf_load(&conf, opts->root, opts->notes, err);

	if (r < 0)
		return r;
	if (buf_printf(&text, "%s/%s", name->host, name->repository) < 0)
		return err_nomem(err);
	g = registry_conf_find(&conf, buf_str(&text), &covered);
	if (g && g->blocked)
		return err_fail(err, ERR_DENIED, 0, "'%s' blocks '%s'", g->from, g->prefix);
	if (!g || push)
		return add(out, name, g ? &g->own : NULL, false, opts, err);
	for (size_t i = 0; r == 0 && i < g->mirror_count; i++)
		if (mirror_serves(&g->mirrors[i], by_digest))
			r = add_rewritten(out, buf_str(&text), covered, g, &g->mirrors[i], opts,
					  err);
	return r < 0 ? r : add_rewritten(out, buf_str(&text), covered, g, &g->own, opts, err);
}

int registry_places(struct registry_places *out, const struct registry_name *name, bool push,
		    const struct registry_place_options *opts, struct error *err)
{
	struct registry_places p = { 0 };
	int r = look(&p, name, push, opts, err);

	for (size_t i = 0; r == 0 && i < p.count; i++)
		p.v[i].elsewhere = strcmp(p.v[i].host, name->host) != 0;
	if (r < 0)
		registry_places_free(&p);
	else
		*out = p;
	return r;
}
