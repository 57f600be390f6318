#include "unpack/owners.h"

#include <string.h>

#include "tar/xattr.h"

void owners_of(struct owners_entry *out, const struct owners *o, enum inv_kind kind, unsigned mode,
	       int64_t uid, int64_t gid)
{
	struct fix_change change;

	*out = (struct owners_entry){ 0 };
	if (o->fix && fix_change_of(o->fix, kind, mode, uid, gid, &change)) {
		if (change.uid)
			uid = change.new_uid;
		if (change.gid)
			gid = change.new_gid;
		out->clear_mode = change.clear_mode;
	}
	if (o->wraps) {
		uid = (uint32_t)uid;
		gid = (uint32_t)gid;
	}
	if (o->how == OWNERS_KEEP) {
		/* chown(2) takes a word: what is no 32-bit number stands in no map either. */
		out->unmapped_uid = uid < 0 || uid >= UINT32_MAX;
		out->unmapped_gid = gid < 0 || gid >= UINT32_MAX;
		out->uid = out->unmapped_uid ? 0 : (uint32_t)uid;
		out->gid = out->unmapped_gid ? 0 : (uint32_t)gid;
		return;
	}
	out->unmapped_uid = !idmap_lookup(&o->map->uid, uid, &out->uid);
	out->unmapped_gid = !idmap_lookup(&o->map->gid, gid, &out->gid);
	if (out->unmapped_uid)
		out->uid = o->root_uid;
	if (out->unmapped_gid)
		out->gid = o->root_gid;
}

/* An image may not say what overlayfs, fuse-overlayfs and containers/storage keep for themselves.
 */
static bool is_forged(const char *name, size_t n)
{
	static const char *const prefixes[] = {
		"trusted.overlay.",    "user.overlay.",		  "user.containers.",
		"user.fuseoverlayfs.", "security.fuseoverlayfs.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (n >= strlen(prefixes[i]) && memcmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int map_id(const struct owners *o, bool is_gid, int64_t id, uint32_t *to)
{
	if (o->fix && fix_renumber(o->fix, is_gid, id, to))
		id = *to;
	if (o->how != OWNERS_KEEP)
		return idmap_lookup(is_gid ? &o->map->gid : &o->map->uid, id, to) ? 0 : -1;
	*to = (uint32_t)id;
	return 0;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

#define ACL_IDS_MAX (65536 / 8)

static int map_acl(struct buf *out, const struct owners *o, const uint8_t *value, size_t n,
		   struct error *err)
{
	_cleanup_(freep) struct acl_id *ids = calloc(ACL_IDS_MAX, sizeof(*ids));
	size_t count;
	bool valid;

	if (!ids || buf_append(out, value, n))
		return err_nomem(err);
	/* What the kernel refuses it refuses by itself. */
	if (n > 65536 || !acl_read(value, n, ids, ACL_IDS_MAX, &count, &valid))
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t to;

		if (map_id(o, ids[i].is_gid, ids[i].id, &to) < 0)
			return err_fail(err, ERR_DENIED, 0, "its ACL names the %s %u",
					ids[i].is_gid ? "group" : "user", ids[i].id);
		put_le32(out->data + out->len - n + ids[i].offset, to);
	}
	return 0;
}

enum { CAP_V2_LEN = 20, CAP_V3_LEN = 24, CAP_MAGIC_V3 = 0x03000000 };

/* linux/capability.h, struct vfs_ns_cap_data. */
static int map_capability(struct buf *out, const struct owners *o, const uint8_t *value, size_t n,
			  struct error *err)
{
	uint32_t rootid = 0, to;
	uint8_t v3[CAP_V3_LEN] = { 0 };
	int version = capability_rootid(value, n, &rootid);

	if (version < 0 || (version == 0 && n != CAP_V2_LEN) || o->inside ||
	    (o->how != OWNERS_CHOWN && version == 0))
		return buf_append(out, value, n) ? err_nomem(err) : 0;
	if (map_id(o, false, rootid, &to) < 0)
		return err_fail(err, ERR_DENIED, 0, "its capability's root is the user %u", rootid);
	memcpy(v3, value, CAP_V2_LEN);
	put_le32(v3, CAP_MAGIC_V3 | (v3[0] & 1u)); /* the effective bit stays */
	put_le32(v3 + CAP_V2_LEN, to);
	return buf_append(out, v3, sizeof(v3)) ? err_nomem(err) : 0;
}

int owners_xattr(struct buf *out, const struct owners *o, const char *name, size_t name_len,
		 const uint8_t *value, size_t value_len, struct error *err)
{
	static const char selinux[] = "security.selinux";

	if (is_forged(name, name_len) ||
	    (name_len == sizeof(selinux) - 1 && memcmp(name, selinux, name_len) == 0))
		return 1;
	if (xattr_is_acl(name, name_len))
		return map_acl(out, o, value, value_len, err);
	if (xattr_is_capability(name, name_len))
		return map_capability(out, o, value, value_len, err);
	return buf_append(out, value, value_len) ? err_nomem(err) : 0;
}
