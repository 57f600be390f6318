/* A host's problems in words: one row a kind, with placeholders in braces.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report/host.h"

#define RANGE_COUNT  65536u
#define NESTED_FIRST 10000u /* below it stand the accounts of an image */

/* {file} {line} {who} {other} {other-line} {text} {a} {b} as in struct host_problem; {from} {to}
 * its span; {free} {free-to} the unused range; {own} the line's owner:start:count anew; {kind} uid
 * or gid; {g} "-g " for groups; {nss} the value of nsswitch.conf; {inside} a range inside this
 * namespace. */
static const struct {
	const char *say, *mend;
} words[HOST_PROBLEM_COUNT] = {
	[HOST_SUBID_MALFORMED] = { "{file} line {line} is not NAME:START:COUNT: {text}",
				   "sed -i '{line}s/^/#/' {file}" },
	[HOST_SUBID_EMPTY] = { "{file} line {line} gives {who} no id: its count is 0",
			       "sed -i '{line}s/^/#/' {file}" },
	[HOST_SUBID_OVERLAP] = { "{file} line {line} gives {who} ids ({from}-{to}) of line "
				 "{other-line}, {other}'s: each can touch the other's files",
				 "sed -i '{line}s/.*/{own}/' {file}" },
	[HOST_SUBID_TWICE] = { "{file} line {line} gives {who} ids that line {other-line} gives "
			       "already: the kernel refuses a map with an id twice",
			       "sed -i '{line}s/.*/{own}/' {file}" },
	[HOST_SUBID_OWN_ID] = { "{file} line {line} ({from}-{to}) holds {who}'s own id {a}: podman "
				"refuses it, and no map can have it twice",
				"sed -i '{line}s/.*/{own}/' {file}" },
	[HOST_SUBID_HOLDS] = { "{file} line {line} ({from}-{to}) holds {a}, which is {other}: "
			       "{who}'s containers can become that account",
			       "sed -i '{line}s/.*/{own}/' {file}" },
	[HOST_SUBID_MISSING] = { "{who} has no line in {file}", "echo '{own}' >> {file}" },
	[HOST_SUBID_SMALL] = { "{who} has {a} {kind}s from {file}: images want 65536 (nobody is "
			       "65534)",
			       "echo '{own}' >> {file}" },
	[HOST_SUBID_DIFFERS] = { "{file} and NSS (subid: {nss}) give {who} different ranges: "
				 "newuidmap and podman go by NSS, dockerd, crun and LXC by the "
				 "file",
				 "getsubids {g}{who}   # and write the same into {file}" },
	[HOST_SUBID_OUTSIDE] = { "{who}'s {from}-{to} of {file} is not inside one range of the "
				 "user namespace that this process lives in: newuidmap fails with "
				 "EPERM",
				 "sed -i '{line}s/.*/{who}:{inside}/' {file}" },
	[HOST_DOCKER_UNREAD] = { "{file} cannot be read: {text}",
				 "dockerd --validate --config-file {file}" },
	[HOST_DOCKER_REMAP_OFF] = { "{file}: userns-remap \"{text}\" maps root to itself, which "
				    "dockerd takes for no remapping",
				    "\"userns-remap\": \"default\"" },
	[HOST_DOCKER_NO_USER] = { "{file}: userns-remap names {who}, and there is no such user",
				  "useradd --system --no-create-home --shell /usr/sbin/nologin "
				  "{who}" },
	[HOST_DOCKER_SNAPSHOTTER] = { "{file}: userns-remap and the containerd snapshotter exclude "
				      "each other, dockerd 29 does not start",
				      "\"features\": {\"containerd-snapshotter\": false}" },
	[HOST_PODMAN_IGNORES] = { "{file} line {line}: ignore_chown_errors gives files whose owner "
				  "does not fit to the user, in silence",
				  "sed -i '{line}s/^/#/' {file}" },
	[HOST_PODMAN_AUTO_SIZES] = { "{file}: auto-userns-min-size {a} is above "
				     "auto-userns-max-size {b}",
				     "auto-userns-max-size = {a}" },
	[HOST_HELPER_MISSING] = { "{who} is not installed: a rootless engine then has one id",
				  "apt-get install uidmap   # elsewhere shadow-utils" },
	[HOST_HELPER_POWERLESS] = { "{file} is neither set-user-id root nor has it its capability",
				    "chmod u+s {file}" },
	[HOST_HELPER_NOSUID] = { "{file} stands on a nosuid mount, where its privilege is ignored",
				 "mount -o remount,suid \"$(findmnt -n -o TARGET -T {file})\"" },
	[HOST_NO_NEW_PRIVS] = { "this process has no_new_privs, so that newuidmap gains nothing",
				"no-new-privileges off (docker), allowPrivilegeEscalation: true "
				"(Kubernetes), NoNewPrivileges=no (systemd)" },
	[HOST_NO_USERNS] = { "the kernel has no user namespaces",
			     "boot a kernel with CONFIG_USER_NS=y" },
	[HOST_USERNS_MAX] = { "user.max_user_namespaces is 0: nobody can make a user namespace",
			      "sysctl -w user.max_user_namespaces=28633" },
	[HOST_USERNS_CLONE] = { "kernel.unprivileged_userns_clone is 0: only root can make a user "
				"namespace",
				"sysctl -w kernel.unprivileged_userns_clone=1" },
	[HOST_APPARMOR] = { "AppArmor lets only programs with a profile of their own use user "
			    "namespaces",
			    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
	[HOST_NESTED_SMALL] = { "this process lives in a user namespace that has {a} of the 65536 "
				"ids that images want",
				"give the outer container a larger map (uidfit suggest names it "
				"for each engine)" },
	[HOST_SETGROUPS] = { "setgroups is denied in this user namespace: programs that change "
			     "groups fail",
			     "make the namespace with newgidmap in place of unshare -r" },
};

static int escaped(struct buf *out, const char *s)
{
	return text_escape(out, s, strlen(s));
}

/* A range that the namespace has whole, above the ids of its image's accounts where it can be. */
static int inside(struct buf *out, const struct host *h, const struct host_problem *p)
{
	const struct idmap *m = p->side == SUBID_UID ? &h->process.map.uid : &h->process.map.gid;
	const struct idmap_extent *best = NULL;
	uint32_t first;

	for (size_t i = 0; i < m->count; i++)
		if (!best || m->extents[i].count > best->count)
			best = &m->extents[i];
	if (!best)
		return 0;
	first = best->container;
	if (first < NESTED_FIRST && first + best->count > 2 * NESTED_FIRST)
		first = NESTED_FIRST;
	else if (!first && best->count > 1)
		first = 1;
	return buf_printf(out, "%" PRIu32 ":%" PRIu32, first,
			  best->container + best->count - first);
}

static int number(struct buf *out, uint64_t v)
{
	return buf_printf(out, "%" PRIu64, v);
}

static bool is(const char *name, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(name, word, n) == 0;
}

static const char *text_of(const struct host *h, const struct host_problem *p, const char *name,
			   size_t n)
{
	if (is(name, n, "file"))
		return p->file;
	if (is(name, n, "who"))
		return p->who;
	if (is(name, n, "other"))
		return p->other;
	if (is(name, n, "text"))
		return p->text;
	if (is(name, n, "kind"))
		return p->side == SUBID_GID ? "gid" : "uid";
	if (is(name, n, "g"))
		return p->side == SUBID_GID ? "-g " : "";
	if (is(name, n, "nss"))
		return h->nsswitch ? h->nsswitch : "files";
	return NULL;
}

static int placeholder(struct buf *out, const struct host *h, const struct host_problem *p,
		       const char *name, size_t n)
{
	const char *text = text_of(h, p, name, n);

	if (text)
		return escaped(out, text);
	if (is(name, n, "line"))
		return number(out, p->line);
	if (is(name, n, "other-line"))
		return number(out, p->other_line);
	if (is(name, n, "a"))
		return number(out, p->a);
	if (is(name, n, "b"))
		return number(out, p->b);
	if (is(name, n, "from"))
		return number(out, p->span.start);
	if (is(name, n, "to"))
		return number(out, (uint64_t)p->span.start + p->span.count - 1);
	if (is(name, n, "own"))
		return buf_printf(out, "%s:%" PRIu32 ":%u", p->who ? p->who : "", p->free,
				  RANGE_COUNT);
	if (is(name, n, "inside"))
		return inside(out, h, p);
	return 0;
}

static int expand(struct buf *out, const struct host *h, const struct host_problem *p,
		  const char *s, struct error *err)
{
	int r = 0;

	while (*s && r >= 0) {
		size_t plain = strcspn(s, "{"), n;

		r = buf_append(out, s, plain);
		s += plain;
		n = *s ? strspn(s + 1, "abcdefghijklmnopqrstuvwxyz-") : 0;
		if (r < 0 || !*s)
			break;
		if (!n || s[n + 1] != '}') {
			r = buf_append(out, s++, 1);
			continue;
		}
		r = placeholder(out, h, p, s + 1, n);
		s += n + 2;
	}
	return r < 0 ? err_nomem(err) : 0;
}

/* What a shell and sed take as it stands, within single quotes or without. */
static bool is_plain(const char *name)
{
	for (const char *p = name ? name : ""; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._@+-", *p))
			return false;
	return true;
}

int host_problem_say(struct buf *out, const struct host *h, const struct host_problem *p,
		     struct error *err)
{
	if (p->kind == HOST_DOCKER_NO_USER && p->note)
		return expand(out, h, p,
			      "{file}: the user {who} is not there yet; dockerd makes it, with its "
			      "ranges, when it starts",
			      err);
	return expand(out, h, p, words[p->kind].say, err);
}

int host_problem_mend(struct buf *out, const struct host *h, const struct host_problem *p,
		      struct error *err)
{
	const char *mend = words[p->kind].mend;

	if (strstr(mend, "{own}") && !p->free)
		return 0;
	if ((strstr(mend, "{who}") || strstr(mend, "{own}")) && !is_plain(p->who))
		return 0;
	if ((p->kind == HOST_DOCKER_NO_USER && p->note) ||
	    (p->kind == HOST_SUBID_OUTSIDE && !p->line))
		return 0;
	return expand(out, h, p, mend, err);
}

const char *host_map_words(enum host_map_kind kind)
{
	static const char *const texts[] = {
		[HOST_MAP_NESTED] = "the map of the user namespace that this process lives in",
		[HOST_MAP_ROOTLESS] = "the rootless map of the user: 0, then the subordinate ids",
		[HOST_MAP_SINGLE] = "id 0 alone: the user has no subordinate ids",
		[HOST_MAP_DOCKER] = "dockerd's userns-remap, of daemon.json",
		[HOST_MAP_ALL] = "every id: this process is root, and dockerd remaps nobody",
	};

	return texts[kind];
}
