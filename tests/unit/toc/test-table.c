/* Elements, footers, and the tar stream that a table becomes, of blobs made here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "stream/codec.h"
#include "tar/reader.h"
#include "tar/write.h"
#include "toc/internal.h"

static const struct {
	const char *json;
	int count; /* of entries, or the error */
} documents[] = {
	{ "{\"entries\":[]}", 0 },
	{ " {\n\"version\" : 1 , \"entries\" : [ { } , {\"a\":[1,{\"b\":\"]}\"}]} ] , "
	  "\"x\":\"\\\"}\" } \n",
	  2 },
	{ "{\"entries\":null}", 0 },
	{ "{\"entries\":null,\"version\":1}", 0 },
	{ "{\"Entries\":[{}]}", 1 },
	{ "{\"version\":1,\"entries\":[{}],\"ENTRIES\":[]}", -ERR_BAD_INPUT },
	{ "{\"entries\":null,\"entries\":[{}]}", -ERR_BAD_INPUT },
	{ "{\"entr\\u0069es\":[],\"entries\":[{}]}", -ERR_BAD_INPUT },
	{ "{\"entrie\xc5\xbf\":[],\"entries\":[{}]}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{}]}x", -ERR_BAD_INPUT },
	{ "{\"entries\":[{}]}{}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{}],}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{},]}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{}{}]}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{\"a\":1,\"a\":2}]}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{}]", -ERR_BAD_INPUT },
	{ "{\"entries\":[{}", -ERR_BAD_INPUT },
	{ "{\"entries\":[{\"a\":\"", -ERR_BAD_INPUT },
	{ "{\"entries\":{}}", -ERR_BAD_INPUT },
	{ "{\"entries\":nul}", -ERR_BAD_INPUT },
	{ "{\"entries\":nothing}", -ERR_BAD_INPUT },
	{ "{\"entries\":", -ERR_BAD_INPUT },
	{ "{\"entries\"}", -ERR_BAD_INPUT },
	{ "{\"version\":1}", -ERR_BAD_INPUT },
	{ "{\"version\":,\"entries\":[]}", -ERR_BAD_INPUT },
	{ "{1:2,\"entries\":[]}", -ERR_BAD_INPUT },
	{ "{}", -ERR_BAD_INPUT },
	{ "[]", -ERR_BAD_INPUT },
	{ "", -ERR_BAD_INPUT },
};

/* Entries, or the error. */
static int elements(const char *json, size_t piece)
{
	struct stream *memory, *s;
	struct toc_elements e;
	struct error err;
	struct toc_entry one = { 0 };
	const uint8_t *bytes;
	size_t len;
	int r, n = 0;

	assert_int_equal(stream_open_memory(&memory, json, strlen(json), &err), 0);
	assert_int_equal(stream_open_chunked(&s, memory, piece, &err), 0);
	toc_elements_init(&e, s);
	while ((r = toc_elements_next(&e, &bytes, &len, &err)) == 0 &&
	       (r = toc_entry_read(&one, bytes, len, &err)) == 0)
		n++;
	if (r > 0)
		assert_int_equal(toc_elements_next(&e, &bytes, &len, &err), 1);
	toc_entry_done(&one);
	toc_elements_done(&e);
	stream_close(s);
	return r < 0 ? r : n;
}

static void elements_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		for (size_t piece = 1; piece < 4; piece++) {
			int r = elements(documents[i].json, piece);

			if (r != documents[i].count)
				print_message("%s: %d\n", documents[i].json, r);
			assert_int_equal(r, documents[i].count);
		}
	}
}

/* An element as large as may be, and one larger. */
static void elements_bound(void **state)
{
	static const char head[] = "{\"entries\":[{\"a\":\"";

	for (int over = 0; over < 2; over++) {
		size_t n = over ? 2 * TOC_ELEMENT_MAX : TOC_ELEMENT_MAX - 16;
		char *text = malloc(n + 64);

		memcpy(text, head, sizeof(head));
		memset(text + sizeof(head) - 1, 'a', n);
		strcpy(text + sizeof(head) - 1 + n, over ? "\"}]}" : "\"},{}]}");
		assert_int_equal(elements(text, 65536) < 0, over);
		free(text);
	}
}

/* A blob in memory. */
struct blob {
	struct buf bytes;
	struct toc_place place;
	unsigned done;
};

static int read_blob(void *ctx, uint64_t offset, uint64_t n, struct stream **out, struct error *err)
{
	struct blob *b = ctx;

	if (offset > b->bytes.len || n > b->bytes.len - offset)
		return err_fail(err, ERR_TRUNCATED, 0, "beyond the end");
	return stream_open_memory(out, b->bytes.data + offset, (size_t)n, err);
}

static void done_blob(void *ctx)
{
	((struct blob *)ctx)->done++;
}

static void append_gzip(struct buf *out, const void *bytes, size_t n)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(buf_reserve(out, n + n / 8 + 100), 0);
	z.next_in = (void *)(uintptr_t)bytes;
	z.avail_in = (unsigned)n;
	z.next_out = out->data + out->len;
	z.avail_out = (unsigned)(n + n / 8 + 100);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void set_digest(struct oci_digest *d, const void *bytes, size_t n)
{
	char hex[DIGEST_HEX_MAX + 1], text[DIGEST_HEX_MAX + 8];
	struct error err;

	assert_int_equal(digest_hex(DIGEST_SHA256, bytes, n, hex, &err), 0);
	snprintf(text, sizeof(text), "sha256:%s", hex);
	assert_int_equal(oci_digest_parse(d, text, &err), 0);
}

#define MEMBER "stargz.index.json"

static void estargz(struct blob *b, const char *json, const char *member, const char *footer)
{
	const struct tar_new h = { .name = member,
				   .type = '0',
				   .link = "",
				   .mode = 0600,
				   .uid = 5,
				   .size = strlen(json) };
	struct buf tar = { 0 };
	struct error err;

	b->place.kind = TOC_ESTARGZ;
	set_digest(&b->place.digest, json, strlen(json));
	assert_int_equal(tar_write_header(&tar, &h, &err), 0);
	assert_int_equal(buf_append_str(&tar, json), 0);
	assert_int_equal(tar_write_pad(&tar), 0);
	assert_int_equal(buf_append(&tar, (char[1024]){ 0 }, 1024), 0);
	append_gzip(&b->bytes, tar.data, tar.len);
	buf_free(&tar);
	if (footer) {
		assert_int_equal(
			buf_append(&b->bytes, "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0", 16),
			0);
		assert_int_equal(buf_append_str(&b->bytes, footer), 0);
		assert_int_equal(buf_append(&b->bytes, "\1\0\0\xff\xff\0\0\0\0\0\0\0\0", 13), 0);
	}
}

static void chunked(struct blob *b, const char *json)
{
	size_t n = strlen(json), room = ZSTD_compressBound(n);

	assert_int_equal(buf_reserve(&b->bytes, room), 0);
	b->place.kind = TOC_ZSTD_CHUNKED;
	b->place.offset = b->bytes.len;
	b->place.len = ZSTD_compress(b->bytes.data + b->bytes.len, room, json, n, 3);
	b->place.raw_len = n;
	b->bytes.len += b->place.len;
	set_digest(&b->place.digest, b->bytes.data + b->place.offset, b->place.len);
}

/* Opens it and reads to the end. text: "name uid type\n" of each entry. */
static int walk(struct blob *b, char text[512], struct error *err)
{
	struct limits limits = limits_default();
	struct tar_reader *reader;
	struct tar_entry e;
	struct stream *s;
	int r = toc_open(&s, &b->place, b->bytes.len, read_blob, b, done_blob, &limits, err);

	*text = 0;
	if (r < 0)
		return r;
	assert_int_equal(tar_reader_new(&reader, s, &limits, err), 0);
	while ((r = tar_reader_next(reader, &e, err)) == 0) {
		size_t at = strlen(text);

		snprintf(text + at, 512 - at, "%.40s %lld %c\n", e.name, (long long)e.uid, e.type);
	}
	if (r > 0)
		assert_int_equal(tar_reader_oddities(reader), 0);
	tar_reader_free(reader);
	stream_close(s);
	return r;
}

static void expect_walk(struct blob *b, int want, const char *says)
{
	struct error err = { 0 };
	char text[512];
	int r = walk(b, text, &err);

	if (r != want)
		print_message("%s: %d %s\n", says, r, r < 0 ? err.msg : text);
	assert_int_equal(r, want);
	if (r < 0) {
		if (!strstr(err.msg, says))
			print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, says));
	} else {
		assert_string_equal(text, says);
	}
	assert_int_equal(b->done, 1);
	buf_free(&b->bytes);
}

#define GOOD                                                                                       \
	"{\"version\":1,\"entries\":[{\"name\":\"etc\",\"type\":\"dir\"},"                         \
	"{\"name\":\"a\",\"type\":\"reg\",\"size\":1000000,\"uid\":3000000000,\"offset\":0},"      \
	"{\"name\":\"a\",\"type\":\"chunk\",\"offset\":9,\"chunkOffset\":500000},"                 \
	"{\"name\":\"l\",\"type\":\"symlink\",\"linkName\":\"a\",\"uid\":7}]}"
#define TOLD "etc/ 0 5\na 3000000000 0\nl 7 2\n"

static void table_of_estargz(void **state)
{
	struct blob b = { 0 };

	estargz(&b, GOOD, MEMBER, "0000000000000000STARGZ");
	/* The table's own entry is in the tar too. */
	expect_walk(&b, 1, TOLD MEMBER " 5 0\n");
}

static void table_of_chunked(void **state)
{
	struct blob b = { 0 };

	assert_int_equal(buf_append_str(&b.bytes, "data"), 0);
	chunked(&b, GOOD);
	expect_walk(&b, 1, TOLD);
}

static void footers_that_lie(void **state)
{
	static const struct {
		const char *member, *footer;
		int r;
		const char *says;
	} lies[] = {
		{ MEMBER, NULL, -ERR_BAD_INPUT, "its end holds none" },
		{ MEMBER, "0000000000000000STARGX", -ERR_BAD_INPUT, "its end holds none" },
		{ MEMBER, "000000000000000gSTARGZ", -ERR_BAD_INPUT, "its end holds none" },
		{ MEMBER, "000000000000000ASTARGZ", -ERR_BAD_INPUT, "its end holds none" },
		{ MEMBER, "ffffffffffffffffSTARGZ", -ERR_BAD_INPUT, "eStargz footer" },
		{ MEMBER, "0000000000ffffffSTARGZ", -ERR_BAD_INPUT, "eStargz footer" },
		{ MEMBER, "0000000000000001STARGZ", -ERR_BAD_INPUT, "gzip" },
		{ "index.json", "0000000000000000STARGZ", -ERR_BAD_INPUT, "no stargz.index.json" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct blob b = { 0 };

		estargz(&b, GOOD, lies[i].member, lies[i].footer);
		expect_walk(&b, lies[i].r, lies[i].says);
	}
	for (size_t n = 0; n < 52; n += 17) {
		struct blob b = { .place.kind = TOC_ESTARGZ };

		assert_int_equal(buf_append(&b.bytes, (char[52]){ 0 }, n), 0);
		expect_walk(&b, -ERR_BAD_INPUT, "its end holds none");
	}
}

static void table_of_another_digest(void **state)
{
	struct blob b = { 0 }, c = { 0 };

	estargz(&b, GOOD, MEMBER, "0000000000000000STARGZ");
	set_digest(&b.place.digest, "other", 5);
	expect_walk(&b, -ERR_DIGEST, "the manifest says sha256:d9298a10");
	chunked(&c, GOOD);
	set_digest(&c.place.digest, "other", 5);
	expect_walk(&c, -ERR_DIGEST, "the manifest says sha256:d9298a10");
}

static void place_beyond_the_blob(void **state)
{
	struct blob b = { 0 }, c = { 0 };

	chunked(&b, GOOD);
	b.place.offset = b.bytes.len + 1;
	expect_walk(&b, -ERR_BAD_INPUT, "zstd:chunked: a table of");
	chunked(&c, GOOD);
	c.place.len++;
	expect_walk(&c, -ERR_BAD_INPUT, "zstd:chunked: a table of");
}

static void entries_that_lie(void **state)
{
	static const struct {
		const char *entry, *says;
	} lies[] = {
		{ "1", "" },
		{ "{\"type\":\"reg\"}", "without a name" },
		{ "{\"name\":\"\",\"type\":\"reg\"}", "without a name" },
		{ "{\"name\":\"a\"}", "type ''" },
		{ "{\"name\":\"a\",\"type\":\"door\\u001b\"}", "type 'door" },
		{ "{\"name\":\"a\\u0000b\",\"type\":\"reg\"}", "name" },
		{ "{\"name\":1,\"type\":\"reg\"}", "name" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"size\":-1}", "size" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"size\":1.5}", "size" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"uid\":\"0\"}", "uid" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"uid\":1e3}", "uid" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"uid\":99999999999999999999}", "" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"uid\":0,\"UID\":7}", "uid" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"digest\":\"sha256:1\"}", "" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"xattrs\":{\"security.capability\":1}}",
		  "xattr" },
		{ "{\"name\":\"a\",\"type\":\"reg\",\"xattrs\":{\"security.capability\":\"%\"}}",
		  "xattr" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct blob b = { 0 };
		char json[512];

		snprintf(json, sizeof(json), "{\"entries\":[%s]}", lies[i].entry);
		chunked(&b, json);
		expect_walk(&b, -ERR_BAD_INPUT, lies[i].says);
	}
}

/* passwd of two chunks; the second's digest is right or not. */
static int read_passwd(bool wrong, uint64_t inner, struct buf *out)
{
	static const char body[] = "root:x:0:0::/root:/bin/sh\nbig:x:1000000:1000000::/:/bin/sh\n";
	const size_t n = sizeof(body) - 1, half = 26;
	struct limits limits = limits_default();
	struct oci_digest first, second;
	struct tar_reader *reader;
	struct blob b = { 0 };
	struct stream *s, *file;
	struct buf part = { 0 };
	struct tar_entry e;
	struct error err;
	char json[1024];
	size_t at;
	int r;

	set_digest(&first, body, half);
	set_digest(&second, body + half - wrong, n - half);
	append_gzip(&b.bytes, body, half);
	at = b.bytes.len;
	assert_int_equal(buf_append(&part, (char[64]){ 1 }, inner), 0);
	assert_int_equal(buf_append(&part, body + half, n - half), 0);
	append_gzip(&b.bytes, part.data, part.len);
	snprintf(json, sizeof(json),
		 "{\"entries\":[{\"name\":\"etc/"
		 "passwd\",\"type\":\"reg\",\"size\":%zu,\"chunkSize\":%zu,\"chunkDigest\":\"%s\"},"
		 "{\"name\":\"etc/"
		 "passwd\",\"type\":\"chunk\",\"offset\":%zu,\"innerOffset\":%d,\"chunkOffset\":%"
		 "zu,\"chunkDigest\":\"%s\"}]}",
		 n, half, first.text, at, (int)inner, half, second.text);
	chunked(&b, json);
	assert_int_equal(toc_open(&s, &b.place, b.bytes.len, read_blob, &b, NULL, &limits, &err),
			 0);
	assert_int_equal(tar_reader_new(&reader, s, &limits, &err), 0);
	assert_int_equal(tar_reader_next(reader, &e, &err), 0);
	assert_int_equal(tar_reader_body(reader, &file, &err), 0);
	r = stream_read_all(file, n, &out->data, &out->len, &err);
	if (r == 0)
		assert_memory_equal(out->data, body, n);
	stream_close(file);
	if (r == 0)
		assert_int_equal(tar_reader_next(reader, &e, &err), 1);
	tar_reader_free(reader);
	stream_close(s);
	buf_free(&b.bytes);
	buf_free(&part);
	return r;
}

static void bodies(void **state)
{
	struct buf out = { 0 };

	assert_int_equal(read_passwd(false, 0, &out), 0);
	free(out.data);
	assert_int_equal(read_passwd(false, 64, &out), 0);
	free(out.data);
	out.data = NULL;
	assert_int_equal(read_passwd(true, 0, &out), -ERR_DIGEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_rows),
		cmocka_unit_test(elements_bound),
		cmocka_unit_test(table_of_estargz),
		cmocka_unit_test(table_of_chunked),
		cmocka_unit_test(footers_that_lie),
		cmocka_unit_test(table_of_another_digest),
		cmocka_unit_test(place_beyond_the_blob),
		cmocka_unit_test(entries_that_lie),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
