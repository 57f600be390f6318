#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "toc/toc.h"

#define HEX	       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ESTARGZ	       "\"containerd.io/snapshot/stargz/toc.digest\":\"sha256:" HEX "\""
#define CHECKSUM       "\"io.github.containers.zstd-chunked.manifest-checksum\":\"sha256:" HEX "\""
#define POSITION(text) "\"io.github.containers.zstd-chunked.manifest-position\":\"" text "\""

static const struct {
	const char *annotations; /* NULL: none */
	int r;
	enum toc_kind kind;
	uint64_t offset, len, raw_len;
} rows[] = {
	{ NULL, 0, TOC_NONE, 0, 0, 0 },
	{ "", 0, TOC_NONE, 0, 0, 0 },
	{ ESTARGZ, 0, TOC_ESTARGZ, 0, 0, 0 },
	{ CHECKSUM, 0, TOC_NONE, 0, 0, 0 },
	{ POSITION("1:2:3:1"), 0, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:2:3:1"), 0, TOC_ZSTD_CHUNKED, 1, 2, 3 },
	{ "\"io.containers.zstd-chunked.manifest-checksum\":\"sha256:" HEX
	  "\",\"io.containers.zstd-chunked.manifest-position\":\"4:5:6:1\"",
	  0, TOC_ZSTD_CHUNKED, 4, 5, 6 },
	/* stargz-snapshotter writes both for zstd:chunked. */
	{ ESTARGZ "," CHECKSUM "," POSITION("7:8:9:1"), 0, TOC_ZSTD_CHUNKED, 7, 8, 9 },
	{ CHECKSUM "," POSITION("1:2:3:2"), 0, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:2:3"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:2:3:1:"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:2:3:1:4"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1::3:1"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("-1:2:3:1"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION(" 1:2:3:1"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION(""), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:0:3:1"), -ERR_LIMIT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:268435457:3:1"), -ERR_LIMIT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("1:2:268435457:1"), -ERR_LIMIT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("9223372036854775808:2:3:1"), -ERR_LIMIT, TOC_NONE, 0, 0, 0 },
	{ CHECKSUM "," POSITION("99999999999999999999:2:3:1"), -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
	{ "\"containerd.io/snapshot/stargz/toc.digest\":\"sha256:1\"", -ERR_BAD_INPUT, TOC_NONE, 0,
	  0, 0 },
	{ "\"containerd.io/snapshot/stargz/toc.digest\":1", -ERR_BAD_INPUT, TOC_NONE, 0, 0, 0 },
};

static void find_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct descriptor d = { 0 };
		struct toc_place place;
		struct error err;
		char text[1024];
		int r;

		snprintf(text, sizeof(text), rows[i].annotations ? "{\"annotations\":{%s}}" : "{}",
			 rows[i].annotations ? rows[i].annotations : "");
		d.json = json_loads(text, 0, NULL);
		assert_non_null(d.json);
		r = toc_find(&place, &d, &err);
		if (r != rows[i].r)
			print_message("row %zu: %s\n", i, text);
		assert_int_equal(r, rows[i].r);
		if (r == 0) {
			assert_int_equal(place.kind, rows[i].kind);
			assert_int_equal(place.offset, rows[i].offset);
			assert_int_equal(place.len, rows[i].len);
			assert_int_equal(place.raw_len, rows[i].raw_len);
			if (place.kind != TOC_NONE)
				assert_string_equal(place.digest.text, "sha256:" HEX);
		}
		json_decref(d.json);
	}
}

static void find_without_document(void **state)
{
	struct descriptor d = { 0 };
	struct toc_place place;
	struct error err;

	assert_int_equal(toc_find(&place, &d, &err), 0);
	assert_int_equal(place.kind, TOC_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_rows),
		cmocka_unit_test(find_without_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
