/* The members of an image archive by name: what stands where, and what is a link to what. Filled
 * while the archive is read, sorted once, then only read (any thread).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/notes.h"
#include "source/store.h"
#include "tar/reader.h"

/* Longest name that a manifest can ask for; docker's own have 74 bytes. A member with a longer one
 * cannot be an image's and is not kept, so that a hostile archive costs at most archive-entries
 * times this. */
#define MEMBER_NAME_MAX 512

struct member {
	char *name; /* cleaned: no "./", no "..", no leading or trailing slash */
	char *link; /* the cleaned name that a link means, or NULL; "" where it leaves the archive
		     */
	uint64_t offset; /* of the body in the archive */
	uint64_t size;
	uint8_t *data;	 /* a one-pass source's kept JSON, owned, or NULL */
	size_t sequence; /* the last of equal names wins */
	bool sparse;	 /* the body is not the file's bytes */
	bool layer;	 /* may be a layer, as far as its first bytes tell */
};

struct members {
	struct member *v;
	size_t count, cap;
	bool sorted;
};

/* path.Clean() of n bytes without what leads to the root. False where nothing is left, it leaves
 * the root, or it is longer than MEMBER_NAME_MAX. */
bool member_clean(char out[MEMBER_NAME_MAX + 1], const char *name, size_t n);

/* Adds a tar entry if it is a regular file or a link with a name that can be asked for; *out (may
 * be NULL where it was passed over) is valid until the next call. */
int members_add(struct members *m, const struct tar_entry *e, struct member **out,
		struct error *err) _must_check_;

/* Sorts; of equal names the last stays, as where `docker load` extracts, and a note says so. */
void members_finish(struct members *m, struct notes *notes);

/* By name, through links (at most 16); NULL where it is not there. After members_finish. */
const struct member *members_find(const struct members *m, const char *name);

/* Fills a store's answer; ERR_UNSUPPORTED for a body that is not the file's bytes. */
int member_stored(const struct member *m, struct stored *out, struct error *err) _must_check_;

void members_free(struct members *m);
