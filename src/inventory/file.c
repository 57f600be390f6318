/* A file of the merged image: the path is resolved one component after the other, as an engine
 * resolves it beneath the root.
 */
#include <string.h>

#include "inventory/lookup.h"
#include "inventory/path.h"

#define LINKS_MAX 40  /* MAXSYMLINKS of include/linux/namei.h */
#define WALKS_MAX 64  /* over all records, for one question: deep trees must not make it long */
#define NODES_MAX 256 /* remembered; a question has a few */

/* What was found before: the layers do not change. */
struct lookups {
	struct node nodes[NODES_MAX];
	size_t count;
};

struct walk {
	struct image *img;
	struct buf done; /* resolved so far: directories only */
	struct buf todo; /* components that follow */
	unsigned links, walks;
	const char *why;
};

void lookups_free(struct lookups *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		node_done(&l->nodes[i]);
	free(l);
}

static const struct node *known(const struct lookups *l, const char *path, size_t n)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->nodes[i].path_len == n && memcmp(l->nodes[i].path, path, n) == 0)
			return &l->nodes[i];
	return NULL;
}

/* Puts a path that is not known on the list. */
static int want(struct lookups *l, size_t first, const char *path, size_t n, struct error *err)
{
	struct node *node = &l->nodes[l->count];

	if (l->count == NODES_MAX || l->count - first == LOOKUP_BATCH || known(l, path, n))
		return 0;
	*node = (struct node){ .path = strndup(path, n), .path_len = n };
	if (!node->path)
		return err_nomem(err);
	l->count++;
	return 0;
}

/* The path asked for, what is below it on the way if no link comes between, and the two files that
 * everybody asks for: one walk over the records finds them all. */
static int want_batch(struct lookups *l, size_t first, const struct walk *w, const char *path,
		      size_t n, struct error *err)
{
	static const char *const usual[] = { "etc", "etc/passwd", "etc/group" };
	_cleanup_(buf_freep) struct buf ahead = { 0 };
	bool escapes;
	int r;

	if (buf_append(&ahead, path, n) < 0 || buf_append_str(&ahead, "/") < 0 ||
	    buf_append(&ahead, w->todo.data, w->todo.len) < 0)
		return err_nomem(err);
	r = want(l, first, path, n, err);
	if (r == 0 && !memmem(w->todo.data, w->todo.len, "..", 2)) {
		_cleanup_(buf_freep) struct buf clean = { 0 };

		if (path_clean(&clean, buf_str(&ahead), ahead.len, &escapes) < 0)
			return err_nomem(err);
		for (size_t k = clean.len; r == 0 && k > n; k = path_parent(buf_str(&clean), k))
			r = want(l, first, buf_str(&clean), k, err);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(usual); i++)
		r = want(l, first, usual[i], strlen(usual[i]), err);
	return r;
}

static void forget_from(struct lookups *l, size_t first)
{
	while (l->count > first)
		node_done(&l->nodes[--l->count]);
}

static int find(struct walk *w, const char *path, size_t n, const struct node **out,
		struct error *err)
{
	struct lookups *l = w->img->lookups;
	size_t first;
	int r;

	if (!l)
		l = w->img->lookups = calloc(1, sizeof(*l));
	if (!l)
		return err_nomem(err);
	*out = known(l, path, n);
	if (*out)
		return 0;
	if (++w->walks > WALKS_MAX) {
		w->why = "its path has too many components";
		return 0;
	}
	if (l->count > NODES_MAX - LOOKUP_BATCH)
		forget_from(l, 0);
	first = l->count;
	r = want_batch(l, first, w, path, n, err);
	if (r == 0)
		r = lookup_nodes(w->img, w->img->layer_count, 0, l->nodes + first, l->count - first,
				 err);
	if (r < 0)
		forget_from(l, first);
	else
		*out = known(l, path, n);
	return r;
}

/* Takes the first component off todo and joins it to done in next. False where there is none. */
static int next_component(struct walk *w, struct buf *next, bool *any)
{
	size_t skip = 0, n = 0;

	while (skip < w->todo.len && w->todo.data[skip] == '/')
		skip++;
	while (skip + n < w->todo.len && w->todo.data[skip + n] != '/')
		n++;
	*any = n != 0;
	buf_clear(next);
	if (buf_append(next, w->done.data, w->done.len) < 0 ||
	    (w->done.len && buf_append_str(next, "/") < 0) ||
	    (n && buf_append(next, w->todo.data + skip, n) < 0))
		return -ERR_NOMEM;
	if (w->todo.len)
		memmove(w->todo.data, w->todo.data + skip + n, w->todo.len - skip - n);
	w->todo.len -= skip + n;
	return 0;
}

/* The link's target goes before what follows. */
static int follow(struct walk *w, const struct node *n)
{
	_cleanup_(buf_freep) struct buf rest = w->todo;

	w->todo = (struct buf){ 0 };
	if (n->link_len && n->link[0] == '/')
		buf_clear(&w->done);
	if ((n->link_len && buf_append(&w->todo, n->link, n->link_len) < 0) ||
	    buf_append_str(&w->todo, "/") < 0 ||
	    (rest.len && buf_append(&w->todo, rest.data, rest.len) < 0))
		return -ERR_NOMEM;
	return 0;
}

static bool rest_is_empty(const struct walk *w)
{
	for (size_t i = 0; i < w->todo.len; i++)
		if (w->todo.data[i] != '/')
			return false;
	return true;
}

static int step(struct walk *w, struct buf *next, const struct node **out, struct error *err)
{
	const struct node *node;
	bool escapes;
	int r = find(w, buf_str(next), next->len, &node, err);

	if (r < 0)
		return r;
	/* A directory that only its content implies exists too, so below what does not exist there
	 * is nothing. */
	if (!node || !node->exists)
		return 1;
	if (node->kind == INV_SYMLINK) {
		if (++w->links > LINKS_MAX) {
			w->why = "its symbolic links form a loop";
			return 1;
		}
		return follow(w, node) < 0 ? err_nomem(err) : 0;
	}
	if (rest_is_empty(w)) {
		*out = node;
		return 1;
	}
	if (node->kind != INV_DIR)
		return 1;
	return path_clean(&w->done, buf_str(next), next->len, &escapes) < 0 ? err_nomem(err) : 0;
}

/* *out is the node at the end of all links, or NULL. */
static int resolve(struct walk *w, const struct node **out, struct error *err)
{
	_cleanup_(buf_freep) struct buf next = { 0 };
	int r = 0;

	*out = NULL;
	while (r == 0) {
		const char *base;
		bool any;

		if (next_component(w, &next, &any) < 0)
			return err_nomem(err);
		if (!any)
			return 0;
		base = buf_str(&next) + w->done.len + (w->done.len != 0);
		if (strcmp(base, ".") == 0)
			continue;
		if (strcmp(base, "..") == 0)
			w->done.len = path_parent(buf_str(&w->done), w->done.len);
		else
			r = step(w, &next, out, err);
	}
	return r < 0 ? r : 0;
}

/* The file that a hard link names: what stood at that path when the layer came to it. *out is
 * owned. */
static int hardlink_target(const struct image *img, const struct node *from, struct node *out,
			   struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };

	for (unsigned i = 0; from->exists && from->kind == INV_HARDLINK && i < LINKS_MAX; i++) {
		struct node target = { 0 };
		bool escapes;
		int r;

		if (path_clean(&path, from->link ? from->link : "", from->link_len, &escapes) < 0)
			return err_nomem(err);
		target.path = strndup(buf_str(&path), path.len);
		target.path_len = path.len;
		if (!target.path)
			return err_nomem(err);
		r = lookup_nodes(img, from->layer, from->index, &target, 1, err);
		node_done(out);
		*out = target;
		if (r < 0)
			return r;
		from = out;
	}
	return 0;
}

static void take_file(const struct image *img, const struct node *n, const struct inv_file **out,
		      size_t *layer, const char **why)
{
	const struct layer_inventory *inv = img->layers[n->layer].inventory;

	if (n->kind != INV_REG) {
		*why = "it is no regular file";
		return;
	}
	for (size_t i = 0; i < inv->file_count; i++) {
		if (inv->files[i].index != n->index)
			continue;
		if (inv->files[i].data) {
			*out = &inv->files[i];
			*layer = n->layer;
		} else {
			*why = "it is sparse, or larger than limit small-file";
		}
		return;
	}
	*why = "its bytes were not kept (its name ends in neither passwd nor group, or limit "
	       "small-files was passed)";
}

int image_file(struct image *img, const char *path, const struct inv_file **out, size_t *layer,
	       const char **why, struct error *err)
{
	struct walk w = { .img = img };
	struct node target = { 0 };
	const struct node *node = NULL;
	int r = 0;

	*out = NULL;
	if (buf_append_str(&w.todo, path) < 0)
		r = err_nomem(err);
	if (r == 0)
		r = resolve(&w, &node, err);
	if (r == 0 && node && node->kind == INV_HARDLINK) {
		r = hardlink_target(img, node, &target, err);
		node = &target;
	}
	if (r == 0 && node && node->exists)
		take_file(img, node, out, layer, &w.why);
	else if (r == 0 && node)
		w.why = "it is a hard link to a file that was not found";
	node_done(&target);
	buf_free(&w.done);
	buf_free(&w.todo);
	if (why)
		*why = w.why;
	return r;
}
