/* What the transports share; for the files of this folder alone. */
#pragma once

#include "engine/engine.h"
#include "source/source.h"
#include "source/store.h"
#include "storage/storage.h"

/* A blob with URLs of its own in the manifest: where it is missing, the message says so. */
struct foreign {
	char *digest, *url;
};

struct source {
	const struct limits *limits;
	struct notes *notes;
	bool platform_asked, all_platforms;
	struct platform platform; /* asked for, or this machine's */
	int stdin_fd;
	bool read_twice;
	enum transport transport; /* as found out, for names */
	char *path, *ref_name;
	long ref_index;
	struct store *store;		  /* NULL for tar: and rootfs: */
	int fd;				  /* tar: in a regular file */
	struct stream *once;		  /* tar: that can be read once */
	struct engine *engine;		  /* docker-daemon: */
	struct storage *storage;	  /* an engine's own store, ... */
	struct storage_image *kept_image; /* ... and the image of it that was asked for */
	int (*scan)(struct source *s, source_blob_fn *fn, void *ctx,
		    struct error *err); /* one-pass */
	int (*read_images)(struct source *s, struct error *err);
	int (*open_layer)(struct source *s, const struct source_layer *layer, struct stream **out,
			  struct error *err); /* without a store */
	/* source_layer_headers, or NULL: there is no short way. */
	int (*headers)(struct source *s, const struct source_layer *layer, struct stream **tar,
		       enum source_evidence *evidence, struct error *err);
	const struct registry_options *registry_options; /* borrowed, or NULL */
	struct registry *registry;			 /* docker:// */
	bool scanned, have_images;
	struct source_image *images;
	size_t image_count;
	struct foreign *foreign;
	size_t foreign_count;
	struct source_index *indexes;
	size_t index_count;
};

/* One transport: open sets what differs, by what ref names. */
typedef int source_open_fn(struct source *s, struct error *err);
source_open_fn docker_archive_open, oci_open, oci_archive_open, dir_open, tar_open, rootfs_open,
	path_open, stdin_open, docker_daemon_open, docker_store_open, containers_storage_open,
	containerd_open, registry_source_open;

/* docker-daemon: from the store of a daemon whose directory is known (DockerRootDir of its /info),
 * or NULL for this host's own. Nothing is read from the daemon. ERR_NOT_FOUND, ERR_DENIED where the
 * store cannot tell: then the daemon can. */
int docker_store_open_at(struct source *s, const char *root, const char *driver,
			 struct error *err) _must_check_;

/* A name without a transport that is no path here: the daemon's, containers-storage's, a registry's
 * image, the first that there is; which it is goes to a note. */
int bare_open(struct source *s, struct error *err) _must_check_;
/* Back to what source_open() begins with, so that another transport can be tried. */
void source_reset(struct source *s);

/* read_images, open_layer and headers of the image s->ref_name of s->storage. */
int kept_images(struct source *s, struct error *err) _must_check_;
int kept_layer_open(struct source *s, const struct source_layer *layer, struct stream **out,
		    struct error *err) _must_check_;
int kept_layer_headers(struct source *s, const struct source_layer *layer, struct stream **tar,
		       enum source_evidence *evidence, struct error *err) _must_check_;
void kept_done(struct source *s);

/* Opens s->path as an archive's store: a table of members where it can be sought in, else one pass.
 * "-" and
 * "/dev/stdin" are standard input. */
int archive_store_open(struct source *s, struct error *err) _must_check_;
/* A stream that can be read once: standard input, a FIFO, a compressed file. */
int onepass_source(struct source *s, struct stream *in, struct error *err) _must_check_;
bool path_is_stdin(const char *path);

/* read_images of the formats, and of an archive whose format is told by its members. */
int docker_archive_images(struct source *s, struct error *err) _must_check_;
int oci_images(struct source *s, struct error *err) _must_check_;
int dir_images(struct source *s, struct error *err) _must_check_;
int archive_images(struct source *s, struct error *err) _must_check_;
/* One image with one layer named blob, and nothing known of it. */
int single_layer_image(struct source *s, const char *blob, uint64_t size,
		       struct error *err) _must_check_;

/* manifest.json as `docker save` writes it begins with '['; a web page's or an extension's with
 * '{'. */
bool docker_manifest_begins(const uint8_t *bytes, size_t n);

/* "docker-archive:app.tar:app:1.0"; suffix may be NULL. malloc'd, NULL where memory is short. */
char *source_name(const struct source *s, const char *suffix);
char *source_name_index(const struct source *s, size_t index); /* ...:@3 */

/* The layer's member, checked against the descriptor. */
int layer_find(struct source *s, const struct source_layer *layer, struct stored *out,
	       struct error *err) _must_check_;

/* Says that the image is for another platform than the one looked for. */
void source_note_platform(struct source *s, const struct source_image *img);

void source_image_done(struct source_image *img);
/* Copies a name into img->names unless it stands there. */
int source_image_name(struct source_image *img, const char *name, struct error *err) _must_check_;
/* Takes the image over (zeroed) on success. */
int source_add_image(struct source *s, struct source_image *img, struct error *err) _must_check_;

/* Calls fn with a stream that it may close or not; inner stays the caller's. */
int source_lend(source_blob_fn *fn, void *ctx, const char *blob, uint64_t size,
		struct stream *inner, struct error *err) _must_check_;
