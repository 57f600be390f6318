/* Entries of an image that a message fits. Private to this folder.
 */
#pragma once

#include "explain/work.h"

enum search_by {
	SEARCH_IDS,	/* the message's own ids */
	SEARCH_ID,	/* id, as uid or gid */
	SEARCH_PREFIX,	/* an owner whose decimal digits begin with those of id and go on */
	SEARCH_PATH,	/* the message's path alone */
	SEARCH_OUTSIDE, /* any owner outside 0-65535 */
	SEARCH_XATTR,	/* an ACL or a capability with an id outside, or one that the kernel refuses
			 */
	SEARCH_LOG,	/* lastlog and the like, large or sparse */
};

struct search {
	enum search_by by;
	const struct explain_match *m;
	int64_t id;
	bool with_path;		     /* the message's path too */
	long layer;		     /* only there, or -1 */
	const struct engine *engine; /* whose rules say which kinds of entries count, or NULL */
};

/* Appends what is found to out, the first EXPLAIN_ENTRIES_MAX with all that is known of them;
 * out->entries_like_it counts all. */
int search_image(const struct search *s, struct image *img, struct explain_join *out,
		 struct error *err) _must_check_;

#define SEARCH_USUAL_LAST 65535 /* of a map of 65536 ids */
