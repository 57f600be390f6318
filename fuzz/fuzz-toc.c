/* A table's JSON, through the tar stream that it becomes, to an inventory. The first byte picks
 * how: whether the digest is the manifest's, and whether bodies are skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "inventory/layer.h"
#include "toc/toc.h"

#define REQUIRE(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct blob {
	uint8_t *bytes;
	size_t len;
	unsigned done;
};

static int read_blob(void *ctx, uint64_t offset, uint64_t n, struct stream **out, struct error *err)
{
	const struct blob *b = ctx;

	REQUIRE(n && offset <= b->len && n <= b->len - offset);
	return stream_open_memory(out, b->bytes + offset, (size_t)n, err);
}

static void done(void *ctx)
{
	((struct blob *)ctx)->done++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toc_place place = { .kind = TOC_ZSTD_CHUNKED };
	struct limits limits = limits_default();
	const struct layer_build how = { .limits = &limits, .spool_memory = 1u << 20 };
	char hex[DIGEST_HEX_MAX + 1], text[DIGEST_HEX_MAX + 8];
	struct layer_inventory *inv;
	struct blob b = { 0 };
	struct stream *s;
	struct error err;
	int r;

	if (size < 2)
		return 0;
	b.bytes = malloc(ZSTD_compressBound(size) + 64);
	REQUIRE(b.bytes);
	/* Something that chunks may lie in. */
	memset(b.bytes, 'x', 64);
	place.offset = 64;
	place.len = ZSTD_compress(b.bytes + 64, ZSTD_compressBound(size), data + 1, size - 1, 1);
	place.raw_len = size - 1;
	b.len = 64 + (size_t)place.len;
	REQUIRE(digest_hex(DIGEST_SHA256, b.bytes + (data[0] & 1 ? 0 : 64), (size_t)place.len, hex,
			   &err) == 0);
	snprintf(text, sizeof(text), "sha256:%s", hex);
	REQUIRE(oci_digest_parse(&place.digest, text, &err) == 0);
	r = toc_open(&s, &place, b.len, read_blob, &b, done, &limits, &err);
	REQUIRE(r == 0 || b.done == 1);
	if (r == 0 && data[0] & 2) {
		r = stream_drain(s, &err);
		stream_close(s);
	} else if (r == 0) {
		r = layer_inventory_build(&inv, s, &how, &err);
		if (r == 0)
			layer_inventory_free(inv);
	}
	REQUIRE(b.done == 1 && (r >= 0 || err.msg[0]));
	REQUIRE(!(data[0] & 1) || r < 0);
	free(b.bytes);
	return 0;
}
