#include "base/cache-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h> /* limits.h is our own in this folder */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FOLDER "uidfit"

void cache_folder_distrust(struct notes *notes, const char *path, const char *why)
{
	char shown[300];

	notes_add(notes, "the cache in %s is not used: %s",
		  err_text(shown, sizeof(shown), path, strlen(path)), why);
}

/* NULL, or why whoever is not us could have written it. */
const char *cache_folder_why_not(const struct stat *s)
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
		cache_folder_distrust(notes, base, "the folder above belongs to another user");
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
		cache_folder_distrust(notes, shown, "it is no folder");
		return -1;
	}
	if (errno != ENOENT || fstat(base, &above) < 0)
		return -1;
	if (above.st_uid != geteuid()) {
		cache_folder_distrust(notes, shown, "the folder above belongs to another user");
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

int cache_folder_open(const char *folder, struct notes *notes)
{
	char base[PATH_MAX], shown[PATH_MAX + sizeof(FOLDER) + 1];
	_cleanup_(closep) int above = -1;
	const char *why;
	struct stat s;
	int fd = -1;

	if (folder) {
		snprintf(shown, sizeof(shown), "%s", folder);
		fd = open_folder(AT_FDCWD, folder, shown, notes);
	} else {
		if (!find_folder(base, sizeof(base)))
			return -1;
		snprintf(shown, sizeof(shown), "%s/" FOLDER, base);
		above = open_base(base, notes);
		if (above >= 0)
			fd = open_folder(above, FOLDER, shown, notes);
	}
	if (fd < 0)
		return -1;
	why = fstat(fd, &s) < 0 ? "it cannot be looked at" : cache_folder_why_not(&s);
	if (!why)
		return fd;
	cache_folder_distrust(notes, shown, why);
	close(fd);
	return -1;
}
