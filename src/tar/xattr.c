#include "tar/xattr.h"

#include <endian.h>
#include <string.h>

#include "base/num.h"

enum {
	ACL_HEADER = 4,
	ACL_ENTRY = 8,
	ACL_VERSION = 2,
	ACL_PERMS = 7,
	ACL_TAG_USER_OBJ = 0x01,
	ACL_TAG_GROUP_OBJ = 0x04,
	ACL_TAG_MASK = 0x10,
	ACL_TAG_OTHER = 0x20,
	CAP_V2_SIZE = 20,
	CAP_V3_SIZE = 24,
	CAP_V2 = 0x02000000,
	CAP_V3 = 0x03000000,
	CAP_EFFECTIVE = 1,
};

static uint32_t read32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint16_t read16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static bool named(const char *name, size_t n, const char *is)
{
	return n == strlen(is) && memcmp(name, is, n) == 0;
}

bool xattr_is_acl(const char *name, size_t n)
{
	return named(name, n, "system.posix_acl_access") ||
	       named(name, n, "system.posix_acl_default");
}

bool xattr_is_capability(const char *name, size_t n)
{
	return named(name, n, "security.capability");
}

/* posix_acl_valid as a table: in which state a tag may stand and which state it leaves. The owner
 * comes first, then named users, the group, named groups, the mask (a must once anyone is named),
 * others. */
enum acl_state { ACL_WANTS_OWNER, ACL_USERS, ACL_GROUPS, ACL_WANTS_OTHER, ACL_DONE, ACL_BAD };

static enum acl_state acl_step(enum acl_state state, uint16_t tag, bool anyone_named)
{
	static const struct {
		uint16_t tag;
		enum acl_state in, out;
	} steps[] = {
		{ ACL_TAG_USER_OBJ, ACL_WANTS_OWNER, ACL_USERS },
		{ ACL_TAG_USER, ACL_USERS, ACL_USERS },
		{ ACL_TAG_GROUP_OBJ, ACL_USERS, ACL_GROUPS },
		{ ACL_TAG_GROUP, ACL_GROUPS, ACL_GROUPS },
		{ ACL_TAG_MASK, ACL_GROUPS, ACL_WANTS_OTHER },
		{ ACL_TAG_OTHER, ACL_WANTS_OTHER, ACL_DONE },
	};

	if (tag == ACL_TAG_OTHER && state == ACL_GROUPS && !anyone_named)
		return ACL_DONE;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].tag == tag && steps[i].in == state)
			return steps[i].out;
	return ACL_BAD;
}

static bool is_tag(uint16_t tag)
{
	const unsigned all = ACL_TAG_USER_OBJ | ACL_TAG_USER | ACL_TAG_GROUP_OBJ | ACL_TAG_GROUP |
			     ACL_TAG_MASK | ACL_TAG_OTHER;

	/* Each is one bit of its own. */
	return tag && !(tag & (tag - 1)) && tag & all;
}

bool acl_read(const uint8_t *value, size_t n, struct acl_id *ids, size_t max, size_t *count,
	      bool *valid)
{
	enum acl_state state = ACL_WANTS_OWNER;
	size_t found = 0;

	*count = 0;
	*valid = false;
	if (n < ACL_HEADER || (n - ACL_HEADER) % ACL_ENTRY || n > UINT32_MAX ||
	    read32(value) != ACL_VERSION)
		return false;
	for (size_t at = ACL_HEADER; at < n; at += ACL_ENTRY) {
		uint16_t tag = read16(value + at), perm = read16(value + at + 2);
		uint32_t id = read32(value + at + 4);
		bool is_named = tag == ACL_TAG_USER || tag == ACL_TAG_GROUP;

		if (!is_tag(tag) || (is_named && id == ID_INVALID))
			return false;
		state = perm & ~ACL_PERMS ? ACL_BAD : acl_step(state, tag, found > 0);
		if (!is_named)
			continue;
		if (found < max)
			ids[found] = (struct acl_id){ id, tag == ACL_TAG_GROUP, (uint32_t)at + 4 };
		found++;
	}
	*count = found;
	/* Without entries: the kernel takes it and removes the ACL. */
	*valid = n == ACL_HEADER || state == ACL_DONE;
	return true;
}

bool acl_ids(const uint8_t *value, size_t n, struct acl_id *ids, size_t max, size_t *count)
{
	bool valid;

	if (acl_read(value, n, ids, max, count, &valid) && valid)
		return true;
	*count = 0;
	return false;
}

int capability_rootid(const uint8_t *value, size_t n, uint32_t *rootid)
{
	uint32_t version;

	if (n != CAP_V2_SIZE && n != CAP_V3_SIZE)
		return -1;
	version = read32(value) & ~(uint32_t)CAP_EFFECTIVE;
	if (n == CAP_V2_SIZE)
		return version == CAP_V2 ? 0 : -1;
	if (version != CAP_V3)
		return -1;
	*rootid = read32(value + CAP_V2_SIZE);
	return 1;
}
