/* Where containers/storage keeps its images by the settings: containers-storage.conf(5). */
#pragma once

#include "base/error.h"

/* Strings are owned. */
struct conf {
	char *root;   /* graphroot, or where it is when nobody says */
	char *driver; /* or NULL */
	char **more;  /* imagestore and additionalimagestores */
	size_t more_count;
};

/* Reads $CONTAINERS_STORAGE_CONF, else (for who is not root, and within `podman unshare`)
 * $XDG_CONFIG_HOME/containers/storage.conf, else /etc/containers/storage.conf, else
 * /usr/share/containers/storage.conf; STORAGE_DRIVER overrides. ERR_BAD_INPUT for a file that is
 * broken. */
int conf_read(struct conf *out, struct error *err) _must_check_;
void conf_done(struct conf *c);
