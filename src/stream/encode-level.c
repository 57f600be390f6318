/* The level that makes a layer as small as it was: pieces of it, spread over its first part, are
 * encoded at one level after the other. What a long window gains from one piece to another is not
 * seen.
 */
#include <string.h>

#include "base/buf.h"
#include "stream/encode-impl.h"

#define STEP 4096	 /* bytes of input at a time, so that few are read ahead of the output */
#define LOOK (64u << 20) /* decoded bytes that the pieces are spread over */

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

/* Every stride-th piece of what was decoded; where there is room for no more, every second of them
 * goes and the stride doubles. */
struct sample {
	const struct encode_ops *ops;
	struct buf bytes; /* the pieces, all of ops->sample bytes but the last */
	uint64_t stored[ENCODER_SAMPLE / ENCODE_SAMPLE_MIN]; /* bytes that each took */
	size_t count;
	uint64_t stride;
	uint64_t decoded; /* so far */
	uint64_t began;	  /* count of stored bytes where the piece at hand began */
};

static void thin(struct sample *s)
{
	size_t piece = s->ops->sample;

	for (size_t i = 1; 2 * i < s->count; i++) {
		memcpy(s->bytes.data + i * piece, s->bytes.data + 2 * i * piece, piece);
		s->stored[i] = s->stored[2 * i];
	}
	s->count = (s->count + 1) / 2;
	s->bytes.len = s->count * piece;
	s->stride *= 2;
}

/* taken: bytes of input that were read for what came up to the end of this part. */
static int add_part(struct sample *s, const uint8_t *bytes, size_t n, uint64_t taken,
		    struct error *err)
{
	size_t piece = s->ops->sample, at = (size_t)(s->decoded % piece);
	bool kept = s->decoded / piece % s->stride == 0;

	s->decoded += n;
	if (kept && buf_append(&s->bytes, bytes, n) < 0)
		return err_nomem(err);
	if (kept)
		s->stored[s->count] = taken - s->began;
	if (at + n < piece)
		return 0;
	s->began = taken;
	s->count += kept;
	if (s->count == ENCODER_SAMPLE / piece)
		thin(s);
	return 0;
}

static int fill_sample(struct sample *to, struct stream *s, const struct counted *count,
		       struct error *err)
{
	int r = 0;

	while (r == 0 && to->decoded < LOOK) {
		_cleanup_(block_unrefp) struct block *b = NULL;
		uint64_t before = count->bytes;

		r = stream_next(s, &b, err);
		for (size_t at = 0, n; r == 0 && at < b->len; at += n) {
			n = MIN(b->len - at,
				to->ops->sample - (size_t)(to->decoded % to->ops->sample));
			r = add_part(to, b->data + at, n,
				     before + (count->bytes - before) * (at + n) / b->len, err);
		}
	}
	/* The piece that the end cut short. */
	if (to->bytes.len > to->count * to->ops->sample)
		to->count++;
	return MIN(r, 0);
}

static const struct encode_ops *ops_of(enum codec codec)
{
	return codec == CODEC_GZIP ? &encode_gzip : codec == CODEC_ZSTD ? &encode_zstd : NULL;
}

static int take_sample(struct sample *out, enum codec *codec, struct stream *stored,
		       const struct limits *limits, struct error *err)
{
	struct counted *count = NULL;
	struct stream *s;
	int r = open_counted(&count, stored, err);

	if (r < 0)
		return r;
	r = codec_open_detected(&s, &count->base, codec, limits, err);
	if (r < 0) {
		stream_close(&count->base);
		return r;
	}
	out->ops = ops_of(*codec);
	out->stride = 1;
	r = out->ops ? fill_sample(out, s, count, err) : 0;
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

/* Whether the sample gets as small as it was, or with slack nearly so. */
static int gets_there(bool *yes, const struct sample *s, enum codec codec,
		      const struct encode_level *level, struct error *err)
{
	struct encoder_options opts = { .codec = codec, .level = level->level, .sink = drop };
	_cleanup_(encoder_freep) struct encoder *e = NULL;
	uint64_t stored = 0;
	int r = encoder_new(&e, &opts, err);

	if (r == 0)
		r = encoder_write(e, s->bytes.data, s->bytes.len, err);
	if (r == 0)
		r = encoder_finish(e, err);
	for (size_t i = 0; i < s->count; i++)
		stored += s->stored[i];
	if (r == 0)
		*yes = encoder_bytes_out(e) * 1000 <= stored * (1000 + level->slack);
	return r;
}

/* From the fastest on: the last that is tried takes most of the time. Of the last of all nothing
 * would follow. */
static int lowest(int *level, const struct sample *s, enum codec codec, struct error *err)
{
	const struct encode_level *l = s->ops->levels, *last = l + s->ops->level_count - 1;
	bool yes = false;
	int r = 0;

	for (; r == 0 && l < last; l++) {
		r = gets_there(&yes, s, codec, l, err);
		if (r < 0 || yes)
			break;
	}
	*level = l->level;
	return r;
}

int encoder_level_like(int *level, struct stream *stored, const struct limits *limits,
		       struct error *err)
{
	struct sample sample = { 0 };
	enum codec codec;
	int r = take_sample(&sample, &codec, stored, limits, err);

	if (r == 0) {
		*level = 0;
		if (sample.ops)
			r = lowest(level, &sample, codec, err);
	}
	buf_free(&sample.bytes);
	return r;
}
