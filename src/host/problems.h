/* What is wrong with a host, as data.
 */
#pragma once

#include "host/host.h"

enum host_problem_kind {
	HOST_SUBID_MALFORMED, /* file, line; text: the line */
	HOST_SUBID_EMPTY,     /* file, line, who: count 0 */
	HOST_SUBID_OVERLAP, /* file, line, who; other_line, other: another's line has its ids too */
	HOST_SUBID_TWICE,   /* likewise, but of one owner: the kernel refuses his map */
	HOST_SUBID_OWN_ID,  /* file, line, who; a: his own id stands in it */
	HOST_SUBID_HOLDS,   /* file, line, who; other: an account of the host whose id a it holds */
	HOST_SUBID_MISSING, /* file, who */
	HOST_SUBID_SMALL,   /* file, who; a: how many */
	HOST_SUBID_DIFFERS, /* file, who: libsubid says otherwise than the file */
	HOST_SUBID_OUTSIDE, /* file, line, who, span: no extent of this process's map holds it whole
			     */
	HOST_DOCKER_UNREAD, /* file; text: why */
	HOST_DOCKER_REMAP_OFF,	 /* file; text: the value */
	HOST_DOCKER_NO_USER,	 /* file, who */
	HOST_DOCKER_SNAPSHOTTER, /* file */
	HOST_PODMAN_IGNORES,	 /* file, line */
	HOST_PODMAN_AUTO_SIZES,	 /* file; a, b: least above most */
	HOST_HELPER_MISSING,	 /* who: its name */
	HOST_HELPER_POWERLESS,	 /* file: its path */
	HOST_HELPER_NOSUID,	 /* file: its path */
	HOST_NO_NEW_PRIVS,
	HOST_NO_USERNS,
	HOST_USERNS_MAX,   /* user.max_user_namespaces is 0 */
	HOST_USERNS_CLONE, /* kernel.unprivileged_userns_clone is 0 */
	HOST_APPARMOR,	   /* kernel.apparmor_restrict_unprivileged_userns is not 0 */
	HOST_NESTED_SMALL, /* a: ids that this process's namespace has */
	HOST_SETGROUPS,
	HOST_PROBLEM_COUNT
};
const char *host_problem_name(enum host_problem_kind k); /* "subid-malformed" */

/* All texts are borrowed from the host. */
struct host_problem {
	enum host_problem_kind kind;
	bool note; /* worth knowing; nothing here fails by it */
	enum subid_kind side;
	const char *file, *who, *other, *text;
	size_t line, other_line;
	struct subid_span span; /* of that line, where it is a good one */
	uint64_t a, b;
	uint32_t free; /* first of 65536 ids that nobody has, no two problems of one file the same;
			  0: none wanted, or none left */
};

#define HOST_PROBLEMS_MAX 200

struct host_problems {
	struct host_problem *list;
	size_t count;
	size_t dropped; /* past HOST_PROBLEMS_MAX */
	bool any;	/* one of them is no note */
};

int host_judge(struct host_problems *out, const struct host *h, struct error *err) _must_check_;
void host_problems_free(struct host_problems *p);
