/* A docker-archive that an engine of this host loads while it is made: dockerd by its API, podman
 * by its command. What breaks there is told in the engine's own words.
 */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "engine/engine.h"
#include "registry/registry.h"
#include "sink/internal.h"

struct out_engine {
	struct out base;
	struct notes *notes;
	struct engine *engine; /* or NULL: podman */
	struct storage_place place;
	struct engine_taker *taker;
	struct out *pipe;
};

static struct out_engine *of(struct out *o)
{
	return (struct out_engine *)o;
}

static int begin_taking(struct out_engine *p, struct error *err)
{
	int r = p->engine ? engine_load(&p->taker, p->engine, err)
			  : podman_load(&p->taker, &p->place, err);

	return r < 0 ? r
		     : out_pipe_open(&p->pipe, p->taker->fd,
				     p->engine ? "the daemon" : "podman load", p->notes, err);
}

/* Where the engine has stopped reading, it says why. */
static int told(struct out_engine *p, int r, struct error *err)
{
	struct error why;

	if (r >= 0 || err->code != ERR_IO || err->sys != EPIPE || !p->taker)
		return r;
	if (p->taker->end(STEAL(p->taker), &why) < 0)
		*err = why;
	else
		err_fail(err, ERR_NET, 0, "the engine took the image for whole before it was");
	return -(int)err->code;
}

static int engine_begin(struct out *o, const char *name, uint64_t size, struct error *err)
{
	struct out_engine *p = of(o);
	int r = p->pipe ? 0 : begin_taking(p, err);

	return told(p, r < 0 ? r : p->pipe->ops->begin(p->pipe, name, size, err), err);
}

static int engine_write(struct out *o, const void *bytes, size_t n, struct error *err)
{
	struct out_engine *p = of(o);

	return told(p, p->pipe->ops->write(p->pipe, bytes, n, err), err);
}

static int engine_end(struct out *o, const char *name, struct error *err)
{
	struct out_engine *p = of(o);

	return told(p, p->pipe->ops->end(p->pipe, name, err), err);
}

static int engine_drop(struct out *o, struct error *err)
{
	struct out_engine *p = of(o);

	return p->pipe->ops->drop(p->pipe, err);
}

static int engine_commit(struct out *o, struct error *err)
{
	struct out_engine *p = of(o);
	int r = told(p, p->pipe->ops->commit(p->pipe, err), err);

	return r < 0 ? r : p->taker->end(STEAL(p->taker), err);
}

static void engine_out_close(struct out *o)
{
	struct out_engine *p = of(o);

	if (p->pipe)
		p->pipe->ops->close(p->pipe);
	if (p->taker)
		p->taker->drop(p->taker);
	engine_close(p->engine);
	storage_place_done(&p->place);
	free(p);
}

static const struct out_ops engine_ops = { .begin = engine_begin,
					   .write = engine_write,
					   .end = engine_end,
					   .drop = engine_drop,
					   .commit = engine_commit,
					   .close = engine_out_close };

/* "docker.io/library/app:1.0" of "app:1.0". */
static int full_name(char **out, const char *text, struct error *err)
{
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	int r = registry_name_parse(&n, text, err);

	if (r < 0)
		return r;
	if (n.digest.text[0])
		return err_fail(err, ERR_USAGE, 0,
				"a destination has a tag: its digest is not known yet");
	if (asprintf(out, "%s/%s:%s", n.host, n.repository, n.tag) < 0) {
		*out = NULL;
		return err_nomem(err);
	}
	return 0;
}

static int in_the_way(const char *where, const char *name, struct error *err)
{
	return err_fail(err, ERR_DENIED, 0, "%s has an image '%s': --replace gives it another",
			where, name);
}

static int open_daemon(struct out_engine *p, const char *name, const struct limits *limits,
		       bool replace, char **reader, struct error *err)
{
	_cleanup_(engine_image_done) struct engine_image found = { 0 };
	char version[64];
	bool zstd;
	int r = engine_open(&p->engine, limits, p->notes, err);

	if (r == 0)
		r = engine_reads_zstd(p->engine, &zstd, version, err);
	if (r == 0 && !zstd && asprintf(reader, "docker %s", version) < 0) {
		*reader = NULL;
		r = err_nomem(err);
	}
	if (r < 0)
		return r;
	r = engine_find(p->engine, name, &found, err);
	if (r < 0)
		return r;
	return r == 0 && !replace ? in_the_way(engine_where(p->engine), name, err) : 0;
}

static int open_podman(struct out_engine *p, const char *name, bool replace, struct error *err)
{
	int r = podman_has(&p->place, name, err);

	if (r < 0)
		return r;
	return r == 0 && !replace ? in_the_way("containers-storage:", name, err) : 0;
}

int out_engine_open(struct out **out, const struct ref *ref, const struct limits *limits,
		    struct notes *notes, bool replace, char **name, char **reader,
		    struct error *err)
{
	bool daemon = ref->transport == TRANSPORT_DOCKER_DAEMON;
	struct out_engine *p = calloc(1, sizeof(*p));
	const char *text = ref->path;
	int r = 0;

	if (!p)
		return err_nomem(err);
	p->base.ops = &engine_ops;
	p->notes = notes;
	if (!daemon)
		r = storage_place_parse(&p->place, &text, ref->path, err);
	if (r == 0)
		r = full_name(name, text, err);
	if (r == 0)
		r = daemon ? open_daemon(p, *name, limits, replace, reader, err)
			   : open_podman(p, *name, replace, err);
	if (r < 0)
		engine_out_close(&p->base);
	else
		*out = &p->base;
	return r;
}
