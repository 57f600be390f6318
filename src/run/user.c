#include "run/user.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/limits.h"

#define FILE_MAX (4u << 20)

void run_user_free(struct run_user *u)
{
	exec_user_free(&u->who);
	free(u->home);
	u->home = NULL;
}

/* 0, or 1 where there is no such file. */
static int read_inside(struct buf *out, int root, const char *path, struct error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_(closep) int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	ssize_t n = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 1;
	while (fd >= 0 && out->len <= FILE_MAX) {
		if (buf_reserve(out, 65536) < 0)
			return err_nomem(err);
		n = read(fd, out->data + out->len, 65536);
		if (n <= 0)
			break;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	if (fd < 0 || n < 0)
		return err_fail(err, ERR_IO, errno, "read /%s of the container", path);
	if (out->len > FILE_MAX)
		return err_fail(err, ERR_LIMIT, 0, "/%s of the container is larger than 4 MiB",
				path);
	return 0;
}

static int load(struct accounts *a, struct buf *passwd, int root, struct error *err)
{
	const size_t max = (size_t)limits_default().v[LIMIT_ACCOUNTS];
	_cleanup_(buf_freep) struct buf group = { 0 };
	int r = read_inside(passwd, root, "etc/passwd", err);

	a->has_passwd = r == 0;
	a->passwd_layer = a->group_layer = -1;
	if (r == 0)
		r = accounts_parse(&a->users, &a->user_count, buf_str(passwd), passwd->len, false,
				   max, &a->passwd_unread, &a->passwd_refused, err);
	if (r < 0)
		return r;
	r = read_inside(&group, root, "etc/group", err);
	a->has_group = r == 0;
	if (r == 0)
		r = accounts_parse(&a->groups, &a->group_count, buf_str(&group), group.len, true,
				   max, &a->group_unread, &a->group_refused, err);
	return r < 0 ? r : 0;
}

/* The sixth field of the first line with that uid (passwd(5)). */
static int find_home(char **out, const struct accounts *a, const struct buf *passwd, int64_t uid,
		     struct error *err)
{
	const struct account *who = accounts_user_by_id(a, uid);
	const char *p = buf_str(passwd);

	if (!who)
		return 0;
	for (size_t line = 1; p && line < who->line; line++) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	for (int field = 1; p && field < 6; field++) {
		p += strcspn(p, ":\n");
		p = *p == ':' ? p + 1 : NULL;
	}
	if (!p || !strcspn(p, ":\n\r"))
		return 0;
	*out = strndup(p, strcspn(p, ":\n\r"));
	return *out ? 0 : err_nomem(err);
}

static int outside(const char *what, int64_t id, const char *user, const struct idmap *m,
		   struct error *err)
{
	_cleanup_(buf_freep) struct buf ranges = { 0 };
	char shown[100];

	if (idmap_print_ranges(m, &ranges) < 0)
		return err_nomem(err);
	return err_fail(err, ERR_DENIED, 0,
			"USER %s is the %s %lld, and the map holds %.200s: an engine says \"setup "
			"user: cannot set uid to unmapped user in user namespace\"",
			user[0] ? err_text(shown, sizeof(shown), user, strlen(user)) : "root", what,
			(long long)id, buf_str(&ranges));
}

static void keep_groups(struct exec_user *who, const struct idmap *m, bool groups,
			struct notes *notes)
{
	size_t kept = 0;

	for (size_t i = 0; i < who->group_count; i++) {
		if (groups && idmap_lookup(m, who->groups[i], NULL))
			who->groups[kept++] = who->groups[i];
		else
			notes_add(notes, "the supplementary group %lld is left out: %s",
				  (long long)who->groups[i],
				  groups ? "the map does not hold it"
					 : "setgroups(2) is denied in a namespace of one id");
	}
	who->group_count = kept;
}

int run_user_find(struct run_user *out, int root, const char *user, const struct idmap_pair *inside,
		  bool groups, struct notes *notes, struct error *err)
{
	struct run_user u = { 0 };
	_cleanup_(buf_freep) struct buf passwd = { 0 };
	struct accounts a = { 0 };
	int r = load(&a, &passwd, root, err);

	if (r == 0)
		r = exec_user_resolve(&u.who, &a, user, NULL, 0, err);
	if (r == 0 && u.who.error)
		r = err_fail(err, ERR_NOT_FOUND, 0, "%s", u.who.error);
	if (r == 0 && !idmap_lookup(&inside->uid, u.who.uid, NULL))
		r = outside("user", u.who.uid, user, &inside->uid, err);
	if (r == 0 && !idmap_lookup(&inside->gid, u.who.gid, NULL))
		r = outside("group", u.who.gid, user, &inside->gid, err);
	if (r == 0)
		r = find_home(&u.home, &a, &passwd, u.who.uid, err);
	if (r == 0)
		keep_groups(&u.who, &inside->gid, groups, notes);
	accounts_free(&a);
	if (r < 0)
		run_user_free(&u);
	else
		*out = u;
	return r < 0 ? r : 0;
}
