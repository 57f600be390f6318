/* containerd:[ROOT]NAME, with the brackets as typed; without them, the directory that containerd
 * has where nobody says another. Its content store has the blobs of an OCI layout; the layout's
 * index.json is made of what containerd's metadata says of the name. All is verified as there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/internal.h"
#include "storage/containerd.h"

#define INDEX "index.json"

struct content {
	struct store base;
	struct store *blobs;
	struct buf index;
};

static int content_find(struct store *st, const char *name, struct stored *out, struct error *err)
{
	struct content *c = (struct content *)st;

	if (strcmp(name, INDEX) != 0)
		return c->blobs->ops->find(c->blobs, name, out, err);
	strcpy(out->name, INDEX);
	out->size = c->index.len;
	out->layer = false;
	return 0;
}

static int content_open(struct store *st, const char *name, struct stream **out, struct error *err)
{
	struct content *c = (struct content *)st;

	if (strcmp(name, INDEX) != 0)
		return c->blobs->ops->open(c->blobs, name, out, err);
	return stream_open_memory(out, c->index.data, c->index.len, err);
}

static void content_close(struct store *st)
{
	struct content *c = (struct content *)st;

	store_close(c->blobs);
	buf_free(&c->index);
	free(c);
}

static int place_of(struct source *s, char **root, const char **name, struct error *err)
{
	const char *close = strchr(s->path, ']');

	*name = s->path;
	if (s->path[0] == '[' && (!close || s->path[1] != '/'))
		return err_fail(err, ERR_USAGE, 0, "containerd: wants [/DIR]NAME");
	if (s->path[0] == '[') {
		*name = close + 1;
		*root = strndup(s->path + 1, (size_t)(close - s->path) - 1);
	} else {
		*root = strdup(CONTAINERD_ROOT);
	}
	if (!**name)
		return err_fail(err, ERR_USAGE, 0, "containerd: no image was named");
	return *root ? 0 : err_nomem(err);
}

static int find_image(struct content *c, const char *root, const char *name, struct error *err)
{
	char text[150];
	int r = containerd_index(&c->index, root, name, err);

	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s has no image '%s'", root,
				err_text(text, sizeof(text), name, strlen(name)));
	return r;
}

int containerd_open(struct source *s, struct error *err)
{
	static const struct store_ops ops = { content_find, content_open, content_close };
	_cleanup_(freep) char *root = NULL, *path = NULL;
	struct content *c = calloc(1, sizeof(*c));
	const char *name;
	int r;

	if (!c)
		return err_nomem(err);
	c->base.ops = &ops;
	s->store = &c->base; /* source_close() frees it */
	r = place_of(s, &root, &name, err);
	if (r == 0)
		r = find_image(c, root, name, err);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/" CONTAINERD_CONTENT, root) < 0)
		return err_nomem(err);
	free(s->path);
	s->path = STEAL(root);
	s->read_images = oci_images;
	return store_dir_open(&c->blobs, path, err);
}
