/* GNU sparse files in their four formats: the map is passed, the real size told, a bad map refused.
 */
#include "writer.h"

static const char *line(struct writer *w)
{
	static struct buf out;

	buf_free(&out);
	w_tell(w, &out);
	writer_free(w);
	*w = (struct writer){ 0 };
	return buf_str(&out);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in\n%s", part, text);
}

static void put_extent(uint8_t *at, const char *offset, const char *len)
{
	memcpy(at, offset, strlen(offset));
	memcpy(at + 12, len, strlen(len));
}

/* A type S header with the real size and up to four extents given as texts. */
static void w_sparse_header(struct writer *w, const char *magic, const char *real, uint64_t body,
			    const char *const extents[8], bool more)
{
	uint8_t block[TAR_BLOCK];

	fill_block(block, &(struct head){ .flag = 'S', .name = "s", .magic = magic, .size = body });
	for (size_t i = 0; i < 4 && extents[2 * i]; i++)
		put_extent(block + 386 + 24 * i, extents[2 * i], extents[2 * i + 1]);
	block[482] = more;
	memcpy(block + 483, real, strlen(real));
	w_sum(block, false);
	w_block(w, block);
}

static void test_type_s(void **state _unused_)
{
	static const char *const two[8] = { "00000000010", "00000000002", "00000000100",
					    "00000000003" };
	struct writer w = { 0 };

	w_sparse_header(&w, GNU, "00000001000", 5, two, false);
	w_body(&w, "abcde", 5);
	w_header(&w, (struct head){ .flag = '5', .name = "next" });
	w_end(&w);
	assert_has(line(&w), "0S s> 1000:1001 size 512/5 at 0,0,512 ");

	w_sparse_header(&w, GNU, "00000000102", 5, two,
			false); /* the last extent ends one byte behind the file */
	assert_has(line(&w), "sparse map: extent 2 (offset 64, length 3) is out of order or "
			     "outside of the file of 66 bytes");
	w_sparse_header(&w, USTAR, "00000001000", 5, two, false);
	assert_has(line(&w), "bad-input: entry 's' at 0: type S in a header that is not GNU's");
	w_sparse_header(&w, GNU, "junk", 5, two, false);
	assert_has(line(&w), "entry 's' at 0: sparse map: the file's real size is no number");
	w_sparse_header(&w, GNU, "00000001000", 5, (const char *const[8]){ "00000000010", "x" },
			false);
	assert_has(line(&w), "sparse map: it holds what is no number");
	w_sparse_header(&w, GNU, "00000001000", 5,
			(const char *const[8]){ "00000000100", "1", "00000000010", "1" }, false);
	assert_has(line(&w), "sparse map: extent 2 (offset 8, length 1)");
}

static void test_type_s_extended(void **state _unused_)
{
	struct writer w = { 0 };
	uint8_t block[TAR_BLOCK] = { 0 };

	w_sparse_header(&w, GNU, "00000001000", 5,
			(const char *const[8]){ "00000000000", "00000000001" }, true);
	put_extent(block, "00000000010", "00000000002");
	block[504] = 1;
	w_part(&w, PART_BODY);
	w_bytes(&w, block, sizeof(block));
	memset(block, 0, sizeof(block)); /* an empty one, which says that one more follows */
	block[504] = 1;
	w_bytes(&w, block, sizeof(block));
	block[504] = 0;
	put_extent(block, "00000000100", "00000000002");
	w_bytes(&w, block, sizeof(block));
	w_body(&w, "abcde", 5);
	w_header(&w, (struct head){ .flag = '5', .name = "next" });
	w_end(&w);
	assert_has(line(&w), "0S s> 1000:1001 size 512/5 at 0,0,2048 ");
	w_sparse_header(&w, GNU, "00000001000", 5, (const char *const[8]){ "00000000000", "1" },
			true);
	w_bytes(&w, block, 100);
	assert_string_equal(
		line(&w),
		"truncated: entry 's' at 0: the stream ends at 612, inside its sparse map\n");
}

static void test_pax_0(void **state _unused_)
{
	struct writer w = { 0 };

	w_pax(&w, 'x', "GNU.sparse.size", "1000", "GNU.sparse.numblocks", "2", "GNU.sparse.offset",
	      "10", "GNU.sparse.numbytes", "2", "GNU.sparse.offset", "20", "GNU.sparse.numbytes",
	      "3", NULL);
	w_file(&w, (struct head){ .flag = '0', .name = "s" }, "abcde", 5);
	w_header(&w, (struct head){ .flag = '5', .name = "next" });
	w_end(&w);
	assert_has(line(&w), "0S s> 1000:1001 size 1000/5 at 0,1024,1536 ");

	w_pax(&w, 'x', "GNU.sparse.name", "real", "GNU.sparse.realsize", "1000", "GNU.sparse.major",
	      "0", "GNU.sparse.minor", "1", "GNU.sparse.numblocks", "2", "GNU.sparse.map",
	      "10,2,20,3", NULL);
	w_file(&w, (struct head){ .flag = '0', .name = "GNUSparseFile.0/s" }, "abcde", 5);
	w_end(&w);
	assert_has(line(&w), "0S real> 1000:1001 size 1000/5 at 0,1024,1536 ");

	/* No data at all. */
	w_pax(&w, 'x', "GNU.sparse.size", "1000", "GNU.sparse.major", "0", "GNU.sparse.minor", "0",
	      "GNU.sparse.numblocks", "0", NULL);
	w_file(&w, (struct head){ .flag = '0', .name = "s" }, "", 0);
	w_end(&w);
	assert_has(line(&w), "0S s> 1000:1001 size 1000/0 ");

	/* A version that nobody knows is no sparse file; its size and name stay. */
	w_pax(&w, 'x', "GNU.sparse.size", "1000", "GNU.sparse.major", "2", "GNU.sparse.minor", "0",
	      "GNU.sparse.map", "1,2", "GNU.sparse.name", "other", NULL);
	w_file(&w, (struct head){ .flag = '0', .name = "s" }, "abcde", 5);
	w_end(&w);
	assert_has(line(&w), "0 s> 1000:1001 size 5/5 ");
}

static const struct {
	const char *numblocks, *map, *size, *says;
} bad_maps[] = {
	{ "2", "10,2", "100", "GNU.sparse.numblocks is not the number of its extents" },
	{ "1", "10,2,20,3", "100", "GNU.sparse.numblocks is not the number of its extents" },
	{ "", "10,2", "100", "GNU.sparse.numblocks is no number" },
	{ "-1", "10,2", "100", "GNU.sparse.numblocks is no number" },
	{ "1", "10,2,", "100", "it holds what is no number" },
	{ "1", "10", "100", "its last extent has no length" },
	{ "1", ",", "100", "it holds what is no number" },
	{ "1", "x,2", "100", "it holds what is no number" },
	{ "1", "-1,2", "100", "is out of order or outside of the file" },
	{ "1", "1,-2", "100", "is out of order or outside of the file" },
	{ "1", "9223372036854775807,1", "100", "is out of order or outside of the file" },
	{ "1", "9223372036854775807,9223372036854775807", "9223372036854775807",
	  "is out of order or outside of the file" },
	{ "2", "10,5,14,1", "100", "extent 2 (offset 14, length 1) is out of order" },
	{ "1", "10,2", "11", "is out of order or outside of the file of 11 bytes" },
	{ "1", "10,2", "-1", "the file's real size is negative" },
	{ "1", "10,2", "x", "the file's real size is no number" },
};

static void test_bad_maps(void **state _unused_)
{
	struct writer w = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad_maps); i++) {
		char says[256];

		w_pax(&w, 'x', "GNU.sparse.size", bad_maps[i].size, "GNU.sparse.numblocks",
		      bad_maps[i].numblocks, "GNU.sparse.map", bad_maps[i].map, NULL);
		w_header(&w, (struct head){ .flag = '0', .name = "s" });
		snprintf(says, sizeof(says), "%s", line(&w));
		assert_has(says, "bad-input: entry 's' at 1024: sparse map: ");
		assert_has(says, bad_maps[i].says);
	}
	w_pax(&w, 'x', "GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,0", NULL);
	w_header(&w, (struct head){ .flag = '5', .name = "d" });
	assert_has(line(&w), "entry 'd' at 1024: sparse map on an entry of type '5'");
	w_pax(&w, 'x', "GNU.sparse.numbytes", "1", NULL);
	assert_has(
		line(&w),
		"PAX record at 512: GNU.sparse.offset and GNU.sparse.numbytes do not take turns");
	w_pax(&w, 'x', "GNU.sparse.offset", "1,1", NULL);
	assert_has(line(&w), "PAX record at 512: GNU.sparse.offset has a comma");
}

static void w_1_0(struct writer *w, const char *map, size_t data)
{
	uint8_t body[4 * TAR_BLOCK] = { 0 };
	size_t blocks = (strlen(map) + TAR_BLOCK - 1) / TAR_BLOCK;

	w_pax(w, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "real",
	      "GNU.sparse.realsize", "1000", NULL);
	memcpy(body, map, strlen(map));
	w_file(w, (struct head){ .flag = '0', .name = "s" }, body, blocks * TAR_BLOCK + data);
	w_header(w, (struct head){ .flag = '5', .name = "next" });
	w_end(w);
}

static void test_pax_1_0(void **state _unused_)
{
	struct writer w = { 0 };
	char map[1200];

	w_1_0(&w, "2\n10\n2\n20\n3\n", 5);
	assert_has(line(&w), "0S real> 1000:1001 size 1000/5 at 0,1024,2048 ");
	w_1_0(&w, "0\nwhatever\n", 0);
	assert_has(line(&w), "0S real> 1000:1001 size 1000/0 at 0,1024,2048 ");
	w_1_0(&w, "+1\n-0\n007\n", 7);
	assert_has(line(&w), "0S real> 1000:1001 size 1000/7 at 0,1024,2048 ");

	/* A number may be long and cross a block. */
	memset(map, '0', sizeof(map));
	memcpy(map, "1\n", 2);
	strcpy(map + 700, "5\n10\n");
	w_1_0(&w, map, 10);
	assert_has(line(&w), "0S real> 1000:1001 size 1000/10 at 0,1024,2560 ");

	w_1_0(&w, "1\n5\n10",
	      10); /* its last line does not end: the map runs on into the data and behind */
	assert_has(line(&w),
		   "bad-input: entry 'real' at 1024: sparse map: it holds what is no number");
	w_1_0(&w, "2\n5\n10\n", 10);
	assert_has(line(&w), "sparse map: it holds what is no number");
	w_1_0(&w, "0-5\n5\n10\n", 10);
	assert_has(line(&w), "sparse map: it holds what is no number");
	w_1_0(&w, "1\n+\n10\n", 10);
	assert_has(line(&w), "sparse map: it holds what is no number");
	w_1_0(&w, "-1\n", 0);
	assert_has(line(&w), "sparse map: its number of extents is negative");
	w_1_0(&w, "9999999999999\n", 0);
	assert_has(line(&w), "limit: entry 'real' at 1024: sparse map: more than 1000000 extents "
			     "(limit tar-sparse)");
	w_1_0(&w, "1\n999\n2\n", 0);
	assert_has(line(&w), "is out of order or outside of the file of 1000 bytes");
	w_1_0(&w, "", 100);
	assert_has(line(&w), "sparse map: it is longer than the body");
	memset(map, '0', sizeof(map));
	map[512] = '\0';
	w_1_0(&w, map, 100);
	assert_has(line(&w), "sparse map: it is longer than the body");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_s),	cmocka_unit_test(test_type_s_extended),
		cmocka_unit_test(test_pax_0),	cmocka_unit_test(test_bad_maps),
		cmocka_unit_test(test_pax_1_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
