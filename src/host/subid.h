/* Subordinate ids: the lines of /etc/subuid and /etc/subgid (subuid(5)), and what libsubid says,
 * which asks NSS as newuidmap(1) does. The two may differ, and engines differ in whom they ask.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "idmap/idmap.h"

enum subid_kind { SUBID_UID, SUBID_GID };

struct subid_span {
	uint32_t start, count; /* count is not 0, start + count <= 2^32 - 1 */
	size_t line;	       /* of its file; 0 where it came from elsewhere */
};

struct subid_spans {
	struct subid_span *spans;
	size_t count;
};
uint64_t subid_total(const struct subid_spans *s);

enum subid_bad {
	SUBID_GOOD,
	SUBID_FIELDS, /* not three fields */
	SUBID_NUMBER, /* start or count is no number, or passes 2^32-2 */
	SUBID_EMPTY,  /* count 0: skipped by all readers */
};

struct subid_line {
	size_t line;
	char *owner; /* a login name or a number; "" where the line has no fields */
	char *text;  /* the line, raw */
	struct subid_span span;
	enum subid_bad bad;
};

struct subid_file {
	const char *path;
	bool exists;
	struct subid_line *lines; /* but blank ones and comments */
	size_t count;
};

/* Reads and parses path below root; a file that is not there has no lines. */
int subid_file_load(struct subid_file *out, const char *root, const char *path,
		    struct error *err) _must_check_;
int subid_file_parse(struct subid_file *out, const char *text, struct error *err) _must_check_;
void subid_file_free(struct subid_file *f);

/* The good lines of an owner, by name and by number, in the file's order. name may be NULL. */
int subid_of(struct subid_spans *out, const struct subid_file *f, const char *name, uint32_t uid,
	     struct error *err) _must_check_;

/* The same from libsubid: 0, or 1 where it is not built in or could not answer. */
int subid_ask(struct subid_spans *out, const char *name, enum subid_kind kind,
	      struct error *err) _must_check_;
bool subid_can_ask(void);

void subid_spans_free(struct subid_spans *s);
int subid_spans_add(struct subid_spans *s, struct subid_span span, struct error *err) _must_check_;
/* The same ids, however they are cut and ordered. */
bool subid_same(const struct subid_spans *a, const struct subid_spans *b);

/* Lays spans end to end, as engines do. own: container id 0 is own_host and the spans begin at 1
 * (rootlesskit, podman); else they begin at 0 (dockerd). -ERR_USAGE where the kernel would refuse
 * the map: an id twice, too many extents. */
int subid_lay_out(struct idmap *out, const struct subid_spans *s, bool own, uint32_t own_host,
		  struct error *err) _must_check_;
