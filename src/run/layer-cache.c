#include "run/layer-cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cache-folder.h"
#include "base/num.h"
#include "stream/digest.h"

#define KEY_LEN	      16 /* of a hash; the file `key` holds what it stands for */
#define KEY_TEXT_MAX  (64u << 10)
#define THREADS_MAX   64
#define LOCK_ATTEMPTS 16 /* to find the lock's file unchanged behind the wait for it */

struct layer_cache {
	int layers, runs;
	int *locks; /* held until the end */
	size_t lock_count;
};

static int open_inside(int *fd, int folder, const char *name, struct error *err)
{
	/* Root of the container passes through it to its root file system. */
	if (mkdirat(folder, name, 0711) < 0 && errno != EEXIST)
		return err_fail(err, ERR_IO, errno, "make '%s' in the cache", name);
	*fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd < 0 ? err_fail(err, ERR_IO, errno, "open '%s' in the cache", name) : 0;
}

int layer_cache_open(struct layer_cache **out, const char *folder, struct notes *notes,
		     struct error *err)
{
	_cleanup_(layer_cache_closep) struct layer_cache *c = calloc(1, sizeof(*c));
	_cleanup_(closep) int fd = -1;
	int r;

	if (!c)
		return err_nomem(err);
	c->layers = c->runs = -1;
	fd = cache_folder_open(folder, notes);
	if (fd < 0)
		return err_fail(err, ERR_DENIED, 0,
				"there is no folder to keep unpacked layers in: XDG_CACHE_HOME, or "
				"HOME/.cache, has to be this user's");
	r = open_inside(&c->layers, fd, "layers", err);
	if (r == 0)
		r = open_inside(&c->runs, fd, "runs", err);
	if (r == 0)
		*out = STEAL(c);
	return r;
}

void layer_cache_close(struct layer_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->lock_count; i++)
		closep(&c->locks[i]);
	free(c->locks);
	closep(&c->layers);
	closep(&c->runs);
	free(c);
}

int layer_cache_dir(const struct layer_cache *c)
{
	return c->layers;
}

int layer_cache_runs(const struct layer_cache *c)
{
	return c->runs;
}

static int put_map(struct buf *out, const struct idmap *m)
{
	int r = buf_append_str(out, "map");

	for (size_t i = 0; r == 0 && i < m->count; i++)
		r = buf_printf(out, " %u:%u:%u", m->extents[i].container, m->extents[i].host,
			       m->extents[i].count);
	return r < 0 ? r : buf_append_str(out, "\n");
}

/* All that decides what stands on disk, as lines. */
static int key_text(struct buf *out, const struct source_layer *layer, const struct layer_fill *f)
{
	const struct unpack_layer_options *o = &f->unpack->layer;
	const struct owners *w = o->owners;
	int r = buf_printf(out,
			   "uidfit-layer/1\n%s\nform %u owners %u wraps %d inside %d devices %d\n",
			   layer->diff_id.text, o->form, w->how, w->wraps, w->inside, o->devices);

	if (r == 0)
		r = buf_printf(out, "root %u:%u\nengine %s\npolicy %s\n", w->root_uid, w->root_gid,
			       o->engine ? o->engine->name : "-", f->policy ? f->policy : "-");
	if (r == 0)
		r = put_map(out, &w->map->uid);
	return r < 0 ? r : put_map(out, &w->map->gid);
}

/* One layer on its way into the cache. */
struct slot {
	struct layer_cache *cache;
	struct source *source;
	const struct source_layer *layer;
	const struct layer_fill *fill;
	struct buf text;
	char key[DIGEST_HEX_MAX + 1];
	int lock;
	bool cached;
	struct unpack_counts counts;
	struct unpack_stop stop;
	struct error err;
	int r;
};

/* Locks KEY.suffix; its file may have been removed by who held it: then it is another file now. */
static int take_lock(const struct slot *s, const char *suffix, int how, int *fd, struct error *err)
{
	char name[DIGEST_HEX_MAX + 8];

	snprintf(name, sizeof(name), "%s.%s", s->key, suffix);
	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		struct stat held, there;

		closep(fd);
		*fd = openat(s->cache->layers, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			     0600);
		if (*fd < 0)
			return err_fail(err, ERR_IO, errno, "open '%s' in the cache", name);
		while (flock(*fd, how) < 0)
			if (errno != EINTR)
				return err_fail(err, ERR_IO, errno, "lock '%s' in the cache", name);
		if (fstat(*fd, &held) == 0 &&
		    fstatat(s->cache->layers, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    held.st_ino == there.st_ino)
			return 0;
	}
	return err_fail(err, ERR_IO, 0, "lock '%s' in the cache: it is replaced again and again",
			name);
}

/* The file `key` below name into text: what it holds, "" where there is none. */
static int read_key(int layers, const char *name, struct buf *text)
{
	char path[DIGEST_HEX_MAX + 8];
	_cleanup_(closep) int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/key", name);
	fd = openat(layers, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	buf_clear(text);
	if (buf_reserve(text, KEY_TEXT_MAX) < 0)
		return -1;
	n = fd < 0 ? 0 : read(fd, text->data, KEY_TEXT_MAX);
	if (n > 0)
		text->len = (size_t)n;
	text->data[text->len] = '\0';
	return 0;
}

/* Behind the key stands a line with the bytes of the layer. */
static bool is_there(const struct slot *s)
{
	_cleanup_(buf_freep) struct buf found = { 0 };

	return read_key(s->cache->layers, s->key, &found) == 0 && found.len > s->text.len &&
	       memcmp(found.data, s->text.data, s->text.len) == 0;
}

static int write_key(int dir, const struct slot *s, struct error *err)
{
	_cleanup_(buf_freep) struct buf all = { 0 };
	_cleanup_(closep) int fd =
		openat(dir, "key", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (buf_append(&all, s->text.data, s->text.len) < 0 ||
	    buf_printf(&all, "bytes %llu\n", (unsigned long long)s->counts.bytes) < 0)
		return err_nomem(err);
	if (fd < 0 || write(fd, all.data, all.len) != (ssize_t)all.len)
		return err_fail(err, ERR_IO, errno, "write the key of a layer in the cache");
	return 0;
}

/* A root that no entry describes is container root's, 0755, as engines make it. */
static int make_tree(int dir, const struct slot *s, int *fs, struct error *err)
{
	const struct owners *o = s->fill->unpack->layer.owners;

	if (mkdirat(dir, "fs", 0700) < 0)
		return err_fail(err, ERR_IO, errno, "make a directory in the cache");
	*fs = openat(dir, "fs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fs < 0 || fchmod(*fs, 0755) < 0 ||
	    (o->how <= OWNERS_KEEP && fchown(*fs, o->root_uid, o->root_gid) < 0))
		return err_fail(err, ERR_IO, errno, "make a directory in the cache");
	return 0;
}

static int build(struct slot *s, struct error *err)
{
	int layers = s->cache->layers, r;
	_cleanup_(closep) int dir = -1;
	_cleanup_(closep) int fs = -1;
	char partial[DIGEST_HEX_MAX + 16];
	struct error ignored;

	snprintf(partial, sizeof(partial), "%s.partial", s->key);
	/* Of a killed run; and one whose key is another's. */
	r = beneath_remove(layers, partial, err);
	if (r >= 0)
		r = beneath_remove(layers, s->key, err);
	if (r < 0)
		return r;
	r = open_inside(&dir, layers, partial, err);
	if (r == 0)
		r = make_tree(dir, s, &fs, err);
	if (r == 0)
		r = unpack_one(fs, s->source, s->layer, &s->fill->unpack->layer,
			       s->fill->unpack->progress, &s->counts, &s->stop, err);
	if (r == 0)
		r = write_key(dir, s, err);
	if (r == 0 && renameat(layers, partial, layers, s->key) < 0)
		r = err_fail(err, ERR_IO, errno, "rename a layer in the cache");
	if (r < 0 && beneath_remove(layers, partial, &ignored) < 0)
		return r;
	return r;
}

/* Who makes it holds two locks, so that who waits for the one need not wait for its container's
 * end.
 */
static int fill_slot(struct slot *s)
{
	_cleanup_(closep) int making = -1;
	struct error *err = &s->err;
	int r = take_lock(s, "lock", LOCK_SH, &s->lock, err);

	if (r < 0)
		return r;
	s->cached = is_there(s);
	if (s->cached)
		return 0;
	r = take_lock(s, "make", LOCK_EX, &making, err);
	return r < 0 || is_there(s) ? r : build(s, err);
}

struct filling {
	struct slot *slots;
	size_t count;
	atomic_size_t next, failed;
};

static void *worker(void *arg)
{
	struct filling *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->count) {
		size_t lowest = atomic_load(&w->failed);

		if (i > lowest)
			continue;
		w->slots[i].r = fill_slot(&w->slots[i]);
		while (w->slots[i].r < 0 && i < lowest &&
		       !atomic_compare_exchange_weak(&w->failed, &lowest, i))
			;
	}
	return NULL;
}

static void fill_all(struct filling *w, unsigned asked)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = asked ? asked : (size_t)MAX(cores, 1L), started = 0;
	pthread_t threads[THREADS_MAX];

	want = MIN(MIN(want, w->count), (size_t)THREADS_MAX);
	while (started + 1 < want && pthread_create(&threads[started], NULL, worker, w) == 0)
		started++;
	worker(w);
	while (started)
		pthread_join(threads[--started], NULL);
}

static int plan_slots(struct slot *slots, struct layer_cache *c, struct source *s,
		      const struct source_image *img, const struct layer_fill *fill,
		      struct error *err)
{
	for (size_t i = 0; i < img->layer_count; i++) {
		struct slot *slot = &slots[i];
		int r;

		slot->cache = c;
		slot->source = s;
		slot->layer = &img->layers[i];
		slot->fill = fill;
		if (!img->layers[i].diff_id.text[0])
			return err_fail(err, ERR_UNSUPPORTED, 0,
					"layer %zu has no diff_id (no image's config names it): it "
					"cannot be kept; uidfit unpack takes it",
					i);
		r = key_text(&slot->text, slot->layer, fill) < 0
			    ? err_nomem(err)
			    : digest_hex(DIGEST_SHA256, slot->text.data, slot->text.len, slot->key,
					 err);
		if (r < 0)
			return r;
		slot->key[KEY_LEN] = '\0';
	}
	return 0;
}

/* The same layer twice in an image is one slot's work and two names. */
static int name_slots(char ***out, const struct slot *slots, size_t count, struct error *err)
{
	char **names = calloc(count + 1, sizeof(*names));

	for (size_t i = 0; names && i < count; i++)
		if (asprintf(&names[i], "%s/fs", slots[i].key) < 0) {
			names[i] = NULL;
			layer_names_free(names, count);
			names = NULL;
		}
	*out = names;
	return names ? 0 : err_nomem(err);
}

static void collect(struct layer_cache *c, struct slot *slots, size_t count,
		    struct layer_fill *fill)
{
	for (size_t i = 0; i < count; i++) {
		const struct unpack_counts *n = &slots[i].counts;

		fill->counts.entries += n->entries;
		fill->counts.bytes += n->bytes;
		fill->counts.devices_left += n->devices_left;
		fill->counts.xattrs_left += n->xattrs_left;
		fill->counts.forged += n->forged;
		fill->counts.confined += n->confined;
		fill->cached += slots[i].cached;
		c->locks[c->lock_count++] = slots[i].lock;
		buf_free(&slots[i].text);
	}
}

int layer_cache_fill(struct layer_cache *c, struct source *s, const struct source_image *img,
		     struct layer_fill *fill, char ***names, struct error *err)
{
	struct filling w = { .slots = calloc(img->layer_count + 1, sizeof(*w.slots)),
			     .count = img->layer_count };
	int *locks = realloc(c->locks, (c->lock_count + img->layer_count + 1) * sizeof(*locks));
	int r = 0;

	c->locks = locks ? locks : c->locks;
	if (!w.slots || !locks) {
		free(w.slots);
		return err_nomem(err);
	}
	for (size_t i = 0; i < w.count; i++)
		w.slots[i].lock = -1;
	atomic_init(&w.failed, SIZE_MAX);
	r = plan_slots(w.slots, c, s, img, fill, err);
	if (r == 0)
		fill_all(&w, fill->unpack->threads);
	for (size_t i = 0; r == 0 && i < w.count; i++) {
		if (w.slots[i].r == 0)
			continue;
		fill->layer = i;
		fill->stop = w.slots[i].stop;
		*err = w.slots[i].err;
		r = err_wrap(err, "layer %zu %s", i, img->layers[i].diff_id.text);
	}
	if (r == 0)
		r = name_slots(names, w.slots, w.count, err);
	collect(c, w.slots, w.count, fill);
	free(w.slots);
	return r;
}

void layer_names_free(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
}

/* "bytes N" is the key's last line. */
static uint64_t bytes_of(int layers, const char *name)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	const char *line;

	if (read_key(layers, name, &text) < 0)
		return 0;
	line = strstr(buf_str(&text), "\nbytes ");
	return line ? strtoull(line + 7, NULL, 10) : 0;
}

/* name is KEY.lock. */
static int prune_one(struct layer_cache *c, const char *name, size_t *layers, uint64_t *bytes,
		     struct error *err)
{
	_cleanup_(closep) int fd = openat(c->layers, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	char key[DIGEST_HEX_MAX + 1], partial[DIGEST_HEX_MAX + 16], make[DIGEST_HEX_MAX + 16];
	uint64_t size;
	int r;

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(name, "."), name);
	snprintf(partial, sizeof(partial), "%s.partial", key);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	size = bytes_of(c->layers, key);
	r = beneath_remove(c->layers, partial, err);
	if (r >= 0)
		r = beneath_remove(c->layers, key, err);
	if (r < 0)
		return r;
	*layers += r == 0;
	*bytes += size;
	snprintf(make, sizeof(make), "%s.make", key);
	(void)unlinkat(c->layers, make, 0);
	return unlinkat(c->layers, name, 0) < 0 && errno != ENOENT
		       ? err_fail(err, ERR_IO, errno, "remove '%s' from the cache", name)
		       : 0;
}

int layer_cache_prune(struct layer_cache *c, size_t *layers, uint64_t *bytes, struct error *err)
{
	int fd = openat(c->layers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	*layers = 0;
	*bytes = 0;
	if (!dir) {
		closep(&fd);
		return err_fail(err, ERR_IO, errno, "read the cache of layers");
	}
	while (r == 0 && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (n > 5 && n <= DIGEST_HEX_MAX && strcmp(e->d_name + n - 5, ".lock") == 0)
			r = prune_one(c, e->d_name, layers, bytes, err);
	}
	closedir(dir);
	return r;
}
