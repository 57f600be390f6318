#include "unpack/layer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "inventory/path.h"
#include "inventory/place.h"
#include "unpack/internal.h"

static void walk_done(struct layer_walk *w)
{
	tar_reader_free(w->tar);
	beneath_close(w->beneath);
	free(w->made.slots);
	buf_free(&w->path);
	buf_free(&w->link);
	buf_free(&w->value);
}

int implied_made(void *walk, int parent, const char *name, struct error *err)
{
	struct layer_walk *w = walk;
	const struct owners *o = w->opts->owners;

	if (o->how == OWNERS_OVERRIDE) {
		_cleanup_(closep) int fd =
			openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && fsetxattr(fd, OWNERS_OVERRIDE_XATTR, OWNERS_OVERRIDE_DIR,
					 strlen(OWNERS_OVERRIDE_DIR), 0) == 0)
			return 0;
		return err_fail(err, ERR_IO, errno, "keep the owner of directory '%.100s'", name);
	}
	if (o->how != OWNERS_CHOWN ||
	    fchownat(parent, name, o->root_uid, o->root_gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return err_fail(err, ERR_IO, errno, "change the owner of directory '%.100s'", name);
}

/* The path and those above it, up to one that is there already. */
static int remember(struct layer_walk *w, const struct inv_entry *e, struct error *err)
{
	if (w->opts->form != UNPACK_MERGED)
		return 0;
	for (size_t n = e->path_len; n && !made_set_has(&w->made, e->path, n);
	     n = path_parent(e->path, n)) {
		int r = made_set_add(&w->made, e->path, n, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int stop_at(struct layer_walk *w, const struct node *n, struct error *err)
{
	char text[200];

	*w->stop = (struct unpack_stop){
		.stopped = true,
		.index = w->index,
		.uid = n->tar->uid,
		.gid = n->tar->gid,
		.uid_outside = n->owner.unmapped_uid,
		.gid_outside = n->owner.unmapped_gid,
	};
	return err_fail(err, ERR_DENIED, 0,
			"'%s' belongs to %lld:%lld, which the map does not hold",
			err_text(text, sizeof(text), n->entry->path, n->entry->path_len),
			(long long)n->tar->uid, (long long)n->tar->gid);
}

/* The owner as it shall stand, or the stop. Whiteouts are nobody's files: outside the map they are
 * root's where the policy mends on the way. */
static int find_owner(struct layer_walk *w, struct node *n, struct error *err)
{
	const struct engine *engine = w->opts->engine;
	const struct tar_entry *t = n->tar;
	enum inv_kind kind = n->entry->kind;

	n->owned = !engine || engine->owners[kind] != OWNER_SKIPPED;
	owners_of(&n->owner, w->opts->owners, kind, n->mode, t->uid, t->gid);
	n->mode &= ~n->owner.clear_mode;
	if (n->owned && (n->owner.unmapped_uid || n->owner.unmapped_gid) &&
	    w->opts->owners->how <= OWNERS_KEEP)
		return stop_at(w, n, err);
	return 0;
}

static int walk_entry(struct layer_walk *w, const struct tar_entry *t, struct error *err)
{
	struct inv_entry e = { .index = w->index };
	struct node n = { .tar = t, .entry = &e, .mode = t->mode & 07777 };
	int r;

	if (inv_place(&w->path, t, &e) < 0)
		return err_nomem(err);
	w->counts->entries++;
	w->counts->confined += !!(e.flags & INV_ESCAPES);
	if (e.kind == INV_GLOBAL || e.kind == INV_AUFS_META)
		return 0;
	if (e.kind == INV_OPAQUE)
		return opaque_apply(w, &e, err);
	r = find_owner(w, &n, err);
	if (r == 0)
		r = beneath_parent(w->beneath, e.path, e.path_len, implied_made, w, &n.dir, &n.name,
				   err);
	if (r < 0)
		return r;
	if (e.kind == INV_WHITEOUT)
		return whiteout_apply(w, &n, err);
	r = remember(w, &e, err);
	return r < 0 ? r : node_make(w, &n, err);
}

int unpack_layer(int root, struct stream *tar, const struct unpack_layer_options *opts,
		 struct spool *times, struct unpack_counts *counts, struct unpack_stop *stop,
		 struct error *err)
{
	_cleanup_(walk_done) struct layer_walk w = {
		.opts = opts, .counts = counts, .stop = stop, .times = times, .root = root
	};
	struct tar_entry t;
	int r = beneath_open(&w.beneath, root, opts->walk, err);

	*stop = (struct unpack_stop){ 0 };
	if (r == 0)
		r = tar_reader_new(&w.tar, tar, opts->limits, err);
	if (r < 0)
		return r;
	tar_reader_keep_extents(w.tar);
	while ((r = tar_reader_next(w.tar, &t, err)) == 0) {
		r = walk_entry(&w, &t, err);
		if (r < 0)
			return r;
		w.index++;
	}
	return r < 0 ? r : stream_drain(tar, err);
}
