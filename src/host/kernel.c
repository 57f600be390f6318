/* The kernel's limits, the helpers that write maps for ordinary users, and this process's own map.
 */
#include "host/internal.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/macro.h"
#include "base/num.h"
#include "idmap/notation.h"

#define CAP_SETGID_BIT 6 /* linux/capability.h */
#define CAP_SETUID_BIT 7

static int number(long long *out, const struct host *h, const char *path, struct error *err)
{
	int r;

	*out = -1;
	r = host_read_number(out, h->root, path, err);
	return r < 0 ? r : 0;
}

static int exists(bool *out, const struct host *h, const char *path, struct error *err)
{
	_cleanup_(buf_freep) struct buf full = { 0 };
	int r = host_path(&full, h->root, path, err);

	if (r == 0)
		*out = access(buf_str(&full), F_OK) == 0;
	return r;
}

static int release(struct host *h, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = host_read(&text, h->root, "/proc/sys/kernel/osrelease", err);

	if (r)
		return r < 0 ? r : 0;
	h->kernel.release = strndup(buf_str(&text), strcspn(buf_str(&text), "\n"));
	return h->kernel.release ? 0 : err_nomem(err);
}

int host_kernel_look(struct host *h, struct error *err)
{
	struct host_kernel *k = &h->kernel;
	int r = release(h, err);

	if (r == 0)
		r = exists(&k->has_userns, h, "/proc/self/uid_map", err);
	if (r == 0)
		r = number(&k->max_user_namespaces, h, "/proc/sys/user/max_user_namespaces", err);
	if (r == 0)
		r = number(&k->unprivileged_clone, h, "/proc/sys/kernel/unprivileged_userns_clone",
			   err);
	if (r == 0)
		r = number(&k->apparmor_restrict, h,
			   "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", err);
	return r;
}

static int one_map(struct idmap_pair *out, const struct host *h, const char *path,
		   enum idmap_which which, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = host_read(&text, h->root, path, err);

	/* An empty map is that of a namespace to which nobody has written one yet. */
	if (r || !buf_str(&text)[strspn(buf_str(&text), " \n")])
		return r < 0 ? r : 0;
	r = idmap_parse(out, buf_str(&text), which, err);
	return r < 0 ? err_wrap(err, "%s", path) : 0;
}

static bool is_all(const struct idmap *m)
{
	return m->count == 1 && !m->extents[0].container && m->extents[0].count == ID_INVALID;
}

int host_process_look(struct host *h, struct error *err)
{
	_cleanup_(buf_freep) struct buf setgroups = { 0 };
	struct host_process *p = &h->process;
	int r = one_map(&p->map, h, "/proc/self/uid_map", IDMAP_UID, err);

	if (r == 0)
		r = one_map(&p->map, h, "/proc/self/gid_map", IDMAP_GID, err);
	if (r == 0)
		r = host_read(&setgroups, h->root, "/proc/self/setgroups", err);
	if (r < 0)
		return r;
	p->uid = geteuid();
	p->gid = getegid();
	p->nested = h->kernel.has_userns && (!is_all(&p->map.uid) || !is_all(&p->map.gid));
	p->setgroups_denied = strncmp(buf_str(&setgroups), "deny", 4) == 0;
	p->no_new_privs = !h->root[0] && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	return 0;
}

/* struct vfs_cap_data: a revision word, then the permitted bits (linux/capability.h). */
static bool has_capability(const char *path, unsigned bit)
{
	uint32_t words[6];
	ssize_t n = getxattr(path, "security.capability", words, sizeof(words));

	return n >= 12 && le32toh(words[1]) >> bit & 1;
}

/* The first of that name, as a shell finds it. Below another root its owner stands for root, so
 * that a tree need not be root's to be looked at. */
static int helper(struct host_helper *out, const struct host *h, const char *name, unsigned bit,
		  struct error *err)
{
	static const char usual[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
	const char *path = h->root[0] ? NULL : getenv("PATH");
	struct stat root = { 0 }, st;
	struct statvfs fs;

	out->name = name;
	if (h->root[0] && stat(h->root, &root) < 0)
		return err_fail(err, ERR_IO, errno, "stat '%s'", h->root);
	for (const char *p = path && *path ? path : usual; *p && !out->path;) {
		_cleanup_(buf_freep) struct buf full = { 0 };
		size_t n = strcspn(p, ":");

		if (buf_printf(&full, "%s%.*s/%s", h->root, (int)n, p, name) < 0)
			return err_nomem(err);
		p += n + (p[n] == ':');
		if (!n || stat(buf_str(&full), &st) < 0 || !S_ISREG(st.st_mode) ||
		    !(st.st_mode & 0111))
			continue;
		out->path = strdup(buf_str(&full) + strlen(h->root));
		if (!out->path)
			return err_nomem(err);
		out->setuid = st.st_mode & S_ISUID && st.st_uid == root.st_uid;
		out->capable = has_capability(buf_str(&full), bit);
		out->nosuid =
			!h->root[0] && statvfs(buf_str(&full), &fs) == 0 && fs.f_flag & ST_NOSUID;
	}
	return 0;
}

int host_helpers_look(struct host *h, struct error *err)
{
	int r = helper(&h->helpers[SUBID_UID], h, "newuidmap", CAP_SETUID_BIT, err);

	return r < 0 ? r : helper(&h->helpers[SUBID_GID], h, "newgidmap", CAP_SETGID_BIT, err);
}
