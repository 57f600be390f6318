/* The file of the cache, in a folder that may be believed (base/cache-folder.h), and whether it may
 * be believed itself. Private to this folder. It is opened beneath the folder's descriptor: no name
 * is looked up twice.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/notes.h"

#define CACHE_FILE "layers.db"

struct cache_place {
	int dir;       /* -1: none */
	char name[64]; /* of the file, through /proc/self/fd */
	dev_t dev;     /* of the file when it was looked at last; ino 0: it was not there */
	ino_t ino;
};

/* folder as of cache_folder_open(). True with place->dir open, else false. */
bool cache_place_open(struct cache_place *p, const char *folder, struct notes *notes);
void cache_place_close(struct cache_place *p);

/* The same of the file; it may be missing. Notes dev and ino. */
bool cache_place_file(struct cache_place *p, struct notes *notes);

/* Removes the file that was looked at last, unless another process has replaced it meanwhile. */
void cache_place_remove(const struct cache_place *p);
