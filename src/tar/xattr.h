/* Ids inside xattrs: POSIX ACLs (include/uapi/linux/posix_acl_xattr.h) and version-3 file
 * capabilities (include/uapi/linux/capability.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACL_TAG_USER = 0x02, ACL_TAG_GROUP = 0x08 };

struct acl_id {
	uint32_t id;
	bool is_gid;
	uint32_t offset; /* of the 4 bytes of the id within the value */
};

/* True for system.posix_acl_access and system.posix_acl_default. */
bool xattr_is_acl(const char *name, size_t n);
/* True for security.capability. */
bool xattr_is_capability(const char *name, size_t n);

/* The named users and groups of an ACL value, at most max into ids; *count is how many there are.
 * False where the kernel refuses the value (version not 2, size not 4 + 8n, tag unknown, or the
 * rules of posix_acl_valid: order and required entries). */
bool acl_ids(const uint8_t *value, size_t n, struct acl_id *ids, size_t max, size_t *count);

/* acl_ids in the kernel's two steps (fs/posix_acl.c). It reads the value first: false where that
 * fails (size, version, unknown tag, a named id of 2^32-1). Only where such an ACL may stand at all
 * it judges order, required entries and permissions: *valid. */
bool acl_read(const uint8_t *value, size_t n, struct acl_id *ids, size_t max, size_t *count,
	      bool *valid);

/* 1 and *rootid for a version-3 value, 0 for another valid version, -1 where it is none the kernel
 * takes. */
int capability_rootid(const uint8_t *value, size_t n, uint32_t *rootid);
