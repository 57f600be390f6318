#include "run/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "run/mount.h"
#include "run/user.h"
#include "run/userns.h"

#define SEEN_AT	   "/run/uidfit" /* where root of a container reaches its root file system */
#define MOUNTS_MAX 256

struct container {
	const struct container_options *opts;
	struct layer_cache *cache;
	char **lower;
	size_t count;
	char id[32];	    /* uidfit-XXXXXX */
	char name[8];	    /* XXXXXX, in runs */
	char dir[PATH_MAX]; /* the bundle: as the runtime and the container's root reach it */
	int fd;		    /* of it */
	bool mounted, unpacked;
	struct run_user user;
	struct bundle_mount mounts[MOUNTS_MAX];
	char made[4][PATH_MAX]; /* sources of mounts that are files of ours */
};

static int path_of(int fd, char *out, size_t size)
{
	char proc[64];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, out, size - 1);
	if (n <= 0)
		return -1;
	out[n] = '\0';
	return 0;
}

static void forget(int run, const char *name, const struct container_options *opts)
{
	char dir[PATH_MAX], id[32];

	snprintf(id, sizeof(id), "uidfit-%.16s", name);
	if (path_of(run, dir, sizeof(dir)) == 0)
		runtime_forget(
			opts->runtime,
			&(struct runtime_options){
				.dir = dir, .id = id, .rootless = opts->way->kind != WAY_HOST });
}

/* What killed runs have left: nobody holds its lock. Not while another process makes its own. */
static void sweep(const struct layer_cache *c, const struct container_options *opts)
{
	int fd = openat(layer_cache_runs(c), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct error ignored;

	if (dir && flock(layer_cache_runs(c), LOCK_EX | LOCK_NB) < 0) {
		closedir(dir);
		return;
	}
	while (dir && (e = readdir(dir))) {
		_cleanup_(closep) int one = -1;

		if (e->d_name[0] == '.')
			continue;
		one = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (one < 0 || flock(one, LOCK_EX | LOCK_NB) < 0)
			continue;
		forget(one, e->d_name, opts);
		(void)!beneath_remove(fd, e->d_name, &ignored);
	}
	flock(layer_cache_runs(c), LOCK_UN);
	if (dir)
		closedir(dir);
	else
		closep(&fd);
}

static int make_run(struct container *c, struct error *err)
{
	char base[PATH_MAX - 16];

	if (path_of(layer_cache_runs(c->cache), base, sizeof(base)) < 0)
		return err_fail(err, ERR_IO, errno, "find the cache's path (is /proc mounted?)");
	snprintf(c->dir, sizeof(c->dir), "%s/XXXXXX", base);
	while (flock(layer_cache_runs(c->cache), LOCK_SH) < 0 && errno == EINTR)
		;
	if (mkdtemp(c->dir)) {
		snprintf(c->name, sizeof(c->name), "%s", strrchr(c->dir, '/') + 1);
		snprintf(c->id, sizeof(c->id), "uidfit-%s", c->name);
		c->fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (c->fd < 0 || flock(c->fd, LOCK_SH) < 0 || fchmod(c->fd, 0711) < 0)
		return err_fail(err, ERR_IO, errno, "make a directory in %s", base);
	flock(layer_cache_runs(c->cache), LOCK_UN);
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "upper", "work", "rootfs", "lower" };

		if (mkdirat(c->fd, names[i], 0755) < 0)
			return err_fail(err, ERR_IO, errno, "make a directory in %s", c->dir);
	}
	return 0;
}

/* Root of the host keeps its cache where the container's root cannot pass: in this mount namespace
 * the run's own directory stands where it can. */
static int show_run(struct container *c, struct error *err)
{
	if (c->opts->way->kind != WAY_HOST)
		return 0;
	if (mkdir(SEEN_AT, 0711) < 0 && errno != EEXIST)
		return err_fail(err, ERR_IO, errno, "make " SEEN_AT);
	if (mount(c->dir, SEEN_AT, NULL, MS_BIND, NULL) < 0)
		return err_fail(err, ERR_DENIED, errno, "mount at " SEEN_AT);
	strcpy(c->dir, SEEN_AT);
	return 0;
}

static int inside_run(const struct container *c, const char *name, char out[PATH_MAX],
		      struct error *err)
{
	return snprintf(out, PATH_MAX, "%s/%s", c->dir, name) < PATH_MAX
		       ? 0
		       : err_fail(err, ERR_LIMIT, 0, "the cache's path is too long");
}

/* The root directory is seen as the upper one has it: as the uppermost layer, then. */
static int copy_root(const struct container *c, const char *const *lower, struct error *err)
{
	int layers = layer_cache_dir(c->cache);
	struct stat st;

	if (fstatat(layers, lower[c->count - 1], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchownat(c->fd, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(c->fd, "upper", st.st_mode & 07777, 0) < 0)
		return err_fail(err, ERR_IO, errno, "give the upper directory the root's owner");
	return 0;
}

static int mount_root(struct container *c, struct error *err)
{
	int layers = layer_cache_dir(c->cache);
	const struct container_options *o = c->opts;
	char upper[PATH_MAX], work[PATH_MAX], root[PATH_MAX], into[64];
	char **lower = c->lower, **mapped = NULL;
	int r = inside_run(c, "upper", upper, err);

	if (r == 0)
		r = inside_run(c, "work", work, err);
	if (r == 0)
		r = inside_run(c, "rootfs", root, err);
	if (r == 0 && !c->count)
		r = err_fail(err, ERR_UNSUPPORTED, 0, "the image has no layer");
	if (r == 0 && o->idmapped) {
		snprintf(into, sizeof(into), "../runs/%s/lower", c->name);
		r = mount_idmapped(layers, c->lower, c->count, into, &mapped, &o->way->space, err);
		lower = mapped;
	}
	if (r == 0)
		r = copy_root(c, (const char *const *)lower, err);
	if (r == 0)
		r = mount_overlay(layers, lower, c->count, upper, work, root,
				  o->way->kind != WAY_HOST, err);
	c->mounted = r == 0;
	layer_names_free(mapped, mapped ? c->count : 0);
	return r;
}

static int find_user(struct container *c, const struct source_image *img, struct error *err)
{
	const struct container_options *o = c->opts;
	_cleanup_(closep) int root = -1;
	char path[PATH_MAX];
	int r = inside_run(c, "rootfs", path, err);

	if (r < 0)
		return r;
	/* By its path: the overlay is mounted on that way, and not on c->fd's. */
	root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return err_fail(err, ERR_IO, errno, "open the container's root");
	return run_user_find(&c->user, root, o->user ? o->user : img->config.user, &o->way->space,
			     o->setgroups, o->notes, err);
}

/* A file of ours at target in the container. */
static int add_file(struct container *c, size_t *count, size_t slot, const char *name,
		    const char *target, const char *text, struct error *err)
{
	_cleanup_(closep) int fd =
		openat(c->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = inside_run(c, name, c->made[slot], err);

	if (r < 0)
		return r;
	if (fd < 0 || fchmod(fd, 0644) < 0 ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_fail(err, ERR_IO, errno, "write %s", name);
	c->mounts[(*count)++] = (struct bundle_mount){ .source = c->made[slot], .target = target };
	return 0;
}

/* Names resolve as docker and podman have it: the host's resolver with the host's network, else
 * localhost and the container's own name. A mount of the user's comes after and counts. */
static int add_mounts(struct container *c, size_t *count, const char *hostname, struct error *err)
{
	const struct bundle_options *b = &c->opts->bundle;
	char hosts[300];
	int r = 0;

	if (b->mount_count > MOUNTS_MAX - 4)
		return err_fail(err, ERR_USAGE, 0, "more than %d volumes", MOUNTS_MAX - 4);
	if (b->host_network) {
		static const char *const both[] = { "/etc/resolv.conf", "/etc/hosts" };

		for (size_t i = 0; i < ARRAY_SIZE(both); i++)
			if (access(both[i], R_OK) == 0)
				c->mounts[(*count)++] =
					(struct bundle_mount){ both[i], both[i], true };
	} else {
		snprintf(hosts, sizeof(hosts),
			 "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.0.1\t%s\n",
			 hostname);
		r = add_file(c, count, 0, "hosts", "/etc/hosts", hosts, err);
	}
	if (r == 0) {
		snprintf(hosts, sizeof(hosts), "%s\n", hostname);
		r = add_file(c, count, 1, "hostname", "/etc/hostname", hosts, err);
	}
	for (size_t i = 0; r == 0 && i < b->mount_count; i++) {
		c->mounts[(*count)++] = b->mounts[i];
		if (access(b->mounts[i].source, F_OK) < 0)
			r = err_fail(err, ERR_NOT_FOUND, errno, "mount '%.200s' at '%.200s'",
				     b->mounts[i].source, b->mounts[i].target);
	}
	return r;
}

static int write_config(struct container *c, const struct source_image *img, struct error *err)
{
	const struct container_options *o = c->opts;
	struct bundle_options b = o->bundle;
	_cleanup_(buf_freep) struct buf json = { 0 };
	_cleanup_(closep) int fd = -1;
	size_t count = 0;
	int r;

	b.hostname = b.hostname ? b.hostname : c->id;
	r = add_mounts(c, &count, b.hostname, err);
	b.map = o->way->kind == WAY_HOST ? &o->way->space : NULL;
	b.inside = &o->way->space;
	b.user = &c->user.who;
	b.home = c->user.home;
	b.notes = o->notes;
	b.mounts = c->mounts;
	b.mount_count = count;
	b.rootfs = "rootfs";
	b.cgroups = o->way->kind == WAY_HOST;
	if (r == 0)
		r = bundle_config(&json, &img->config, &b, err);
	if (r < 0)
		return r;
	fd = openat(c->fd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, json.data, json.len) != (ssize_t)json.len)
		return err_fail(err, ERR_IO, errno, "write config.json");
	return 0;
}

static void done(struct container *c)
{
	struct error ignored;
	char root[PATH_MAX];

	if (c->mounted && inside_run(c, "rootfs", root, &ignored) == 0)
		umount2(root, MNT_DETACH);
	for (size_t i = 0; c->opts->idmapped && i < c->count; i++)
		/* They stand where SEEN_AT does not show them. */
		if (snprintf(root, sizeof(root), "/proc/self/fd/%d/%s/lower/%zu",
			     layer_cache_runs(c->cache), c->name, i) < PATH_MAX)
			umount2(root, MNT_DETACH);
	if (strcmp(c->dir, SEEN_AT) == 0)
		umount2(SEEN_AT, MNT_DETACH);
	if (c->name[0])
		(void)!beneath_remove(layer_cache_runs(c->cache), c->name, &ignored);
	run_user_free(&c->user);
	layer_names_free(c->lower, c->count);
	closep(&c->fd);
	layer_cache_close(c->cache);
}

static int fill(struct container *c, struct container_told *told, struct source *s,
		const struct source_image *img, struct error *err)
{
	struct layer_fill f = { .unpack = c->opts->unpack, .policy = c->opts->policy };
	int r = layer_cache_fill(c->cache, s, img, &f, &c->lower, err);

	c->count = c->lower ? img->layer_count : 0;
	c->unpacked = r == 0 && f.cached < img->layer_count;
	told->layer = f.layer;
	told->stop = f.stop;
	return r;
}

int container_run(struct container_told *told, struct source *s, const struct source_image *img,
		  const struct container_options *opts, struct error *err)
{
	_cleanup_(done) struct container c = { .opts = opts, .fd = -1 };
	struct runtime_options how = { .terminal = opts->bundle.terminal,
				       .rootless = opts->way->kind != WAY_HOST,
				       .map = opts->shown };
	int r = 0;

	*told = (struct container_told){ .status = RUN_OWN_ERROR };
	if (opts->way->kind == WAY_HOST)
		r = userns_fit(&opts->way->space, 0, "the kernel", err);
	/* First: a directory that was opened in another mount namespace cannot be mounted from. */
	if (r == 0)
		r = mount_private(err);
	if (r == 0)
		r = layer_cache_open(&c.cache, opts->cache, opts->notes, err);
	if (r < 0)
		return r;
	sweep(c.cache, opts);
	r = fill(&c, told, s, img, err);
	if (r == 0)
		r = make_run(&c, err);
	if (r == 0)
		r = show_run(&c, err);
	if (r == 0)
		r = mount_root(&c, err);
	if (r == 0)
		r = find_user(&c, img, err);
	if (r == 0)
		r = write_config(&c, img, err);
	how.dir = c.dir;
	how.id = c.id;
	if (opts->starting)
		opts->starting(opts->ctx, c.unpacked);
	return r < 0 ? r : runtime_run(&told->status, opts->runtime, &how, err);
}
