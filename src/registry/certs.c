/* containers-certs.d(5): *.crt, and *.cert with its *.key, in the first directory that is there. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "registry/conf.h"

#define CERTS_MAX 256 /* files of one directory */

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

static int is_pem(const struct dirent *d)
{
	return ends_in(d->d_name, ".crt") || ends_in(d->d_name, ".cert") ||
	       ends_in(d->d_name, ".key");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The name of a file's other half is that of another file. */
static bool has_half(struct dirent **names, int n, const char *name, const char *from,
		     const char *to)
{
	size_t stem = strlen(name) - strlen(from);

	for (int i = 0; i < n; i++)
		if (strncmp(names[i]->d_name, name, stem) == 0 &&
		    strcmp(names[i]->d_name + stem, to) == 0)
			return true;
	return false;
}

static int add_ca(struct registry_place *p, const char *dir, const char *name, struct error *err)
{
	char **ca = reallocarray(p->ca, p->ca_count + 1, sizeof(*ca));

	if (!ca)
		return err_nomem(err);
	p->ca = ca;
	if (asprintf(&ca[p->ca_count], "%s/%s", dir, name) < 0)
		return err_nomem(err);
	p->ca_count++;
	return 0;
}

/* One pair serves; libcurl takes one. */
static int add_pair(struct registry_place *p, const char *dir, const char *name,
		    struct notes *notes, struct error *err)
{
	if (p->cert) {
		notes_add(notes, "'%s/%s' is not used: '%s' comes before it", dir, name, p->cert);
		return 0;
	}
	if (asprintf(&p->cert, "%s/%s", dir, name) < 0) {
		p->cert = NULL;
		return err_nomem(err);
	}
	if (asprintf(&p->key, "%.*s.key", (int)(strlen(p->cert) - strlen(".cert")), p->cert) < 0) {
		p->key = NULL;
		return err_nomem(err);
	}
	return 0;
}

static int take_file(struct registry_place *p, const char *dir, struct dirent **names, int n, int i,
		     struct notes *notes, struct error *err)
{
	const char *name = names[i]->d_name;

	if (ends_in(name, ".crt"))
		return add_ca(p, dir, name, err);
	if (ends_in(name, ".key"))
		return has_half(names, n, name, ".key", ".cert")
			       ? 0
			       : err_fail(err, ERR_BAD_INPUT, 0,
					  "'%s/%s' has no certificate (.cert) beside it", dir,
					  name);
	if (!has_half(names, n, name, ".cert", ".key"))
		return err_fail(
			err, ERR_BAD_INPUT, 0,
			"'%s/%s' has no key (.key) beside it; the certificate of an authority "
			"ends in .crt",
			dir, name);
	return add_pair(p, dir, name, notes, err);
}

/* 0, or 1 where there is no such directory, or none that may be read. */
static int look_in(struct registry_place *p, const char *dir, struct notes *notes,
		   struct error *err)
{
	struct dirent **names;
	int r = 0, n = scandir(dir, &names, is_pem, by_bytes);

	if (n < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 1;
	if (n < 0)
		return err_fail(err, ERR_IO, errno, "read '%s'", dir);
	if (n > CERTS_MAX)
		r = err_fail(err, ERR_LIMIT, 0, "'%s' has more than %d certificates", dir,
			     CERTS_MAX);
	for (int i = 0; i < n && r == 0; i++)
		r = take_file(p, dir, names, n, i, notes, err);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

int registry_certs(struct registry_place *p, const struct registry_place_options *opts,
		   struct error *err)
{
	const char *root = opts->root ? opts->root : "", *home = registry_home();
	const char *const places[][2] = { { home, "/.config/containers" },
					  { "", "/etc/containers" },
					  { "", "/etc/docker" } };
	int r = 1;

	if (opts->cert_dir) {
		r = look_in(p, opts->cert_dir, opts->notes, err);
		return r == 1 ? err_fail(err, ERR_NOT_FOUND, 0, "no directory '%s'", opts->cert_dir)
			      : r;
	}
	for (size_t i = home[0] ? 0 : 1; i < ARRAY_SIZE(places) && r == 1; i++) {
		_cleanup_(buf_freep) struct buf dir = { 0 };

		if (buf_printf(&dir, "%s%s%s/certs.d/%s", root, places[i][0], places[i][1],
			       p->host) < 0)
			return err_nomem(err);
		r = look_in(p, buf_str(&dir), opts->notes, err);
	}
	return r < 0 ? r : 0;
}
