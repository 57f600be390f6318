#include "inventory/path.h"

#include <string.h>

#include "base/error.h"

static bool is_dot(const char *s, size_t n)
{
	return n == 1 && s[0] == '.';
}

static bool is_dotdot(const char *s, size_t n)
{
	return n == 2 && s[0] == '.' && s[1] == '.';
}

/* Length of the component that begins at s. */
static size_t component(const char *s, size_t n)
{
	const char *slash = memchr(s, '/', n);

	return slash ? (size_t)(slash - s) : n;
}

int path_clean(struct buf *out, const char *name, size_t n, bool *escapes)
{
	uint8_t *w;
	size_t len = 0;

	*escapes = false;
	buf_clear(out);
	if (buf_reserve(out, n) < 0)
		return -ERR_NOMEM;
	w = out->data;
	for (size_t i = 0, c; i < n; i += c + 1) {
		c = component(name + i, n - i);
		if (!c || is_dot(name + i, c))
			continue;
		if (is_dotdot(name + i, c)) {
			*escapes |= len == 0;
			len = path_parent((const char *)w, len);
			continue;
		}
		if (len)
			w[len++] = '/';
		memcpy(w + len, name + i, c);
		len += c;
	}
	w[len] = '\0';
	out->len = len;
	return 0;
}

bool path_is_clean(const char *path, size_t n)
{
	if (!n)
		return true;
	if (path[n - 1] == '/')
		return false;
	for (size_t i = 0, c; i < n; i += c + 1) {
		c = component(path + i, n - i);
		if (!c || is_dot(path + i, c) || is_dotdot(path + i, c))
			return false;
	}
	return true;
}

size_t path_parent(const char *path, size_t n)
{
	const char *slash = n ? memrchr(path, '/', n) : NULL;

	return slash ? (size_t)(slash - path) : 0;
}

bool path_is_below(const char *path, size_t n, const char *dir, size_t dir_len)
{
	if (dir_len >= n || memcmp(path, dir, dir_len) != 0)
		return false;
	return !dir_len || path[dir_len] == '/';
}
