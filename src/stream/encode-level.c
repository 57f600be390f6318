/* The level that makes a layer as small as it was: the start of it is encoded at one level after
 * the other. What a long window gains further in is not seen.
 */
#include "base/buf.h"
#include "stream/encode-impl.h"

#define STEP  4096 /* bytes of input at a time, so that few are read ahead of the output */
#define SLACK 40   /* one in so many: 2.5 % */

/* Counts what the decoder takes. */
struct counted {
	struct stream base;
	struct stream *inner;
	uint64_t bytes;
};

static int counted_next(struct stream *s, struct block **out, struct error *err)
{
	struct counted *c = (struct counted *)s;
	int r = stream_next(c->inner, out, err);

	if (r == 0)
		c->bytes += (*out)->len;
	return r;
}

static void counted_close(struct stream *s)
{
	struct counted *c = (struct counted *)s;

	stream_close(c->inner);
	free(c);
}

static const struct stream_ops counted_ops = { counted_next, NULL, counted_close };

/* Owns inner, whatever comes. */
static int open_counted(struct counted **out, struct stream *inner, struct error *err)
{
	struct stream *pieces;
	struct counted *c;
	int r = stream_open_chunked(&pieces, inner, STEP, err);

	if (r < 0) {
		stream_close(inner);
		return r;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		stream_close(pieces);
		return err_nomem(err);
	}
	c->base.ops = &counted_ops;
	c->inner = pieces;
	*out = c;
	return 0;
}

struct sample {
	struct buf bytes; /* decoded */
	uint64_t stored;
	enum codec codec;
};

static int fill_sample(struct sample *out, struct stream *s, const struct counted *count,
		       struct error *err)
{
	int r = 0;

	while (r == 0 && out->bytes.len < ENCODER_SAMPLE) {
		_cleanup_(block_unrefp) struct block *b = NULL;

		r = stream_next(s, &b, err);
		if (r)
			break;
		if (buf_append(&out->bytes, b->data, b->len) < 0)
			return err_nomem(err);
	}
	out->stored = count->bytes;
	return MIN(r, 0);
}

static int take_sample(struct sample *out, struct stream *stored, const struct limits *limits,
		       struct error *err)
{
	struct counted *count;
	struct stream *s;
	int r = open_counted(&count, stored, err);

	if (r < 0)
		return r;
	r = codec_open_detected(&s, &count->base, &out->codec, limits, err);
	if (r < 0) {
		stream_close(&count->base);
		return r;
	}
	r = out->codec == CODEC_NONE ? 0 : fill_sample(out, s, count, err);
	stream_close(s);
	return r;
}

static int drop(void *ctx, const void *bytes, size_t n, struct error *err)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	(void)err;
	return 0;
}

static int encoded_size(const struct sample *s, int level, uint64_t *size, struct error *err)
{
	struct encoder_options opts = { .codec = s->codec, .level = level, .sink = drop };
	_cleanup_(encoder_freep) struct encoder *e = NULL;
	int r = encoder_new(&e, &opts, err);

	if (r == 0)
		r = encoder_write(e, s->bytes.data, s->bytes.len, err);
	if (r == 0)
		r = encoder_finish(e, err);
	if (r == 0)
		*size = encoder_bytes_out(e);
	return r;
}

int encoder_level_like(int *level, struct stream *stored, const struct limits *limits,
		       struct error *err)
{
	struct sample sample = { 0 };
	const struct encode_ops *ops;
	int r = take_sample(&sample, stored, limits, err);

	ops = sample.codec == CODEC_GZIP   ? &encode_gzip
	      : sample.codec == CODEC_ZSTD ? &encode_zstd
					   : NULL;
	if (r == 0)
		*level = 0;
	for (const int *l = ops ? ops->levels : NULL; r == 0 && l && *l; l++) {
		uint64_t size = 0;

		*level = *l;
		r = encoded_size(&sample, *l, &size, err);
		if (r == 0 && size <= sample.stored + sample.stored / SLACK)
			break;
	}
	buf_free(&sample.bytes);
	return r;
}
