/* The folder of what is kept between runs, and whether it may be believed.
 *
 * Whoever can write it can say what an image holds. So it belongs to the effective user, and nobody
 * else may write it. It is held by a descriptor from the check on.
 */
#pragma once

#include <sys/stat.h>

#include "base/notes.h"

/* folder NULL: XDG_CACHE_HOME/uidfit, else HOME/.cache/uidfit; made (0700) where it is missing, in
 * a folder of our own alone. A descriptor, the caller's; -1 where it cannot be made (silently: then
 * there is none) or is not to be trusted (a note). */
int cache_folder_open(const char *folder, struct notes *notes);

/* NULL, or why whoever is not us could have written it. */
const char *cache_folder_why_not(const struct stat *s);

/* The note about it. */
void cache_folder_distrust(struct notes *notes, const char *path, const char *why);
