/* The smallest map that each engine can be given for what images need.
 *
 * Engines differ in what they can say: some lay ranges end to end from container id 0 (dockerd,
 * rootlesskit), some take one extent alone (the kubelet), some a list with holes, up to a limit.
 */
#pragma once

#include "idmap/smallest.h"

enum suggest_form {
	SUGGEST_SUBID,	   /* lines of /etc/subuid and /etc/subgid; the engine lays them out */
	SUGGEST_PODMAN,	   /* --uidmap, --gidmap */
	SUGGEST_AUTO,	   /* --userns=auto:size= */
	SUGGEST_KUBELET,   /* userNamespaces.idsPerPod */
	SUGGEST_LXC,	   /* lxc.idmap */
	SUGGEST_INCUS,	   /* raw.idmap, beside the container's own range */
	SUGGEST_OCI,	   /* linux.uidMappings of a config.json */
	SUGGEST_OCI_SUBID, /* likewise, beside lines of /etc/subuid for newuidmap */
};

struct suggest_row {
	const char *name;
	const char *title;
	enum suggest_form form;
	const char *owner;  /* of the lines in /etc/subuid and /etc/subgid; NULL: none wanted */
	size_t extents_max; /* 1: contiguous from 0; for own 2 */
	bool own;	    /* id 0 is the user itself: one subordinate id fewer */
	bool same;	    /* one size for users and groups */
	uint32_t unit;	    /* the size is a multiple of this */
	int64_t usual_last; /* highest id that the engine's usual map holds; -1: it has none */
	const char *then;   /* what to do once the lines stand, or "" */
	const char *limit;  /* what the engine cannot say, or "" */
	const char *source; /* of the rule */
};
const struct suggest_row *suggest_rows(size_t *count);
const struct suggest_row *suggest_find(const char *name, size_t n);

struct suggest_params {
	uint32_t first_host;	   /* host ids are laid out from here on */
	uint32_t own_uid, own_gid; /* of the user who runs a rootless engine */
};

enum suggest_why {
	SUGGEST_POSSIBLE,
	SUGGEST_NO_HOST_IDS, /* the host has not that many ids behind first_host */
	SUGGEST_NO_POD,	     /* not one pod of that size fits into 32 bits beside the host's */
};

struct suggestion {
	const struct suggest_row *row;
	enum suggest_why why;
	struct idmap_pair map; /* as the kernel will have it; empty where impossible */
	uint64_t uids, gids;   /* subordinate ids wanted; where impossible too */
	bool usual;	       /* the engine's usual map holds all of it */
	bool vast;	       /* host ids above what useradd hands out */
	uint64_t pods;	       /* kubelet: that fit on a node */
};

/* SUB_UID_MAX and SUB_GID_MAX of login.defs(5), where nobody has set others. */
#define SUGGEST_SUBID_LAST 600100000u

/* Fills *out (owned by the caller: suggestion_free). uid and gid are tidy and hold 0. */
int suggest_make(struct suggestion *out, const struct suggest_row *row, const struct idset *uid,
		 const struct idset *gid, const struct suggest_params *params,
		 struct error *err) _must_check_;
void suggestion_free(struct suggestion *s);
