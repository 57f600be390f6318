/* URLs, by curl's own parser, so that what is judged here is what curl will ask. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/impl.h"

struct url_parts {
	char *scheme, *host, *port, *path, *query;
};

static void parts_free(struct url_parts *p)
{
	curl_free(p->scheme);
	curl_free(p->host);
	curl_free(p->port);
	curl_free(p->path);
	curl_free(p->query);
}

static void handle_freep(CURLU **u)
{
	curl_url_cleanup(*u);
}

/* NULL where it is no http or https URL. */
static CURLU *parse(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL;
	bool good;

	if (!u)
		return NULL;
	good = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	       (strcasecmp(scheme, "https") == 0 || strcasecmp(scheme, "http") == 0);
	curl_free(scheme);
	if (good)
		return u;
	curl_url_cleanup(u);
	return NULL;
}

static bool split(struct url_parts *p, const char *url)
{
	_cleanup_(handle_freep) CURLU *u = parse(url);

	*p = (struct url_parts){ 0 };
	if (!u)
		return false;
	if (curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &p->host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PATH, &p->path, 0) != CURLUE_OK) {
		parts_free(p);
		return false;
	}
	curl_url_get(u, CURLUPART_QUERY, &p->query, 0);
	for (char *c = p->host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return true;
}

char *http_url_origin(const char *url)
{
	_cleanup_(parts_free) struct url_parts p;
	char *out;

	if (!split(&p, url) || asprintf(&out, "%s://%s:%s", p.scheme, p.host, p.port) < 0)
		return NULL;
	return out;
}

bool http_same_origin(const char *a, const char *b)
{
	_cleanup_(freep) char *x = http_url_origin(a), *y = NULL;

	if (!x)
		return false;
	y = http_url_origin(b);
	return y && strcmp(x, y) == 0;
}

void http_url_host(char *out, size_t n, const char *url)
{
	_cleanup_(parts_free) struct url_parts p;
	char text[300];

	if (!split(&p, url)) {
		snprintf(out, n, "no host");
		return;
	}
	snprintf(text, sizeof(text), "%s:%s", p.host, p.port);
	err_text(out, n, text, strlen(text));
}

/* Names of a query stay, values do not. What has no '=' is a value. */
static int safe_query(struct buf *b, const char *query)
{
	int r = 0;

	for (const char *q = query; r == 0;) {
		size_t n = strcspn(q, "&"), name = strcspn(q, "=");

		r = buf_append_str(b, q == query ? "?" : "&");
		if (r == 0 && name < n)
			r = buf_append(b, q, name + 1);
		if (r == 0 && n)
			r = buf_append_str(b, "...");
		if (!q[n])
			break;
		q += n + 1;
	}
	return r;
}

void http_url_safe(char *out, size_t n, const char *url)
{
	_cleanup_(parts_free) struct url_parts p;
	_cleanup_(buf_freep) struct buf b = { 0 };
	bool usual;

	if (!split(&p, url)) {
		snprintf(out, n, "(no http URL)");
		return;
	}
	usual = strcmp(p.port, strcasecmp(p.scheme, "https") == 0 ? "443" : "80") == 0;
	if (buf_printf(&b, "%s://%s%s%s%s", p.scheme, p.host, usual ? "" : ":", usual ? "" : p.port,
		       p.path) ||
	    (p.query && safe_query(&b, p.query))) {
		snprintf(out, n, "(no memory)");
		return;
	}
	err_text(out, n, b.data, b.len);
}

/* The whole text, without what no request carries. */
static int text_of(char **out, CURLU *u, struct error *err)
{
	char *text = NULL;

	if (curl_url_set(u, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_OPTIONS, NULL, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return err_nomem(err);
	*out = strdup(text);
	curl_free(text);
	return *out ? 0 : err_nomem(err);
}

int http_url_join(char **out, const char *base, const char *location, struct error *err)
{
	_cleanup_(handle_freep) CURLU *u = parse(base), *judged = NULL;
	_cleanup_(freep) char *text = NULL;
	int r;

	if (!u || curl_url_set(u, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_ALLOW_SPACE) !=
			  CURLUE_OK)
		return err_fail(err, ERR_BAD_INPUT, 0, "a URL that cannot be read");
	r = text_of(&text, u, err);
	if (r < 0)
		return r;
	judged = parse(text);
	if (!judged)
		return err_fail(err, ERR_BAD_INPUT, 0, "a URL that is neither http nor https");
	*out = STEAL(text);
	return 0;
}

int http_url_add(char **out, const char *url, const char *name, const char *value,
		 struct error *err)
{
	_cleanup_(handle_freep) CURLU *u = parse(url);
	_cleanup_(freep) char *pair = NULL;

	if (!u)
		return err_fail(err, ERR_BAD_INPUT, 0, "a URL that is neither http nor https");
	if (asprintf(&pair, "%s=%s", name, value) < 0) {
		pair = NULL;
		return err_nomem(err);
	}
	if (curl_url_set(u, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) !=
	    CURLUE_OK)
		return err_fail(err, ERR_BAD_INPUT, 0, "a query that no URL takes");
	return text_of(out, u, err);
}

static bool v4_loopback(const uint8_t *a)
{
	return a[0] == 127;
}

static bool v4_local(const uint8_t *a)
{
	return a[0] == 127 || a[0] == 0 || (a[0] == 169 && a[1] == 254);
}

/* The IPv4 address inside: mapped, compatible (RFC 4291 section 2.5.5), or behind NAT64 (RFC
 * 6052). */
static const uint8_t *v4_inside(const uint8_t *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t compatible[12];

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0 ||
	    memcmp(a, compatible, 12) == 0)
		return a + 12;
	return NULL;
}

bool http_address_local(int family, const void *address)
{
	const uint8_t *a = address, *inside;

	if (family == AF_INET)
		return v4_local(a);
	if (family != AF_INET6)
		return true;
	/* ::1 and :: look like 0.0.0.1 and 0.0.0.0 inside. */
	inside = v4_inside(a);
	return inside ? v4_local(inside) : a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

enum place { PLACE_ELSEWHERE, PLACE_LINK, PLACE_LOOPBACK };

static enum place place_of(const char *url)
{
	static const uint8_t one[16] = { [15] = 1 };
	_cleanup_(parts_free) struct url_parts p;
	uint8_t a[16];
	size_t n;

	if (!split(&p, url))
		return PLACE_ELSEWHERE;
	n = strlen(p.host);
	/* RFC 6761 section 6.3: every name below localhost is. */
	if (n && p.host[n - 1] == '.')
		p.host[--n] = '\0';
	if (strcmp(p.host, "localhost") == 0 ||
	    (n > 10 && strcmp(p.host + n - 10, ".localhost") == 0))
		return PLACE_LOOPBACK;
	if (p.host[0] == '[') {
		p.host[n - 1] = '\0';
		p.host[strcspn(p.host, "%")] = '\0';
		if (inet_pton(AF_INET6, p.host + 1, a) != 1)
			return PLACE_ELSEWHERE;
		if (memcmp(a, one, 16) == 0 || (v4_inside(a) && v4_loopback(a + 12)))
			return PLACE_LOOPBACK;
		return http_address_local(AF_INET6, a) ? PLACE_LINK : PLACE_ELSEWHERE;
	}
	if (inet_pton(AF_INET, p.host, a) != 1)
		return PLACE_ELSEWHERE;
	if (v4_loopback(a))
		return PLACE_LOOPBACK;
	return v4_local(a) ? PLACE_LINK : PLACE_ELSEWHERE;
}

bool http_url_local(const char *url)
{
	return place_of(url) != PLACE_ELSEWHERE;
}

bool http_url_loopback(const char *url)
{
	return place_of(url) == PLACE_LOOPBACK;
}

bool http_url_https(const char *url)
{
	_cleanup_(parts_free) struct url_parts p;

	return split(&p, url) && strcasecmp(p.scheme, "https") == 0;
}

bool http_is_private(const char *url)
{
	return http_url_https(url) || http_url_loopback(url);
}
