/* An inventory as bytes: docs/formats/inventory.md.
 */
#include <string.h>

#include "inventory/form.h"
#include "inventory/record.h"

struct writer {
	int (*sink)(void *ctx, const void *bytes, size_t n, struct error *err);
	void *ctx;
	uint64_t sum;
};

static int put(struct writer *w, const void *bytes, size_t n, struct error *err)
{
	w->sum = form_sum(w->sum, bytes, n);
	return n ? w->sink(w->ctx, bytes, n, err) : 0;
}

static int put_text(struct buf *b, const char *s, size_t n)
{
	int r = buf_varint(b, n);

	return r < 0 ? r : buf_append(b, s, n);
}

static int head(struct buf *b, const struct layer_inventory *inv)
{
	const uint64_t numbers[] = { inv->entries, inv->tar_size, inv->blob_size,
				     inv->codec,   inv->oddities, inv->flags_seen };
	int r = buf_append(b, FORM_MAGIC, FORM_MAGIC_LEN);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++)
		r = buf_varint(b, numbers[i]);
	for (size_t i = 0; r == 0 && i < INV_KIND_COUNT; i++)
		r = buf_varint(b, inv->kinds[i]);
	if (r == 0)
		r = put_text(b, inv->diff_id.text, strlen(inv->diff_id.text));
	if (r == 0)
		r = put_text(b, inv->blob_digest.text, strlen(inv->blob_digest.text));
	if (r == 0)
		r = buf_varint(b, inv->owner_count);
	for (size_t i = 0; r == 0 && i < inv->owner_count; i++) {
		r = buf_varint(b, form_zigzag(inv->owners[i].uid));
		if (r == 0)
			r = buf_varint(b, form_zigzag(inv->owners[i].gid));
		if (r == 0)
			r = buf_varint(b, inv->owners[i].entries);
	}
	return r < 0 ? r : buf_varint(b, inv->file_count);
}

static int file_head(struct buf *b, const struct inv_file *f)
{
	int r;

	buf_clear(b);
	r = buf_varint(b, f->index);
	if (r == 0)
		r = put_text(b, f->path, f->path_len);
	if (r == 0)
		r = buf_varint(b, f->size);
	/* 0: not kept; else one more than its length. */
	return r < 0 ? r : buf_varint(b, f->data ? f->len + 1 : 0);
}

static int mentions(struct buf *b, const struct layer_inventory *inv)
{
	int r;

	buf_clear(b);
	r = buf_varint(b,
		       (inv->mentions_known ? FORM_KNOWN : 0) | (inv->mentions_cut ? FORM_CUT : 0));
	if (r == 0)
		r = buf_varint(b, inv->mention_count);
	for (size_t i = 0; r == 0 && i < inv->mention_count; i++) {
		const struct inv_mentions *m = &inv->mentions[i];
		const uint64_t numbers[] = { m->flags, m->line, m->count };

		r = buf_varint(b, m->index);
		if (r == 0)
			r = put_text(b, m->path, m->path_len);
		for (size_t k = 0; r == 0 && k < ARRAY_SIZE(numbers); k++)
			r = buf_varint(b, numbers[k]);
		for (size_t k = 0; r == 0 && k < m->count; k++) {
			r = buf_varint(b, (uint64_t)m->ids[k].id);
			if (r == 0)
				r = buf_varint(b, (uint64_t)m->ids[k].line << 1 | m->ids[k].is_gid);
		}
	}
	return r;
}

static int put_records(struct writer *w, const struct layer_inventory *inv, struct error *err)
{
	struct spool_reader reader;
	const uint8_t *bytes;
	size_t got;
	int r;

	spool_reader_init(&reader, inv->records);
	while ((r = spool_peek(&reader, 64 << 10, &bytes, &got, err)) == 0 && got) {
		r = put(w, bytes, got, err);
		if (r < 0)
			break;
		spool_advance(&reader, got);
	}
	spool_reader_done(&reader);
	return r;
}

int layer_inventory_write(const struct layer_inventory *inv,
			  int (*sink)(void *ctx, const void *bytes, size_t n, struct error *err),
			  void *ctx, struct error *err)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	struct writer w = { sink, ctx, FORM_SUM_INIT };
	uint8_t sum[FORM_SUM_LEN];
	int r;

	if (head(&b, inv) < 0)
		return err_nomem(err);
	r = put(&w, b.data, b.len, err);
	for (size_t i = 0; r == 0 && i < inv->file_count; i++) {
		const struct inv_file *f = &inv->files[i];

		if (file_head(&b, f) < 0)
			return err_nomem(err);
		r = put(&w, b.data, b.len, err);
		if (r == 0 && f->data)
			r = put(&w, f->data, f->len, err);
	}
	if (r == 0 && mentions(&b, inv) < 0)
		return err_nomem(err);
	if (r == 0)
		r = put(&w, b.data, b.len, err);
	buf_clear(&b);
	if (r == 0 && buf_varint(&b, spool_size(inv->records)) < 0)
		return err_nomem(err);
	if (r == 0)
		r = put(&w, b.data, b.len, err);
	if (r == 0)
		r = put_records(&w, inv, err);
	for (size_t i = 0; i < sizeof(sum); i++)
		sum[i] = (uint8_t)(w.sum >> (8 * i));
	return r < 0 ? r : sink(ctx, sum, sizeof(sum), err);
}
