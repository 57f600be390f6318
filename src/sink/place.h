/* A destination's name and the one beside it under which it is built: NAME.partial-XXXXXXXX.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct place {
	int parent;    /* the folder that it stands in */
	char *path;    /* as typed, for messages */
	char *name;    /* in parent */
	char *partial; /* in parent; "" before it is made and after it is gone */
	bool replace, directory;
};

/* ERR_USAGE for ".", ".." and "/"; ERR_NOT_FOUND without the folder; ERR_DENIED where it exists
 * and may not be replaced: see sink_open. */
int place_open(struct place *p, const char *path, bool directory, bool replace,
	       struct error *err) _must_check_;
/* Removes what is left under the partial name. */
void place_close(struct place *p);

/* Makes the partial file or directory; *fd is the caller's. Modes as the umask has them. */
int place_make(struct place *p, int *fd, struct error *err) _must_check_;

/* Gives the partial one its name, at once: what stood there before is gone after it. What was
 * written is synced already. */
int place_commit(struct place *p, struct error *err) _must_check_;

/* 0 where a directory holds an image and nothing else, so that it may be replaced; ERR_DENIED names
 * what else there is. */
int place_check_image(int dir, const char *path, struct error *err) _must_check_;
