/* The folder of the cache, and whether it may be believed. Private to this folder.
 *
 * Whoever can write the file, or its folder, can say what an image holds. So both belong to the
 * effective user, and nobody else may write them. The folder is held by a descriptor from the check
 * on, and the file is opened beneath that: no name is looked up twice.
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

/* folder NULL: XDG_CACHE_HOME/uidfit, else HOME/.cache/uidfit; made where it is missing, in a
 * folder of our own alone. True with place->dir open. False where it cannot be made (silently: then
 * there was none) or is not to be trusted (a note). */
bool cache_place_open(struct cache_place *p, const char *folder, struct notes *notes);
void cache_place_close(struct cache_place *p);

/* The same of the file; it may be missing. Notes dev and ino. */
bool cache_place_file(struct cache_place *p, struct notes *notes);

/* Removes the file that was looked at last, unless another process has replaced it meanwhile. */
void cache_place_remove(const struct cache_place *p);
