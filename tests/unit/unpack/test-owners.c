/* What an owner, an ACL and a capability become on disk. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "unpack/owners.h"

#define HOST 100000
#define TOP  4294967295 /* (uid_t)-1 */

/* Users 0-999 and 5000, groups 0-9. */
static struct idmap_extent uids[] = { { 0, HOST, 1000 }, { 5000, 200000, 1 } },
			   gids[] = { { 0, 300000, 10 } };
static const struct idmap_pair map = { { uids, 2, true }, { gids, 1, true } };

/* 70000 becomes 7, 70001 becomes 8, which is another's; group 70000 becomes 9. */
static struct fix_id fixed_uids[] = { { .old = 42, .why = FIX_STAYS },
				      { .old = 70000, .why = FIX_WHY_ASKED, .own = true, .new = 7 },
				      { .old = 70001, .why = FIX_WHY_ASKED, .new = 8 } },
		     fixed_gids[] = { { .old = 70000, .why = FIX_WHY_ASKED, .own = true, .new = 9 } };
static const struct fix_plan plan = { .ids = { { fixed_uids, 3, 3 }, { fixed_gids, 1, 1 } } };

static const struct owner_row {
	enum owners_how how;
	bool fix, wraps;
	enum inv_kind kind;
	unsigned mode;
	int64_t uid, gid;
	struct owners_entry is;
} owner_rows[] = {
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, 0, 0, { HOST, 300000 } },
	{ OWNERS_CHOWN, false, false, INV_DIR, 0755, 999, 9, { HOST + 999, 300009 } },
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, 5000, 1, { 200000, 300001 } },
	/* Outside: root's, and said. */
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, 1000, 10, { HOST, 300000, 0, true, true } },
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, 1000, 9, { HOST, 300009, 0, true, false } },
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, 4, 10, { HOST + 4, 300000, 0, false, true } },
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, -1, TOP, { HOST, 300000, 0, true, true } },
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, INT64_MAX, INT64_MIN, { HOST, 300000, 0, true, true } },
	/* Modulo 2^32 where the engine does so. */
	{ OWNERS_CHOWN, false, true, INV_REG, 0644, (1ll << 32) + 5, (5ll << 32) + 6, { HOST + 5, 300006 } },
	{ OWNERS_CHOWN, false, false, INV_REG, 0644, (1ll << 32) + 5, 0, { HOST, 300000, 0, true, false } },
	{ OWNERS_CHOWN, false, true, INV_REG, 0644, -1, 0, { HOST, 300000, 0, true, false } },
	/* The others are asked for the map too, but an idmapped mount. */
	{ OWNERS_OVERRIDE, false, false, INV_REG, 0644, 3, 4, { HOST + 3, 300004 } },
	{ OWNERS_DROP, false, false, INV_REG, 0644, 3, 10, { HOST + 3, 300000, 0, false, true } },
	{ OWNERS_KEEP, false, false, INV_REG, 0644, 123456, 654321, { 123456, 654321 } },
	{ OWNERS_KEEP, false, false, INV_REG, 0644, TOP - 1, TOP, { TOP - 1, 0, 0, false, true } },
	{ OWNERS_KEEP, false, false, INV_REG, 0644, -1, 1ll << 32, { 0, 0, 0, true, true } },
	{ OWNERS_KEEP, false, true, INV_REG, 0644, (1ll << 32) + 5, 1ll << 32, { 5, 0 } },
	/* fix comes first. */
	{ OWNERS_CHOWN, true, false, INV_REG, 0644, 70000, 70000, { HOST + 7, 300009 } },
	{ OWNERS_CHOWN, true, false, INV_REG, 0644, 42, 1, { HOST + 42, 300001 } },
	{ OWNERS_CHOWN, true, false, INV_REG, 0644, 60000, 70000, { HOST, 300009, 0, true, false } },
	{ OWNERS_CHOWN, true, false, INV_REG, 04755, 70000, 0, { HOST + 7, 300000 } },
	{ OWNERS_CHOWN, true, false, INV_REG, 06755, 70001, 0, { HOST + 8, 300000, 06000 } },
	{ OWNERS_CHOWN, true, false, INV_DIR, 04755, 70001, 0, { HOST + 8, 300000 } },
	{ OWNERS_KEEP, true, false, INV_REG, 04755, 70001, 70000, { 8, 9, 04000 } },
};

static void owners(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(owner_rows); i++) {
		const struct owner_row *row = &owner_rows[i];
		const struct owners o = { .how = row->how,
					  .map = &map,
					  .fix = row->fix ? &plan : NULL,
					  .wraps = row->wraps,
					  .root_uid = HOST,
					  .root_gid = 300000 };
		struct owners_entry e;

		owners_of(&e, &o, row->kind, row->mode, row->uid, row->gid);
		if (e.uid != row->is.uid || e.gid != row->is.gid ||
		    e.unmapped_uid != row->is.unmapped_uid || e.unmapped_gid != row->is.unmapped_gid ||
		    e.clear_mode != row->is.clear_mode)
			fail_msg("row %zu: %u:%u %d %d %o", i, e.uid, e.gid, e.unmapped_uid,
				 e.unmapped_gid, e.clear_mode);
	}
}

/* An ACL value: the user u, the group g. */
#define ACL_OF(u0, u1, u2, u3, g0, g1, g2, g3)                                                     \
	"\2\0\0\0\1\0\7\0\377\377\377\377\2\0\7\0" u0 u1 u2 u3 "\4\0\5\0\377\377\377\377\10\0\7\0" g0 g1   \
		g2 g3 "\20\0\7\0\377\377\377\377\40\0\5\0\377\377\377\377"
/* A capability: cap_net_raw, effective; version 3 with a rootid. */
#define CAP_BITS	       "\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CAP2		       "\1\0\0\2" CAP_BITS
#define CAP3(r0, r1, r2, r3)   "\1\0\0\3" CAP_BITS r0 r1 r2 r3
#define CAP3_INEFFECTIVE(r) "\0\0\0\3" CAP_BITS r
#define BYTES(s)	       (s), sizeof(s) - 1

static const struct xattr_row {
	enum owners_how how;
	bool fix, inside;
	const char *name, *value;
	size_t n;
	int r;
	const char *is; /* or a part of the message */
	size_t is_n;
} xattr_rows[] = {
	/* User 5 is 100005 (0x186a5), group 3 is 300003 (0x493e3). */
	{ OWNERS_CHOWN, false, false, "system.posix_acl_access", BYTES(ACL_OF("\5", "\0", "\0", "\0", "\3", "\0", "\0", "\0")), 0,
	  BYTES(ACL_OF("\245", "\206", "\1", "\0", "\343", "\223", "\4", "\0")) },
	{ OWNERS_CHOWN, false, true, "system.posix_acl_default", BYTES(ACL_OF("\5", "\0", "\0", "\0", "\3", "\0", "\0", "\0")), 0,
	  BYTES(ACL_OF("\245", "\206", "\1", "\0", "\343", "\223", "\4", "\0")) },
	{ OWNERS_KEEP, false, false, "system.posix_acl_access", BYTES(ACL_OF("\5", "\1", "\2", "\3", "\3", "\0", "\0", "\1")), 0,
	  BYTES(ACL_OF("\5", "\1", "\2", "\3", "\3", "\0", "\0", "\1")) },
	/* User 1000 and group 10 are in no map. */
	{ OWNERS_CHOWN, false, false, "system.posix_acl_access", BYTES(ACL_OF("\350", "\3", "\0", "\0", "\3", "\0", "\0", "\0")),
	  -ERR_DENIED, BYTES("names the user 1000") },
	{ OWNERS_OVERRIDE, false, false, "system.posix_acl_access", BYTES(ACL_OF("\5", "\0", "\0", "\0", "\12", "\0", "\0", "\0")),
	  -ERR_DENIED, BYTES("names the group 10") },
	/* 70000 (0x11170) is fixed to user 7 and group 9 first. */
	{ OWNERS_CHOWN, true, false, "system.posix_acl_access", BYTES(ACL_OF("\160", "\21", "\1", "\0", "\160", "\21", "\1", "\0")), 0,
	  BYTES(ACL_OF("\247", "\206", "\1", "\0", "\351", "\223", "\4", "\0")) },
	{ OWNERS_KEEP, true, false, "system.posix_acl_access", BYTES(ACL_OF("\160", "\21", "\1", "\0", "\160", "\21", "\1", "\0")), 0,
	  BYTES(ACL_OF("\7", "\0", "\0", "\0", "\11", "\0", "\0", "\0")) },
	/* What is no ACL is the kernel's to refuse. */
	{ OWNERS_CHOWN, false, false, "system.posix_acl_access", BYTES("\2\0\0\0\2\0"), 0, BYTES("\2\0\0\0\2\0") },
	{ OWNERS_CHOWN, false, false, "system.posix_acl_access", BYTES(""), 0, BYTES("") },
	{ OWNERS_CHOWN, false, false, "system.posix_acl_access", BYTES("\3\0\0\0\2\0\7\0\5\0\0\0"), 0, BYTES("\3\0\0\0\2\0\7\0\5\0\0\0") },
	/* Root of the namespace has it, 100000 (0x186a0) outside. */
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES(CAP2), 0, BYTES(CAP3("\240", "\206", "\1", "\0")) },
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES(CAP3("\5", "\0", "\0", "\0")), 0,
	  BYTES(CAP3("\245", "\206", "\1", "\0")) },
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES(CAP3_INEFFECTIVE("\5\0\0\0")), 0,
	  BYTES(CAP3_INEFFECTIVE("\245\206\1\0")) },
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES(CAP3("\350", "\3", "\0", "\0")), -ERR_DENIED,
	  BYTES("root is the user 1000") },
	{ OWNERS_CHOWN, true, false, "security.capability", BYTES(CAP3("\160", "\21", "\1", "\0")), 0,
	  BYTES(CAP3("\247", "\206", "\1", "\0")) },
	/* Inside the kernel does it; an idmapped mount maps what is kept. */
	{ OWNERS_CHOWN, false, true, "security.capability", BYTES(CAP2), 0, BYTES(CAP2) },
	{ OWNERS_CHOWN, false, true, "security.capability", BYTES(CAP3("\350", "\3", "\0", "\0")), 0, BYTES(CAP3("\350", "\3", "\0", "\0")) },
	{ OWNERS_KEEP, false, false, "security.capability", BYTES(CAP2), 0, BYTES(CAP2) },
	{ OWNERS_KEEP, false, false, "security.capability", BYTES(CAP3("\5", "\0", "\0", "\0")), 0, BYTES(CAP3("\5", "\0", "\0", "\0")) },
	{ OWNERS_OVERRIDE, false, false, "security.capability", BYTES(CAP2), 0, BYTES(CAP2) },
	/* None that the kernel takes: as it stands. */
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES("\1\0\0\4" CAP_BITS), 0, BYTES("\1\0\0\4" CAP_BITS) },
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES("\1\0\0\1\0\0\0\0\0\0\0\0"), 0, BYTES("\1\0\0\1\0\0\0\0\0\0\0\0") },
	{ OWNERS_CHOWN, false, false, "security.capability", BYTES("\1\0"), 0, BYTES("\1\0") },
	/* What images may not say. */
	{ OWNERS_CHOWN, false, false, "trusted.overlay.opaque", BYTES("y"), 1, NULL, 0 },
	{ OWNERS_KEEP, false, false, "user.overlay.redirect", BYTES("/"), 1, NULL, 0 },
	{ OWNERS_OVERRIDE, false, false, "user.containers.override_stat", BYTES("0:0:04755"), 1, NULL, 0 },
	{ OWNERS_CHOWN, false, true, "user.fuseoverlayfs.override_stat", BYTES("0:0:04755"), 1, NULL, 0 },
	{ OWNERS_CHOWN, false, false, "security.fuseoverlayfs.override_stat", BYTES("0:0:04755"), 1, NULL, 0 },
	{ OWNERS_CHOWN, false, false, "security.selinux", BYTES("x"), 1, NULL, 0 },
	/* And what is like it, but another. */
	{ OWNERS_CHOWN, false, false, "user.overlay", BYTES("y"), 0, BYTES("y") },
	{ OWNERS_CHOWN, false, false, "security.selinux2", BYTES("y"), 0, BYTES("y") },
	{ OWNERS_CHOWN, false, false, "user.x", BYTES("a\0b"), 0, BYTES("a\0b") },
	{ OWNERS_CHOWN, false, false, "user.x", BYTES(""), 0, BYTES("") },
};

/* Twice into the same buffer: what stood there stays. */
static void xattrs(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(xattr_rows); i++) {
		const struct xattr_row *row = &xattr_rows[i];
		const struct owners o = { .how = row->how, .map = &map, .fix = row->fix ? &plan : NULL, .inside = row->inside };
		struct buf out = { 0 };
		struct error err = { 0 };

		for (size_t k = 0; k < 2; k++) {
			size_t before = out.len;
			int r = owners_xattr(&out, &o, row->name, strlen(row->name), (const uint8_t *)row->value, row->n, &err);

			if (r != row->r)
				fail_msg("row %zu: %d %s", i, r, r < 0 ? err.msg : "");
			if (r < 0 && !strstr(err.msg, row->is))
				fail_msg("row %zu: %s", i, err.msg);
			if (r != 0)
				break;
			if (out.len - before != row->is_n || (row->is_n && memcmp(out.data + before, row->is, row->is_n) != 0))
				fail_msg("row %zu: another value, %zu bytes", i, out.len - before);
		}
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),
		cmocka_unit_test(xattrs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
