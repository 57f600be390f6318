/* Any bytes as a layer: what the walk records is read back the same, also after it was written and read. The first byte
 * says which digests are wanted, whether all is read, and how small the spool's memory is. */
#include "inventory.h"
#include "inventory/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entries(const struct layer_inventory *inv)
{
	uint64_t entries = 0, owned = 0, last = 0;
	struct inv_iter it;
	struct inv_entry e;
	struct error err;
	int r;

	inv_iter_init(&it, inv);
	while ((r = inv_iter_next(&it, &e, &err)) == 0) {
		check(e.index == entries++, "entries are counted");
		check(path_is_clean(e.path, e.path_len) && e.path[e.path_len] == 0, "paths are clean");
		check(!e.name || e.name[e.name_len] == 0, "names end in NUL");
		check(e.link[e.link_len] == 0, "links end in NUL");
		check(e.header_offset >= last && e.header_offset < inv->tar_size, "offsets ascend");
		check((e.kind != INV_ROOT || !e.path_len) && (e.path_len || e.kind == INV_ROOT || e.kind == INV_WHITEOUT ||
			       e.kind == INV_OPAQUE || e.kind == INV_GLOBAL),
		      "the root is the root");
		last = e.header_offset;
	}
	check(r == 1 && entries == inv->entries, "the walk ends");
	inv_iter_done(&it);
	for (size_t i = 0; i < inv->owner_count; i++)
		owned += inv->owners[i].entries;
	check(owned == entries, "every entry has an owner");
}

static void check_form(const struct layer_inventory *inv, const struct limits *limits)
{
	struct layer_inventory *again = NULL;
	struct buf bytes = { 0 }, second = { 0 };
	struct stream *s;
	struct error err;

	check(layer_inventory_write(inv, fuzz_sink, &bytes, &err) == 0, "it can be written");
	check(stream_open_memory(&s, bytes.data, bytes.len, &err) == 0, "there is memory");
	check(layer_inventory_read(&again, s, limits, &err) == 0, "what was written is read");
	same_inventory(inv, again);
	check(layer_inventory_write(again, fuzz_sink, &second, &err) == 0, "it can be written again");
	check(second.len == bytes.len && memcmp(second.data, bytes.data, bytes.len) == 0,
	      "the same bytes");
	stream_close(s);
	layer_inventory_free(again);
	buf_free(&bytes);
	buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct limits limits = fuzz_limits();
	struct layer_inventory *inv;
	struct layer_build how = { .limits = &limits };
	struct stream *s, *chunked;
	struct error err;

	if (!size)
		return 0;
	how.verify = data[0] & 1;
	how.want_blob_digest = data[0] & 2;
	how.blob_algo = data[0] & 4 ? DIGEST_SHA512 : DIGEST_SHA256;
	how.spool_memory = data[0] & 8 ? 64 : 0;
	if (stream_open_memory(&s, data + 1, size - 1, &err) < 0)
		return 0;
	if (data[0] & 16 && stream_open_chunked(&chunked, s, 1 + (data[0] >> 5) * 100, &err) == 0)
		s = chunked;
	if (layer_inventory_build(&inv, s, &how, &err) < 0) {
		check(err.code > 0 && err.code < ERR_CODE_COUNT && err.code != ERR_BUG, "an error has a code");
		return 0;
	}
	check(!how.verify || inv->diff_id.text[0], "what was read whole has a diff_id");
	check(inv->blob_size == size - 1 || inv->codec != CODEC_NONE, "the blob is as long as it is");
	check_entries(inv);
	check_form(inv, &limits);
	layer_inventory_free(inv);
	return 0;
}
