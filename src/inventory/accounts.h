/* /etc/passwd and /etc/group of an image, and who a USER is: as runc and moby/sys/user read them
 * (libcontainer user.go: GetExecUser, GetAdditionalGroups).
 */
#pragma once

#include "inventory/image.h"

struct account {
	char *name;
	int64_t id;	/* uid, or gid */
	int64_t gid;	/* passwd only: primary group */
	char **members; /* group only */
	size_t member_count;
	size_t line; /* from 1 */
};

struct accounts {
	struct account *users, *groups;
	size_t user_count, group_count;
	bool has_passwd, has_group;
	const char *unread; /* why a file that exists could not be read, or NULL: names are then
			       unknown */
	const char *passwd_unread, *group_unread; /* the same, of each; static */
	bool passwd_refused, group_refused; /* unread because of a line that Go's scanner refuses:
					       engines stop there */
	long passwd_layer, group_layer;	    /* or -1 */
};

/* No line is malformed for runc: fields that are missing are empty, an id that is no number is 0
 * (see accounts.c). */
int accounts_load(struct accounts *out, struct image *img, struct error *err) _must_check_;
void accounts_free(struct accounts *a);

/* The entries of one file's text, at most max; *unread and *refused are set where there is more.
 * *list is owned by the caller's struct accounts. */
int accounts_parse(struct account **list, size_t *count, const char *text, size_t n, bool is_group,
		   size_t max, const char **unread, bool *refused, struct error *err) _must_check_;

/* First entry with that id or name; NULL where none. */
const struct account *accounts_user_by_id(const struct accounts *a, int64_t uid);
const struct account *accounts_group_by_id(const struct accounts *a, int64_t gid);

struct exec_user {
	char *text;	  /* what was asked: "app:staff" */
	int64_t uid, gid; /* -1 where error is set */
	int64_t *groups;  /* supplementary, in file order */
	size_t group_count;
	const char *error; /* why an engine would not find it ("unable to find user app: ..."), or
			      why we cannot tell; static or owned by the struct; else NULL */
	char *error_text;
};

/* USER as the runtime resolves it: name or number, with or without :group, "" is root. group_add:
 * --group-add values, behind the groups that the file gives. A number that passwd does not name
 * keeps gid 0. */
int exec_user_resolve(struct exec_user *out, const struct accounts *a, const char *user,
		      const char *const *group_add, size_t group_add_count,
		      struct error *err) _must_check_;
void exec_user_free(struct exec_user *u);
