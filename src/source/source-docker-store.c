/* docker-daemon: from the daemon's own store on this host, without the daemon. */
#include <string.h>

#include "source/internal.h"

int docker_store_open_at(struct source *s, const char *root, const char *driver, struct error *err)
{
	const struct storage_options opts = {
		.root = root, .driver = driver, .limits = s->limits, .notes = s->notes
	};

	free(s->ref_name);
	s->ref_name = strdup(s->path);
	if (!s->ref_name)
		return err_nomem(err);
	s->read_images = kept_images;
	s->open_layer = kept_layer_open;
	s->headers = kept_layer_headers;
	return storage_open(&s->storage, STORAGE_DOCKER, &opts, err);
}

/* Another daemon's images are not in this host's store. UIDFIT_DOCKER_ROOT names the directory of
 * one that daemon.json does not. */
int docker_store_open(struct source *s, struct error *err)
{
	const char *root = getenv("UIDFIT_DOCKER_ROOT"), *host = getenv("DOCKER_HOST");

	if (root && root[0])
		return docker_store_open_at(s, root, NULL, err);
	if (host && host[0] && strcmp(host, "unix:///var/run/docker.sock") != 0 &&
	    strcmp(host, "unix:///run/docker.sock") != 0)
		return err_fail(err, ERR_NOT_FOUND, 0,
				"DOCKER_HOST names a daemon whose store is not known here");
	return docker_store_open_at(s, NULL, NULL, err);
}
