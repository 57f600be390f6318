#include "storage/conf.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/toml.h"
#include "storage/internal.h"

#define SYSTEM_ROOT "/var/lib/containers/storage"

void conf_done(struct conf *c)
{
	free(c->root);
	free(c->driver);
	for (size_t i = 0; i < c->more_count; i++)
		free(c->more[i]);
	free(c->more);
}

/* Within the namespace that podman makes, the user is 0 and still nobody: unshare.IsRootless(). */
static bool is_rootless(void)
{
	const char *configured = getenv("_CONTAINERS_USERNS_CONFIGURED");

	return geteuid() != 0 || (configured && configured[0]);
}

static const char *rootless_uid(char out[16])
{
	const char *uid = getenv("_CONTAINERS_ROOTLESS_UID");

	if (uid && uid[0])
		return uid;
	snprintf(out, 16, "%u", (unsigned)geteuid());
	return out;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* $HOME, $UID and $USER in rootless_storage_path and graphroot (utils.go). */
static char *expand(const char *text)
{
	char uid[16];
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "$HOME", variable("HOME") },
		{ "$UID", rootless_uid(uid) },
		{ "$USER", variable("USER") },
	};
	struct buf out = { 0 };

	while (*text) {
		size_t i = 0;

		while (i < ARRAY_SIZE(rows) &&
		       strncmp(text, rows[i].name, strlen(rows[i].name)) != 0)
			i++;
		if (i < ARRAY_SIZE(rows) ? buf_append_str(&out, rows[i].value) < 0
					 : buf_append(&out, text, 1) < 0) {
			buf_free(&out);
			return NULL;
		}
		text += i < ARRAY_SIZE(rows) ? strlen(rows[i].name) : 1;
	}
	return out.data ? (char *)out.data : strdup("");
}

static int add_more(struct conf *c, const struct toml *t, struct error *err)
{
	char **more;

	if (!t || t->kind != TOML_STRING || !t->text[0])
		return 0;
	more = reallocarray(c->more, c->more_count + 1, sizeof(*more));
	if (!more)
		return err_nomem(err);
	c->more = more;
	more[c->more_count] = expand(t->text);
	return more[c->more_count] && ++c->more_count ? 0 : err_nomem(err);
}

/* user: the file is the user's own. */
static int take_settings(struct conf *c, const struct toml *t, bool user, struct error *err)
{
	const struct toml *storage = toml_get(t, "storage"),
			  *options = toml_get(storage, "options"),
			  *driver = toml_get(storage, "driver"),
			  *root = toml_get(storage, is_rootless() && !user ? "rootless_storage_path"
									   : "graphroot"),
			  *more = toml_get(options, "additionalimagestores");
	int r = 0;

	if (user && is_rootless() && !root)
		root = toml_get(storage, "rootless_storage_path");
	if (root && root->kind == TOML_STRING && root->text[0]) {
		c->root = expand(root->text);
		r = c->root ? 0 : err_nomem(err);
	}
	if (r == 0 && driver && driver->kind == TOML_STRING && driver->text[0]) {
		c->driver = strdup(driver->text);
		r = c->driver ? 0 : err_nomem(err);
	}
	if (r == 0)
		r = add_more(c, toml_get(storage, "imagestore"), err);
	for (size_t i = 0; r == 0 && more && more->kind == TOML_ARRAY && i < more->count; i++)
		r = add_more(c, more->items[i], err);
	return r;
}

/* 1 where there is no such file. */
static int read_file(struct conf *c, const char *path, bool user, struct error *err)
{
	_cleanup_(toml_freep) struct toml *t = NULL;
	_cleanup_(freep) uint8_t *data = NULL;
	size_t len;
	int r = storage_read(path, 1 << 20, &data, &len, err);

	if (r)
		return r;
	r = toml_parse(&t, (const char *)data, len, path, err);
	return r < 0 ? r : take_settings(c, t, user, err);
}

static int read_files(struct conf *c, struct error *err)
{
	const char *named = getenv("CONTAINERS_STORAGE_CONF");
	_cleanup_(freep) char *own = NULL;
	int r = 1;

	if (named && named[0])
		return read_file(c, named, true, err);
	if (is_rootless()) {
		own = storage_xdg("XDG_CONFIG_HOME", ".config", "containers/storage.conf");
		if (!own)
			return err_nomem(err);
		r = read_file(c, own, true, err);
	}
	if (r == 1)
		r = read_file(c, "/etc/containers/storage.conf", false, err);
	if (r == 1)
		r = read_file(c, "/usr/share/containers/storage.conf", false, err);
	return r;
}

int conf_read(struct conf *out, struct error *err)
{
	const char *driver = getenv("STORAGE_DRIVER");
	int r = read_files(out, err);

	if (r < 0)
		return r;
	if (driver && driver[0]) {
		free(out->driver);
		out->driver = strdup(driver);
		if (!out->driver)
			return err_nomem(err);
	}
	if (!out->root)
		out->root = is_rootless() ? storage_xdg("XDG_DATA_HOME", ".local/share",
							"containers/storage")
					  : strdup(SYSTEM_ROOT);
	return out->root ? 0 : err_nomem(err);
}
