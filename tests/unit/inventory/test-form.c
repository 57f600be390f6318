/* Records and the serial form: what is written is what is read, and nothing damaged is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inventory/builder.h"
#include "inventory/form.h"
#include "made.h"

static const struct inv_acl_id acl[] = { { 0, false }, { UINT32_MAX - 1, true }, { 70000, false } };

static const struct inv_entry sample[] = {
	{ .kind = INV_ROOT, .path = "", .link = "" },
	{ .kind = INV_DIR, .mode = 07777, .path = "usr", .path_len = 3, .link = "", .header_offset = 512 },
	{ .kind = INV_REG, .path = "usr/a", .path_len = 5, .link = "", .size = UINT64_MAX, .uid = -1,
	  .gid = INT64_MIN, .flags = INV_UID_PAX | INV_GID_PAX, .header_offset = 512 },
	{ .kind = INV_REG, .path = "usr/passwd", .path_len = 10, .link = "", .size = 3, .uid = -1,
	  .gid = INT64_MIN, .header_offset = 1024 },
	{ .kind = INV_SYMLINK, .path = "usr/ab", .path_len = 6, .link = "", .uid = INT64_MAX,
	  .header_offset = 1ull << 40 },
	{ .kind = INV_HARDLINK, .path = "us", .path_len = 2, .link = "a\xff/b", .link_len = 4,
	  .name = "us//.", .name_len = 5, .header_offset = 1ull << 40 },
	{ .kind = INV_REG, .path = "z\x80", .path_len = 2, .link = "", .acl = acl, .acl_count = 3,
	  .flags = INV_HAS_ACL_IDS | INV_CAP_ROOTID | INV_CAPABILITY, .cap_rootid = UINT32_MAX,
	  .header_offset = 1ull << 50 },
	{ .kind = INV_OTHER, .path = "z\x80/y", .path_len = 4, .link = "", .header_offset = 1ull << 50 },
};

static void add_mentions(struct inv_builder *b, const struct inv_entry *e)
{
	struct inv_mentions m = { .flags = INV_MENTIONS_UNDECIDED | INV_MENTIONS_MORE, .line = UINT32_MAX, .count = 2 };
	struct error err = { 0 };

	m.ids = calloc(2, sizeof(*m.ids));
	m.ids[0] = (struct inv_mention){ .id = INT64_MAX, .line = UINT32_MAX, .is_gid = true };
	m.ids[1] = (struct inv_mention){ .id = 100, .line = 1 };
	assert_int_equal(inv_builder_mentions(b, e, &m, &err), 0);
}

static struct layer_inventory *sample_inventory(void)
{
	const struct limits limits = limits_default();
	struct layer_inventory *inv;
	struct inv_builder b;
	struct error err = { 0 };

	/* A spool that moves to a file at once. */
	assert_int_equal(inv_builder_init(&b, &limits, 16, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sample); i++) {
		struct inv_entry e = sample[i];

		assert_int_equal(inv_builder_add(&b, &e, &err), 0);
		if (inv_is_small_file(&e))
			assert_int_equal(inv_builder_file(&b, &e, (uint8_t *)strdup("a:b"), 3, &err), 0);
		if (i == 2 || i == 3)
			add_mentions(&b, &e);
	}
	assert_int_equal(inv_builder_finish(&b, &inv, &err), 0);
	inv_builder_done(&b);
	inv->tar_size = 12345;
	inv->blob_size = 99;
	inv->codec = CODEC_ZSTD;
	inv->oddities = 5;
	inv->mentions_known = inv->mentions_cut = true;
	assert_int_equal(oci_digest_parse(&inv->diff_id,
					  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &err),
			 0);
	return inv;
}

static void check_sample(const struct layer_inventory *inv)
{
	struct error err = { 0 };
	struct inv_iter it;
	struct inv_entry e;

	assert_int_equal(inv->entries, ARRAY_SIZE(sample));
	assert_int_equal(inv->owner_count, 3);
	assert_int_equal(inv->kinds[INV_REG], 3);
	assert_int_equal(inv->file_count, 1);
	assert_int_equal(inv->files[0].index, 3);
	assert_memory_equal(inv->files[0].data, "a:b", 3);
	assert_true(inv->mentions_known && inv->mentions_cut);
	assert_int_equal(inv->mention_count, 2);
	assert_string_equal(inv->mentions[0].path, "usr/a");
	assert_int_equal(inv->mentions[1].index, 3);
	assert_int_equal(inv->mentions[1].flags, INV_MENTIONS_UNDECIDED | INV_MENTIONS_MORE);
	assert_int_equal(inv->mentions[1].line, UINT32_MAX);
	assert_int_equal(inv->mentions[1].count, 2);
	assert_true(inv->mentions[1].ids[0].id == INT64_MAX && inv->mentions[1].ids[0].line == UINT32_MAX &&
		    inv->mentions[1].ids[0].is_gid);
	assert_true(inv->mentions[1].ids[1].id == 100 && inv->mentions[1].ids[1].line == 1 && !inv->mentions[1].ids[1].is_gid);
	inv_iter_init(&it, inv);
	for (size_t i = 0; i < ARRAY_SIZE(sample); i++) {
		const struct inv_entry *want = &sample[i];

		assert_int_equal(inv_iter_next(&it, &e, &err), 0);
		assert_int_equal(e.index, i);
		assert_int_equal(e.kind, want->kind);
		assert_int_equal(e.mode, want->mode);
		assert_int_equal(e.flags, want->flags);
		assert_true(e.uid == want->uid && e.gid == want->gid && e.size == want->size);
		assert_true(e.header_offset == want->header_offset);
		assert_string_equal(e.path, want->path);
		assert_int_equal(e.path_len, want->path_len);
		assert_int_equal(!e.name, !want->name);
		if (e.name)
			assert_string_equal(e.name, want->name);
		assert_string_equal(e.link, want->link);
		assert_int_equal(e.link_len, want->link_len);
		assert_int_equal(e.acl_count, want->acl_count);
		for (size_t k = 0; k < e.acl_count; k++)
			assert_true(e.acl[k].id == acl[k].id && e.acl[k].is_gid == acl[k].is_gid);
		assert_int_equal(e.cap_rootid, want->cap_rootid);
	}
	assert_int_equal(inv_iter_next(&it, &e, &err), 1);
	assert_int_equal(inv_iter_next(&it, &e, &err), 1);
	inv_iter_done(&it);
}

static int sink(void *ctx, const void *bytes, size_t n, _unused_ struct error *err)
{
	return buf_append(ctx, bytes, n);
}

static int read_form(struct layer_inventory **inv, const void *bytes, size_t n, size_t chunk, struct error *err)
{
	const struct limits limits = limits_default();
	struct stream *s, *chunked;
	int r;

	assert_int_equal(stream_open_memory(&s, bytes, n, err), 0);
	assert_int_equal(stream_open_chunked(&chunked, s, chunk, err), 0);
	r = layer_inventory_read(inv, chunked, &limits, err);
	stream_close(chunked);
	return r;
}

static void records(void **state)
{
	struct layer_inventory *inv = sample_inventory();

	check_sample(inv);
	layer_inventory_free(inv);
}

static void form(void **state)
{
	static const size_t chunks[] = { 1, 7, 512, 1 << 20 };
	struct layer_inventory *inv = sample_inventory(), *again;
	struct buf bytes = { 0 }, second = { 0 };
	struct error err = { 0 };

	assert_int_equal(layer_inventory_write(inv, sink, &bytes, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		assert_int_equal(read_form(&again, bytes.data, bytes.len, chunks[i], &err), 0);
		check_sample(again);
		assert_int_equal(again->tar_size, 12345);
		assert_int_equal(again->blob_size, 99);
		assert_int_equal(again->codec, CODEC_ZSTD);
		assert_int_equal(again->oddities, 5);
		assert_string_equal(again->diff_id.text, inv->diff_id.text);
		assert_string_equal(again->blob_digest.text, "");
		buf_clear(&second);
		assert_int_equal(layer_inventory_write(again, sink, &second, &err), 0);
		assert_int_equal(second.len, bytes.len);
		assert_memory_equal(second.data, bytes.data, bytes.len);
		layer_inventory_free(again);
	}
	layer_inventory_free(inv);
	buf_free(&bytes);
	buf_free(&second);
}

static void none(void **state)
{
	struct layer_inventory *inv = made_layer(NULL, 0), *again;
	struct error err = { 0 };
	struct buf bytes = { 0 };
	struct inv_iter it;
	struct inv_entry e;

	assert_int_equal(layer_inventory_write(inv, sink, &bytes, &err), 0);
	assert_int_equal(read_form(&again, bytes.data, bytes.len, 4096, &err), 0);
	assert_int_equal(again->entries, 0);
	inv_iter_init(&it, again);
	assert_int_equal(inv_iter_next(&it, &e, &err), 1);
	inv_iter_done(&it);
	layer_inventory_free(again);
	layer_inventory_free(inv);
	buf_free(&bytes);
}

/* The example of docs/formats/inventory.md. */
static void example(void **state)
{
	static const uint8_t want[] = {
		0x55, 0x49, 0x44, 0x46, 0x49, 0x4e, 0x56, 0x02, 0x01, 0x80, 0x0c, 0x80, 0x0c, 0, 0, 0,
		0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00, 0xe0, 0xc5, 0x08, 0x01, 0x00, 0x01, 0x00, 0x0a,
		0x09, 0x01, 0xed, 0x03, 0x00, 0x00, 0x03, 'e', 't', 'c',
		0x63, 0x92, 0xa6, 0xd6, 0x11, 0x9b, 0x16, 0x17,
	};
	static const struct made m = { 'd', "./etc/", NULL, 0, 70000 };
	struct layer_inventory *inv = made_layer(&m, 1);
	struct buf bytes = { 0 };
	struct error err = { 0 };

	assert_int_equal(layer_inventory_write(inv, sink, &bytes, &err), 0);
	assert_int_equal(bytes.len, sizeof(want));
	assert_memory_equal(bytes.data, want, sizeof(want));
	layer_inventory_free(inv);
	buf_free(&bytes);
}

static void put_sum(struct buf *b)
{
	uint64_t sum = form_sum(FORM_SUM_INIT, b->data, b->len - FORM_SUM_LEN);

	for (size_t i = 0; i < FORM_SUM_LEN; i++)
		b->data[b->len - FORM_SUM_LEN + i] = (uint8_t)(sum >> (8 * i));
}

/* Cut, lengthened, and each bit of each byte turned: always refused. With the sum made right again, it is refused or
 * it is another inventory that can be walked to its end. */
static void damaged(void **state)
{
	struct layer_inventory *inv = sample_inventory(), *bad;
	struct buf bytes = { 0 };
	struct error err = { 0 };

	assert_int_equal(layer_inventory_write(inv, sink, &bytes, &err), 0);
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_equal(read_form(&bad, bytes.data, n, 4096, &err), -ERR_BAD_INPUT);
	assert_int_equal(buf_append(&bytes, "", 1), 0);
	assert_int_equal(read_form(&bad, bytes.data, bytes.len, 4096, &err), -ERR_BAD_INPUT);
	bytes.len--;
	for (size_t i = 0; i < bytes.len * 8; i++) {
		bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(read_form(&bad, bytes.data, bytes.len, 4096, &err), -ERR_BAD_INPUT);
		put_sum(&bytes);
		if (read_form(&bad, bytes.data, bytes.len, 4096, &err) == 0) {
			struct inv_iter it;
			struct inv_entry e;
			int r;

			inv_iter_init(&it, bad);
			while ((r = inv_iter_next(&it, &e, &err)) == 0)
				;
			assert_int_equal(r, 1);
			inv_iter_done(&it);
			layer_inventory_free(bad);
		}
		bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
		put_sum(&bytes);
	}
	layer_inventory_free(inv);
	buf_free(&bytes);
}

static void version(void **state)
{
	struct layer_inventory *inv = sample_inventory(), *bad;
	struct buf bytes = { 0 };
	struct error err = { 0 };

	assert_int_equal(layer_inventory_write(inv, sink, &bytes, &err), 0);
	bytes.data[FORM_MAGIC_LEN - 1]--;
	put_sum(&bytes);
	assert_int_equal(read_form(&bad, bytes.data, bytes.len, 4096, &err), -ERR_BAD_INPUT);
	assert_non_null(strstr(err.msg, "another version"));
	layer_inventory_free(inv);
	buf_free(&bytes);
}

static void refused(void **state)
{
	static const struct {
		struct inv_entry entry;
		int r;
	} rows[] = {
		{ { .path = "a\0b", .path_len = 3, .link = "" }, -ERR_BAD_INPUT },
		{ { .kind = INV_SYMLINK, .path = "a", .path_len = 1, .link = "x\0", .link_len = 2 }, -ERR_BAD_INPUT },
		{ { .path = "a", .path_len = 1, .link = "", .header_offset = 100 }, -ERR_BUG },
		{ { .path = "a", .path_len = 1, .link = "", .acl_count = RECORD_ACL_MAX + 1 }, -ERR_LIMIT },
	};
	const struct limits limits = limits_default();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct inv_entry e = rows[i].entry;
		struct inv_builder b;
		struct error err = { 0 };

		assert_int_equal(inv_builder_init(&b, &limits, 0, &err), 0);
		assert_int_equal(inv_builder_add(&b, &e, &err), rows[i].r);
		inv_builder_done(&b);
	}
}

static void varints(void **state)
{
	static const uint64_t values[] = { 0, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX };
	static const uint8_t over[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		uint8_t bytes[10], *end = varint_put(bytes, values[i]);

		assert_ptr_equal(varint_get(bytes, end, &v), end);
		assert_true(v == values[i]);
		assert_null(varint_get(bytes, end - 1, &v));
	}
	assert_null(varint_get(over, over + sizeof(over), &v));
	assert_true(form_unzigzag(form_zigzag(INT64_MIN)) == INT64_MIN);
	assert_true(form_zigzag(-1) == 1 && form_zigzag(1) == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records), cmocka_unit_test(form),    cmocka_unit_test(none),
		cmocka_unit_test(damaged), cmocka_unit_test(version), cmocka_unit_test(refused),
		cmocka_unit_test(varints), cmocka_unit_test(example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
