/* Who a container's first process is, by the root file system that it will have.
 */
#pragma once

#include "base/notes.h"
#include "idmap/idmap.h"
#include "inventory/accounts.h"

struct run_user {
	struct exec_user who;
	char *home; /* of its passwd entry; NULL where there is none */
};

/* root: the merged root file system; its etc/passwd and etc/group are read as from within a chroot
 * (openat2(2), Linux 5.6). user: USER, or -u. inside: the ids that can be given; groups: false
 * where setgroups(2) is denied. ERR_NOT_FOUND where there is no such user, ERR_DENIED where it, or
 * a group that it names, lies outside; groups of /etc/group that do are left out with a note. */
int run_user_find(struct run_user *out, int root, const char *user, const struct idmap_pair *inside,
		  bool groups, struct notes *notes, struct error *err) _must_check_;
void run_user_free(struct run_user *u);
