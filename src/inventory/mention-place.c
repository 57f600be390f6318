/* Where files lie that mention ids, and how they are written. */
#include <string.h>

#include "base/macro.h"
#include "inventory/mention.h"
#include "inventory/path.h"

#define UNDER(path) path, sizeof(path) - 1

static const char units[] = ".service\0.socket\0.mount\0.timer\0.conf\0";

/* A path below under (that ends in a slash), or under itself; endings, each with its NUL, none
 * takes all. */
struct place {
	const char *under;
	size_t len;
	const char *endings;
	enum mention_form form;
};

static const struct place in_etc[] = {
	{ UNDER("etc/sudoers"), "", MENTION_SUDOERS },
	{ UNDER("etc/sudoers.d/"), "", MENTION_SUDOERS },
	{ UNDER("etc/systemd/"), units, MENTION_UNIT },
	{ UNDER("etc/supervisor/"), ".conf\0", MENTION_UNIT },
	{ UNDER("etc/supervisor.d/"), ".ini\0", MENTION_UNIT },
	{ UNDER("etc/supervisord.conf"), "", MENTION_UNIT },
	{ UNDER("etc/tmpfiles.d/"), ".conf\0", MENTION_TMPFILES },
	{ UNDER("etc/sysusers.d/"), ".conf\0", MENTION_SYSUSERS },
	{ UNDER("etc/crontab"), "", MENTION_SHELL },
	{ UNDER("etc/crontabs/"), "", MENTION_SHELL },
	{ UNDER("etc/cron.d/"), "", MENTION_SHELL },
	{ UNDER("etc/cron.hourly/"), "", MENTION_SCRIPT },
	{ UNDER("etc/cron.daily/"), "", MENTION_SCRIPT },
	{ UNDER("etc/cron.weekly/"), "", MENTION_SCRIPT },
	{ UNDER("etc/cron.monthly/"), "", MENTION_SCRIPT },
	{ UNDER("etc/periodic/"), "", MENTION_SCRIPT },
	{ UNDER("etc/init.d/"), "", MENTION_SCRIPT },
	{ UNDER("etc/rc.local"), "", MENTION_SHELL },
	{ UNDER("etc/cont-init.d/"), "", MENTION_SHELL },
	{ UNDER("etc/services.d/"), "", MENTION_SCRIPT },
	{ UNDER("etc/s6-overlay/"), "", MENTION_SCRIPT },
	{ UNDER("etc/my_init.d/"), "", MENTION_SCRIPT },
};

static const struct place in_docker[] = {
	{ UNDER("docker-entrypoint.d/"), "", MENTION_SHELL },
	{ UNDER("docker-entrypoint-initdb.d/"), ".sh\0", MENTION_SHELL },
};

static const struct place in_lib[] = {
	{ UNDER("lib/systemd/"), units, MENTION_UNIT },
};

static const struct place in_usr[] = {
	{ UNDER("usr/lib/systemd/"), units, MENTION_UNIT },
	{ UNDER("usr/lib/tmpfiles.d/"), ".conf\0", MENTION_TMPFILES },
	{ UNDER("usr/lib/sysusers.d/"), ".conf\0", MENTION_SYSUSERS },
	{ UNDER("usr/local/lib/systemd/"), units, MENTION_UNIT },
	{ UNDER("usr/local/bin/"), "", MENTION_SCRIPT },
	{ UNDER("usr/local/sbin/"), "", MENTION_SCRIPT },
};

static const struct place in_var[] = {
	{ UNDER("var/spool/cron/"), "", MENTION_SHELL },
};

/* Every entry of every layer is asked for: a first byte leaves few rows. */
static const struct {
	char first;
	const struct place *rows;
	size_t count;
} groups[] = {
	{ 'u', in_usr, ARRAY_SIZE(in_usr) },	   { 'e', in_etc, ARRAY_SIZE(in_etc) },
	{ 'v', in_var, ARRAY_SIZE(in_var) },	   { 'l', in_lib, ARRAY_SIZE(in_lib) },
	{ 'd', in_docker, ARRAY_SIZE(in_docker) },
};

static bool ends(const char *s, size_t n, const char *ending)
{
	size_t k = strlen(ending);

	return n >= k && memcmp(s + n - k, ending, k) == 0;
}

static bool ends_in_one(const char *s, size_t n, const char *endings)
{
	if (!*endings)
		return true;
	for (; *endings; endings += strlen(endings) + 1)
		if (ends(s, n, endings))
			return true;
	return false;
}

static bool has(const char *s, size_t n, const char *part)
{
	return s && memmem(s, n, part, strlen(part)); /* gcc 12 under UBSan takes it for NULL */
}

static bool has_entrypoint(const char *s, size_t n)
{
	/* Few names have a y in that place, so few are searched. */
	return n >= 10 && memchr(s + 4, 'y', n - 9) && has(s, n, "entrypoint");
}

/* Names that images give to what ENTRYPOINT and CMD run. */
static enum mention_form form_of_name(const char *base, size_t n)
{
	if (!ends(base, n, ".sh"))
		return !has_entrypoint(base, n) ? MENTION_NONE
		       : memchr(base, '.', n)	? MENTION_SCRIPT
						: MENTION_SHELL;
	return has_entrypoint(base, n) || has(base, n, "start") || has(base, n, "docker-") ||
			       (n == 6 && memcmp(base, "run.sh", n) == 0) ||
			       (n == 7 && memcmp(base, "init.sh", n) == 0)
		       ? MENTION_SHELL
		       : MENTION_NONE;
}

static const struct place *find_place(const char *path, size_t n)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		if (groups[g].first != *path)
			continue;
		for (const struct place *p = groups[g].rows, *end = p + groups[g].count; p < end;
		     p++)
			if (n >= p->len && path[p->len - 1] == p->under[p->len - 1] &&
			    memcmp(path, p->under, p->len) == 0 &&
			    (path[p->len - 1] == '/' || n == p->len) &&
			    ends_in_one(path, n, p->endings))
				return p;
	}
	return NULL;
}

enum mention_form mention_form(const char *path, size_t n)
{
	const struct place *place = find_place(path, n);
	size_t parent = path_parent(path, n), base = parent + (parent != 0);
	enum mention_form named;

	if (place)
		return place->form;
	named = form_of_name(path + base, n - base);
	return named == MENTION_NONE && !parent ? MENTION_SCRIPT : named;
}
