/* docker-daemon:NAME: an image of the daemon that Docker's client would ask. Where the daemon's own
 * store can be read here it is, for that takes milliseconds; the daemon says which image NAME is.
 * Else the daemon packs the image, and the archive is read as it arrives.
 */
#include <inttypes.h>
#include <string.h>

#include "source/internal.h"
#include "stream/keep.h"

/* A layer without its tar-split is one that the daemon alone can pack. */
static bool is_whole(const struct storage_image *img)
{
	for (size_t i = 0; i < img->layer_count; i++)
		if (!img->layers[i].split_size)
			return false;
	return true;
}

/* What the store has under the name is what the daemon means by it, or is not taken. */
static bool try_store(struct source *s, const struct engine_image *img, const char *root,
		      const char *driver)
{
	struct error ignored;
	struct engine *engine;
	int r = docker_store_open_at(s, root, driver, &ignored);

	if (r == 0)
		r = kept_images(s, &ignored);
	if (r == 0 && strcmp(s->kept_image->id, img->id) == 0 && is_whole(s->kept_image)) {
		s->have_images = true;
		notes_add(s->notes, "read from the daemon's store %s", storage_root(s->storage));
		return true;
	}
	engine = STEAL(s->engine);
	source_reset(s);
	s->engine = engine;
	return false;
}

/* The usual place first: /info takes the daemon longer than all the rest. */
static bool from_store(struct source *s, const struct engine_image *img)
{
	_cleanup_(freep) char *root = NULL, *driver = NULL;
	struct error ignored;

	if (!engine_is_local(s->engine))
		return false;
	if (!engine_is_named(s->engine) && try_store(s, img, NULL, NULL))
		return true;
	return engine_root(s->engine, &root, &driver, &ignored) == 0 && root[0] == '/' &&
	       try_store(s, img, root, driver);
}

/* The archive's images by the name that was asked for. */
static int api_images(struct source *s, struct error *err)
{
	enum transport transport = s->transport;
	int r = archive_images(s, err);

	s->transport = transport;
	for (size_t i = 0; r == 0 && i < s->image_count; i++) {
		free(s->images[i].name);
		s->images[i].name = source_name(s, NULL);
		if (!s->images[i].name)
			r = err_nomem(err);
	}
	return r;
}

static int keep(struct source *s, struct stream *in, struct error *err)
{
	const char *dir;
	uint64_t total;
	int fd = -1, r = stream_keep(in, &fd, &dir, &total, err);

	if (r == 0)
		r = store_archive_open(&s->store, fd, s->limits, s->notes, err);
	if (r < 0) {
		closep(&fd);
		return r;
	}
	notes_add(s->notes,
		  "what the daemon sends can be read once only: %" PRIu64
		  " bytes of it are kept in %s meanwhile (TMPDIR says where)",
		  total, dir);
	return 0;
}

static int from_api(struct source *s, const struct engine_image *img, struct error *err)
{
	struct stream *in;
	int r = engine_save(s->engine, img->name, &in, err);

	if (r < 0)
		return r;
	s->read_images = api_images;
	if (s->read_twice) {
		r = keep(s, in, err);
		stream_close(in);
	} else {
		r = onepass_source(s, in, err);
	}
	if (r == 0)
		notes_add(s->notes, "read through the Engine API (%s)", engine_where(s->engine));
	return r;
}

/* Nothing answers where every daemon listens: what it has left on disk is still there. */
static int without_daemon(struct source *s, struct error *err)
{
	struct error why = *err, own;
	int r;

	source_reset(s);
	r = docker_store_open(s, &own);
	if (r == 0)
		r = kept_images(s, &own);
	if (r < 0)
		return err_fail(err, why.code, 0, "%.200s; without it: %.200s", why.msg, own.msg);
	s->have_images = true;
	notes_add(s->notes, "read from the store %s of a daemon that does not answer",
		  storage_root(s->storage));
	return 0;
}

static bool has_root(void)
{
	const char *root = getenv("UIDFIT_DOCKER_ROOT");

	return root && root[0];
}

int docker_daemon_open(struct source *s, struct error *err)
{
	_cleanup_(engine_image_done) struct engine_image img = { 0 };
	char name[150];
	int r;

	if (has_root())
		return docker_store_open(s, err);
	r = engine_open(&s->engine, s->limits, s->notes, err);
	if (r < 0)
		return err->code == ERR_NOT_FOUND && !getenv("DOCKER_CONTEXT") &&
				       !getenv("DOCKER_HOST")
			       ? without_daemon(s, err)
			       : r;
	r = engine_find(s->engine, s->path, &img, err);
	if (r < 0)
		return err->code == ERR_NET && !engine_is_named(s->engine) ? without_daemon(s, err)
									   : r;
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "the docker daemon at %s has no image '%s'",
				engine_where(s->engine),
				err_text(name, sizeof(name), s->path, strlen(s->path)));
	return from_store(s, &img) ? 0 : from_api(s, &img, err);
}
