/* The decoding stream that all codecs share; see codec-impl.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "stream/codec-impl.h"

#define STALLS_MAX 8 /* steps in a row that move no byte; a sound decoder needs one or two */

struct decoder {
	struct stream base;
	const struct codec_ops *ops;
	void *state;
	struct stream *inner;
	struct block *in;
	size_t in_pos;
	uint64_t in_offset; /* compressed bytes passed */
	uint64_t start;	    /* of the member at hand */
	uint64_t out_left;  /* bytes that may still come out */
	uint64_t members;   /* whole ones */
	uint64_t padding;   /* zero bytes since the last member */
	unsigned stalls;
	bool in_member;
	bool pending; /* the last step left no room: it may hold more than its input */
	int status;   /* 1 ended, < 0 failed: said again on each further call */
	struct limits limits;
	struct error error;
};

static int refill(struct decoder *d, struct error *err)
{
	if (d->in && d->in_pos < d->in->len)
		return 0;
	block_unref(STEAL(d->in));
	d->in_pos = 0;
	return stream_next(d->inner, &d->in, err);
}

static int where(struct decoder *d, struct error *err)
{
	return err_wrap(err, "%s at byte %" PRIu64, d->ops->name, d->in_offset);
}

/* The compressed stream is over: fine behind a member and its padding, nowhere else. */
static int finish(struct decoder *d, struct error *err)
{
	if (d->in_member)
		err_fail(err, ERR_TRUNCATED, 0, "the stream ends inside member %" PRIu64,
			 d->members + 1);
	else if (d->members == 0)
		err_fail(err, ERR_TRUNCATED, 0, "the stream is empty");
	else
		return 1;
	return where(d, err);
}

static int foreign(struct decoder *d, uint64_t offset, struct error *err)
{
	if (d->members == 0)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"%s at byte %" PRIu64 ": no %s data begins here", d->ops->name,
				offset, d->ops->name);
	return err_fail(err, ERR_BAD_INPUT, 0,
			"%s at byte %" PRIu64 ": behind member %" PRIu64
			" stands neither another one nor zero padding",
			d->ops->name, offset, d->members);
}

static int check_magic(struct decoder *d, const struct codec_io *io, struct error *err)
{
	uint64_t seen = d->in_offset - d->start;

	for (size_t i = 0; seen + i < d->ops->magic_len && i < io->in_len; i++)
		if (!d->ops->magic((unsigned)(seen + i), io->in[i]))
			return foreign(d, d->start, err);
	return 0;
}

/* Between members: passes zero padding, begins a member at any other byte. */
static int between(struct decoder *d, struct error *err)
{
	const uint8_t *p = d->in->data + d->in_pos, *end = d->in->data + d->in->len;
	const uint8_t *start = p;
	unsigned unit = d->ops->padding_between;

	if (d->members > 0)
		while (p < end && *p == 0)
			p++;
	d->padding += (uint64_t)(p - start);
	d->in_offset += (uint64_t)(p - start);
	d->in_pos += (size_t)(p - start);
	if (p == end)
		return 0;
	if (d->padding && (unit == 0 || d->padding % unit))
		return foreign(d, d->in_offset, err);
	d->padding = 0;
	d->start = d->in_offset;
	d->in_member = true;
	return d->members ? d->ops->reset(d->state, err) : 0;
}

static int step(struct decoder *d, struct codec_io *io, struct error *err)
{
	size_t given, room = io->out_len;
	int r;

	io->in = d->in ? d->in->data + d->in_pos : (const uint8_t *)"";
	io->in_len = d->in ? MIN(d->in->len - d->in_pos, (size_t)CODEC_STEP_MAX) : 0;
	given = io->in_len;
	r = check_magic(d, io, err);
	if (r < 0)
		return r;
	r = d->ops->step(d->state, io, err);
	d->in_pos += given - io->in_len;
	d->in_offset += given - io->in_len;
	if (r < 0)
		return where(d, err);
	d->pending = r == 0 && io->out_len == 0;
	if (r == 1) {
		d->in_member = false;
		d->members++;
	}
	if (r == 1 || given != io->in_len || room != io->out_len) {
		d->stalls = 0;
	} else if (given && ++d->stalls > STALLS_MAX) {
		err_fail(err, ERR_BAD_INPUT, 0, "the decoder makes no progress");
		return where(d, err);
	}
	return 0;
}

/* Decodes until io has no room left (0), or to the end (1). */
static int fill(struct decoder *d, struct codec_io *io, struct error *err)
{
	while (io->out_len > 0) {
		int r = 0;

		if (!d->pending)
			r = refill(d, err);
		if (r < 0)
			return r;
		if (r == 1)
			return finish(d, err);
		r = d->in_member ? step(d, io, err) : between(d, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What was decoded before a failure is handed on first: how much that is shall not depend on where
 * blocks end. */
static int decoder_next(struct stream *s, struct block **out, struct error *err)
{
	struct decoder *d = (struct decoder *)s;
	_cleanup_(block_unrefp) struct block *b = NULL;

	if (d->status == 0) {
		struct codec_io io;

		b = block_new();
		if (!b)
			return err_nomem(err);
		io = (struct codec_io){ .out = b->buffer, .out_len = BLOCK_SIZE };
		d->status = fill(d, &io, &d->error);
		b->len = BLOCK_SIZE - io.out_len;
		if (b->len > d->out_left) {
			b->len = (size_t)d->out_left;
			d->status =
				limit_passed(&d->limits, LIMIT_LAYER_SIZE, d->ops->name, &d->error);
		}
		d->out_left -= b->len;
		if (b->len > 0) {
			*out = STEAL(b);
			return 0;
		}
	}
	if (d->status < 0 && err)
		*err = d->error;
	return d->status;
}

static void decoder_close(struct stream *s)
{
	struct decoder *d = (struct decoder *)s;

	d->ops->close(d->state);
	block_unref(d->in);
	stream_close(d->inner);
	free(d);
}

static const struct stream_ops decoder_ops = { decoder_next, NULL, decoder_close };

int codec_stream_open(struct stream **out, const struct codec_ops *ops, struct stream *inner,
		      const struct limits *limits, struct error *err)
{
	struct decoder *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_nomem(err);
	d->base.ops = &decoder_ops;
	d->ops = ops;
	d->inner = inner;
	d->limits = *limits;
	d->out_left = limits->v[LIMIT_LAYER_SIZE];
	r = ops->open(&d->state, limits, err);
	if (r < 0) {
		free(d);
		return r;
	}
	*out = &d->base;
	return 0;
}
