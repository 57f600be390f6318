#include "inventory/cache-place.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/error.h"

#define FOLDER	   "uidfit"
#define LOCK_TRIES 20
#define LOCK_PAUSE 5000 /* microseconds */

static void note_distrust(struct notes *notes, const char *path, const char *why)
{
	char shown[300];

	notes_add(notes, "the cache in %s is not used: %s",
		  err_text(shown, sizeof(shown), path, strlen(path)), why);
}

/* NULL, or why whoever is not us could have written it. */
static const char *distrust(const struct stat *s)
{
	if (s->st_uid != geteuid())
		return "it belongs to another user";
	if (s->st_mode & (S_IWGRP | S_IWOTH))
		return "other users may write it";
	return NULL;
}

/* The folder above, made where it is missing (one level). Nothing is made in another user's: with
 * HOME kept, sudo's root would take the place of the user's own cache. */
static int open_base(const char *base, struct notes *notes)
{
	int fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat above;
	char parent[PATH_MAX];
	char *slash;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if ((size_t)snprintf(parent, sizeof(parent), "%s", base) >= sizeof(parent))
		return -1;
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return -1;
	*slash = '\0';
	if (stat(parent, &above) < 0)
		return -1;
	if (above.st_uid != geteuid()) {
		note_distrust(notes, base, "the folder above belongs to another user");
		return -1;
	}
	if (mkdir(base, 0700) < 0 && errno != EEXIST)
		return -1;
	return open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* dir/name as a folder, or -1. */
static int open_folder(int base, const char *name, const char *shown, struct notes *notes)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(base, name, flags);
	struct stat above;

	if (fd >= 0)
		return fd;
	if (errno == ELOOP || errno == ENOTDIR) {
		note_distrust(notes, shown, "it is no folder");
		return -1;
	}
	if (errno != ENOENT || fstat(base, &above) < 0)
		return -1;
	if (above.st_uid != geteuid()) {
		note_distrust(notes, shown, "the folder above belongs to another user");
		return -1;
	}
	if (mkdirat(base, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(base, name, flags);
}

/* "BASE/uidfit" of the environment. */
static bool find_folder(char *base, size_t size)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	/* XDG base directories: a relative path is invalid. */
	if (xdg && xdg[0] == '/')
		return (size_t)snprintf(base, size, "%s", xdg) < size;
	if (!home || home[0] != '/')
		return false;
	return (size_t)snprintf(base, size, "%s/.cache", home) < size;
}

bool cache_place_open(struct cache_place *p, const char *folder, struct notes *notes)
{
	char base[PATH_MAX], shown[PATH_MAX + sizeof(FOLDER) + 1];
	_cleanup_(closep) int above = -1;
	const char *why;
	struct stat s;

	p->dir = -1;
	if (folder) {
		snprintf(shown, sizeof(shown), "%s", folder);
		p->dir = open_folder(AT_FDCWD, folder, shown, notes);
	} else {
		if (!find_folder(base, sizeof(base)))
			return false;
		snprintf(shown, sizeof(shown), "%s/" FOLDER, base);
		above = open_base(base, notes);
		if (above >= 0)
			p->dir = open_folder(above, FOLDER, shown, notes);
	}
	if (p->dir < 0)
		return false;
	why = fstat(p->dir, &s) < 0 ? "it cannot be looked at" : distrust(&s);
	if (why)
		note_distrust(notes, shown, why);
	snprintf(p->name, sizeof(p->name), "/proc/self/fd/%d/" CACHE_FILE, p->dir);
	/* Without /proc there is no way to a file beneath a descriptor that SQLite takes. */
	if (!why) {
		char *slash = strrchr(p->name, '/');

		*slash = '\0';
		if (access(p->name, F_OK) < 0)
			why = "";
		*slash = '/';
	}
	if (why)
		cache_place_close(p);
	return !why;
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
	why = distrust(&s);
	if (!S_ISREG(s.st_mode))
		why = "it is no regular file";
	else if (s.st_nlink != 1)
		why = "it has another name too";
	if (why)
		note_distrust(notes, CACHE_FILE, why);
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
