/* Any bytes as the serial form: as they stand, and with the sum made right, so that what is behind it is reached. What is taken
 * can be walked and gives its own bytes again, up to longer spellings of the same numbers. */
#include "inventory.h"
#include "inventory/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct layer_inventory *read_form(const void *bytes, size_t n)
{
	const struct limits limits = fuzz_limits();
	struct layer_inventory *inv = NULL;
	struct stream *s;
	struct error err;
	int r;

	if (stream_open_memory(&s, bytes, n, &err) < 0)
		return NULL;
	r = layer_inventory_read(&inv, s, &limits, &err);
	check(r == 0 || r == -ERR_BAD_INPUT, "damage is bad input");
	stream_close(s);
	return inv;
}

static void check_one(const void *bytes, size_t n)
{
	struct layer_inventory *inv = read_form(bytes, n), *again;
	struct buf out = { 0 };
	struct error err;

	if (!inv)
		return;
	check(layer_inventory_write(inv, fuzz_sink, &out, &err) == 0, "it can be written");
	again = read_form(out.data, out.len);
	check(again, "what was written is read");
	same_inventory(inv, again);
	layer_inventory_free(again);
	layer_inventory_free(inv);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = { 0 };
	uint64_t sum;

	check_one(data, size);
	if (buf_append(&b, FORM_MAGIC, FORM_MAGIC_LEN) < 0 || buf_append(&b, data, size) < 0)
		abort();
	sum = form_sum(FORM_SUM_INIT, b.data, b.len);
	for (size_t i = 0; i < FORM_SUM_LEN; i++) {
		uint8_t byte = (uint8_t)(sum >> (8 * i));

		if (buf_append(&b, &byte, 1) < 0)
			abort();
	}
	check_one(b.data, b.len);
	buf_free(&b);
	return 0;
}
