#include "registry/challenge.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

void challenge_free(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	*c = (struct challenge){ 0 };
}

static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t,");
}

static const char *token(const char *s, struct buf *out)
{
	const char *from = s;

	while (is_token(*s))
		s++;
	buf_clear(out);
	return buf_append(out, from, (size_t)(s - from)) ? NULL : s;
}

/* A token or a quoted string. */
static const char *value(const char *s, struct buf *out)
{
	if (*s != '"')
		return token(s, out);
	buf_clear(out);
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		if (buf_append(out, s, 1))
			return NULL;
	}
	return *s == '"' ? s + 1 : s;
}

static int keep(struct challenge *c, const struct buf *name, const struct buf *text)
{
	const struct {
		const char *name;
		char **to;
	} params[] = { { "realm", &c->realm }, { "service", &c->service }, { "scope", &c->scope } };

	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		if (strcasecmp(params[i].name, buf_str(name)) != 0 || *params[i].to)
			continue;
		*params[i].to = strdup(buf_str(text));
		return *params[i].to ? 0 : -ERR_NOMEM;
	}
	return 0;
}

static enum challenge_scheme scheme_of(const char *name)
{
	return strcasecmp(name, "Bearer") == 0	? CHALLENGE_BEARER
	       : strcasecmp(name, "Basic") == 0 ? CHALLENGE_BASIC
						: CHALLENGE_NONE;
}

static void take(struct challenge *best, struct challenge *c)
{
	if (c->scheme > best->scheme) {
		challenge_free(best);
		*best = *c;
		*c = (struct challenge){ 0 };
	}
	challenge_free(c);
}

int challenge_read(struct challenge *best, const char *header, struct error *err)
{
	_cleanup_(buf_freep) struct buf name = { 0 }, text = { 0 };
	struct challenge c = { 0 };
	const char *s = blanks(header);
	int r = 0;

	if (strnlen(header, CHALLENGE_MAX) == CHALLENGE_MAX)
		return 0;
	while (r == 0 && *s) {
		const char *behind = token(s, &name);

		if (!behind) {
			r = -ERR_NOMEM;
		} else if (!name.len) {
			s++; /* no token can begin here */
		} else if (behind[strspn(behind, " \t")] == '=') {
			s = value(behind + strspn(behind, " \t="), &text);
			r = s ? keep(&c, &name, &text) : -ERR_NOMEM;
		} else {
			take(best, &c);
			c.scheme = scheme_of(buf_str(&name));
			s = behind;
		}
		if (r == 0)
			s = blanks(s);
	}
	take(best, &c);
	return r ? err_nomem(err) : 0;
}
