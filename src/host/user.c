/* Who is who: passwd, by NSS on this host, else by the file. */
#include "host/internal.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"

#define ACCOUNTS_MAX 100000u

void host_user_free(struct host_user *u)
{
	for (int i = 0; i < 2; i++) {
		subid_spans_free(&u->file[i]);
		subid_spans_free(&u->nss[i]);
	}
	free(u->name);
	free(u->home);
	*u = (struct host_user){ 0 };
}

const struct subid_spans *host_spans(const struct host_user *u, enum subid_kind kind)
{
	return u->asked ? &u->nss[kind] : &u->file[kind];
}

/* The i-th field of a line; false where it has fewer. */
static bool field(const char *line, size_t n, int i, const char **out, size_t *len)
{
	const char *end = line + n, *colon;

	for (;; i--) {
		colon = memchr(line, ':', (size_t)(end - line));
		*out = line;
		*len = (size_t)((colon ? colon : end) - line);
		if (!i || !colon)
			return !i;
		line = colon + 1;
	}
}

static int keep(struct host_user *out, const char *line, size_t n, struct error *err)
{
	const char *text;
	size_t len;

	if (!field(line, n, 3, &text, &len) || !num_u32(text, len, &out->gid))
		out->gid = out->uid;
	if (field(line, n, 5, &text, &len))
		out->home = strndup(text, len);
	field(line, n, 0, &text, &len);
	out->name = strndup(text, len);
	out->known = true;
	return out->name ? 0 : err_nomem(err);
}

static int find_in_file(struct host_user *out, const char *root, const char *text, bool is_number,
			struct error *err)
{
	_cleanup_(buf_freep) struct buf file = { 0 };
	const char *p, *line, *value;
	size_t n, len;
	int r = host_read(&file, root, "/etc/passwd", err);

	if (r)
		return r;
	p = buf_str(&file);
	while (host_line(&p, &line, &n)) {
		uint32_t uid;

		if (!field(line, n, 2, &value, &len) || !num_u32(value, len, &uid))
			continue;
		if (is_number ? uid != out->uid
			      : !field(line, n, 0, &value, &len) || len != strlen(text) ||
					memcmp(value, text, len) != 0)
			continue;
		out->uid = uid;
		return keep(out, line, n, err);
	}
	return 1;
}

static int find_by_nss(struct host_user *out, const char *text, bool is_number, struct error *err)
{
	struct passwd *p = is_number ? getpwuid(out->uid) : getpwnam(text);

	if (!p)
		return 1;
	out->uid = p->pw_uid;
	out->gid = p->pw_gid;
	out->name = strdup(p->pw_name);
	out->home = strdup(p->pw_dir ? p->pw_dir : "");
	out->known = true;
	return out->name && out->home ? 0 : err_nomem(err);
}

int host_user_find(struct host_user *out, const char *root, const char *text, struct error *err)
{
	bool is_number = num_u32(text, strlen(text), &out->uid);
	int r;

	r = root[0] ? find_in_file(out, root, text, is_number, err)
		    : find_by_nss(out, text, is_number, err);
	out->has_uid = r == 0 || is_number;
	if (r == 1 && is_number)
		out->gid = out->uid;
	if (r != 1)
		return r;
	out->name = strdup(text);
	return out->name ? 1 : err_nomem(err);
}

int host_user_spans(struct host_user *u, const struct host *h, struct error *err)
{
	for (int kind = 0; kind < 2; kind++) {
		/* A name that nobody has may own lines all the same ("containers"), a number not
		 * his. */
		uint32_t uid = u->has_uid ? u->uid : ID_INVALID;
		int r = subid_of(&u->file[kind], &h->subid[kind], u->name, uid, err);

		if (r < 0)
			return r;
		if (h->root[0])
			continue;
		r = subid_ask(&u->nss[kind], u->name, (enum subid_kind)kind, err);
		if (r < 0)
			return r;
		u->asked = r == 0;
		if (!u->asked)
			break;
	}
	return 0;
}

static int accounts(struct host *h, int kind, const char *path, struct error *err)
{
	_cleanup_(buf_freep) struct buf file = { 0 };
	const char *p, *line, *value;
	size_t n, len, cap = 0;
	int r = host_read(&file, h->root, path, err);

	p = buf_str(&file);
	while (r == 0 && host_line(&p, &line, &n)) {
		struct host_account a, *more;

		if (!field(line, n, 2, &value, &len) || !num_u32(value, len, &a.id))
			continue;
		if (h->account_count[kind] == ACCOUNTS_MAX)
			break;
		if (h->account_count[kind] == cap) {
			cap = cap ? cap * 2 : 64;
			more = reallocarray(h->accounts[kind], cap, sizeof(*more));
			if (!more)
				return err_nomem(err);
			h->accounts[kind] = more;
		}
		field(line, n, 0, &value, &len);
		a.name = strndup(value, len);
		if (!a.name)
			return err_nomem(err);
		h->accounts[kind][h->account_count[kind]++] = a;
	}
	return r < 0 ? r : 0;
}

int host_accounts(struct host *h, struct error *err)
{
	int r = accounts(h, SUBID_UID, "/etc/passwd", err);

	return r < 0 ? r : accounts(h, SUBID_GID, "/etc/group", err);
}
