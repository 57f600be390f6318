/* Cuts at every byte, bytes that come in any pieces, sizes and counts without measure. */
#include "writer.h"

/* Every kind of header there is. */
static void w_all(struct writer *w)
{
	uint8_t block[TAR_BLOCK];
	static const char map[TAR_BLOCK] = "2\n10\n2\n20\n3\n";
	char body[1500];

	memset(body, 'b', sizeof(body));
	w_file(w, (struct head){ .flag = '0', .name = "v7", .magic = "" }, body, 700);
	w_file(w, (struct head){ .flag = '0', .name = "ustar", .prefix = "dir" }, body, 1024);
	w_extended(w, 'L', "long/name", 10);
	w_extended(w, 'K', "long/link", 10);
	w_header(w, (struct head){
			    .flag = '2', .name = "gnu", .magic = GNU, .link = "l", .size = 77 });
	w_pax(w, 'x', "path", "pax/path", "uid", "70000", "SCHILY.xattr.user.a", "value", NULL);
	w_file(w, (struct head){ .flag = '0', .name = "x" }, body, 1);
	w_pax(w, 'g', "uid", "5", NULL);
	w_header(w, (struct head){ .flag = '5', .name = "d/" });
	fill_block(block, &(struct head){ .flag = 'S', .name = "s", .magic = GNU, .size = 600 });
	memcpy(block + 386,
	       "00000000010\0"
	       "00000001130",
	       23);
	block[482] = 1;
	memcpy(block + 483, "00000020000", 11);
	w_sum(block, false);
	w_block(w, block);
	memset(block, 0, sizeof(block));
	w_part(w, PART_BODY);
	w_bytes(w, block, TAR_BLOCK);
	w_body(w, body, 600);
	w_pax(w, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "sparse",
	      "GNU.sparse.realsize", "1000", NULL);
	w_header(w, (struct head){ .flag = '0', .name = "s", .size = 517 });
	w_part(w, PART_BODY);
	w_bytes(w, map, sizeof(map));
	w_body(w, "abcde", 5);
	w_file(w, (struct head){ .flag = '0', .name = "last" }, body, 1500);
	w_end(w);
}

static enum part_kind kind_at(const struct writer *w, size_t cut, bool *at_start)
{
	size_t i = w->part_count;

	while (w->parts[i - 1].start > cut)
		i--;
	*at_start = w->parts[i - 1].start == cut;
	return w->parts[i - 1].kind;
}

static void test_cuts(void **state _unused_)
{
	struct limits limits = limits_default();
	struct writer w = { 0 };

	w_all(&w);
	for (size_t cut = 0; cut < w.out.len; cut++) {
		static const size_t chunks[] = { 0, 511 };
		bool start;
		enum part_kind kind = kind_at(&w, cut, &start);
		int expected =
			kind == PART_PADDING || (kind == PART_HEADER && start) ? 1 : -ERR_TRUNCATED;

		for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
			_cleanup_(buf_freep) struct buf out = { 0 };
			int ret = tell(w.out.data, cut, chunks[i], &limits, &out);

			if (ret != expected)
				fail_msg("cut at %zu, chunks of %zu: %d, not %d: %s", cut,
					 chunks[i], ret, expected, buf_str(&out));
			if (ret == 1 && !strstr(buf_str(&out), "end 5 ") &&
			    !strstr(buf_str(&out), "end 1 "))
				fail_msg("cut at %zu: no oddity told", cut);
		}
	}
	writer_free(&w);
}

static void test_chunks(void **state _unused_)
{
	static const size_t chunks[] = { 1, 2, 511, 512, 513, 1000, 1024, 4096 };
	_cleanup_(buf_freep) struct buf whole = { 0 };
	struct limits limits = limits_default();
	struct writer w = { 0 };

	w_all(&w);
	assert_int_equal(tell(w.out.data, w.out.len, 0, &limits, &whole), 1);
	assert_non_null(strstr(buf_str(&whole), "0S sparse> 1000:1001 size 1000/5 "));
	assert_non_null(strstr(buf_str(&whole), "0S s> 1000:1001 size 8192/600 "));
	assert_non_null(strstr(buf_str(&whole), "0 pax/path> 70000:1001 size 1/1 "));
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		_cleanup_(buf_freep) struct buf out = { 0 };

		assert_int_equal(tell(w.out.data, w.out.len, chunks[i], &limits, &out), 1);
		assert_string_equal(buf_str(&out), buf_str(&whole));
	}
	writer_free(&w);
}

/* A stream that cannot skip: all is read. */
static const struct stream_ops *memory_ops;

static int plain_next(struct stream *s, struct block **out, struct error *err)
{
	return memory_ops->next(s, out, err);
}

static void plain_close(struct stream *s)
{
	memory_ops->close(s);
}

static void test_no_skip(void **state _unused_)
{
	static const struct stream_ops plain = { plain_next, NULL, plain_close };
	struct limits limits = limits_default();
	struct writer w = { 0 };

	w_all(&w);
	for (size_t cut = 0; cut <= w.out.len; cut += cut % TAR_BLOCK == TAR_BLOCK - 1 ? 1 : 73) {
		_cleanup_(buf_freep) struct buf expected = { 0 };
		_cleanup_(stream_closep) struct stream *s = NULL;
		_cleanup_(tar_reader_freep) struct tar_reader *r = NULL;
		struct tar_entry e;
		struct error err;
		int ret;

		assert_int_equal(stream_open_memory(&s, w.out.data, cut, &err), 0);
		memory_ops = s->ops;
		s->ops = &plain;
		assert_int_equal(tar_reader_new(&r, s, &limits, &err), 0);
		while ((ret = tar_reader_next(r, &e, &err)) == 0)
			continue;
		assert_int_equal(tell(w.out.data, cut, 0, &limits, &expected), ret);
		if (ret < 0)
			assert_non_null(strstr(buf_str(&expected), err.msg));
		else
			assert_int_equal(tar_reader_offset(r), cut);
	}
	writer_free(&w);
}

static void test_bodies(void **state _unused_)
{
	static const size_t sizes[] = { 700, 1024, 0, 1, 0, 0, 600, 5, 1500 };

	for (size_t chunk = 0; chunk <= 600; chunk += 100) {
		_cleanup_(stream_closep) struct stream *s = NULL;
		_cleanup_(tar_reader_freep) struct tar_reader *r = NULL;
		struct limits limits = limits_default();
		struct writer w = { 0 };
		struct tar_entry e;
		struct error err;
		size_t i = 0;
		int ret;

		w_all(&w);
		assert_int_equal(stream_open_memory(&s, w.out.data, w.out.len, &err), 0);
		if (chunk) {
			struct stream *inner = s;

			assert_int_equal(stream_open_chunked(&s, inner, chunk, &err), 0);
		}
		assert_int_equal(tar_reader_new(&r, s, &limits, &err), 0);
		while ((ret = tar_reader_next(r, &e, &err)) == 0) {
			_cleanup_(freep) uint8_t *data = NULL;
			struct stream *body;
			struct block *b;
			size_t n;

			assert_int_equal(tar_reader_body(r, &body, &err), 0);
			assert_int_equal(tar_reader_body(r, &(struct stream *){ 0 }, &err),
					 -ERR_SEQUENCE);
			assert_int_equal(tar_reader_next(r, &e, &err), -ERR_SEQUENCE);
			if (i % 3 == 2) { /* leave some of it */
				ret = stream_next(body, &b, &err);
				assert_int_equal(ret, e.body_size ? 0 : 1);
				block_unref(b);
			} else {
				assert_int_equal(stream_read_all(body, 1 << 20, &data, &n, &err),
						 0);
				assert_int_equal(n, sizes[i]);
				assert_int_equal(e.body_size, n);
				assert_memory_equal(data, w.out.data + e.body_offset, n);
			}
			stream_close(body);
			i++;
		}
		assert_int_equal(ret, 1);
		assert_int_equal(i, ARRAY_SIZE(sizes));
		writer_free(&w);
	}
}

static void test_body_cut(void **state _unused_)
{
	struct limits limits = limits_default();
	struct writer w = { 0 };

	w_file(&w, (struct head){ .flag = '0', .name = "f" }, "abcdefgh", 8);
	for (size_t cut = 512; cut < 520; cut++) {
		_cleanup_(stream_closep) struct stream *s = NULL;
		_cleanup_(tar_reader_freep) struct tar_reader *r = NULL;
		struct stream *body;
		struct tar_entry e;
		struct error err;
		uint8_t *data;
		size_t n;

		assert_int_equal(stream_open_memory(&s, w.out.data, cut, &err), 0);
		assert_int_equal(tar_reader_new(&r, s, &limits, &err), 0);
		assert_int_equal(tar_reader_next(r, &e, &err), 0);
		assert_int_equal(tar_reader_body(r, &body, &err), 0);
		assert_int_equal(stream_read_all(body, 100, &data, &n, &err), -ERR_TRUNCATED);
		assert_string_equal(
			err.msg,
			"entry 'f' at 0: the stream ends inside its body of 8 bytes at 512");
		stream_close(body);
		assert_int_equal(tar_reader_next(r, &e, &err), -ERR_SEQUENCE);
	}
	writer_free(&w);
}

static void test_huge_sizes(void **state _unused_)
{
	static const struct {
		const char *size;
		const char *says;
	} rows[] = {
		{ "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
		  "0 n> 1000:1001 size 9223372036854775807/9223372036854775807 at 0,0,512 " },
		{ "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xfe\x01",
		  "size 9223372036854775297/9223372036854775297 " },
		{ "\x80\0\0\0\x80\0\0\0\0\0\0\0",
		  "bad-input: entry 'n' at 0: size '\\x80' is no number" },
		{ "\xff\xff\xff\xff\x80\0\0\0\0\0\0\0",
		  "bad-input: entry 'n' at 0: size -9223372036854775808 is negative" },
	};
	struct limits limits = limits_default();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t chunk = 0; chunk < 2; chunk++) {
			_cleanup_(buf_freep) struct buf out = { 0 };
			struct writer w = { 0 };

			w_header(&w, (struct head){ .flag = '0',
						    .name = "n",
						    .size_text = rows[i].size,
						    .raw_len = 12 });
			w_bytes(&w, "some", 4);
			assert_int_equal(tell(w.out.data, w.out.len, chunk, &limits, &out),
					 i < 2 ? -ERR_TRUNCATED : -ERR_BAD_INPUT);
			if (!strstr(buf_str(&out), rows[i].says))
				fail_msg("'%s' is not in\n%s", rows[i].says, buf_str(&out));
			writer_free(&w);
		}
}

static void check_limit(struct writer *w, const char *says)
{
	_cleanup_(buf_freep) struct buf out = { 0 };

	if (w_tell(w, &out) != -ERR_LIMIT || !strstr(buf_str(&out), says))
		fail_msg("'%s' is not in\n%s", says, buf_str(&out));
	writer_free(w);
	*w = (struct writer){ 0 };
}

static void test_limits(void **state _unused_)
{
	_cleanup_(buf_freep) struct buf big = { 0 }, records = { 0 }, extents = { 0 };
	struct writer w = { 0 };

	assert_int_equal(buf_reserve(&big, 2 << 20), 0);
	memset(big.data, 'n', 2 << 20);

	w_extended(&w, 'L', big.data, 2 << 20);
	check_limit(&w, "limit: long name 'extended' at 0: extended headers: more than 1048576 "
			"bytes (limit tar-pax)");
	w_extended(&w, 'K', big.data, 70000);
	w_header(&w, (struct head){ .flag = '2', .name = "n" });
	check_limit(&w, "link target: more than 65536 bytes (limit tar-name)");
	for (int i = 0; i < 2; i++) { /* two that are too large only together */
		w_extended(&w, 'L', big.data, 600000);
		w_header(&w, (struct head){ .flag = '0', .name = "n" });
	}
	check_limit(&w, "name: more than 65536 bytes (limit tar-name)");
	w_extended(&w, 'L', big.data, 600000);
	w_extended(&w, 'L', big.data, 600000);
	check_limit(&w, "long name 'extended' at 600576: extended headers: more than 1048576 bytes "
			"(limit tar-pax)");

	w_record_raw(&records, "path", big.data, 65537);
	w_extended(&w, 'x', records.data, records.len);
	w_header(&w, (struct head){ .flag = '0', .name = "n" });
	check_limit(&w, "name: more than 65536 bytes (limit tar-name)");

	/* A header that claims a size and has no bytes for it costs nothing. */
	w_header(&w, (struct head){ .flag = 'x',
				    .name = "n",
				    .size_text = "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
				    .raw_len = 12 });
	check_limit(&w, "extended header 'n' at 0: extended headers: more than 1048576 bytes "
			"(limit tar-pax)");

	buf_clear(&records);
	for (size_t i = 0; i < 4097; i++)
		w_record_raw(&records, "a", "b", 1);
	w_extended(&w, 'x', records.data, records.len);
	check_limit(&w, "extended header 'extended' at 0: PAX records: more than 4096 records "
			"(limit tar-pax-records)");
	buf_clear(&records);
	for (size_t i = 0; i < 60000; i++)
		w_record_raw(&records, "a", "b", 1);
	w_extended(&w, 'x', records.data, records.len);
	check_limit(&w, "(limit tar-pax-records)");
}

static void test_sparse_limit(void **state _unused_)
{
	struct limits limits = limits_default();
	struct writer w = { 0 };
	_cleanup_(buf_freep) struct buf out = { 0 };

	limits.v[LIMIT_TAR_SPARSE] = 2;
	for (int i = 0; i < 2; i++)
		w_pax(&w, 'x', "GNU.sparse.offset", "0", "GNU.sparse.numbytes", "0",
		      "GNU.sparse.offset", "0", "GNU.sparse.numbytes", "0",
		      i ? "GNU.sparse.offset" : "comment", "0", NULL);
	assert_int_equal(tell(w.out.data, w.out.len, 0, &limits, &out), -ERR_LIMIT);
	assert_string_equal(
		buf_str(&out),
		"limit: extended header 'extended' at 1024: sparse map: more than 2 extents "
		"(limit tar-sparse)\n");
	writer_free(&w);
}

/* Many xattrs of a name each, and many of one name: neither takes the square of their number. */
static void test_many_xattrs(void **state _unused_)
{
	struct limits limits = limits_default();
	_cleanup_(stream_closep) struct stream *s = NULL;
	_cleanup_(tar_reader_freep) struct tar_reader *r = NULL;
	_cleanup_(buf_freep) struct buf records = { 0 };
	struct writer w = { 0 };
	struct tar_entry e;
	struct error err;

	for (unsigned i = 0; i < 4096; i++) {
		char key[64], value[16];

		snprintf(key, sizeof(key), "SCHILY.xattr.user.%u", i % 4000);
		snprintf(value, sizeof(value), "v%u", i);
		w_record_raw(&records, key, value, strlen(value));
	}
	w_extended(&w, 'x', records.data, records.len);
	w_header(&w, (struct head){ .flag = '5', .name = "d" });
	assert_int_equal(stream_open_memory(&s, w.out.data, w.out.len, &err), 0);
	assert_int_equal(tar_reader_new(&r, s, &limits, &err), 0);
	assert_int_equal(tar_reader_next(r, &e, &err), 0);
	assert_int_equal(e.xattr_count, 4000);
	for (size_t i = 0; i < e.xattr_count; i++) {
		char name[32], value[32];

		snprintf(name, sizeof(name), "user.%zu", i);
		snprintf(value, sizeof(value), "v%zu", i < 96 ? i + 4000 : i);
		assert_string_equal(e.xattrs[i].name_len == strlen(name) ? "" : e.xattrs[i].name,
				    "");
		assert_memory_equal(e.xattrs[i].name, name, strlen(name));
		assert_int_equal(e.xattrs[i].value_len, strlen(value));
		assert_memory_equal(e.xattrs[i].value, value, strlen(value));
	}
	writer_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),	    cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_no_skip),	    cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_body_cut),    cmocka_unit_test(test_huge_sizes),
		cmocka_unit_test(test_limits),	    cmocka_unit_test(test_sparse_limit),
		cmocka_unit_test(test_many_xattrs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
