/* Puts a layer_inventory together, entry by entry: what the tar walk fills, and whatever else may
 * yield entries (a table of contents, a store's own records). Private to this folder and to its
 * tests.
 */
#pragma once

#include "inventory/mention.h"
#include "inventory/record.h"

struct inv_builder {
	const struct limits *limits;
	struct layer_inventory *inv; /* owned until taken */
	struct buf record;
	struct inv_state state;
	uint32_t *slots; /* owners by hash: index + 1, 0 where empty */
	size_t slot_count, owner_cap, file_cap, mention_cap;
	uint32_t last_owner;
	uint64_t files_kept; /* bytes of files and of what stands around them */
	uint64_t mentions_kept;
};

int inv_builder_init(struct inv_builder *b, const struct limits *limits, size_t spool_memory,
		     struct error *err) _must_check_;
void inv_builder_done(struct inv_builder *b);

/* Appends *e; its index, owner are set here, uid and gid are interned. ERR_LIMIT past layer-entries
 * or owners, or what record_encode and the spool say. */
int inv_builder_add(struct inv_builder *b, struct inv_entry *e, struct error *err) _must_check_;

/* Whether so many bytes of a small file of that path may be kept. */
bool inv_builder_keeps(const struct inv_builder *b, const struct inv_entry *e, uint64_t size);

/* Notes a small file behind inv_builder_add. data (may be NULL: not kept) is owned on any outcome.
 * Past limit small-files nothing is noted. */
int inv_builder_file(struct inv_builder *b, const struct inv_entry *e, uint8_t *data, size_t len,
		     struct error *err) _must_check_;

/* Keeps what the file of *e mentions, path and index set here; *m is taken (zeroed) on any outcome.
 * What says nothing is not kept; past limit mentions the layer is marked. */
int inv_builder_mentions(struct inv_builder *b, const struct inv_entry *e, struct inv_mentions *m,
			 struct error *err) _must_check_;

/* Seals and hands over. */
int inv_builder_finish(struct inv_builder *b, struct layer_inventory **out,
		       struct error *err) _must_check_;

/* True for a path whose file is wanted: it ends in passwd or group (or their backups, passwd- and
 * group-), subuid or subgid. */
bool inv_is_small_file(const struct inv_entry *e);
