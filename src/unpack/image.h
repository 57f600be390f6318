/* A whole image on disk: its layers one upon the other in one directory, or each in its own. It
 * grows in NAME.partial-XXXXXXXX, which nobody else may enter, and is renamed when every digest has
 * held.
 */
#pragma once

#include "base/progress.h"
#include "source/source.h"
#include "unpack/layer.h"

struct unpack_options {
	struct unpack_layer_options layer;
	bool bundle;	  /* the tree is DIR/rootfs, or its layers DIR/layers/0, 1, ... */
	bool layers;	  /* one directory a layer: DIR/0, DIR/1, ... */
	unsigned threads; /* layers side by side, in overlay's form; 0: one a core */
	struct progress *progress;
};

struct unpack;

/* DIR's parent is made, 0700, where it is not there. ERR_DENIED where DIR exists; ERR_USAGE,
 * ERR_IO. opts is borrowed until unpack_end. */
int unpack_begin(struct unpack **out, const char *dir, const struct unpack_options *opts,
		 struct error *err) _must_check_;
/* What becomes DIR (borrowed): for config.json of a bundle. */
int unpack_dir(const struct unpack *u);

/* Decoding runs ahead of writing, by a bounded number of blocks. Every blob's digest and diff_id is
 * verified: ERR_DIGEST. On -ERR_DENIED with stop->stopped the owner of an entry of *layer is
 * outside the map. Errors name the layer. */
int unpack_layers(struct unpack *u, struct source *s, const struct source_image *img,
		  struct unpack_counts *counts, struct unpack_stop *stop, size_t *layer,
		  struct error *err) _must_check_;

/* The rename. Without it unpack_end removes what was made; a killed process leaves the partial
 * directory. */
int unpack_commit(struct unpack *u, struct error *err) _must_check_;
void unpack_end(struct unpack *u);
DEFINE_CLEANUP(struct unpack, unpack_end)

/* One layer into a directory of its own, verified: what a cache of layers asks. */
int unpack_one(int dir, struct source *s, const struct source_layer *layer,
	       const struct unpack_layer_options *opts, struct progress *progress,
	       struct unpack_counts *counts, struct unpack_stop *stop,
	       struct error *err) _must_check_;
