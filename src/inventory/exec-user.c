/* Who a USER is: GetExecUser and GetAdditionalGroups of moby/sys/user, with no defaults but 0:0.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "inventory/accounts.h"
#include "inventory/atoi.h"

#define ID_MAX INT32_MAX /* user.go maxID */

static const char out_of_range[] = "uids and gids must be in range 0-2147483647";

/* A user or group as it was asked for. */
struct asked {
	const char *s;
	size_t n;
	bool is_number;
	int64_t id;
};

static int fail(struct exec_user *u, struct error *err, const char *fmt, ...) _printf_(3, 4);

/* Says why there is no such user: 1, or an error where memory is short. */
static int fail(struct exec_user *u, struct error *err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&u->error_text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		u->error_text = NULL;
		return err_nomem(err);
	}
	u->error = u->error_text;
	return 1;
}

/* parseNumeric: what is no number is a name. False where it is a number that no engine takes. */
static bool parse(struct asked *a, const char *s, size_t n)
{
	enum atoi_result r;

	*a = (struct asked){ .s = s, .n = n };
	r = atoi_go(s, n, &a->id);
	a->is_number = r != ATOI_SYNTAX;
	return r == ATOI_SYNTAX || (r == ATOI_OK && a->id >= 0 && a->id <= ID_MAX);
}

static bool matches(const struct asked *want, const struct account *have)
{
	if (want->is_number)
		return have->id == want->id;
	return strlen(have->name) == want->n && memcmp(have->name, want->s, want->n) == 0;
}

static const struct account *first_match(const struct account *list, size_t count,
					 const struct asked *want)
{
	for (size_t i = 0; i < count; i++)
		if (matches(want, &list[i]))
			return &list[i];
	return NULL;
}

static int find_user(struct exec_user *u, const struct accounts *a, const struct asked *user,
		     const struct account **found, struct error *err)
{
	/* Nothing asked for is whoever has the default id. */
	const struct asked root = { .s = "0", .n = 1, .is_number = true };
	const struct asked *want = user->n ? user : &root;

	*found = NULL;
	if (a->passwd_refused)
		return fail(u, err, "unable to find user %.*s: bufio.Scanner: token too long",
			    (int)MIN(want->n, (size_t)4096), want->s);
	*found = first_match(a->users, a->user_count, want);
	if (*found) {
		u->uid = (*found)->id;
		u->gid = (*found)->gid;
		return 0;
	}
	if (!want->is_number && a->passwd_unread)
		return fail(u, err, "cannot tell who user %.*s is: etc/passwd was not read, %s",
			    (int)MIN(want->n, (size_t)4096), want->s, a->passwd_unread);
	if (!want->is_number)
		return fail(u, err, "unable to find user %.*s: no matching entries in passwd file",
			    (int)MIN(want->n, (size_t)4096), want->s);
	u->uid = want->id;
	return 0;
}

static int find_group(struct exec_user *u, const struct accounts *a, const struct asked *want,
		      int64_t *gid, struct error *err)
{
	const struct account *g = first_match(a->groups, a->group_count, want);

	if (!g && !want->is_number && a->group_unread)
		return fail(u, err, "cannot tell which group %.*s is: etc/group was not read, %s",
			    (int)MIN(want->n, (size_t)4096), want->s, a->group_unread);
	if (!g && !want->is_number)
		return fail(u, err, "unable to find group %.*s: no matching entries in group file",
			    (int)MIN(want->n, (size_t)4096), want->s);
	*gid = g ? g->id : want->id;
	return 0;
}

static void add_group(struct exec_user *u, int64_t gid)
{
	for (size_t i = 0; i < u->group_count; i++)
		if (u->groups[i] == gid)
			return;
	u->groups[u->group_count++] = gid;
}

static bool has_member(const struct account *g, const char *name)
{
	for (size_t i = 0; i < g->member_count; i++)
		if (strcmp(g->members[i], name) == 0)
			return true;
	return false;
}

/* An explicit group replaces the user's own, and then no other group is his. */
static int resolve_groups(struct exec_user *u, const struct accounts *a, const struct asked *group,
			  const struct account *found, struct error *err)
{
	const char *name = found ? found->name : "";

	if (!group->n && !*name)
		return 0;
	if (a->group_refused)
		return fail(u, err,
			    "unable to find groups for spec %s: bufio.Scanner: token too long",
			    name);
	if (group->n)
		return find_group(u, a, group, &u->gid, err);
	for (size_t i = 0; i < a->group_count; i++)
		if (has_member(&a->groups[i], name))
			add_group(u, a->groups[i].id);
	return 0;
}

static int additional(struct exec_user *u, const struct accounts *a, const char *text,
		      struct error *err)
{
	struct asked want;
	int64_t gid;
	int r;

	if (!parse(&want, text, strlen(text)))
		return fail(u, err, "%s", out_of_range);
	if (a->group_refused)
		return fail(
			u, err,
			"unable to find additional groups [%.4096s]: bufio.Scanner: token too long",
			text);
	r = find_group(u, a, &want, &gid, err);
	if (r)
		return r;
	if (gid < 0 || gid > ID_MAX)
		return fail(u, err, "%s", out_of_range);
	add_group(u, gid);
	return 0;
}

static int resolve(struct exec_user *u, const struct accounts *a, const char *user,
		   const char *const *group_add, size_t group_add_count, struct error *err)
{
	size_t n = strcspn(user, ":"), group_at = n + (user[n] == ':');
	const struct account *found;
	struct asked usr, grp;
	int r;

	if (!parse(&usr, user, n) || !parse(&grp, user + group_at, strcspn(user + group_at, ":")))
		return fail(u, err, "%s", out_of_range);
	r = find_user(u, a, &usr, &found, err);
	if (r == 0)
		r = resolve_groups(u, a, &grp, found, err);
	for (size_t i = 0; r == 0 && i < group_add_count; i++)
		r = additional(u, a, group_add[i], err);
	return r;
}

int exec_user_resolve(struct exec_user *out, const struct accounts *a, const char *user,
		      const char *const *group_add, size_t group_add_count, struct error *err)
{
	struct exec_user u = { .text = strdup(user) };
	int r;

	u.groups = calloc(a->group_count + group_add_count + 1, sizeof(*u.groups));
	r = u.text && u.groups ? resolve(&u, a, user, group_add, group_add_count, err)
			       : err_nomem(err);
	if (r < 0) {
		exec_user_free(&u);
		return r;
	}
	if (r == 1) {
		u.uid = u.gid = -1;
		u.group_count = 0;
	}
	*out = u;
	return 0;
}

void exec_user_free(struct exec_user *u)
{
	free(u->text);
	free(u->groups);
	free(u->error_text);
	*u = (struct exec_user){ 0 };
}
