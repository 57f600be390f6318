/* dockerd's own settings: /etc/docker/daemon.json. */
#include "host/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "oci/json.h"

static int read_settings(struct host_docker *d, const struct buf *text, struct error *err)
{
	json_t *json = NULL, *features = NULL;
	const char *remap = NULL;
	int r = oci_json_parse(&json, text->data, text->len, "daemon.json", err);

	if (r >= 0)
		r = oci_json_string(json, "userns-remap", &remap, err);
	if (r >= 0)
		r = oci_json_object(json, "features", &features, err);
	if (r >= 0 && features)
		r = oci_json_bool(features, "containerd-snapshotter", &d->snapshotter, err);
	if (r >= 0 && remap) {
		d->remap = strdup(remap);
		r = d->remap ? 0 : err_nomem(err);
	}
	json_decref(json);
	return r < 0 ? r : 0;
}

/* "default", "USER", "UID", each with ":GROUP" behind, which has changed nothing since 20.10 but
 * what the daemon shows (moby 7ad0da7051). */
static int find_owner(struct host *h, struct error *err)
{
	struct host_docker *d = &h->docker;
	_cleanup_(freep) char *owner = strndup(d->remap, strcspn(d->remap, ":"));
	int r;

	if (!owner)
		return err_nomem(err);
	d->remap_off = !owner[0] || strcmp(owner, "root") == 0 || strcmp(owner, "0") == 0;
	if (d->remap_off)
		return 0;
	r = host_user_find(&d->user, h->root, strcmp(owner, "default") == 0 ? "dockremap" : owner,
			   err);
	return r < 0 ? r : host_user_spans(&d->user, h, err);
}

int host_docker_look(struct host *h, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = host_read(&text, h->root, "/etc/docker/daemon.json", err);

	if (r == 1)
		return 0;
	h->docker.exists = true;
	if (r == 0)
		r = read_settings(&h->docker, &text, err);
	/* Only root may read it on some hosts: the rest can be told without. */
	if (r < 0 && err->code != ERR_NOMEM) {
		h->docker.unread = strdup(err->msg);
		return h->docker.unread ? 0 : err_nomem(err);
	}
	if (r < 0 || !h->docker.remap)
		return r < 0 ? r : 0;
	return find_owner(h, err);
}
