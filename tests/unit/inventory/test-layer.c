/* One walk: what of a tar becomes which entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"
#include "tar/reader.h"

static void entries(void **state)
{
	static const struct {
		struct made entry;
		enum inv_kind kind;
		const char *path, *name;
		unsigned flags;
	} rows[] = {
		{ { 'd', "./" }, INV_ROOT, "", NULL, 0 },
		{ { 'd', "/" }, INV_ROOT, "", NULL, INV_ABSOLUTE },
		{ { 'd', "a/.." }, INV_ROOT, "", "a/..", 0 },
		{ { 'f', "./a/b", "x" }, INV_REG, "a/b", NULL, 0 },
		{ { 'd', "/a/b/" }, INV_DIR, "a/b", NULL, INV_ABSOLUTE },
		{ { 'f', "a//b" }, INV_REG, "a/b", "a//b", 0 },
		{ { 'f', "a/../../b" }, INV_REG, "b", "a/../../b", INV_ESCAPES },
		{ { 'l', "l", "../x" }, INV_SYMLINK, "l", NULL, 0 },
		{ { 'h', "h", "./x" }, INV_HARDLINK, "h", NULL, 0 },
		{ { 'p', "p" }, INV_FIFO, "p", NULL, 0 },
		{ { 'c', "c" }, INV_CHR, "c", NULL, 0 },
		{ { 'o', "o" }, INV_REG, "o", NULL, 0 }, /* Go reads type 7 as a file */
		{ { 'g', "pax_global_header" }, INV_GLOBAL, "pax_global_header", NULL, 0 },
		{ { 'f', "a/.wh.b" }, INV_WHITEOUT, "a/b", "a/.wh.b", 0 },
		{ { 'd', "a/.wh.b/" }, INV_WHITEOUT, "a/b", "a/.wh.b/", 0 },
		{ { 'f', ".wh.b" }, INV_WHITEOUT, "b", ".wh.b", 0 },
		{ { 'f', "a/.wh.b/c" }, INV_REG, "a/.wh.b/c", NULL, 0 },
		{ { 'f', "a/x.wh.b" }, INV_REG, "a/x.wh.b", NULL, 0 },
		{ { 'f', "a/.wh." }, INV_WHITEOUT, "a", "a/.wh.", 0 },
		{ { 'f', "a/.wh..." }, INV_WHITEOUT, "", "a/.wh...", 0 },
		{ { 'f', ".wh..." }, INV_WHITEOUT, "", ".wh...", INV_ESCAPES },
		{ { 'f', "a/.wh..wh..opq" }, INV_OPAQUE, "a", "a/.wh..wh..opq", 0 },
		{ { 'f', ".wh..wh..opq" }, INV_OPAQUE, "", ".wh..wh..opq", 0 },
		{ { 'd', ".wh..wh.plnk/" }, INV_AUFS_META, ".wh..wh.plnk", NULL, 0 },
		{ { 'f', ".wh..wh.plnk/1.2" }, INV_AUFS_META, ".wh..wh.plnk/1.2", NULL, 0 },
		{ { 'f', "a/.wh..wh.orph" }, INV_AUFS_META, "a/.wh..wh.orph", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct layer_inventory *inv = made_layer(&rows[i].entry, 1);
		struct error err = { 0 };
		struct inv_iter it;
		struct inv_entry e;

		assert_int_equal(inv->entries, 1);
		assert_int_equal(inv->kinds[rows[i].kind], 1);
		inv_iter_init(&it, inv);
		assert_int_equal(inv_iter_next(&it, &e, &err), 0);
		if (e.kind != rows[i].kind || strcmp(e.path, rows[i].path) != 0 ||
		    !e.name != !rows[i].name || (e.name && strcmp(e.name, rows[i].name) != 0))
			fail_msg("%s: %s '%s' name '%s'", rows[i].entry.name,
				 inv_kind_name(e.kind), e.path, e.name ? e.name : "-");
		assert_int_equal(e.path_len, strlen(rows[i].path));
		assert_int_equal(e.flags, rows[i].flags);
		assert_int_equal(inv->flags_seen, rows[i].flags);
		assert_string_equal(e.link, e.kind == INV_SYMLINK || e.kind == INV_HARDLINK ?
						    rows[i].entry.text : "");
		assert_int_equal(e.size, rows[i].entry.type == 'f' && rows[i].entry.text ?
						 strlen(rows[i].entry.text) : 0);
		assert_int_equal(inv_iter_next(&it, &e, &err), 1);
		inv_iter_done(&it);
		layer_inventory_free(inv);
	}
}

static void owners(void **state)
{
	static const struct made m[] = {
		{ 'f', "a", "1", 0, 0 },     { 'f', "b", NULL, 1000, 0 }, { 'f', "c", NULL, 0, 0 },
		{ 'f', "d", NULL, 1000, 0 }, { 'f', "e", NULL, 0, 1000 }, { 'f', "f", NULL, 0, 1000 },
	};
	static const struct inv_owner want[] = { { 0, 0, 2 }, { 1000, 0, 2 }, { 0, 1000, 2 } };
	struct layer_inventory *inv = made_layer(m, ARRAY_SIZE(m));
	struct error err = { 0 };
	struct inv_iter it;
	struct inv_entry e;

	assert_int_equal(inv->owner_count, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_memory_equal(&inv->owners[i], &want[i], sizeof(want[i]));
	inv_iter_init(&it, inv);
	for (size_t i = 0; i < ARRAY_SIZE(m); i++) {
		assert_int_equal(inv_iter_next(&it, &e, &err), 0);
		assert_int_equal(e.index, i);
		assert_int_equal(e.uid, m[i].uid);
		assert_int_equal(e.gid, m[i].gid);
		assert_int_equal(e.mode, 0644);
		assert_int_equal(e.header_offset, i ? (i + 1) * 512 : 0);
	}
	inv_iter_done(&it);
	layer_inventory_free(inv);
}

/* More owners than the first table has room for. */
static void many_owners(void **state)
{
	enum { N = 5000 };
	struct buf tar = { 0 };
	struct layer_inventory *inv;

	for (int i = 0; i < 2 * N; i++) {
		struct made m = { 'f', "a", NULL, i % N, i % 7 };

		made_header(&tar, &m);
	}
	made_end(&tar);
	inv = made_build(tar.data, tar.len);
	/* i and i + N differ in their remainder by 7, so every pair is seen once. */
	assert_int_equal(inv->owner_count, 2 * N);
	assert_int_equal(inv->entries, 2 * N);
	layer_inventory_free(inv);
	buf_free(&tar);
}

static int build_with(struct layer_inventory **inv, const struct buf *tar, const struct layer_build *how,
		      struct error *err)
{
	struct stream *s;

	assert_int_equal(stream_open_memory(&s, tar->data, tar->len, err), 0);
	return layer_inventory_build(inv, s, how, err);
}

static void limits(void **state)
{
	static const struct {
		enum limit limit;
		uint64_t figure;
		int r;
	} rows[] = {
		{ LIMIT_LAYER_ENTRIES, 3, 0 }, { LIMIT_LAYER_ENTRIES, 2, -ERR_LIMIT },
		{ LIMIT_OWNERS, 2, 0 },	       { LIMIT_OWNERS, 1, -ERR_LIMIT },
	};
	static const struct made m[] = { { 'f', "a" }, { 'f', "b", NULL, 1, 1 }, { 'f', "c" } };
	struct buf tar = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(m); i++)
		made_header(&tar, &m[i]);
	made_end(&tar);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct limits l = limits_default();
		const struct layer_build how = { .limits = &l };
		struct layer_inventory *inv = NULL;
		struct error err = { 0 };

		l.v[rows[i].limit] = rows[i].figure;
		assert_int_equal(build_with(&inv, &tar, &how, &err), rows[i].r);
		layer_inventory_free(inv);
	}
	buf_free(&tar);
}

/* Which digests come out. The bytes lie in memory, where nothing is gained by skipping. */
static void digests(void **state)
{
	static const struct {
		bool verify, want;
		enum digest_algo blob, diff;
	} rows[] = {
		{ true, false, DIGEST_SHA256, DIGEST_SHA256 },
		{ true, true, DIGEST_SHA256, DIGEST_SHA256 },
		{ true, true, DIGEST_SHA512, DIGEST_SHA256 },
	};
	const struct limits l = limits_default();
	const struct made m = { 'f', "a", "body" };
	char hex256[DIGEST_HEX_MAX + 1], hex512[DIGEST_HEX_MAX + 1];
	struct error err = { 0 };
	struct buf tar = { 0 };

	made_header(&tar, &m);
	made_end(&tar);
	assert_int_equal(digest_hex(DIGEST_SHA256, tar.data, tar.len, hex256, &err), 0);
	assert_int_equal(digest_hex(DIGEST_SHA512, tar.data, tar.len, hex512, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct layer_build how = { .limits = &l, .verify = rows[i].verify,
						 .want_blob_digest = rows[i].want,
						 .blob_algo = rows[i].blob, .diff_algo = rows[i].diff };
		struct layer_inventory *inv;

		assert_int_equal(build_with(&inv, &tar, &how, &err), 0);
		assert_string_equal(oci_digest_hex(&inv->diff_id), hex256);
		if (!rows[i].want)
			assert_string_equal(inv->blob_digest.text, "");
		else
			assert_string_equal(oci_digest_hex(&inv->blob_digest),
					    rows[i].blob == DIGEST_SHA512 ? hex512 : hex256);
		assert_int_equal(inv->tar_size, tar.len);
		assert_int_equal(inv->blob_size, tar.len);
		assert_int_equal(inv->codec, CODEC_NONE);
		layer_inventory_free(inv);
	}
	buf_free(&tar);
}

static void broken(void **state)
{
	const struct limits l = limits_default();
	const struct layer_build how = { .limits = &l };
	const struct made m = { 'f', "etc/passwd", "root:x:0:0::/:/bin/sh" };
	struct buf tar = { 0 };

	made_header(&tar, &m);
	made_end(&tar);
	/* Go takes a body without its padding, so what is cut behind the body is whole as far as it can tell. */
	for (size_t n = 1; n < tar.len; n += 37) {
		const size_t body_end = 512 + strlen(m.text);
		struct buf cut = { .data = tar.data, .len = n };
		struct layer_inventory *inv = NULL;
		struct error err = { 0 };
		int r = build_with(&inv, &cut, &how, &err);

		assert_int_equal(r, n < body_end || (n > 1024 && n % 512) ? -ERR_TRUNCATED : 0);
		assert_int_equal(r == 0, inv && inv->oddities & TAR_ODD_NO_END_MARKER);
		layer_inventory_free(inv);
	}
	buf_free(&tar);
}

static void small_files(void **state)
{
	static const struct made m[] = {
		{ 'f', "etc/passwd", "a" },   { 'f', "etc/group", "bc" },   { 'f', "etc/passwd-", "d" },
		{ 'f', "nix/x-passwd", "e" }, { 'd', "var/passwd" },	    { 'f', "a/.wh.passwd", "f" },
	};
	struct layer_inventory *inv = made_layer(m, ARRAY_SIZE(m));

	assert_int_equal(inv->file_count, 4);
	assert_string_equal(inv->files[0].path, "etc/passwd");
	assert_memory_equal(inv->files[1].data, "bc", 2);
	assert_int_equal(inv->files[1].len, 2);
	assert_string_equal(inv->files[2].path, "etc/passwd-");
	assert_int_equal(inv->files[3].index, 3);
	layer_inventory_free(inv);
}

/* A layer full of word lists does not push out the file that engines read. */
static void small_files_limit(void **state)
{
	struct limits l = limits_default();
	const struct layer_build how = { .limits = &l };
	struct layer_inventory *inv;
	struct error err = { 0 };
	struct buf tar = { 0 };
	char name[32];
	const struct made last = { 'f', "etc/passwd", "root:x:0:0" };

	l.v[LIMIT_SMALL_FILES] = 2000;
	for (int i = 0; i < 100; i++) {
		const struct made m = { 'f', name, "words" };

		snprintf(name, sizeof(name), "lists/%d-passwd", i);
		made_header(&tar, &m);
	}
	made_header(&tar, &last);
	made_end(&tar);
	assert_int_equal(build_with(&inv, &tar, &how, &err), 0);
	assert_in_range(inv->file_count, 2, 30);
	assert_string_equal(inv->files[inv->file_count - 1].path, "etc/passwd");
	assert_int_equal(inv->files[inv->file_count - 1].len, 10);
	layer_inventory_free(inv);
	buf_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),   cmocka_unit_test(owners),
		cmocka_unit_test(many_owners), cmocka_unit_test(limits),
		cmocka_unit_test(digests),   cmocka_unit_test(broken),
		cmocka_unit_test(small_files), cmocka_unit_test(small_files_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
