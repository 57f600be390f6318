/* The ids that an image needs of a map, users and groups apart, and where each was found that
 * decides the map: the highest, and those that no map can hold.
 */
#pragma once

#include "idmap/idset.h"
#include "inventory/image.h"

enum need_origin {
	NEED_ROOT, /* a user namespace without its root starts nothing */
	NEED_OWNER,
	NEED_ACL,
	NEED_CAPABILITY,
	NEED_USER,    /* USER, or what was asked for in its place */
	NEED_GROUP,   /* its groups, supplementary ones too */
	NEED_ACCOUNT, /* a line of passwd or group */
	NEED_ORIGIN_COUNT
};
const char *need_origin_name(enum need_origin o); /* "owner", "acl", ... */

/* An id and the first place that needs it. */
struct need {
	int64_t id;
	enum need_origin origin;
	char *image; /* as it was called */
	long layer;  /* or -1 */
	char *path;  /* raw bytes of the entry's path without the leading slash, or NULL */
	size_t path_len;
	char *subject; /* USER as written, the account's name; or NULL */
};

#define NEEDS_BEYOND_MAX 16 /* of those that are kept with their place */

struct need_side {
	struct idset ids;
	bool any; /* highest is set */
	struct need highest;
	/* Ids below 0 or above 2^32-2: distinct ones, the first of them with their places. */
	struct need beyond[NEEDS_BEYOND_MAX];
	size_t beyond_count;
	bool beyond_more;
};

struct id_needs {
	struct need_side uid, gid;
	size_t images;
	char *no_user; /* why a USER's ids are not known, or NULL; the first such */
};

struct need_options {
	bool accounts;	  /* ids of passwd and group files too */
	const char *user; /* --user, or NULL for the config's */
	const char *const *group_add;
	size_t group_add_count;
};

/* Adds what one image needs; label is how to call it. Every entry of every layer counts, hidden or
 * not, but global PAX headers, which are no files. 0 is always needed. The sets are tidy
 * afterwards. */
int id_needs_add(struct id_needs *n, const char *label, struct image *img,
		 const struct need_options *opts, struct error *err) _must_check_;
void id_needs_free(struct id_needs *n);
