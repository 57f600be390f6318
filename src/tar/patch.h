/* Changes the owner fields of one entry's headers and nothing else: numbers keep their field, its
 * width and the way it was written (octal with its padding, base-256, PAX record), and the header
 * sum follows. Layouts as in tar/header.h.
 *
 * What cannot stay in its place: an id too large for an octal field becomes base-256; a PAX number
 * that is shorter than before gets leading zeros, a longer one makes its extended header longer;
 * PAX uname and gname records of a changed id go; a version-3 capability is four bytes shorter as
 * version 2. Only then does an extended header change its size, and perhaps its blocks.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "tar/header.h"

struct tar_patch {
	bool set_uid, set_gid, set_size;
	uint32_t uid, gid;
	uint64_t size;	     /* of the body that will follow */
	unsigned clear_mode; /* bits of the mode that go */
	/* May be NULL: whether an id that an ACL names changes, and to what. */
	bool (*acl)(void *ctx, uint32_t id, bool is_gid, uint32_t *to);
	/* May be NULL: whether a version-3 capability of that rootid becomes version 2. */
	bool (*rootid)(void *ctx, uint32_t rootid);
	void *ctx;
};

/* Appends the headers to out. bytes are whole blocks as tar_reader told: from an entry's
 * start_offset to the block at its header_offset, which comes last. With a uid (gid) the name of
 * the user (group) is blanked. ERR_BUG for bytes that no reader took; ERR_NOMEM. */
int tar_patch_entry(struct buf *out, const uint8_t *bytes, size_t n, const struct tar_patch *patch,
		    struct error *err) _must_check_;

/* Writes v as the numeric field is written already; base-256 where it does not fit. */
void tar_put_number(uint8_t *field, size_t n, uint64_t v);

/* Makes the header sum right. */
void tar_put_sum(uint8_t block[TAR_BLOCK]);
