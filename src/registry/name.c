/* Names of images as distribution/reference (v0.6) reads them. */
#include <stdlib.h>
#include <string.h>

#include "registry/conf.h"

#define NAME_MAX_BYTES 255 /* host and repository: distribution/reference NameTotalLengthMax */
#define TAG_MAX_BYTES  128

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return n > 0;
}

/* "[2001:db8::1]" */
static bool is_ipv6(const char *s, size_t n)
{
	if (n < 3 || s[0] != '[' || s[n - 1] != ']')
		return false;
	return strspn(s + 1, "0123456789abcdefABCDEF:") == n - 2;
}

/* Letters, digits and inner hyphens between dots. */
static bool is_domain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool edge = i == 0 || i + 1 == n || s[i - 1] == '.' || s[i + 1] == '.';

		if (!is_letter(s[i]) && (edge || (s[i] != '-' && s[i] != '.')))
			return false;
	}
	return n > 0;
}

/* HOST or HOST:PORT */
static bool is_host(const char *s, size_t n)
{
	const char *bracket = memrchr(s, ']', n);
	const char *from = bracket ? bracket : s;
	const char *colon = memchr(from, ':', n - (size_t)(from - s));
	size_t host = colon ? (size_t)(colon - s) : n;

	if (colon && !all_digits(colon + 1, n - host - 1))
		return false;
	return is_domain(s, host) || is_ipv6(s, host);
}

/* One part of a path: runs of lower-case letters and digits, between them one '.', one or two '_',
 * or any number of '-'. */
static bool is_component(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t start = i;

		while (i < n && is_lower(s[i]))
			i++;
		if (i == start)
			return false;
		if (i == n)
			return true;
		if (s[i] == '-')
			while (i < n && s[i] == '-')
				i++;
		else if (s[i] == '_')
			i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
		else if (s[i] == '.')
			i++;
		else
			return false;
	}
	return false;
}

static bool is_repository(const char *s, size_t n)
{
	const char *end = s + n;

	for (;;) {
		const char *slash = memchr(s, '/', (size_t)(end - s));

		if (!is_component(s, (size_t)((slash ? slash : end) - s)))
			return false;
		if (!slash)
			return true;
		s = slash + 1;
	}
}

static bool is_tag(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_letter(s[i]) && s[i] != '_' && (i == 0 || (s[i] != '.' && s[i] != '-')))
			return false;
	return n > 0 && n <= TAG_MAX_BYTES;
}

/* The first part is a host where it looks like none that a repository could have. */
static bool names_host(const char *s, size_t n)
{
	if (n == 9 && memcmp(s, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	return false;
}

bool registry_name_has_host(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && names_host(text, (size_t)(slash - text));
}

static int bad(const char *text, const char *why, struct error *err)
{
	char shown[200];

	return err_fail(err, ERR_USAGE, 0, "'%s' is no image's name: %s",
			err_text(shown, sizeof(shown), text, strlen(text)), why);
}

/* A name that consists of 64 hexadecimal digits would be an image's ID (distribution/reference). */
static bool is_id(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* From the back: "@digest", then ":tag" behind the last slash. *n is what is left. */
static int parse_end(struct registry_name *out, const char *text, const char *whole, size_t *n,
		     struct error *err)
{
	const char *at = strchr(text, '@'), *end = at ? at : text + strlen(text);
	const char *slash = memrchr(text, '/', (size_t)(end - text));
	const char *from = slash ? slash : text;
	const char *colon = memchr(from, ':', (size_t)(end - from));
	int r = at ? oci_digest_parse(&out->digest, at + 1, err) : 0;

	if (r < 0)
		return bad(whole, "a bad digest", err);
	if (colon && !is_tag(colon + 1, (size_t)(end - colon) - 1))
		return bad(whole, "a tag is of letters, digits, '_', '.' and '-', 128 at most",
			   err);
	out->tag = colon ? strndup(colon + 1, (size_t)(end - colon) - 1)
		   : at	 ? NULL
			 : strdup("latest");
	if (!out->tag && (colon || !at))
		return err_nomem(err);
	*n = (size_t)((colon ? colon : end) - text);
	return 0;
}

static int parse(struct registry_name *out, const char *text, struct error *err)
{
	const char *whole = text, *slash, *host = "docker.io";
	size_t n = 0, host_len = 9;
	bool hub = true;
	int r;

	if (strncmp(text, "//", 2) == 0)
		text += 2;
	if (is_id(text))
		return bad(whole, "64 hexadecimal digits are an ID", err);
	r = parse_end(out, text, whole, &n, err);
	if (r < 0)
		return r;
	slash = memchr(text, '/', n);
	if (slash && names_host(text, (size_t)(slash - text))) {
		host = text;
		host_len = (size_t)(slash - text);
		n -= host_len + 1;
		text = slash + 1;
		if (!is_host(host, host_len))
			return bad(whole, "a bad host", err);
		if (host_len == 15 && memcmp(host, "index.docker.io", 15) == 0)
			host = "docker.io", host_len = 9;
		hub = host_len == 9 && memcmp(host, "docker.io", 9) == 0;
	}
	if (!is_repository(text, n))
		return bad(whole,
			   "a repository is of lower-case letters and digits, with '.', '_' or '-' "
			   "between them",
			   err);
	out->host = strndup(host, host_len);
	if (!out->host ||
	    asprintf(&out->repository, "%s%.*s", hub && !memchr(text, '/', n) ? "library/" : "",
		     (int)n, text) < 0)
		return err_nomem(err);
	if (strlen(out->host) + 1 + strlen(out->repository) > NAME_MAX_BYTES)
		return bad(whole, "more than 255 bytes", err);
	return 0;
}

int registry_name_parse(struct registry_name *out, const char *text, struct error *err)
{
	struct registry_name n = { 0 };
	int r = strlen(text) > 4096 ? bad("...", "too long", err) : parse(&n, text, err);

	if (r < 0)
		registry_name_free(&n);
	else
		*out = n;
	return r;
}

void registry_name_free(struct registry_name *n)
{
	free(n->host);
	free(n->repository);
	free(n->tag);
	*n = (struct registry_name){ 0 };
}

int registry_name_text(struct buf *out, const struct registry_name *n, struct error *err)
{
	if (buf_printf(out, "%s/%s%s%s%s%s", n->host, n->repository, n->tag ? ":" : "",
		       n->tag ? n->tag : "", n->digest.text[0] ? "@" : "", n->digest.text) < 0)
		return err_nomem(err);
	return 0;
}
