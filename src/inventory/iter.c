/* What an inventory is once it is made: freed, named, walked.
 */
#include <inttypes.h>

#include "inventory/mention.h"
#include "inventory/record.h"

const struct layer_inventory inv_nothing;

const char *inv_kind_name(enum inv_kind k)
{
	static const char *const names[INV_KIND_COUNT] = {
		[INV_REG] = "file",
		[INV_DIR] = "directory",
		[INV_SYMLINK] = "symlink",
		[INV_HARDLINK] = "hardlink",
		[INV_CHR] = "character-device",
		[INV_BLK] = "block-device",
		[INV_FIFO] = "fifo",
		[INV_WHITEOUT] = "whiteout",
		[INV_OPAQUE] = "opaque-whiteout",
		[INV_AUFS_META] = "aufs-metadata",
		[INV_ROOT] = "root-directory",
		[INV_GLOBAL] = "pax-global",
		[INV_OTHER] = "unknown",
	};

	return k < INV_KIND_COUNT ? names[k] : "unknown";
}

const char *inv_verified_name(enum inv_verified v)
{
	static const char *const names[] = {
		[INV_VERIFIED_NONE] = "none",	[INV_VERIFIED_BLOB] = "blob",
		[INV_VERIFIED_FULL] = "full",	[INV_VERIFIED_TOC] = "toc",
		[INV_VERIFIED_STORE] = "store",
	};

	return v < ARRAY_SIZE(names) ? names[v] : "none";
}

void layer_inventory_free(struct layer_inventory *inv)
{
	if (!inv)
		return;
	for (size_t i = 0; i < inv->file_count; i++) {
		free(inv->files[i].path);
		free(inv->files[i].data);
	}
	for (size_t i = 0; i < inv->mention_count; i++)
		inv_mentions_done(&inv->mentions[i]);
	free(inv->mentions);
	free(inv->files);
	free(inv->owners);
	spool_free(inv->records);
	free(inv);
}

void inv_iter_init(struct inv_iter *it, const struct layer_inventory *inv)
{
	*it = (struct inv_iter){ .inv = inv };
	spool_reader_init(&it->reader, inv->records);
}

void inv_iter_done(struct inv_iter *it)
{
	spool_reader_done(&it->reader);
	buf_free(&it->state.path);
	free(it->acl);
	it->acl = NULL;
	it->acl_cap = 0;
}

static int damaged(const struct inv_iter *it, const char *what, struct error *err)
{
	return err_fail(err, ERR_BUG, 0, "record %" PRIu64 " of the inventory is damaged: %s",
			it->next, what);
}

int inv_iter_next(struct inv_iter *it, struct inv_entry *e, struct error *err)
{
	const uint8_t *bytes, *body;
	const char *wrong;
	uint64_t len;
	size_t got;
	int r;

	if (it->next == it->inv->entries)
		return 1;
	r = spool_peek(&it->reader, RECORD_USUAL, &bytes, &got, err);
	if (r < 0)
		return r;
	body = varint_get(bytes, bytes + got, &len);
	if (!body || len > RECORD_MAX - RECORD_PREFIX_MAX)
		return damaged(it, "its length", err);
	len += (uint64_t)(body - bytes);
	if (got < len) {
		size_t prefix = (size_t)(body - bytes);

		r = spool_peek(&it->reader, (size_t)len, &bytes, &got, err);
		if (r < 0)
			return r;
		if (got < len)
			return damaged(it, "it is cut off", err);
		body = bytes + prefix;
	}
	wrong = record_decode(e, &it->state, &it->acl, &it->acl_cap, body,
			      (size_t)(bytes + len - body));
	if (!wrong && e->owner >= it->inv->owner_count)
		wrong = "its owner";
	if (wrong)
		return damaged(it, wrong, err);
	e->uid = it->inv->owners[e->owner].uid;
	e->gid = it->inv->owners[e->owner].gid;
	e->index = it->next++;
	spool_advance(&it->reader, (size_t)len);
	return 0;
}
