/* What the stores share; for the files of this folder alone. */
#pragma once

#include "base/buf.h"
#include "oci/image.h"
#include "storage/storage.h"

/* Bytes of a store's own tables: 20000 images with their names. */
#define STORE_TABLE_MAX (64u << 20)

struct storage_ops {
	/* Finds what is there of opts->root and opts->driver, and fills s. */
	int (*open)(struct storage *s, const struct storage_options *opts, struct error *err);
	int (*find)(struct storage *s, const char *name, struct storage_image *out,
		    struct error *err);
};

struct storage {
	const struct storage_ops *ops;
	const struct limits *limits;
	struct notes *notes;
	char *driver;
	/* Where images may be: the store itself, then others that it also reads. */
	char **roots;
	size_t root_count;
};

extern const struct storage_ops storage_docker, storage_containers;

/* Adds a directory to s->roots. */
int storage_add_root(struct storage *s, const char *path, struct error *err) _must_check_;

/* printf into a malloc'd text; NULL where memory is short. */
char *storage_path(const char *fmt, ...) _printf_(1, 2);

/* "BASE/REST": BASE is the variable's where it is absolute, else HOME/IN_HOME. */
char *storage_xdg(const char *variable, const char *in_home, const char *rest);

/* A whole file: 0 with *data (malloc'd, NUL behind it), 1 where there is none. ERR_DENIED where
 * this process may not read it, ERR_LIMIT past max. */
int storage_read(const char *path, size_t max, uint8_t **data, size_t *len,
		 struct error *err) _must_check_;

/* The same of a JSON document. *out is owned by the caller. */
int storage_read_json(const char *path, json_t **out, struct error *err) _must_check_;

/* The text of a one-line file without its newline, malloc'd; 1 where there is none. */
int storage_read_word(const char *path, char **out, struct error *err) _must_check_;

bool storage_is_dir(const char *path);

/* How an image is asked for. */
struct wanted {
	const char *text;
	char *full;	    /* "docker.io/library/app:1.0", "docker.io/library/app@sha256:..." */
	char *local;	    /* "localhost/app:1.0", where no host was given, or NULL */
	const char *hex;    /* what may be an id or its beginning, or NULL */
	size_t hex_len;	    /* 4 to 64 */
	const char *digest; /* of "NAME@sha256:...", or NULL */
};
int wanted_parse(struct wanted *w, const char *text, struct error *err) _must_check_;
void wanted_done(struct wanted *w);

/* Keeps the one image that a prefix means: called for each id, ERR_USAGE at a second. found is 65
 * bytes, "" before the first. */
int wanted_id(const struct wanted *w, const char *id, char found[65],
	      struct error *err) _must_check_;

int storage_image_name(struct storage_image *img, const char *name, struct error *err) _must_check_;

/* Reads the config at path, whose digest is digest's, into img; makes one layer a diff_id. */
int storage_image_config(struct storage *s, struct storage_image *img, const char *path,
			 const struct oci_digest *digest, struct error *err) _must_check_;

/* Path of a layer's directory in the driver's own, or NULL: this driver has none that can be read
 * without mounting. ERR_BAD_INPUT for an id that is no name. */
int storage_layer_dir(char **out, const char *root, const char *driver, const char *id,
		      struct error *err) _must_check_;
