/* containers-storage:[[DRIVER@]ROOT[+RUN-ROOT][:OPTIONS]]REF, with the outer brackets as typed
 * (containers-transports(5)); without them, the store that the settings name. */
#include <string.h>

#include "source/internal.h"
#include "storage/place.h"

int containers_storage_open(struct source *s, struct error *err)
{
	_cleanup_(storage_place_done) struct storage_place place = { 0 };
	const char *name;
	struct storage_options opts = { .limits = s->limits, .notes = s->notes };
	int r = storage_place_parse(&place, &name, s->path, err);

	if (r < 0)
		return r;
	opts.root = place.root;
	opts.driver = place.driver;
	free(s->ref_name);
	s->ref_name = strdup(name);
	if (!s->ref_name)
		return err_nomem(err);
	s->read_images = kept_images;
	s->open_layer = kept_layer_open;
	s->headers = kept_layer_headers;
	return storage_open(&s->storage, STORAGE_CONTAINERS, &opts, err);
}
