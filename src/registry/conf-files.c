/* Which registries.conf files there are, and in which order they count. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "registry/conf.h"

#define SYSTEM_DIR "/etc/containers"

const char *registry_home(void)
{
	const char *home = getenv("HOME");

	return home ? home : "";
}

static int read_one(struct registry_conf *c, const char *root, const char *path,
		    struct notes *notes, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = host_read(&text, root, path, err);

	return r ? r : registry_conf_read(c, buf_str(&text), text.len, path, notes, err);
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_in(struct registry_conf *c, const char *root, const char *dir,
			const char *name, struct notes *notes, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 }, full = { 0 };
	struct stat st;

	if (buf_printf(&path, "%s/%s", dir, name) < 0 ||
	    buf_printf(&full, "%s%s", root, buf_str(&path)) < 0)
		return err_nomem(err);
	if (stat(buf_str(&full), &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return read_one(c, root, buf_str(&path), notes, err);
}

static int read_dir(struct registry_conf *c, const char *root, const char *dir, struct notes *notes,
		    struct error *err)
{
	_cleanup_(buf_freep) struct buf full = { 0 };
	struct dirent **names;
	int n, r = host_path(&full, root, dir, err);

	if (r < 0)
		return r;
	n = scandir(buf_str(&full), &names, is_conf, by_bytes);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_fail(err, ERR_IO, errno, "read '%s'", buf_str(&full));
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = read_drop_in(c, root, dir, names[i]->d_name, notes, err);
		free(names[i]);
	}
	free(names);
	return r < 0 ? r : 0;
}

/* The main file: *own where it is the user's, whose settings then stand alone. */
static int read_main(struct registry_conf *c, const char *root, const char *own_dir, bool *own,
		     struct notes *notes, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	int r = 1;

	*own = false;
	if (!named || !named[0])
		named = getenv("REGISTRIES_CONFIG_PATH");
	if (named && named[0]) {
		r = read_one(c, root, named, notes, err);
		if (r == 1)
			return err_fail(err, ERR_NOT_FOUND, 0,
					"'%s', which the environment names, is not there", named);
		c->from = strdup(named);
		return r < 0 || c->from ? r : err_nomem(err);
	}
	if (own_dir[0]) {
		if (buf_printf(&path, "%s/registries.conf", own_dir) < 0)
			return err_nomem(err);
		r = read_one(c, root, buf_str(&path), notes, err);
		*own = r == 0;
	}
	if (r == 1) {
		buf_clear(&path);
		if (buf_append_str(&path, SYSTEM_DIR "/registries.conf") < 0)
			return err_nomem(err);
		r = read_one(c, root, buf_str(&path), notes, err);
	}
	if (r == 0) {
		c->from = strdup(buf_str(&path));
		r = c->from ? 0 : err_nomem(err);
	}
	return r < 0 ? r : 0;
}

/* The aliases that podman has recorded itself come last and so count first. */
static int read_recorded(struct registry_conf *c, const char *root, struct notes *notes,
			 struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	const char *cache = getenv("XDG_CACHE_HOME");
	int r;

	if (geteuid() == 0)
		r = buf_append_str(&path, "/var/cache");
	else if (cache && cache[0] == '/')
		r = buf_append_str(&path, cache);
	else
		r = buf_printf(&path, "%s/.cache", registry_home());
	if (r < 0 || buf_append_str(&path, "/containers/short-name-aliases.conf") < 0)
		return err_nomem(err);
	r = read_one(c, root, buf_str(&path), notes, err);
	return r < 0 ? r : 0;
}

static int load(struct registry_conf *c, const char *root, struct notes *notes, struct error *err)
{
	_cleanup_(buf_freep) struct buf own_dir = { 0 };
	bool own;
	int r;

	if (registry_home()[0] &&
	    buf_printf(&own_dir, "%s/.config/containers", registry_home()) < 0)
		return err_nomem(err);
	r = read_main(c, root, buf_str(&own_dir), &own, notes, err);
	if (r == 0 && !own)
		r = read_dir(c, root, SYSTEM_DIR "/registries.conf.d", notes, err);
	if (r == 0 && own_dir.len) {
		if (buf_append_str(&own_dir, "/registries.conf.d") < 0)
			return err_nomem(err);
		r = read_dir(c, root, buf_str(&own_dir), notes, err);
	}
	return r < 0 ? r : read_recorded(c, root, notes, err);
}

int registry_conf_load(struct registry_conf *out, const char *root, struct notes *notes,
		       struct error *err)
{
	struct registry_conf c = { 0 };
	int r = load(&c, root ? root : "", notes, err);

	if (r < 0)
		registry_conf_free(&c);
	else
		*out = c;
	return r;
}
