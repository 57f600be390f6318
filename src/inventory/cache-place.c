#include "inventory/cache-place.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/cache-folder.h"
#include "base/macro.h"

#define LOCK_TRIES 20
#define LOCK_PAUSE 5000 /* microseconds */

bool cache_place_open(struct cache_place *p, const char *folder, struct notes *notes)
{
	char proc[40];

	p->dir = cache_folder_open(folder, notes);
	if (p->dir < 0)
		return false;
	/* Without /proc there is no way to a file beneath a descriptor that SQLite takes. */
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", p->dir);
	if (access(proc, F_OK) < 0) {
		cache_place_close(p);
		return false;
	}
	snprintf(p->name, sizeof(p->name), "%s/" CACHE_FILE, proc);
	return true;
}

void cache_place_close(struct cache_place *p)
{
	if (p->dir >= 0)
		close(p->dir);
	p->dir = -1;
}

bool cache_place_file(struct cache_place *p, struct notes *notes)
{
	const char *why;
	struct stat s;

	p->ino = 0;
	if (fstatat(p->dir, CACHE_FILE, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	why = cache_folder_why_not(&s);
	if (!S_ISREG(s.st_mode))
		why = "it is no regular file";
	else if (s.st_nlink != 1)
		why = "it has another name too";
	if (why)
		cache_folder_distrust(notes, CACHE_FILE, why);
	p->dev = s.st_dev;
	p->ino = s.st_ino;
	return !why;
}

/* Of two processes that find the file damaged, the second must not remove what the first has made
 * anew. The journal goes first: it would be played back into the new file. */
void cache_place_remove(const struct cache_place *p)
{
	static const char *const names[] = { CACHE_FILE "-journal", CACHE_FILE "-wal",
					     CACHE_FILE "-shm", CACHE_FILE };
	struct stat s;
	int r = -1;

	for (int i = 0;
	     i < LOCK_TRIES && (r = flock(p->dir, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK;
	     i++)
		usleep(LOCK_PAUSE);
	/* A file system that has no such locks: then without. */
	if (r < 0 && errno == EWOULDBLOCK)
		return;
	if (fstatat(p->dir, CACHE_FILE, &s, AT_SYMLINK_NOFOLLOW) == 0 && s.st_dev == p->dev &&
	    s.st_ino == p->ino)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			unlinkat(p->dir, names[i], 0);
	if (r == 0)
		flock(p->dir, LOCK_UN);
}
