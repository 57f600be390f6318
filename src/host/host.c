#include "host/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"

static void free_accounts(struct host *h)
{
	for (int kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < h->account_count[kind]; i++)
			free(h->accounts[kind][i].name);
		free(h->accounts[kind]);
		subid_file_free(&h->subid[kind]);
		free(h->helpers[kind].path);
	}
}

void host_free(struct host *h)
{
	struct host_podman *p = &h->podman;
	char *const texts[] = {
		h->root,	   h->nsswitch,	  h->docker.unread,	  h->docker.remap,
		h->kernel.release, p->path,	  p->ignore_chown_errors, p->remap_uids,
		p->remap_gids,	   p->remap_user, p->auto_user,		  p->auto_min,
		p->auto_max
	};

	free_accounts(h);
	host_user_free(&h->user);
	host_user_free(&h->docker.user);
	host_user_free(&p->auto_owner);
	idmap_pair_free(&h->process.map);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	*h = (struct host){ 0 };
}

static int find_root(struct host *h, const char *root, struct error *err)
{
	size_t n = root ? strlen(root) : 0;
	struct stat st;

	while (n && root[n - 1] == '/')
		n--;
	h->root = strndup(root ? root : "", n);
	if (!h->root)
		return err_nomem(err);
	if (n && (stat(h->root, &st) < 0 || !S_ISDIR(st.st_mode)))
		return err_fail(err, ERR_NOT_FOUND, 0, "--root %s: no such directory", root);
	return 0;
}

static int find_user(struct host *h, const char *text, struct error *err)
{
	char number[16];
	char shown[80];
	int r;

	/* Below another root nobody calls: its root does. */
	snprintf(number, sizeof(number), "%u", h->root[0] ? 0 : (unsigned)geteuid());
	r = host_user_find(&h->user, h->root, text ? text : number, err);
	if (r == 1 && !h->user.has_uid)
		return err_fail(err, ERR_USAGE, 0, "--user %s: no such user",
				err_text(shown, sizeof(shown), text, strlen(text)));
	return r < 0 ? r : host_user_spans(&h->user, h, err);
}

/* nsswitch.conf: "subid: sss" sends newuidmap elsewhere, and the files then are not read. */
static int find_nsswitch(struct host *h, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	const char *p, *line;
	size_t n;
	int r = host_read(&text, h->root, "/etc/nsswitch.conf", err);

	p = buf_str(&text);
	while (r == 0 && host_line(&p, &line, &n)) {
		size_t at = strspn(line, " \t"), end;

		if (n < at + 6 || strncmp(line + at, "subid:", 6) != 0)
			continue;
		at += 6 + strspn(line + at + 6, " \t");
		end = at < n ? at + strcspn(line + at, " \t\r\n#") : at;
		free(h->nsswitch);
		h->nsswitch = strndup(line + at, end - at);
		if (!h->nsswitch)
			return err_nomem(err);
	}
	return r < 0 ? r : 0;
}

int host_look(struct host *out, const struct host_options *options, struct error *err)
{
	static int (*const looks[])(struct host * h, struct error * err) = {
		host_docker_look, host_podman_look,  host_helpers_look,
		host_kernel_look, host_process_look, host_accounts,
	};
	struct host h = { 0 };
	int r = find_root(&h, options->root, err);

	if (r == 0)
		r = find_nsswitch(&h, err);
	if (r == 0)
		r = subid_file_load(&h.subid[SUBID_UID], h.root, "/etc/subuid", err);
	if (r == 0)
		r = subid_file_load(&h.subid[SUBID_GID], h.root, "/etc/subgid", err);
	if (r == 0)
		r = find_user(&h, options->user, err);
	for (size_t i = 0; i < ARRAY_SIZE(looks) && r == 0; i++)
		r = looks[i](&h, err);
	if (r < 0) {
		host_free(&h);
		return r;
	}
	*out = h;
	return 0;
}
