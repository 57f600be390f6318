#include "storage/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

void storage_place_done(struct storage_place *p)
{
	free(p->driver);
	free(p->root);
	free(p->run_root);
	*p = (struct storage_place){ 0 };
}

/* What stands between the brackets. */
static int parse(struct storage_place *p, const char *text, size_t n, struct error *err)
{
	const char *at = memchr(text, '@', n), *root = at ? at + 1 : text;
	size_t left = n - (size_t)(root - text);
	size_t len = 0, run = 0;

	while (len < left && root[len] != '+' && root[len] != ':')
		len++;
	if (len < left && root[len] == '+')
		while (len + 1 + run < left && root[len + 1 + run] != ':')
			run++;
	if (root[0] != '/' || !len || (run && root[len + 1] != '/'))
		return err_fail(err, ERR_USAGE, 0,
				"containers-storage: wants [DRIVER@/ROOT+/RUN-ROOT]NAME");
	p->root = strndup(root, len);
	if (!p->root || (run && !(p->run_root = strndup(root + len + 1, run))) ||
	    (at && at > text && !(p->driver = strndup(text, (size_t)(at - text)))))
		return err_nomem(err);
	return 0;
}

int storage_place_parse(struct storage_place *out, const char **name, const char *text,
			struct error *err)
{
	const char *close = strchr(text, ']');
	int r = 0;

	*out = (struct storage_place){ 0 };
	*name = text;
	if (text[0] == '[') {
		if (!close)
			return err_fail(err, ERR_USAGE, 0, "containers-storage: a '[' without ']'");
		r = parse(out, text + 1, (size_t)(close - text) - 1, err);
		*name = close + 1;
	}
	if (r == 0 && !**name)
		r = err_fail(err, ERR_USAGE, 0, "containers-storage: no image was named");
	return r;
}
