/* containers-storage.conf(5), as far as it concerns ids. */
#include "host/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"

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

/* The table of a dotted name, or NULL. */
static const struct toml *section(const struct toml *t, const char *name)
{
	char part[32];

	for (size_t n; t && *name; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		snprintf(part, sizeof(part), "%.*s", (int)n, name);
		t = toml_get(t, part);
	}
	return t;
}

static int read_settings(struct host_podman *p, const struct buf *text, struct error *err)
{
	_cleanup_(toml_freep) struct toml *root = NULL;
	char what[300];
	int r;

	snprintf(what, sizeof(what), "'%s'", p->path);
	r = toml_parse(&root, buf_str(text), text->len, what, err);
	for (size_t i = 0; i < ARRAY_SIZE(keys) && r == 0; i++) {
		const struct toml *t = toml_get(section(root, keys[i].section), keys[i].key);
		char **member = (char **)(void *)((char *)p + keys[i].offset);

		if (!t || !t->text)
			continue;
		free(*member);
		*member = strdup(t->text);
		if (!*member)
			return err_nomem(err);
		if (member == &p->ignore_chown_errors)
			p->ignore_line = t->line;
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
		r = read_settings(p, &text, err);
	if (r < 0)
		return r;
	r = host_user_find(&p->auto_owner, h->root, p->auto_user ? p->auto_user : "containers",
			   err);
	return r < 0 ? r : host_user_spans(&p->auto_owner, h, err);
}
