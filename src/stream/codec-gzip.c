/* gzip, RFC 1952: the member header, read here byte by byte for every engine, so that they agree on
 * it and a field may straddle any number of blocks. Deflate data and trailer are the engine's.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "stream/codec-impl.h"

/* Section 2.3.1. */
enum { FHCRC = 1 << 1, FEXTRA = 1 << 2, FNAME = 1 << 3, FCOMMENT = 1 << 4, FRESERVED = 0xe0 };

enum part { FIXED, EXTRA_LEN, EXTRA, NAME, COMMENT, HCRC, BODY };

struct gzip {
	const struct gzip_engine *engine;
	void *state;
	enum part part;
	unsigned flags;
	unsigned count;	   /* bytes seen of this part */
	unsigned value;	   /* little-endian number being read: length of extra, or hcrc */
	unsigned long crc; /* of the header so far, without hcrc */
};

static const struct gzip_engine *const engines[] = {
#ifdef HAVE_ISAL
	&gzip_isal,
#endif
	&gzip_zlib,
};

static int pick_engine(const struct gzip_engine **out, struct error *err)
{
	const char *want = getenv("UIDFIT_CODEC");

	*out = engines[0];
	if (!want || !*want)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		*out = engines[i];
		if (strcmp(engines[i]->name, want) == 0)
			return 0;
	}
	return err_fail(
		err, ERR_USAGE, 0,
		"UIDFIT_CODEC is set to something that this build does not have (isal, zlib)");
}

static void header_begin(struct gzip *g)
{
	g->part = FIXED;
	g->flags = g->count = g->value = 0;
	g->crc = crc32(0, NULL, 0);
}

static int gzip_open(void **state, const struct limits *limits _unused_, struct error *err)
{
	struct gzip *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return err_nomem(err);
	r = pick_engine(&g->engine, err);
	if (r < 0) {
		free(g);
		return r;
	}
	g->state = g->engine->open();
	if (!g->state) {
		free(g);
		return err_nomem(err);
	}
	header_begin(g);
	*state = g;
	return 0;
}

static int gzip_reset(void *state, struct error *err _unused_)
{
	struct gzip *g = state;

	header_begin(g);
	g->engine->reset(g->state);
	return 0;
}

static void gzip_close(void *state)
{
	struct gzip *g = state;

	g->engine->close(g->state);
	free(g);
}

/* The first part at or behind from that this header has. */
static void header_part(struct gzip *g, enum part from)
{
	static const unsigned needs[] = { [EXTRA_LEN] = FEXTRA,
					  [EXTRA] = FEXTRA,
					  [NAME] = FNAME,
					  [COMMENT] = FCOMMENT,
					  [HCRC] = FHCRC };

	while (from < BODY && !(g->flags & needs[from]))
		from++;
	g->part = from;
	g->count = 0;
}

static bool gzip_magic(unsigned i, uint8_t byte)
{
	return byte == (i == 0 ? 0x1f : 0x8b);
}

static int fixed_byte(struct gzip *g, uint8_t byte, struct error *err)
{
	if (g->count == 2 && byte != Z_DEFLATED)
		return err_fail(err, ERR_BAD_INPUT, 0, "compression method %u is not deflate",
				byte);
	if (g->count == 3) {
		if (byte & FRESERVED)
			return err_fail(err, ERR_BAD_INPUT, 0, "reserved header flags 0x%02x",
					byte);
		g->flags = byte;
	}
	if (++g->count == 10)
		header_part(g, EXTRA_LEN);
	return 0;
}

static int hcrc_check(struct gzip *g, struct error *err)
{
	if (g->value != (g->crc & 0xffff))
		return err_fail(err, ERR_BAD_INPUT, 0, "the header's checksum is wrong");
	return 0;
}

static int header_byte(struct gzip *g, uint8_t byte, struct error *err)
{
	switch (g->part) {
	case FIXED:
		return fixed_byte(g, byte, err);
	case EXTRA_LEN:
	case HCRC:
		g->value = g->count == 0 ? byte : g->value | (unsigned)byte << 8;
		if (++g->count < 2)
			return 0;
		if (g->part == HCRC) {
			header_part(g, BODY);
			return hcrc_check(g, err);
		}
		header_part(g, g->value ? EXTRA : NAME);
		return 0;
	case EXTRA:
		if (++g->count == g->value)
			header_part(g, NAME);
		return 0;
	default: /* NAME, COMMENT: up to a NUL */
		if (byte == 0)
			header_part(g, (enum part)(g->part + 1));
		return 0;
	}
}

static int header_step(struct gzip *g, struct codec_io *io, struct error *err)
{
	while (io->in_len > 0 && g->part != BODY) {
		uint8_t byte = *io->in;
		int r;

		if (g->part != HCRC)
			g->crc = crc32(g->crc, &byte, 1);
		r = header_byte(g, byte, err);
		if (r < 0)
			return r;
		codec_io_pass(io, 1, 0);
	}
	return 0;
}

static int gzip_step(void *state, struct codec_io *io, struct error *err)
{
	struct gzip *g = state;

	if (g->part != BODY) {
		int r = header_step(g, io, err);

		if (r < 0 || g->part != BODY)
			return r;
	}
	return g->engine->step(g->state, io, err);
}

const struct codec_ops codec_gzip = {
	.name = "gzip",
	.magic_len = 2,
	.magic = gzip_magic,
	.open = gzip_open,
	.reset = gzip_reset,
	.step = gzip_step,
	.close = gzip_close,
};
