/* tar-split's lines and a directory put together again; what is wrong with either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "storage/body.h"
#include "storage/payload.h"
#include "storage/tar-split.h"

#define HEADER 512

static char top[] = "/tmp/uidfit-test-split-XXXXXX";
static int diff = -1;

static void put(const char *name, const void *bytes, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void in_top(char out[256], const char *name)
{
	snprintf(out, 256, "%s/%s", top, name);
}

static int make_tree(void **state)
{
	char path[256];

	(void)state;
	assert_non_null(mkdtemp(top));
	put("secret", "outside", 7);
	in_top(path, "diff");
	assert_int_equal(mkdir(path, 0755), 0);
	diff = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(diff >= 0);
	in_top(path, "diff/dir");
	assert_int_equal(mkdir(path, 0755), 0);
	put("diff/dir/file", "content", 7);
	put("diff/short", "cont", 4);
	put("diff/secret", "inside!", 7);
	put("diff/other", "CONTENT", 7);
	in_top(path, "diff/link");
	assert_int_equal(symlink("dir", path), 0);
	in_top(path, "diff/up");
	assert_int_equal(symlink("..", path), 0);
	in_top(path, "diff/absolute");
	assert_int_equal(symlink("/dir", path), 0);
	in_top(path, "diff/last");
	assert_int_equal(symlink("dir/file", path), 0);
	in_top(path, "diff/fifo");
	assert_int_equal(mkfifo(path, 0644), 0);
	return 0;
}

static int remove_tree(void **state)
{
	char command[300];

	(void)state;
	close(diff);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

/* Lines as they are made. */
struct script {
	struct buf json, tar;
	unsigned position;
};

static void add_segment(struct script *s, const void *bytes, size_t n)
{
	struct buf digits = { 0 };

	assert_int_equal(text_base64(&digits, bytes, n), 0);
	assert_int_equal(buf_printf(&s->json, "{\"type\":2,\"payload\":\"%s\",\"position\":%u}\n",
				    buf_str(&digits), s->position++),
			 0);
	assert_int_equal(buf_append(&s->tar, bytes, n), 0);
	buf_free(&digits);
}

/* What stands before a body: a header of that type at the end. */
static void add_header(struct script *s, char flag)
{
	uint8_t bytes[2 * HEADER];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	memset(bytes + 100, 0, 300);
	bytes[HEADER + 156] = (uint8_t)flag;
	add_segment(s, bytes, sizeof(bytes));
}

static void sum_of(struct buf *out, const void *bytes, size_t n)
{
	uint64_t crc = body_crc64(0, bytes, n);
	uint8_t big[8];

	for (int i = 0; i < 8; i++)
		big[i] = (uint8_t)(crc >> (56 - 8 * i));
	assert_int_equal(text_base64(out, big, 8), 0);
}

static void add_file(struct script *s, const char *name, const char *body)
{
	size_t n = strlen(body);
	struct buf sum = { 0 };

	if (n) {
		sum_of(&sum, body, n);
		assert_int_equal(buf_printf(&s->json,
					    "{\"type\":1,\"name\":\"%s\",\"size\":%zu,\"payload\":"
					    "\"%s\",\"position\":%u}\n",
					    name, n, buf_str(&sum), s->position++),
				 0);
	} else {
		assert_int_equal(
			buf_printf(
				&s->json,
				"{\"type\":1,\"name\":\"%s\",\"payload\":null,\"position\":%u}\n",
				name, s->position++),
			0);
	}
	assert_int_equal(buf_append(&s->tar, body, n), 0);
	buf_free(&sum);
}

static void script_done(struct script *s)
{
	buf_free(&s->json);
	buf_free(&s->tar);
}

static struct stream *open_text(const void *json, size_t n, size_t chunk, int dir)
{
	const struct tar_split_options opts = { .diff = dir, .what = "layer 3" };
	struct stream *memory, *in, *out;
	struct error err;

	assert_int_equal(stream_open_memory(&memory, json, n, &err), 0);
	assert_int_equal(stream_open_chunked(&in, memory, chunk, &err), 0);
	assert_int_equal(tar_split_open(&out, in, &opts, &err), 0);
	return out;
}

static void test_whole(void **state)
{
	static const size_t chunks[] = { 1, 2, 3, 7, 64, 1000, 1 << 20 };
	_cleanup_(script_done) struct script s = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++) {
		add_header(&s, '0');
		add_file(&s, i % 2 ? "dir/file" : "link/file", "content");
		add_header(&s, '5');
		add_file(&s, "dir/", "");
	}
	add_segment(&s, "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		_cleanup_(stream_closep) struct stream *in =
			open_text(s.json.data, s.json.len, chunks[i], diff);
		_cleanup_(freep) uint8_t *data = NULL;
		struct error err;
		size_t n;

		if (stream_read_all(in, 1 << 20, &data, &n, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(n, s.tar.len);
		assert_memory_equal(data, s.tar.data, n);
	}
}

/* A segment of several blocks. */
static void test_long_segment(void **state)
{
	_cleanup_(script_done) struct script s = { 0 };
	_cleanup_(freep) uint8_t *data = NULL;
	size_t n = 3 * BLOCK_SIZE + 11, got;
	uint8_t *bytes = malloc(n);
	struct stream *in;
	struct error err;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	add_segment(&s, bytes, n);
	in = open_text(s.json.data, s.json.len, 5000, -1);
	assert_int_equal(stream_read_all(in, n, &data, &got, &err), 0);
	assert_int_equal(got, n);
	assert_memory_equal(data, bytes, n);
	stream_close(in);
	free(bytes);
}

/* Bodies that are passed over are not looked for. */
static void test_skip(void **state)
{
	_cleanup_(script_done) struct script s = { 0 };
	struct stream *in;
	uint64_t total = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		add_header(&s, '0');
		add_file(&s, "nowhere/at/all", "12345");
	}
	in = open_text(s.json.data, s.json.len, 100, -1);
	for (int i = 0; i < 10; i++) {
		uint64_t skipped, headers = 0;
		struct error err;

		while (headers < 2 * HEADER) {
			struct block *b;

			assert_int_equal(stream_next(in, &b, &err), 0);
			headers += b->len;
			block_unref(b);
		}
		assert_int_equal(headers, 2 * HEADER);
		assert_int_equal(stream_skip(in, 5, &skipped, &err), 0);
		assert_int_equal(skipped, 5);
		total += headers + skipped;
	}
	assert_int_equal(total, s.tar.len);
	stream_close(in);
}

/* The header says less or more than the line: another reader wrote the line than reads the header.
 */
static void test_disagreement(void **state)
{
	static const uint64_t passed[] = { 4, 6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		_cleanup_(script_done) struct script s = { 0 };
		_cleanup_(stream_closep) struct stream *in = NULL;
		struct block *b = NULL;
		uint64_t skipped;
		struct error err;
		int r;

		add_header(&s, 'S');
		add_file(&s, "dir/file", "12345");
		add_header(&s, '0');
		in = open_text(s.json.data, s.json.len, 1 << 20, diff);
		assert_int_equal(stream_next(in, &b, &err), 0);
		block_unref(b);
		r = stream_skip(in, passed[i], &skipped, &err);
		if (r == 0)
			r = stream_next(in, &b, &err);
		assert_int_equal(r, -ERR_BAD_INPUT);
		assert_non_null(strstr(err.msg, "do not agree"));
	}
}

/* Types without a body may have a size in their header: it counts for nothing. */
static void test_size_of_a_link(void **state)
{
	static const char flags[] = "123456";

	(void)state;
	for (size_t i = 0; flags[i]; i++) {
		_cleanup_(script_done) struct script s = { 0 };
		_cleanup_(stream_closep) struct stream *in = NULL;
		_cleanup_(freep) uint8_t *data = NULL;
		struct error err;
		size_t n;

		add_header(&s, flags[i]);
		assert_int_equal(buf_append_str(&s.json,
						"{\"type\":1,\"name\":\"dir/file\",\"size\":7,"
						"\"payload\":\"AAAAAAAAAAA=\",\"position\":1}\n"),
				 0);
		s.position++;
		add_header(&s, '0');
		in = open_text(s.json.data, s.json.len, 1 << 20, diff);
		assert_int_equal(stream_read_all(in, 1 << 20, &data, &n, &err), 0);
		assert_int_equal(n, s.tar.len);
	}
}

static void test_bodies(void **state)
{
	static const struct {
		const char *name, *body;
		int want;
		const char *message;
	} rows[] = {
		{ "dir/file", "content", 0, NULL },
		{ "./dir/file", "content", 0, NULL },
		{ "/dir/file", "content", 0, NULL },
		{ "link/file", "content", 0, NULL },
		{ "absolute/file", "content", 0, NULL },
		/* ".." ends at the layer's own root, however it is written. */
		{ "../secret", "inside!", 0, NULL },
		{ "up/secret", "inside!", 0, NULL },
		{ "up/../../secret", "inside!", 0, NULL },
		{ "last", "content", -ERR_BAD_INPUT, "no file" },
		{ "fifo", "content", -ERR_BAD_INPUT, "no file" },
		{ "dir", "content", -ERR_BAD_INPUT, "no file" },
		{ "dir/none", "content", -ERR_NOT_FOUND, "'dir/none': the store has no such file" },
		{ "short", "content", -ERR_DIGEST, "4 bytes, the layer 7" },
		{ "dir/file", "conten", -ERR_DIGEST, "7 bytes, the layer 6" },
		{ "other", "content", -ERR_DIGEST, "changed in the store" },
		{ "", "content", -ERR_BAD_INPUT, "no name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(script_done) struct script s = { 0 };
		_cleanup_(stream_closep) struct stream *in = NULL;
		_cleanup_(freep) uint8_t *data = NULL;
		struct error err = { 0 };
		size_t n;
		int r;

		add_header(&s, '0');
		add_file(&s, rows[i].name, rows[i].body);
		in = open_text(s.json.data, s.json.len, 1 << 20, diff);
		r = stream_read_all(in, 1 << 20, &data, &n, &err);
		if (r != rows[i].want)
			fail_msg("%s: %d %s", rows[i].name, r, err.msg);
		if (r == 0)
			assert_memory_equal(data, s.tar.data, s.tar.len);
		else if (!strstr(err.msg, rows[i].message) || strncmp(err.msg, "layer 3", 7) != 0)
			fail_msg("%s: %s", rows[i].name, err.msg);
	}
}

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		int want;
		const char *message; /* or the bytes */
	} rows[] = {
		{ "", 0, "" },
		{ "{\"type\":2,\"payload\":\"YWJj\",\"position\":0}\n", 0, "abc" },
		{ "{\"type\":2,\"payload\":\"YWJj\",\"position\":0}", 0, "abc" },
		/* What Go would not write and JSON allows. */
		{ "{ \"payload\": \"YWJj\", \"position\": 0, \"type\": 2 }\n", 0, "abc" },
		/* Base64 has nothing to escape. */
		{ "{\"type\":2,\"payload\":\"YW\\u004aj\",\"position\":0}\n", -ERR_BAD_INPUT,
		  "no base64" },
		{ "{\"type\":2,\"payload\":null,\"position\":0}\n", 0, "" },
		{ "{\"type\":1,\"name\":\"a\\u0026b\",\"payload\":null,\"position\":0}\n", 0, "" },
		{ "{\"type\":1,\"name_raw\":\"/w==\",\"payload\":null,\"position\":0}\n", 0, "" },
		{ "{\"type\":1,\"name\":\"\",\"payload\":null,\"position\":0}\n", 0, "" },
		/* Damage. */
		{ "\n", -ERR_BAD_INPUT, "line 1" },
		{ "{}\n", -ERR_BAD_INPUT, "line 1" },
		{ "[]\n", -ERR_BAD_INPUT, "line 1" },
		{ "{\"type\":2,\"payload\":\"YWJj\",\"position\":1}\n", -ERR_BAD_INPUT,
		  "not in its place" },
		{ "{\"type\":2,\"payload\":\"YWJj\",\"position\":0}\n"
		  "{\"type\":2,\"payload\":\"YWJj\",\"position\":0}\n",
		  -ERR_BAD_INPUT, "line 2: not in its place" },
		{ "{\"type\":2,\"payload\":\"YWJj\"}\n", -ERR_BAD_INPUT, "not in its place" },
		{ "{\"type\":3,\"payload\":\"YWJj\",\"position\":0}\n", -ERR_BAD_INPUT,
		  "neither a file" },
		{ "{\"type\":2,\"payload\":\"YWJ\",\"position\":0}\n", -ERR_BAD_INPUT,
		  "no base64" },
		{ "{\"type\":2,\"payload\":\"YW=j\",\"position\":0}\n", -ERR_BAD_INPUT,
		  "no base64" },
		{ "{\"type\":2,\"payload\":\"YW==YWJj\",\"position\":0}\n", -ERR_BAD_INPUT,
		  "no base64" },
		{ "{\"type\":2,\"payload\":\"YW J\",\"position\":0}\n", -ERR_BAD_INPUT,
		  "no base64" },
		{ "{\"type\":2,\"payload\":\"YWJj\",\"position\":0\n", -ERR_BAD_INPUT, "line 1" },
		{ "{\"type\":2,\"payload\":\"YWJj", -ERR_BAD_INPUT, "line 1" },
		{ "{\"type\":2,\"payload\":7,\"position\":0}\n", -ERR_BAD_INPUT, "line 1" },
		{ "{\"type\":1,\"name\":\"a\",\"size\":-1,\"payload\":null,\"position\":0}\n",
		  -ERR_BAD_INPUT, "line 1" },
		{ "{\"type\":1,\"name\":\"a\",\"size\":9223372036854775808,\"payload\":null,"
		  "\"position\":0}\n",
		  -ERR_BAD_INPUT, "line 1" },
		{ "{\"type\":1,\"name\":\"a\",\"size\":1,\"payload\":\"AAAA\",\"position\":0}\n",
		  -ERR_BAD_INPUT, "eight bytes" },
		{ "{\"type\":1,\"name_raw\":\"/w=\",\"payload\":null,\"position\":0}\n",
		  -ERR_BAD_INPUT, "name_raw" },
		{ "{\"type\":1,\"name\":\"a\",\"name\":\"b\",\"payload\":null,\"position\":0}\n",
		  -ERR_BAD_INPUT, "line 1" },
	};
	static const size_t chunks[] = { 1, 5, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(chunks); i++) {
		const char *text = rows[i / ARRAY_SIZE(chunks)].text;
		const char *message = rows[i / ARRAY_SIZE(chunks)].message;
		_cleanup_(stream_closep) struct stream *in =
			open_text(text, strlen(text), chunks[i % ARRAY_SIZE(chunks)], diff);
		_cleanup_(freep) uint8_t *data = NULL;
		struct error err = { 0 };
		size_t n = 0;
		int r = stream_read_all(in, 1 << 20, &data, &n, &err);

		if (r != rows[i / ARRAY_SIZE(chunks)].want)
			fail_msg("%s: %d %s", text, r, err.msg);
		if (r < 0 && !strstr(err.msg, message))
			fail_msg("%s: %s", text, err.msg);
		if (r == 0)
			assert_string_equal((char *)data, message);
	}
}

/* The name of a layer that was not UTF-8, and one with what JSON escapes. */
static void test_names(void **state)
{
	static const char *const names[][2] = {
		{ "\"name_raw\":\"ZGlyL/8=\"", "dir/\xff" },
		{ "\"name\":\"dir/\\u003cb\\u003e\"", "dir/<b>" },
		{ "\"name\":\"dir/\xc3\xa4\"", "dir/\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64], line[200];
		_cleanup_(stream_closep) struct stream *in = NULL;
		_cleanup_(freep) uint8_t *data = NULL;
		struct error err;
		size_t n;

		snprintf(path, sizeof(path), "diff/%s", names[i][1]);
		put(path, "x", 1);
		snprintf(line, sizeof(line),
			 "{\"type\":1,%s,\"size\":1,\"payload\":null,\"position\":0}\n",
			 names[i][0]);
		in = open_text(line, strlen(line), 1 << 20, diff);
		if (stream_read_all(in, 10, &data, &n, &err) < 0)
			fail_msg("%s: %s", names[i][0], err.msg);
		assert_string_equal((char *)data, "x");
	}
}

/* Each length and place of zeros, beside the plain encoder. */
static void test_payload(void **state)
{
	uint8_t bytes[200], out[400];
	struct buf digits = { 0 };
	size_t n;

	(void)state;
	for (size_t len = 0; len < sizeof(bytes); len++)
		for (size_t at = 0; at <= len; at += 5) {
			memset(bytes, 0, sizeof(bytes));
			if (at < len)
				bytes[at] = (uint8_t)(at + 1);
			buf_clear(&digits);
			assert_int_equal(text_base64(&digits, bytes, len), 0);
			assert_true(payload_decode(out, &n, buf_str(&digits), digits.len));
			assert_int_equal(n, len);
			assert_memory_equal(out, bytes, len);
		}
	buf_free(&digits);
	assert_false(payload_decode(out, &n, "YR==", 4)); /* bits left over */
	assert_false(payload_decode(out, &n, "YWK=", 4) && n != 2);
}

static void test_crc(void **state)
{
	static const uint8_t text[] = "123456789123456789";

	(void)state;
	assert_true(body_crc64(0, text, 9) == 0xb90956c775a41001u);
	assert_true(body_crc64(0, text, 0) == 0);
	for (size_t i = 0; i <= 18; i++)
		assert_true(body_crc64(body_crc64(0, text, i), text + i, 18 - i) ==
			    body_crc64(0, text, 18));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	       cmocka_unit_test(test_long_segment),
		cmocka_unit_test(test_skip),	       cmocka_unit_test(test_disagreement),
		cmocka_unit_test(test_size_of_a_link), cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_lines),	       cmocka_unit_test(test_names),
		cmocka_unit_test(test_payload),	       cmocka_unit_test(test_crc),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
