/* Unpacked layers kept between runs, a directory each, so that images and runs share them: by what
 * the layer holds (its diff_id) and all that decides how it stands on disk (map, policy, engine's
 * rules, form).
 *
 *	FOLDER/layers/KEY/fs     the tree, in overlay's form
 *	FOLDER/layers/KEY/key    the whole of what KEY is short for
 *	FOLDER/layers/KEY.lock   held shared by each run that makes or uses it, alone by who removes
 *it FOLDER/layers/KEY.make   held alone by who makes it FOLDER/runs/XXXXXX       one run's own
 *(run/container.h)
 */
#pragma once

#include "unpack/image.h"

struct layer_cache;

/* folder as of cache_folder_open(); ERR_DENIED where there is none that may be trusted. */
int layer_cache_open(struct layer_cache **out, const char *folder, struct notes *notes,
		     struct error *err) _must_check_;
/* Gives the locks back. */
void layer_cache_close(struct layer_cache *c);
DEFINE_CLEANUP(struct layer_cache, layer_cache_close)

/* FOLDER/layers, to which the names below are relative; and FOLDER/runs. Borrowed. */
int layer_cache_dir(const struct layer_cache *c);
int layer_cache_runs(const struct layer_cache *c);

struct layer_fill {
	const struct unpack_options *unpack;
	const char *policy; /* what else decides how an entry stands: words of the caller's */
	struct unpack_counts counts;
	struct unpack_stop stop;
	size_t layer;  /* that failed */
	size_t cached; /* layers that were there */
};

/* Unpacks what is missing, side by side, and locks all; two processes share the work. *names:
 * layer_count times "KEY/fs", lowest first (names_free). Errors as unpack_one(), with the layer. A
 * layer without a diff_id cannot be kept: ERR_UNSUPPORTED. */
int layer_cache_fill(struct layer_cache *c, struct source *s, const struct source_image *img,
		     struct layer_fill *fill, char ***names, struct error *err) _must_check_;
void layer_names_free(char **names, size_t count);

/* Removes every layer that no run uses, and what killed runs have left: how many, and of how many
 * bytes. */
int layer_cache_prune(struct layer_cache *c, size_t *layers, uint64_t *bytes,
		      struct error *err) _must_check_;
