/* One entry as bytes (docs/formats/inventory.md, "Record"): front-coded against the entry before
 * it. Private to this folder.
 */
#pragma once

#include "inventory/layer.h"

#define RECORD_MAX                                                                                 \
	(1u << 20) /* bytes of one record with its length: what spool_peek shows at once */
#define RECORD_ACL_MAX                                                                             \
	16382 /* ids of one entry: two ACLs of XATTR_SIZE_MAX (64 KiB), 8 bytes an id */
#define RECORD_UNIT	  512 /* header offsets count in tar blocks */
#define RECORD_PREFIX_MAX 5   /* bytes of a record's length */
#define RECORD_USUAL	  128 /* most records are shorter */

#define INV_FLAGS_ALL (((unsigned)INV_ACL_MISPLACED << 1) - 1)

/* Little-endian base 128. put needs 10 bytes of room; get returns NULL where p has no whole varint
 * of 64 bits. */
uint8_t *varint_put(uint8_t *w, uint64_t v);
const uint8_t *varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v);

/* Makes the record of e, length first, in out (replaced). ERR_BAD_INPUT for a name with a NUL,
 * ERR_LIMIT past RECORD_MAX, ERR_BUG for an entry out of order. A zeroed state stands before the
 * first record. */
int record_encode(struct buf *out, struct inv_state *st, const struct inv_entry *e,
		  struct error *err) _must_check_;

/* Decodes n bytes behind the length. *acl grows as needed. NULL, or what is wrong; strings of *e
 * point into bytes and st. */
const char *record_decode(struct inv_entry *e, struct inv_state *st, struct inv_acl_id **acl,
			  size_t *acl_cap, const uint8_t *bytes, size_t n);
