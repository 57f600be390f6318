/* containers-storage:[[DRIVER@]ROOT[+RUN-ROOT][:OPTIONS]]REF, with the outer brackets as typed
 * (containers-transports(5)); without them, the store that the settings name. */
#include <string.h>

#include "source/internal.h"

/* What stands between the brackets. Strings are owned. */
struct place {
	char *driver, *root;
};

static void place_done(struct place *p)
{
	free(p->driver);
	free(p->root);
}

static int place_parse(struct place *p, const char *text, size_t n, struct error *err)
{
	const char *at = memchr(text, '@', n), *root = at ? at + 1 : text;
	size_t left = n - (size_t)(root - text);
	size_t len = 0;

	while (len < left && root[len] != '+' && root[len] != ':')
		len++;
	if (root[0] != '/' || !len)
		return err_fail(err, ERR_USAGE, 0,
				"containers-storage: wants [DRIVER@/ROOT+/RUN-ROOT]NAME");
	p->root = strndup(root, len);
	if (!p->root || (at && !(p->driver = strndup(text, (size_t)(at - text)))))
		return err_nomem(err);
	return 0;
}

int containers_storage_open(struct source *s, struct error *err)
{
	_cleanup_(place_done) struct place place = { 0 };
	const char *name = s->path, *close = strchr(s->path, ']');
	struct storage_options opts = { .limits = s->limits, .notes = s->notes };
	int r = 0;

	if (name[0] == '[') {
		if (!close)
			return err_fail(err, ERR_USAGE, 0, "containers-storage: a '[' without ']'");
		r = place_parse(&place, name + 1, (size_t)(close - name) - 1, err);
		name = close + 1;
	}
	if (r == 0 && !*name)
		r = err_fail(err, ERR_USAGE, 0, "containers-storage: no image was named");
	if (r < 0)
		return r;
	opts.root = place.root;
	opts.driver = place.driver && place.driver[0] ? place.driver : NULL;
	s->ref_name = strdup(name);
	if (!s->ref_name)
		return err_nomem(err);
	s->read_images = kept_images;
	s->open_layer = kept_layer_open;
	s->headers = kept_layer_headers;
	return storage_open(&s->storage, STORAGE_CONTAINERS, &opts, err);
}
