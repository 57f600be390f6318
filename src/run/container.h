/* A container from an image: its layers out of the cache, an overlay on top, a bundle, the runtime,
 * and nothing left behind. Called where the container's ids can be given (run/way.h, userns.h).
 */
#pragma once

#include "bundle/bundle.h"
#include "run/layer-cache.h"
#include "run/runtime.h"
#include "run/way.h"

struct container_options {
	const struct way *way;
	/* The namespace around the container's processes as /proc/PID/uid_map has to show it. */
	const struct idmap_pair *shown;
	const struct runtime *runtime;
	const struct unpack_options *unpack; /* form, owners, engine, threads */
	const char *policy;		     /* see layer_fill */
	bool idmapped;	  /* layers keep the image's ids, mounts map them; root of the host */
	bool setgroups;	  /* may be called in there (user_namespaces(7)) */
	const char *user; /* -u, or NULL: the image's */
	/* Without map, inside, user, home, rootfs and cgroups: they are found here. */
	struct bundle_options bundle;
	const char *cache; /* folder, see cache_folder_open() */
	struct notes *notes;
	/* Called before the program starts, or where it cannot: the notes are all there. unpacked:
	 * a layer was not in the cache. May be NULL. */
	void (*starting)(void *ctx, bool unpacked);
	void *ctx;
};

struct container_told {
	int status;
	size_t layer; /* that stopped it, where stop.stopped */
	struct unpack_stop stop;
};

/* Runs it to its end: told->status is the container's own, or 125, 126, 127 with the error. Before
 * it starts, the user and its groups are looked up in the image's passwd and group files and in the
 * map: a uid or gid outside is ERR_DENIED with what the runtime would have said; supplementary
 * groups that the image's files give and the map does not hold are left out, with a note. */
int container_run(struct container_told *told, struct source *s, const struct source_image *img,
		  const struct container_options *opts, struct error *err) _must_check_;
