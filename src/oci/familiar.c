#include "oci/familiar.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* A first component with a dot or a colon, or localhost, or with an upper-case letter, is a host.
 */
static bool is_host(const char *name, size_t n)
{
	if (n == 9 && memcmp(name, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (name[i] == '.' || name[i] == ':' || (name[i] >= 'A' && name[i] <= 'Z'))
			return true;
	return false;
}

static const char *after(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

char *familiar_full(const char *name)
{
	const char *slash = strchr(name, '/'), *rest, *last;
	struct buf out = { 0 };
	int r = 0;

	rest = after(name, "index.docker.io/");
	if (!rest)
		rest = after(name, "docker.io/");
	if (!rest && slash && is_host(name, (size_t)(slash - name))) {
		rest = name;
	} else {
		rest = rest ? rest : name;
		r |= buf_append_str(&out, "docker.io/");
		if (!strchr(rest, '/'))
			r |= buf_append_str(&out, "library/");
	}
	r |= buf_append_str(&out, rest);
	last = strrchr(rest, '/');
	if (!strchr(rest, '@') && !strchr(last ? last : rest, ':'))
		r |= buf_append_str(&out, ":latest");
	if (r) {
		buf_free(&out);
		return NULL;
	}
	return (char *)out.data;
}

bool familiar_equal(const char *a, const char *b)
{
	_cleanup_(freep) char *x = familiar_full(a), *y = familiar_full(b);

	return x && y ? strcmp(x, y) == 0 : strcmp(a, b) == 0;
}
