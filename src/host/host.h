/* What this host gives to user namespaces: subordinate ids, engines' settings, helpers, the
 * kernel's own limits, and the map that this process lives in.
 *
 * host_look() gathers, host_judge() finds what is wrong, and nothing here has words for it:
 * report/host-text.c has.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/subid.h"
#include "idmap/idmap.h"

struct host_options {
	const char *root; /* another root directory, or NULL: this host */
	const char *user; /* name or number; NULL: who calls */
};

/* Somebody to whom ids may have been handed out. */
struct host_user {
	char *name; /* the number where a number has none; NULL: nobody was looked for */
	uint32_t uid, gid;
	char *home;
	bool known;			    /* has a passwd entry */
	bool has_uid;			    /* uid and gid are set: known, or a number */
	struct subid_spans file[2], nss[2]; /* by enum subid_kind */
	bool asked;			    /* nss is what libsubid answered */
};
/* What newuidmap goes by: NSS where it was asked, else the file. */
const struct subid_spans *host_spans(const struct host_user *u, enum subid_kind kind);

struct host_docker {
	bool exists;	       /* /etc/docker/daemon.json */
	char *unread;	       /* why it could not be read, or NULL */
	char *remap;	       /* userns-remap as written, or NULL */
	bool remap_off;	       /* "root", which dockerd takes for none; or "" */
	bool snapshotter;      /* features.containerd-snapshotter */
	struct host_user user; /* who is remapped to */
};

struct host_podman {
	char *path; /* of the storage.conf that counts, or NULL */
	char *ignore_chown_errors, *remap_uids, *remap_gids, *remap_user, *auto_user, *auto_min,
		*auto_max;	     /* as written, without quotes; NULL where not said */
	size_t ignore_line;	     /* of ignore_chown_errors */
	struct host_user auto_owner; /* root-auto-userns-user, "containers" unless told otherwise */
};

struct host_helper {
	const char *name; /* "newuidmap" */
	char *path;	  /* NULL where there is none */
	bool setuid, capable,
		nosuid; /* set-user-id root; file capability; on a mount that ignores both */
};

struct host_kernel {
	char *release; /* "6.1.0-18-amd64", or NULL */
	bool has_userns;
	/* -1 where the kernel has no such file. */
	long long max_user_namespaces, unprivileged_clone, apparmor_restrict;
};

struct host_process {
	uid_t uid, gid;
	struct idmap_pair map;
	bool nested; /* not every id is mapped */
	bool setgroups_denied;
	bool no_new_privs;
};

struct host {
	char *root; /* "" for this host */
	struct subid_file subid[2];
	struct host_user user;
	struct host_docker docker;
	struct host_podman podman;
	struct host_helper helpers[2];
	struct host_kernel kernel;
	struct host_process process;
	char *nsswitch; /* the value of "subid:", or NULL */
	/* Ids of /etc/passwd and /etc/group, by enum subid_kind. */
	struct host_account {
		uint32_t id;
		char *name;
	} * accounts[2];
	size_t account_count[2];
};

/* -ERR_USAGE where options->user is nobody; -ERR_NOT_FOUND where root is no directory; -ERR_IO,
 * -ERR_LIMIT of files that exist and cannot be read; -ERR_BAD_INPUT of a storage.conf that breaks
 * TOML, which podman does not read either. *out is owned by the caller. */
int host_look(struct host *out, const struct host_options *options, struct error *err) _must_check_;
void host_free(struct host *h);

/* Maps as engines lay them out here. Each overwrites *out (owned by the caller): 0, or 1 where
 * there is none. */
int host_rootless_map(struct idmap_pair *out, const struct host *h,
		      struct error *err) _must_check_; /* 1: no subordinate ids */
int host_docker_map(struct idmap_pair *out, const struct host *h,
		    struct error *err) _must_check_; /* 1: no userns-remap, or no ids for it */

/* What --map host means here. */
enum host_map_kind {
	HOST_MAP_NESTED,   /* this process is in a user namespace: its own map */
	HOST_MAP_ROOTLESS, /* an ordinary user: 0 is that user, then the subordinate ids */
	HOST_MAP_SINGLE,   /* an ordinary user without subordinate ids: 0 alone */
	HOST_MAP_DOCKER,   /* root, and dockerd is told to remap */
	HOST_MAP_ALL,	   /* root, and nobody is: every id */
};
int host_map(struct idmap_pair *out, enum host_map_kind *kind, const struct host *h,
	     struct error *err) _must_check_;
