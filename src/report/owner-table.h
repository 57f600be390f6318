/* Distinct owners of a whole image: counts, layers, a few example paths. Internal to report/.
 */
#pragma once

#include "inventory/accounts.h"
#include "report/report.h"

#define OWNER_EXAMPLES 3
#define OWNERS_WITH_EXAMPLES                                                                       \
	65536 /* further ones are counted without, so that memory stays bounded */

struct owner_row {
	int64_t uid, gid;
	uint64_t entries;
	uint32_t *layers; /* ascending */
	size_t layer_count, layer_cap;
	char *examples[OWNER_EXAMPLES]; /* cleaned paths, raw bytes */
	size_t example_len[OWNER_EXAMPLES];
};

struct owner_table {
	struct owner_row *rows;
	size_t count, cap;
	uint32_t *slots;   /* index + 1 into rows, 0 is empty */
	size_t slot_count; /* a power of 2, at least twice count */
	uint64_t entries;  /* counted, all rows together */
};

/* Which owners are not listed, made of --except once an image's accounts are known. */
struct owner_except {
	struct owner_pair {
		int64_t uid, gid;
		bool has_uid, has_gid, exact;
	} * pairs;
	size_t count;
	const char *unknown; /* the first name that the image does not know, borrowed; or NULL */
};

/* Each of words is a name, an id, or "uid:gid". -ERR_NOMEM. */
int owner_except_make(struct owner_except *out, const char *const *words, size_t count,
		      const struct accounts *accounts, struct error *err) _must_check_;
void owner_except_free(struct owner_except *x);
/* An owner is excepted where its uid is one of them and its gid is one of them. */
bool owner_is_excepted(const struct owner_except *x, int64_t uid, int64_t gid);

/* Counts an entry. -ERR_NOMEM. */
int owner_table_add(struct owner_table *t, size_t layer, const struct inv_entry *e,
		    struct error *err) _must_check_;
void owner_table_sort(struct owner_table *t); /* by uid, then gid; nothing is added afterwards */
void owner_table_free(struct owner_table *t);
