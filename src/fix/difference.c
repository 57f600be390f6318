#include "fix/difference.h"

#include <string.h>

#include "base/buf.h"
#include "stream/spool.h"

#define SPOOL_MEMORY (256u << 10) /* of each layer: an image may have hundreds */
#define PENDING_MAX  (32u << 10)
#define SAME_MIN     6 /* equal bytes between two changes that are worth an operation */

struct fix_difference {
	struct spool *spool;
	struct buf pending;	  /* operations on their way to the spool */
	uint64_t copy, new_bytes; /* of the operation at hand */
	struct buf old_bytes;	  /* likewise */
	uint64_t old_size, new_size;
};

struct fix_difference *fix_difference_new(void)
{
	struct fix_difference *d = calloc(1, sizeof(*d));

	if (d)
		d->spool = spool_new(SPOOL_MEMORY);
	if (d && !d->spool) {
		free(d);
		return NULL;
	}
	return d;
}

void fix_difference_free(struct fix_difference *d)
{
	if (!d)
		return;
	spool_free(d->spool);
	buf_free(&d->pending);
	buf_free(&d->old_bytes);
	free(d);
}

static int write_pending(struct fix_difference *d, struct error *err)
{
	int r = d->pending.len ? spool_append(d->spool, d->pending.data, d->pending.len, err) : 0;

	buf_clear(&d->pending);
	return r;
}

static int end_operation(struct fix_difference *d, struct error *err)
{
	if (!d->copy && !d->new_bytes && !d->old_bytes.len)
		return 0;
	if (buf_varint(&d->pending, d->copy) < 0 || buf_varint(&d->pending, d->new_bytes) < 0 ||
	    buf_varint(&d->pending, d->old_bytes.len) < 0 ||
	    (d->old_bytes.len && buf_append(&d->pending, d->old_bytes.data, d->old_bytes.len) < 0))
		return err_nomem(err);
	d->copy = d->new_bytes = 0;
	buf_clear(&d->old_bytes);
	return d->pending.len < PENDING_MAX ? 0 : write_pending(d, err);
}

int fix_difference_copy(struct fix_difference *d, uint64_t n, struct error *err)
{
	int r = n && (d->new_bytes || d->old_bytes.len) ? end_operation(d, err) : 0;

	d->copy += n;
	d->old_size += n;
	d->new_size += n;
	return r;
}

int fix_difference_new_bytes(struct fix_difference *d, uint64_t n, _unused_ struct error *err)
{
	d->new_bytes += n;
	d->new_size += n;
	return 0;
}

int fix_difference_old_bytes(struct fix_difference *d, const void *bytes, size_t n,
			     struct error *err)
{
	const uint8_t *p = bytes;

	d->old_size += n;
	while (n) {
		size_t k = MIN(n, (size_t)PENDING_MAX - d->old_bytes.len);
		int r = 0;

		if (buf_append(&d->old_bytes, p, k) < 0)
			return err_nomem(err);
		if (d->old_bytes.len == PENDING_MAX)
			r = end_operation(d, err);
		if (r < 0)
			return r;
		p += k;
		n -= k;
	}
	return 0;
}

/* Length of the run, from a and b on, that is equal. */
static size_t same(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	for (uint64_t x, y; n - i >= sizeof(x); i += sizeof(x)) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			break;
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* Length of the run that differs, equal bytes in it that are too few to pay. */
static size_t differing(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0, equal = 0;

	while (i < n && equal < SAME_MIN) {
		equal = a[i] == b[i] ? equal + 1 : 0;
		i++;
	}
	return i - equal;
}

static int changed(struct fix_difference *d, const uint8_t *old, size_t old_len, size_t new_len,
		   struct error *err)
{
	int r = fix_difference_new_bytes(d, new_len, err);

	return r < 0 ? r : fix_difference_old_bytes(d, old, old_len, err);
}

/* Where a record became longer, what is behind it has moved: one change up to the end. */
static int patch_moved(struct fix_difference *d, const uint8_t *old, size_t old_len,
		       const uint8_t *new, size_t new_len, struct error *err)
{
	size_t n = MIN(old_len, new_len), head = same(old, new, n), tail = 0;
	int r = fix_difference_copy(d, head, err);

	while (tail < n - head && old[old_len - 1 - tail] == new[new_len - 1 - tail])
		tail++;
	if (r == 0)
		r = changed(d, old + head, old_len - head - tail, new_len - head - tail, err);
	return r < 0 ? r : fix_difference_copy(d, tail, err);
}

int fix_difference_patch(struct fix_difference *d, const uint8_t *old, size_t old_len,
			 const uint8_t *new, size_t new_len, struct error *err)
{
	size_t i = 0;

	if (old_len != new_len)
		return patch_moved(d, old, old_len, new, new_len, err);
	while (i < old_len) {
		size_t n = same(old + i, new + i, old_len - i);
		int r = fix_difference_copy(d, n, err);

		i += n;
		n = differing(old + i, new + i, old_len - i);
		if (r == 0)
			r = changed(d, old + i, n, n, err);
		if (r < 0)
			return r;
		i += n;
	}
	return 0;
}

int fix_difference_end(struct fix_difference *d, struct error *err)
{
	int r = end_operation(d, err);

	if (r == 0)
		r = write_pending(d, err);
	return r < 0 ? r : spool_seal(d->spool, err);
}

uint64_t fix_difference_old_size(const struct fix_difference *d)
{
	return d->old_size;
}

uint64_t fix_difference_new_size(const struct fix_difference *d)
{
	return d->new_size;
}

int fix_difference_pack(const struct fix_difference *d, encoder_sink_fn *sink, void *ctx,
			struct error *err)
{
	const struct encoder_options how = {
		.codec = CODEC_ZSTD, .threads = 1, .sink = sink, .ctx = ctx
	};
	_cleanup_(encoder_freep) struct encoder *e = NULL;
	struct spool_reader reader;
	const uint8_t *bytes;
	size_t got;
	int r = encoder_new(&e, &how, err);

	if (r < 0)
		return r;
	spool_reader_init(&reader, d->spool);
	while ((r = spool_peek(&reader, PENDING_MAX, &bytes, &got, err)) == 0 && got) {
		r = encoder_write(e, bytes, got, err);
		if (r < 0)
			break;
		spool_advance(&reader, got);
	}
	spool_reader_done(&reader);
	return r < 0 ? r : encoder_finish(e, err);
}
