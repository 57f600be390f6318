/* The images that an engine keeps on this host, read from its own files: dockerd's image store
 * (overlay2, vfs, fuse-overlayfs), containers/storage (root and rootless). Nothing is mounted,
 * written or locked. containerd's store is no other than an OCI layout's: containerd.h finds names
 * in it.
 *
 * One file a store (storage-docker.c, storage-containers.c) and one row of a table in storage.c.
 */
#pragma once

#include "oci/descriptor.h"
#include "storage/tar-split.h"

enum storage_kind { STORAGE_DOCKER, STORAGE_CONTAINERS };

struct storage_options {
	const char *root;   /* of the store ("/var/lib/docker"), or NULL: the engine's own, by its
			     * settings and by who calls */
	const char *driver; /* "overlay2", or NULL: the one that is there */
	const struct limits *limits;
	struct notes *notes;
};

/* A layer as the store keeps it. Strings are owned by the storage_image. */
struct storage_layer {
	struct oci_digest diff_id;
	struct oci_digest digest; /* of the compressed blob where the store knows it, else "" */
	uint64_t size;		  /* of that blob, or UINT64_MAX */
	char *tar_split;	  /* path, or NULL: none kept (a squashed or committed layer) */
	char *diff;		  /* path of the layer's directory, or NULL */
	uint64_t split_size;	  /* bytes of the tar-split file, 0 where not known */
};

struct storage_image {
	char *id;     /* config digest's text */
	char **names; /* "docker.io/library/app:1.0" */
	size_t name_count;
	uint8_t *config,
		*manifest; /* bytes as stored, verified; manifest NULL where none is kept */
	size_t config_len, manifest_len;
	struct storage_layer *layers;
	size_t layer_count;
};

struct storage;

/* ERR_NOT_FOUND where there is no such store, ERR_DENIED (errno EACCES) where this process may not
 * read it: callers then ask the engine itself. */
int storage_open(struct storage **out, enum storage_kind kind, const struct storage_options *opts,
		 struct error *err) _must_check_;
void storage_close(struct storage *s);
DEFINE_CLEANUP(struct storage, storage_close)

/* An image by familiar name, full name, digest, or id (a unique prefix of at least 4 hex digits
 * too, with or without "sha256:"). 0 with *out (owned: storage_image_free), 1 where there is none,
 * ERR_USAGE where a prefix means several. */
int storage_find(struct storage *s, const char *name, struct storage_image *out,
		 struct error *err) _must_check_;
void storage_image_free(struct storage_image *img);

/* The layer's tar, by tar-split. ERR_NOT_FOUND where no tar-split is kept. Any thread. */
/* ERR_NOT_FOUND where no tar-split is kept. */
int storage_layer_open(struct storage *s, const struct storage_layer *layer, struct stream **out,
		       struct error *err) _must_check_;
const char *storage_root(const struct storage *s);
