/* A directory of this test's own, with files written into it; and an environment without surprises.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[64];

static inline void tree_clear_environment(void)
{
	static const char *const names[] = { "CONTAINERS_REGISTRIES_CONF",
					     "REGISTRIES_CONFIG_PATH",
					     "REGISTRY_AUTH_FILE",
					     "DOCKER_AUTH_CONFIG",
					     "DOCKER_CONFIG",
					     "XDG_RUNTIME_DIR",
					     "XDG_CONFIG_HOME",
					     "XDG_CACHE_HOME" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	setenv("HOME", "/home/me", 1);
}

/* cmocka's setup: a new tree for each test. */
static inline int tree_make(void **state)
{
	(void)state;
	tree_clear_environment();
	strcpy(tree_root, "/tmp/uidfit-registry-XXXXXX");
	return mkdtemp(tree_root) ? 0 : -1;
}

static inline int tree_remove(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", tree_root);
	return system(command);
}

/* path begins with a slash; directories on the way are made. */
static inline void tree_write(const char *path, const char *text, mode_t mode)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", tree_root, path);
	for (char *p = full + strlen(tree_root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(full, 0755);
	}
	f = fopen(full, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) || chmod(full, mode))
		abort();
}
