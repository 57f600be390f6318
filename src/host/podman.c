/* containers-storage.conf(5), as far as it concerns ids. */
#include "host/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

static struct {
	const char *section, *key;
	size_t offset;
} const keys[] = {
	{ "storage.options", "remap-uids", offsetof(struct host_podman, remap_uids) },
	{ "storage.options", "remap-gids", offsetof(struct host_podman, remap_gids) },
	{ "storage.options", "remap-user", offsetof(struct host_podman, remap_user) },
	{ "storage.options", "root-auto-userns-user", offsetof(struct host_podman, auto_user) },
	{ "storage.options", "auto-userns-min-size", offsetof(struct host_podman, auto_min) },
	{ "storage.options", "auto-userns-max-size", offsetof(struct host_podman, auto_max) },
	{ "storage.options", "ignore_chown_errors",
	  offsetof(struct host_podman, ignore_chown_errors) },
	{ "storage.options.overlay", "ignore_chown_errors",
	  offsetof(struct host_podman, ignore_chown_errors) },
	{ "storage.options.vfs", "ignore_chown_errors",
	  offsetof(struct host_podman, ignore_chown_errors) },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text {
	const char *s;
	size_t n;
};

static struct text trim(const char *s, size_t n)
{
	while (n && is_blank(s[0]))
		s++, n--;
	while (n && is_blank(s[n - 1]))
		n--;
	return (struct text){ s, n };
}

/* The value of a line of TOML: a quoted string, or a word up to a comment. */
static struct text value_of(struct text t)
{
	const char *end;

	if (t.n && (t.s[0] == '"' || t.s[0] == '\'')) {
		end = memchr(t.s + 1, t.s[0], t.n - 1);
		return (struct text){ t.s + 1, end ? (size_t)(end - t.s) - 1 : t.n - 1 };
	}
	end = memchr(t.s, '#', t.n);
	return end ? trim(t.s, (size_t)(end - t.s)) : t;
}

static bool is(struct text t, const char *word)
{
	return t.n == strlen(word) && memcmp(t.s, word, t.n) == 0;
}

static int set(struct host_podman *p, struct text section, struct text key, struct text value,
	       size_t line, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char **member = (char **)(void *)((char *)p + keys[i].offset);

		if (!is(section, keys[i].section) || !is(key, keys[i].key))
			continue;
		free(*member);
		*member = strndup(value.s, value.n);
		if (member == &p->ignore_chown_errors)
			p->ignore_line = line;
		return *member ? 0 : err_nomem(err);
	}
	return 0;
}

static int read_settings(struct host_podman *p, const char *text, struct error *err)
{
	struct text section = { "", 0 };
	const char *line;
	size_t n, number = 0;
	int r = 0;

	while (r == 0 && host_line(&text, &line, &n)) {
		struct text t = trim(line, n);
		const char *equals = memchr(t.s, '=', t.n), *close;

		number++;
		if (!t.n || t.s[0] == '#')
			continue;
		if (t.s[0] == '[') {
			close = memchr(t.s, ']', t.n);
			section = trim(t.s + 1, close ? (size_t)(close - t.s) - 1 : t.n - 1);
		} else if (equals) {
			size_t before = (size_t)(equals - t.s);

			r = set(p, section, trim(t.s, before),
				value_of(trim(equals + 1, t.n - before - 1)), number, err);
		}
	}
	return r;
}

/* The first of these that is there counts alone; an ordinary user's own goes first. */
static int find_file(struct host *h, struct buf *text, struct error *err)
{
	_cleanup_(buf_freep) struct buf own = { 0 };
	const char *named = h->root[0] ? NULL : getenv("CONTAINERS_STORAGE_CONF");
	const char *paths[4] = { named && named[0] == '/' ? named : NULL };
	int r = 1;

	if (h->user.uid && h->user.home &&
	    buf_printf(&own, "%s/.config/containers/storage.conf", h->user.home) < 0)
		return err_nomem(err);
	paths[1] = own.len ? buf_str(&own) : NULL;
	paths[2] = "/etc/containers/storage.conf";
	paths[3] = "/usr/share/containers/storage.conf";
	for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 1; i++) {
		if (!paths[i])
			continue;
		r = host_read(text, h->root, paths[i], err);
		/* Another user's home may be closed to us. */
		if (r < 0 && i == 1 && err->code == ERR_IO)
			r = 1;
		if (r == 0) {
			h->podman.path = strdup(paths[i]);
			if (!h->podman.path)
				r = err_nomem(err);
		}
	}
	return r;
}

int host_podman_look(struct host *h, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	struct host_podman *p = &h->podman;
	int r = find_file(h, &text, err);

	if (r == 0)
		r = read_settings(p, buf_str(&text), err);
	if (r < 0)
		return r;
	r = host_user_find(&p->auto_owner, h->root, p->auto_user ? p->auto_user : "containers",
			   err);
	return r < 0 ? r : host_user_spans(&p->auto_owner, h, err);
}
