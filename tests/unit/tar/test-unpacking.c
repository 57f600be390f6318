/* What only who unpacks asks of an entry: its time to the nanosecond, and where a sparse file's
 * bytes lie. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "tar/reader.h"
#include "tar/write.h"

static struct tar_reader *reader_of(struct buf *tar, struct stream **s, struct limits *limits)
{
	static const uint8_t end[2 * TAR_BLOCK];
	struct tar_reader *r;
	struct error err;

	*limits = limits_default();
	assert_int_equal(buf_append(tar, end, sizeof(end)), 0);
	assert_int_equal(stream_open_memory(s, tar->data, tar->len, &err), 0);
	assert_int_equal(tar_reader_new(&r, *s, limits, &err), 0);
	return r;
}

static void test_times(void **state)
{
	static const struct {
		const char *record;
		int64_t seconds;
		uint32_t nsec;
	} rows[] = {
		{ "1700000000.123456789", 1700000000, 123456789 },
		{ "1700000000.5", 1700000000, 500000000 },
		{ "1700000000.0000000019", 1700000000, 1 },
		{ "1700000000.", 1700000000, 0 },
		{ "12", 12, 0 },
		{ "-1.25", -2, 750000000 },
		{ "-1", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_freep) struct buf tar = { 0 }, records = { 0 };
		struct tar_new e = {
			.name = "f", .type = TAR_REG, .link = "", .records = &records
		};
		struct limits limits;
		struct tar_entry got;
		struct tar_reader *r;
		struct stream *s;
		struct error err;

		assert_int_equal(
			tar_write_record(&records, "mtime", rows[i].record, strlen(rows[i].record)),
			0);
		assert_int_equal(tar_write_header(&tar, &e, &err), 0);
		r = reader_of(&tar, &s, &limits);
		assert_int_equal(tar_reader_next(r, &got, &err), 0);
		assert_int_equal(got.mtime, rows[i].seconds);
		assert_int_equal(got.mtime_nsec, rows[i].nsec);
		tar_reader_free(r);
		stream_close(s);
	}
}

static void sparse_records(struct buf *records)
{
	static const char *const pairs[][2] = {
		{ "GNU.sparse.major", "0" },
		{ "GNU.sparse.minor", "1" },
		{ "GNU.sparse.size", "100000" },
		{ "GNU.sparse.numblocks", "3" },
		{ "GNU.sparse.map", "512,100,4096,24,100000,0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_int_equal(
			tar_write_record(records, pairs[i][0], pairs[i][1], strlen(pairs[i][1])),
			0);
}

static void test_extents(void **state)
{
	static const uint8_t body[124] = "bytes";

	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		_cleanup_(buf_freep) struct buf tar = { 0 }, records = { 0 };
		struct tar_new e = { .name = "f",
				     .type = TAR_REG,
				     .link = "",
				     .size = sizeof(body),
				     .records = &records };
		struct limits limits;
		struct tar_entry got;
		struct tar_reader *r;
		struct stream *s;
		struct error err;

		sparse_records(&records);
		assert_int_equal(tar_write_header(&tar, &e, &err), 0);
		assert_int_equal(buf_append(&tar, body, sizeof(body)), 0);
		assert_int_equal(tar_write_pad(&tar), 0);
		r = reader_of(&tar, &s, &limits);
		if (keep)
			tar_reader_keep_extents(r);
		assert_int_equal(tar_reader_next(r, &got, &err), 0);
		assert_true(got.was_sparse);
		assert_int_equal(got.size, 100000);
		assert_int_equal(got.body_size, sizeof(body));
		assert_int_equal(got.extent_count, keep ? 2 : 0);
		if (keep) {
			assert_int_equal(got.extents[0].offset, 512);
			assert_int_equal(got.extents[0].len, 100);
			assert_int_equal(got.extents[1].offset, 4096);
			assert_int_equal(got.extents[1].len, 24);
		}
		assert_int_equal(tar_reader_next(r, &got, &err), 1);
		tar_reader_free(r);
		stream_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_extents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
