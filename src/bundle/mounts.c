/* mounts: the tables' and the command line's. */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "bundle/internal.h"

/* Whether a path has a component "..". */
static bool climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2) {
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	}
	return false;
}

/* Components of a path, "." and empty ones left out. */
static size_t depth(const char *path)
{
	size_t n = 0;

	while (*path) {
		size_t len = strcspn(path, "/");

		n += len > 1 || (len == 1 && *path != '.');
		path += len + (path[len] == '/');
	}
	return n;
}

/* The next component and where it ends, "." and empty ones passed over. */
static const char *next_component(const char *path, size_t *len)
{
	for (;;) {
		path += strspn(path, "/");
		*len = strcspn(path, "/");
		if (*len != 1 || *path != '.')
			return path;
		path++;
	}
}

static bool same_path(const char *a, const char *b)
{
	size_t n, m;

	do {
		a = next_component(a, &n);
		b = next_component(b, &m);
		if (n != m || memcmp(a, b, n) != 0)
			return false;
		a += n;
		b += m;
	} while (n);
	return true;
}

static int check_one(const struct bundle *b, size_t i, struct error *err)
{
	const struct bundle_mount *m = &b->opts->mounts[i];
	char shown[120];

	err_text(shown, sizeof(shown), m->target, strlen(m->target));
	if (m->source[0] != '/')
		return err_fail(err, ERR_USAGE, 0, "-v: the source of '%s' is not absolute", shown);
	if (m->target[0] != '/')
		return err_fail(err, ERR_USAGE, 0, "-v: the target '%s' is not absolute", shown);
	if (!depth(m->target))
		return err_fail(err, ERR_USAGE, 0, "-v: the target is the root directory itself");
	if (climbs(m->target))
		return err_fail(err, ERR_USAGE, 0, "-v: the target '%s' has '..' in it", shown);
	for (size_t k = 0; k < i; k++) {
		if (same_path(m->target, b->opts->mounts[k].target))
			return err_fail(err, ERR_USAGE, 0, "-v: the target '%s' twice", shown);
	}
	return 0;
}

/* Takes the place of a mount of the tables. */
static bool is_replaced(const struct bundle *b, const char *target)
{
	for (size_t i = 0; i < b->opts->mount_count; i++) {
		if (same_path(target, b->opts->mounts[i].target))
			return true;
	}
	return false;
}

static json_t *own_options(const struct bundle *b, const struct container_mount *m)
{
	json_t *options = bundle_list(m->options);
	const struct idmap_pair *inside = b->opts->inside ? b->opts->inside : b->opts->map;
	char gid[32];

	/* What the namespace does not map the kernel refuses as a mount's owner. */
	if (m->gid < 0 || (inside && !idmap_lookup(&inside->gid, m->gid, NULL)))
		return options;
	snprintf(gid, sizeof(gid), "gid=%lld", (long long)m->gid);
	if (options && json_array_append_new(options, json_string(gid)) < 0) {
		json_decref(options);
		return NULL;
	}
	return options;
}

static int push_mount(json_t *mounts, json_t *target, const char *type, json_t *source,
		      json_t *options, struct error *err)
{
	json_t *object = json_object();
	int r = bundle_put(object, "destination", target, err);

	if (bundle_put(object, "type", json_string(type), err) < 0)
		r = -ERR_NOMEM;
	if (bundle_put(object, "source", source, err) < 0)
		r = -ERR_NOMEM;
	if (bundle_put(object, "options", options, err) < 0)
		r = -ERR_NOMEM;
	if (r < 0) {
		json_decref(object);
		return r;
	}
	return bundle_push(mounts, object, err);
}

static int push_bind(json_t *mounts, const struct bundle_mount *m, struct error *err)
{
	const char *const options[] = { "rbind", m->read_only ? "ro" : "rw", "rprivate", NULL };
	json_auto_t *source = NULL;
	json_t *target = NULL;
	int r = bundle_text(&source, m->source, "-v: the source", err);

	if (r == 0)
		r = bundle_text(&target, m->target, "-v: the target", err);
	return r < 0 ? r
		     : push_mount(mounts, target, "bind", json_incref(source), bundle_list(options),
				  err);
}

static int by_depth(const void *a, const void *b)
{
	const struct bundle_mount *x = *(const struct bundle_mount *const *)a;
	const struct bundle_mount *y = *(const struct bundle_mount *const *)b;
	size_t n = depth(x->target), m = depth(y->target);

	/* Else as they stand on the command line. */
	return n != m ? (n > m) - (n < m) : (x > y) - (x < y);
}

/* A directory before what is mounted inside of it. */
static int push_binds(json_t *mounts, const struct bundle *b, struct error *err)
{
	size_t n = b->opts->mount_count;
	_cleanup_(freep) const struct bundle_mount **sorted = calloc(n + 1, sizeof(*sorted));
	int r = 0;

	if (!sorted)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &b->opts->mounts[i];
	qsort(sorted, n, sizeof(*sorted), by_depth);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = push_bind(mounts, sorted[i], err);
	return r;
}

int bundle_mounts(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *mounts = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->opts->mount_count; i++)
		r = check_one(b, i, err);
	for (size_t i = 0; r == 0 && i < container_mount_count; i++) {
		const struct container_mount *m = &container_mounts[i];

		if (bundle_when(b, m->when) && !is_replaced(b, m->target))
			r = push_mount(mounts, json_string(m->target), m->type,
				       json_string(m->source), own_options(b, m), err);
	}
	if (r == 0)
		r = push_binds(mounts, b, err);
	if (r == 0)
		*out = STEAL(mounts);
	return r;
}
