#include "unpack/image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sink/place.h"
#include "unpack/feed.h"

#define TREE                                                                                       \
	"tree-" /* and the partial name's digits, in the partial directory: what                   \
		 * becomes DIR */
#define TIMES_MEMORY (1u << 20)
#define THREADS_MAX  64

struct unpack {
	const struct unpack_options *opts;
	struct place place;
	char name[sizeof(TREE) + 8]; /* of tree, in partial */
	int partial, tree;
	bool committed;
};

/* The tar reader reads to the end; what is above the tees has seen every byte then. */
static int put_layer(int dir, struct feed *f, const struct unpack_layer_options *opts,
		     struct spool *times, struct unpack_counts *counts, struct unpack_stop *stop,
		     struct error *err)
{
	struct stream *tar;
	int r = feed_next(f, &tar, err);

	if (r == 0)
		r = unpack_layer(dir, tar, opts, times, counts, stop, err);
	return r < 0 ? r : feed_verify(f, err);
}

int unpack_one(int dir, struct source *s, const struct source_layer *layer,
	       const struct unpack_layer_options *opts, struct progress *progress,
	       struct unpack_counts *counts, struct unpack_stop *stop, struct error *err)
{
	_cleanup_(spool_freep) struct spool *times = spool_new(TIMES_MEMORY);
	_cleanup_(feed_closep) struct feed *f = NULL;
	int r = times ? feed_open(&f, s, layer, 1, opts->limits, progress, err) : err_nomem(err);

	if (r == 0)
		r = put_layer(dir, f, opts, times, counts, stop, err);
	return r < 0 ? r : unpack_times(dir, times, opts->walk, err);
}

static int make_parent(const char *dir, struct error *err)
{
	_cleanup_(freep) char *parent = strdup(dir);
	size_t n = strlen(dir);
	char *slash;

	if (!parent)
		return err_nomem(err);
	while (n > 1 && parent[n - 1] == '/')
		parent[--n] = '\0';
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return 0;
	*slash = '\0';
	if (mkdir(parent, 0700) < 0 && errno != EEXIST)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
				"make directory '%s'", parent);
	return 0;
}

static int make_directory(int parent, const char *name, mode_t mode, int *fd, struct error *err)
{
	if (mkdirat(parent, name, 0700) < 0)
		return err_fail(err, ERR_IO, errno, "make directory '%s'", name);
	*fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 || fchmod(*fd, mode) < 0)
		return err_fail(err, ERR_IO, errno, "open directory '%s'", name);
	return 0;
}

/* A root file system is the top of a hierarchy (chattr(1), T): ext4 then looks for the emptiest
 * groups by the directory's name, as it does below its own root. In groups that are in use each new
 * inode costs a search, and without a journal a long one past what was removed in the last minutes.
 * A hint: what does not know it goes on without. */
static void spread(int dir)
{
	int flags;

	if (ioctl(dir, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_TOPDIR_FL;
	(void)ioctl(dir, FS_IOC_SETFLAGS, &flags);
}

int unpack_begin(struct unpack **out, const char *dir, const struct unpack_options *opts,
		 struct error *err)
{
	_cleanup_(unpack_endp) struct unpack *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_nomem(err);
	u->opts = opts;
	u->partial = u->tree = -1;
	u->place.parent = -1;
	r = make_parent(dir, err);
	if (r == 0)
		r = place_open(&u->place, dir, true, false, err);
	if (r == 0)
		r = place_make(&u->place, &u->partial, err);
	if (r == 0 && fchmod(u->partial, 0700) < 0)
		r = err_fail(err, ERR_IO, errno, "change the mode of '%s'", u->place.partial);
	if (r < 0)
		return r;
	spread(u->partial);
	snprintf(u->name, sizeof(u->name), TREE "%s", strrchr(u->place.partial, '-') + 1);
	/* Root of the namespace has to pass through it, and is not its owner. */
	r = make_directory(u->partial, u->name, opts->bundle || opts->layers ? 0711 : 0755,
			   &u->tree, err);
	if (r == 0)
		*out = STEAL(u);
	return r;
}

int unpack_dir(const struct unpack *u)
{
	return u->tree;
}

static int layer_failed(const struct source_layer *layer, size_t i, struct error *err)
{
	const char *digest = layer->digest.text[0] ? layer->digest.text : layer->diff_id.text;

	return err_wrap(err, "layer %zu%s%s", i, *digest ? " " : "", digest);
}

/* A root that no entry describes is container root's, as engines make it. */
static int own_root(const struct unpack *u, int fd, struct error *err)
{
	const struct owners *o = u->opts->layer.owners;

	if (o->how <= OWNERS_KEEP && fchown(fd, o->root_uid, o->root_gid) < 0)
		return err_fail(err, ERR_IO, errno, "change the owner of the root");
	if (o->how == OWNERS_OVERRIDE && fsetxattr(fd, OWNERS_OVERRIDE_XATTR, OWNERS_OVERRIDE_DIR,
						   strlen(OWNERS_OVERRIDE_DIR), 0) < 0)
		return err_fail(err, ERR_IO, errno,
				"keep the root's owner (" OWNERS_OVERRIDE_XATTR ")");
	return 0;
}

static int open_root(struct unpack *u, const char *name, int *fd, struct error *err)
{
	int r = 0;

	if (u->opts->bundle)
		r = make_directory(u->tree, name, 0755, fd, err);
	else
		*fd = openat(u->tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && *fd < 0)
		r = err_fail(err, ERR_IO, errno, "open a directory");
	return r < 0 || u->opts->layers ? r : own_root(u, *fd, err);
}

/* One upon the other. */
static int put_merged(struct unpack *u, struct source *s, const struct source_image *img,
		      struct unpack_counts *counts, struct unpack_stop *stop, size_t *layer,
		      struct error *err)
{
	const struct unpack_layer_options *opts = &u->opts->layer;
	_cleanup_(spool_freep) struct spool *times = spool_new(TIMES_MEMORY);
	_cleanup_(feed_closep) struct feed *f = NULL;
	_cleanup_(closep) int root = -1;
	int r = times ? open_root(u, "rootfs", &root, err) : err_nomem(err);

	if (r == 0)
		r = feed_open(&f, s, img->layers, img->layer_count, opts->limits, u->opts->progress,
			      err);
	for (size_t i = 0; r == 0 && i < img->layer_count; i++) {
		*layer = i;
		r = put_layer(root, f, opts, times, counts, stop, err);
		if (r < 0)
			return layer_failed(&img->layers[i], i, err);
	}
	return r < 0 ? r : unpack_times(root, times, opts->walk, err);
}

/* Side by side. The error that is told is that of the lowest layer. */
struct side_by_side {
	struct unpack *u;
	struct source *source;
	const struct source_image *img;
	int root;
	atomic_size_t next, failed;
	struct one {
		struct unpack_counts counts;
		struct unpack_stop stop;
		struct error err;
		int r;
	} * each;
};

static void run_one(struct side_by_side *w, size_t i)
{
	struct one *one = &w->each[i];
	_cleanup_(closep) int fd = -1;
	size_t lowest = atomic_load(&w->failed);
	char name[24];

	snprintf(name, sizeof(name), "%zu", i);
	one->r = make_directory(w->root, name, 0755, &fd, &one->err);
	if (one->r == 0)
		one->r = own_root(w->u, fd, &one->err);
	if (one->r == 0)
		one->r = unpack_one(fd, w->source, &w->img->layers[i], &w->u->opts->layer,
				    w->u->opts->progress, &one->counts, &one->stop, &one->err);
	while (one->r < 0 && i < lowest && !atomic_compare_exchange_weak(&w->failed, &lowest, i))
		;
}

static void *worker(void *arg)
{
	struct side_by_side *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->img->layer_count)
		if (i < atomic_load(&w->failed))
			run_one(w, i);
	return NULL;
}

static void add_counts(struct unpack_counts *to, const struct unpack_counts *from)
{
	to->entries += from->entries;
	to->bytes += from->bytes;
	to->devices_left += from->devices_left;
	to->xattrs_left += from->xattrs_left;
	to->forged += from->forged;
	to->confined += from->confined;
}

static int put_apart(struct unpack *u, struct source *s, const struct source_image *img,
		     struct unpack_counts *counts, struct unpack_stop *stop, size_t *layer,
		     struct error *err)
{
	struct side_by_side w = { .u = u, .source = s, .img = img, .root = -1 };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = u->opts->threads ? u->opts->threads : (size_t)MAX(cores, 1L), started = 0;
	pthread_t threads[THREADS_MAX];
	int r = open_root(u, "layers", &w.root, err);

	w.each = calloc(img->layer_count + 1, sizeof(*w.each));
	if (r == 0 && !w.each)
		r = err_nomem(err);
	atomic_init(&w.failed, SIZE_MAX);
	want = MIN(MIN(want, img->layer_count), (size_t)THREADS_MAX);
	while (r == 0 && started + 1 < want &&
	       pthread_create(&threads[started], NULL, worker, &w) == 0)
		started++;
	if (r == 0)
		worker(&w);
	while (started)
		pthread_join(threads[--started], NULL);
	for (size_t i = 0; r == 0 && i < img->layer_count; i++) {
		add_counts(counts, &w.each[i].counts);
		if (w.each[i].r == 0)
			continue;
		*layer = i;
		*stop = w.each[i].stop;
		*err = w.each[i].err;
		r = layer_failed(&img->layers[i], i, err);
	}
	free(w.each);
	closep(&w.root);
	return r;
}

int unpack_layers(struct unpack *u, struct source *s, const struct source_image *img,
		  struct unpack_counts *counts, struct unpack_stop *stop, size_t *layer,
		  struct error *err)
{
	*stop = (struct unpack_stop){ 0 };
	*counts = (struct unpack_counts){ 0 };
	*layer = 0;
	return u->opts->layers ? put_apart(u, s, img, counts, stop, layer, err)
			       : put_merged(u, s, img, counts, stop, layer, err);
}

int unpack_commit(struct unpack *u, struct error *err)
{
	const struct place *p = &u->place;
	int r = renameat2(u->partial, u->name, p->parent, p->name, RENAME_NOREPLACE);

	if (r < 0 && (errno == EINVAL || errno == ENOSYS))
		r = renameat(u->partial, u->name, p->parent, p->name);
	if (r < 0 && (errno == EEXIST || errno == ENOTEMPTY))
		return err_fail(err, ERR_DENIED, 0, "'%s' has appeared meanwhile", p->path);
	if (r < 0)
		return err_fail(err, ERR_IO, errno, "rename to '%s'", p->path);
	u->committed = true;
	return 0;
}

void unpack_end(struct unpack *u)
{
	struct error ignored;

	if (!u)
		return;
	closep(&u->tree);
	closep(&u->partial);
	if (u->place.parent >= 0 && u->place.partial && *u->place.partial &&
	    beneath_remove(u->place.parent, u->place.partial, &ignored) == 0)
		u->place.partial[0] = '\0';
	place_close(&u->place);
	free(u);
}
