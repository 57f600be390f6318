/* An engine's own API: the daemon that Docker's client would ask, and podman's command. Where the
 * daemon listens, which images it has, an image out of it and into it. What an image holds is not
 * known here.
 *
 * Docker Engine API (docs.docker.com/reference/api/engine), which podman's socket speaks as well.
 * Every answer is bounded, none is asked for twice.
 */
#pragma once

#include "base/limits.h"
#include "base/notes.h"
#include "storage/place.h"
#include "stream/stream.h"

#define ENGINE_ANSWER_MAX (4u << 20) /* bytes of an answer that is no image */
#define ENGINE_WAIT	  20	     /* seconds for the answer to a small question */
#define ENGINE_PACK_WAIT  1800 /* seconds in which a daemon packs or unpacks an image in silence */

struct engine;

/* The daemon that $DOCKER_HOST names (unix://, tcp://, with TLS by $DOCKER_TLS_VERIFY or
 * $DOCKER_TLS and $DOCKER_CERT_PATH), else the context of $DOCKER_CONTEXT or of config.json's
 * currentContext, else $CONTAINER_HOST, else the socket that is there: /var/run/docker.sock,
 * $XDG_RUNTIME_DIR/docker.sock (docker/cli, cli/command). Nothing is sent. ERR_NOT_FOUND where
 * nothing listens, or the context does not exist; ERR_UNSUPPORTED for ssh:// and other schemes;
 * ERR_BAD_INPUT for files that break their format. limits and notes outlive it. */
int engine_open(struct engine **out, const struct limits *limits, struct notes *notes,
		struct error *err) _must_check_;
void engine_close(struct engine *e);
DEFINE_CLEANUP(struct engine, engine_close)

/* "unix:///var/run/docker.sock"; printable, without userinfo. */
const char *engine_where(const struct engine *e);
/* Named by the environment or a context, and not the socket that every host has. */
bool engine_is_named(const struct engine *e);
bool engine_is_local(const struct engine *e); /* a unix socket: its files may be on this host */

/* An image that the daemon has. Strings are owned: engine_image_done. */
struct engine_image {
	char id[72]; /* "sha256:HEX": the config's digest, or with containerd's store a manifest's
		      */
	char *name;  /* what to call it in the API, so that one image and no other is meant */
};

/* By name (no tag means latest), NAME@DIGEST, id, or the beginning of one. 1 where the daemon has
 * none. ERR_USAGE where the text can be no image's name; ERR_NET with the daemon's own words. */
int engine_find(struct engine *e, const char *name, struct engine_image *out,
		struct error *err) _must_check_;
void engine_image_done(struct engine_image *img);

/* Where the daemon keeps its files (as it sees them) and by which driver, malloc'd. */
int engine_root(struct engine *e, char **root, char **driver, struct error *err) _must_check_;

/* The image as a docker-archive that can be read once; e outlives the stream. */
int engine_save(struct engine *e, const char *name, struct stream **out,
		struct error *err) _must_check_;

/* Docker reads zstd since 23.0 (API 1.42), podman always. version (64 bytes) is for messages. */
int engine_reads_zstd(struct engine *e, bool *yes, char *version, struct error *err) _must_check_;

/* What takes a docker-archive. Its bytes are written to fd (a pipe, the taker's own): EPIPE where
 * it takes no more, and end() knows why. Both of these free it: end() closes fd and waits until the
 * engine has the image, ERR_NET or ERR_DENIED with the engine's words where it has not; drop()
 * leaves it without. */
struct engine_taker {
	int fd;
	int (*end)(struct engine_taker *t, struct error *err);
	void (*drop)(struct engine_taker *t);
};

int engine_load(struct engine_taker **out, struct engine *e, struct error *err) _must_check_;

/* podman on the PATH, with containers-storage at place (nothing in it: podman's own). ERR_NOT_FOUND
 * where there is none. The only place that starts a process for an image. */
int podman_load(struct engine_taker **out, const struct storage_place *place,
		struct error *err) _must_check_;
/* 0 where the store has an image of that full name, 1 where it has not. */
int podman_has(const struct storage_place *place, const char *name, struct error *err) _must_check_;
