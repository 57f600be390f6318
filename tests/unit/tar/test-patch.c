/* Headers before and after a patch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tar/number.h"
#include "tar/patch.h"

#define FIELD(s)                                                                                   \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

struct bytes {
	const char *s;
	size_t n;
};

static const struct {
	const char *what;
	struct bytes old;
	uint64_t v;
	struct bytes new;
} fields[] = {
	{ "zeros and a NUL", FIELD("0001750\0"), 0, FIELD("0000000\0") },
	{ "zeros and a blank", FIELD("0001750 "), 10000, FIELD("0023420 ") },
	{ "six digits, blank, NUL", FIELD("001750 \0"), 8, FIELD("000010 \0") },
	{ "blanks before", FIELD("  1750 \0"), 8, FIELD("    10 \0") },
	{ "blanks before a zero", FIELD("  1750 \0"), 0, FIELD("     0 \0") },
	{ "eight digits", FIELD("77777777"), 1, FIELD("00000001") },
	{ "left-aligned", FIELD("7\0\0\0\0\0\0\0"), 3, FIELD("3\0\0\0\0\0\0\0") },
	{ "left-aligned, longer", FIELD("7\0\0\0\0\0\0\0"), 10000, FIELD("0023420\0") },
	{ "empty", FIELD("\0\0\0\0\0\0\0\0"), 5, FIELD("0000005\0") },
	{ "blank", FIELD("        "), 5, FIELD("0000005 ") },
	{ "base-256", FIELD("\x80\0\0\0\x5a\x5d\xa1\xeb"), 0, FIELD("\x80\0\0\0\0\0\0\0") },
	{ "base-256, negative", FIELD("\xff\xff\xff\xff\xff\xff\xff\xfe"), 0x01020304,
	  FIELD("\x80\0\0\0\1\2\3\4") },
	{ "too large for octal", FIELD("0001750\0"), 2097152, FIELD("\x80\0\0\0\0\x20\0\0") },
	{ "as large as octal takes", FIELD("0001750\0"), 2097151, FIELD("7777777\0") },
};

static void numbers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint8_t f[8];
		int64_t read;

		memcpy(f, fields[i].old.s, 8);
		tar_put_number(f, 8, fields[i].v);
		if (memcmp(f, fields[i].new.s, 8) != 0)
			fail_msg("%s: '%.8s'", fields[i].what, (const char *)f);
		assert_true(tar_number(f, 8, &read));
		assert_int_equal(read, fields[i].v);
	}
}

/* A ustar header of a file. */
static void make_header(uint8_t b[TAR_BLOCK], const char *uid, const char *gid, char flag,
			unsigned size)
{
	memset(b, 0, TAR_BLOCK);
	strcpy((char *)b, "a");
	memcpy(b + 100, "0004755", 8);
	memcpy(b + 108, uid, 8);
	memcpy(b + 116, gid, 8);
	snprintf((char *)b + 124, 12, "%011o", size);
	memcpy(b + 136, "00000000000", 12);
	b[HEADER_FLAG] = (uint8_t)flag;
	memcpy(b + 257, "ustar\00000", 8);
	strcpy((char *)b + HEADER_UNAME, "user");
	strcpy((char *)b + HEADER_GNAME, "group");
	snprintf((char *)b + HEADER_SUM, 8, "%06o", 0u);
	b[HEADER_SUM + 7] = ' ';
	tar_put_sum(b);
}

static bool acl_to(void *ctx, uint32_t id, bool is_gid, uint32_t *to)
{
	*to = is_gid ? 7 : 10000;
	return id >= 65536;
}

static bool rootid_goes(void *ctx, uint32_t rootid)
{
	return rootid >= 65536;
}

static void header_alone(void **state)
{
	struct tar_patch p = { .set_uid = true, .uid = 10000, .clear_mode = 04000 };
	_cleanup_(buf_freep) struct buf out = { 0 };
	uint8_t b[TAR_BLOCK];
	struct error err;

	make_header(b, "0001750\0", "0001750\0", '0', 0);
	assert_int_equal(tar_patch_entry(&out, b, TAR_BLOCK, &p, &err), 0);
	assert_int_equal(out.len, TAR_BLOCK);
	assert_memory_equal(out.data + 100,
			    "0000755\0"
			    "0023420\0"
			    "0001750\0",
			    24);
	assert_string_equal((char *)out.data + HEADER_UNAME, "");
	assert_string_equal((char *)out.data + HEADER_GNAME, "group");
	assert_true(tar_block_checks(out.data, tar_block_sum(out.data)));
	/* Nothing else is touched. */
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (i != 104 && !(i >= 108 && i < 116) && !(i >= HEADER_UNAME && i < 297) &&
		    !(i >= 148 && i < 156))
			if (i != 103)
				assert_int_equal(out.data[i], b[i]);
}

static const struct {
	const char *what;
	struct bytes old;
	struct tar_patch p;
	struct bytes new;
} records[] = {
	{ "a shorter id keeps its place",
	  FIELD("18 uid=1516583083\n"),
	  { .set_uid = true, .uid = 0 },
	  FIELD("18 uid=0000000000\n") },
	{ "a longer one does not",
	  FIELD("9 uid=70\n12 path=abc\n"),
	  { .set_uid = true, .uid = 10000 },
	  FIELD("13 uid=10000\n12 path=abc\n") },
	{ "a digit more in the length",
	  FIELD("8 uid=7\n"),
	  { .set_uid = true, .uid = 100 },
	  FIELD("11 uid=100\n") },
	{ "negative", FIELD("9 gid=-2\n"), { .set_gid = true, .gid = 3 }, FIELD("9 gid=03\n") },
	{ "another side",
	  FIELD("18 uid=1516583083\n"),
	  { .set_gid = true, .gid = 3 },
	  FIELD("18 uid=1516583083\n") },
	{ "no value", FIELD("7 uid=\n"), { .set_uid = true, .uid = 3 }, FIELD("7 uid=\n") },
	{ "names go",
	  FIELD("11 uname=x\n12 path=abc\n11 gname=y\n"),
	  { .set_uid = true },
	  FIELD("12 path=abc\n11 gname=y\n") },
	{ "size", FIELD("10 size=9\n"), { .set_size = true, .size = 12 }, FIELD("11 size=12\n") },
	{ "capability 3 becomes 2",
	  FIELD("61 SCHILY.xattr.security.capability=\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\0\1\0\n"),
	  { .rootid = rootid_goes },
	  FIELD("57 SCHILY.xattr.security.capability=\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\n") },
	{ "a rootid inside stays",
	  FIELD("61 SCHILY.xattr.security.capability=\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\1\0\0\n"),
	  { .rootid = rootid_goes },
	  FIELD("61 SCHILY.xattr.security.capability=\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\1\0\0\n") },
	{ "acl",
	  FIELD("85 SCHILY.xattr.system.posix_acl_access=\2\0\0\0"
		"\1\0\6\0\xff\xff\xff\xff\2\0\7\0\x70\x11\1\0\4\0\4\0\xff\xff\xff\xff"
		"\x10\0\7\0\xff\xff\xff\xff\x20\0\4\0\xff\xff\xff\xff\n"),
	  { .acl = acl_to },
	  FIELD("85 SCHILY.xattr.system.posix_acl_access=\2\0\0\0"
		"\1\0\6\0\xff\xff\xff\xff\2\0\7\0\x10\x27\0\0\4\0\4\0\xff\xff\xff\xff"
		"\x10\0\7\0\xff\xff\xff\xff\x20\0\4\0\xff\xff\xff\xff\n") },
};

static void extended(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };
		uint8_t b[3 * TAR_BLOCK] = { 0 };
		const struct bytes *old = &records[i].old, *new = &records[i].new;
		struct error err = { 0 };
		int64_t size;

		make_header(b, "0000000\0", "0000000\0", 'x', (unsigned)old->n);
		memcpy(b + TAR_BLOCK, old->s, old->n);
		make_header(b + 2 * TAR_BLOCK, "0000000\0", "0000000\0", '0', 0);
		if (tar_patch_entry(&out, b, sizeof(b), &records[i].p, &err) != 0)
			fail_msg("%s: %s", records[i].what, err.msg);
		assert_int_equal(out.len, new->n ? sizeof(b) : 2 * TAR_BLOCK);
		assert_true(tar_number(out.data + 124, 12, &size));
		if ((size_t)size != new->n || memcmp(out.data + TAR_BLOCK, new->s, new->n) != 0)
			fail_msg("%s: %.*s", records[i].what, (int)size, out.data + TAR_BLOCK);
		assert_true(tar_block_checks(out.data, tar_block_sum(out.data)));
	}
}

/* A field under a record follows only where it said the same. */
static void under_a_record(void **state)
{
	static const struct {
		const char *field, *record, *want;
	} rows[] = {
		{ "0001750\0", "12 uid=1000\n", "0000005\0" },
		{ "0000000\0", "18 uid=1516583083\n", "0000000\0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tar_patch p = { .set_uid = true, .uid = 5 };
		_cleanup_(buf_freep) struct buf out = { 0 };
		uint8_t b[3 * TAR_BLOCK] = { 0 };
		struct error err;

		make_header(b, "0000000\0", "0000000\0", 'x', (unsigned)strlen(rows[i].record));
		memcpy(b + TAR_BLOCK, rows[i].record, strlen(rows[i].record));
		make_header(b + 2 * TAR_BLOCK, rows[i].field, "0000000\0", '0', 0);
		assert_int_equal(tar_patch_entry(&out, b, sizeof(b), &p, &err), 0);
		assert_memory_equal(out.data + 2 * TAR_BLOCK + 108, rows[i].want, 8);
	}
}

/* Of two extended headers the last counts: what the first said is the field's to say again. */
static void two_extended_headers(void **state)
{
	struct tar_patch p = { .set_uid = true, .uid = 5, .set_gid = true, .gid = 6 };
	_cleanup_(buf_freep) struct buf out = { 0 };
	uint8_t b[5 * TAR_BLOCK] = { 0 };
	struct error err;

	make_header(b, "0000000\0", "0000000\0", 'x', 13);
	memcpy(b + TAR_BLOCK, "13 uid=65537\n", 13);
	make_header(b + 2 * TAR_BLOCK, "0000000\0", "0000000\0", 'x', 13);
	memcpy(b + 3 * TAR_BLOCK, "13 gid=70000\n", 13);
	make_header(b + 4 * TAR_BLOCK, "0177776\0", "0177777\0", '0', 0);
	assert_int_equal(tar_patch_entry(&out, b, sizeof(b), &p, &err), 0);
	assert_int_equal(out.len, sizeof(b));
	assert_memory_equal(out.data + 4 * TAR_BLOCK + 108,
			    "0000005\0"
			    "0177777\0",
			    16);
	assert_memory_equal(out.data + 3 * TAR_BLOCK, "13 gid=00006\n", 13);
}

static void refuses(void **state)
{
	struct tar_patch p = { .set_uid = true };
	_cleanup_(buf_freep) struct buf out = { 0 };
	uint8_t b[2 * TAR_BLOCK] = { 0 };
	struct error err;

	make_header(b, "0000000\0", "0000000\0", 'x', 5000);
	assert_int_equal(tar_patch_entry(&out, b, sizeof(b), &p, &err), -ERR_BUG);
	assert_int_equal(tar_patch_entry(&out, b, 100, &p, &err), -ERR_BUG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(header_alone),
		cmocka_unit_test(extended),
		cmocka_unit_test(under_a_record),
		cmocka_unit_test(two_extended_headers),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
