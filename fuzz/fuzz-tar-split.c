/* tar-split's JSON from a store that somebody has changed. The first byte picks how the text
 * arrives.
 *
 * The line reader has two ways, one for what Go writes and one for all else: a line read the first
 * way is read the second way too, with one blank more, and must mean the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/line.h"
#include "storage/payload.h"
#include "storage/tar-split.h"

#define REQUIRE(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static struct stream *text(const void *bytes, size_t n, size_t piece)
{
	struct stream *memory, *in;
	struct error err;

	REQUIRE(stream_open_memory(&memory, bytes, n, &err) == 0);
	REQUIRE(stream_open_chunked(&in, memory, piece, &err) == 0);
	return in;
}

/* Reads, or skips every other time, to the end or an error. */
static int drain(const uint8_t *bytes, size_t n, size_t piece, uint64_t jump)
{
	const struct tar_split_options opts = { .diff = -1, .what = "layer" };
	struct stream *s;
	struct error err;
	int r = tar_split_open(&s, text(bytes, n, piece), &opts, &err);

	REQUIRE(r == 0);
	while (r == 0) {
		struct block *b = NULL;
		uint64_t skipped;

		r = stream_next(s, &b, &err);
		REQUIRE(r != 0 || (b->len && b->len <= BLOCK_SIZE));
		block_unref(b);
		if (r == 0 && jump)
			r = stream_skip(s, jump, &skipped, &err);
		REQUIRE(r >= 0 || err.msg[0]);
	}
	stream_close(s);
	return r;
}

/* What a line means, whichever way it was read. */
static void compare(const uint8_t *bytes, size_t n)
{
	struct line_reader quick, slow;
	struct buf blank = { 0 };
	struct line a, b;
	struct error err;
	int r;

	REQUIRE(buf_append_str(&blank, " ") == 0 && buf_append(&blank, bytes, n) == 0);
	line_reader_init(&quick, text(bytes, n, BLOCK_SIZE));
	line_reader_init(&slow, text(blank.data, blank.len, BLOCK_SIZE));
	r = line_next(&quick, &a, &err);
	/* Only the first line has the blank. */
	if (r == 0 && !quick.document && !memchr(a.payload ? a.payload : "", '\\', a.payload_len)) {
		int other = line_next(&slow, &b, &err);

		/* JSON wants UTF-8 and no control characters, where base64 wants less. */
		if (other == 0) {
			REQUIRE(a.type == b.type && a.size == b.size);
			REQUIRE(a.payload_len == b.payload_len && a.name_len == b.name_len);
			REQUIRE(!a.payload_len || !memcmp(a.payload, b.payload, a.payload_len));
			REQUIRE(!a.name_len || !memcmp(a.name, b.name, a.name_len));
		}
	}
	line_reader_done(&quick);
	line_reader_done(&slow);
	buf_free(&blank);
}

static void decode(const uint8_t *bytes, size_t n)
{
	uint8_t *out = malloc(n / 4 * 3 + 1);
	size_t len;

	REQUIRE(out);
	if (payload_decode(out, &len, (const char *)bytes, n))
		REQUIRE(len <= n / 4 * 3);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece;

	if (size < 2)
		return 0;
	piece = data[0] & 0x7f ? data[0] & 0x7f : BLOCK_SIZE;
	REQUIRE(drain(data + 1, size - 1, piece, 0) == drain(data + 1, size - 1, BLOCK_SIZE, 0));
	drain(data + 1, size - 1, piece, 7);
	compare(data + 1, size - 1);
	decode(data + 1, size - 1);
	return 0;
}
