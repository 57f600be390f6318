#include "stream/codec.h"

#include <stdlib.h>
#include <string.h>

#include "stream/codec-impl.h"
#include "stream/peek.h"

static bool is_gzip(const uint8_t *p, size_t n)
{
	return n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

static bool is_zstd(const uint8_t *p, size_t n)
{
	if (n < 4)
		return false;
	return memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0 ||
	       ((p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0);
}

/* "BZh" could begin a file name in a plain tar: the marks of a block (pi) or of the end (its root)
 * count too. */
static bool is_bzip2(const uint8_t *p, size_t n)
{
	return n >= 6 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9' &&
	       (memcmp(p + 4, "\x31\x41", 2) == 0 || memcmp(p + 4, "\x17\x72", 2) == 0);
}

static bool is_xz(const uint8_t *p, size_t n)
{
	return n >= 6 && memcmp(p,
				"\xfd"
				"7zXZ",
				6) == 0;
}

static const struct {
	const char *name;
	bool (*magic)(const uint8_t *bytes, size_t n);
	const struct codec_ops *ops;
} codecs[CODEC_COUNT] = {
	[CODEC_NONE] = { "none", NULL, NULL },
	[CODEC_GZIP] = { "gzip", is_gzip, &codec_gzip },
	[CODEC_ZSTD] = { "zstd", is_zstd, &codec_zstd },
	[CODEC_BZIP2] = { "bzip2", is_bzip2, &codec_bzip2 },
	[CODEC_XZ] = { "xz", is_xz, &codec_xz },
};

enum codec codec_detect(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < CODEC_COUNT; i++)
		if (codecs[i].magic && codecs[i].magic(bytes, n))
			return (enum codec)i;
	return CODEC_NONE;
}

const char *codec_name(enum codec c)
{
	return (unsigned)c < CODEC_COUNT ? codecs[c].name : "unknown";
}

/* CODEC_NONE: the inner stream's own blocks, counted. */
struct plain {
	struct stream base;
	struct stream *inner;
	uint64_t left;
	bool over; /* the limit was passed: said again on each further call */
	struct limits limits;
};

static int plain_count(struct plain *p, uint64_t n, struct error *err)
{
	p->over = p->over || n > p->left;
	if (p->over)
		return limit_passed(&p->limits, LIMIT_LAYER_SIZE, "plain bytes", err);
	p->left -= n;
	return 0;
}

static int plain_next(struct stream *s, struct block **out, struct error *err)
{
	struct plain *p = (struct plain *)s;
	int r = p->over ? plain_count(p, 0, err) : stream_next(p->inner, out, err);

	if (r)
		return r;
	r = plain_count(p, (*out)->len, err);
	if (r < 0)
		block_unref(STEAL(*out));
	return r;
}

static int plain_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct plain *p = (struct plain *)s;
	int r = stream_skip(p->inner, n, skipped, err);

	return r < 0 ? r : plain_count(p, *skipped, err);
}

static void plain_close(struct stream *s)
{
	struct plain *p = (struct plain *)s;

	stream_close(p->inner);
	free(p);
}

static const struct stream_ops plain_ops = { plain_next, NULL, plain_close };
static const struct stream_ops plain_skip_ops = { plain_next, plain_skip, plain_close };

static int plain_open(struct stream **out, struct stream *inner, const struct limits *limits,
		      struct error *err)
{
	struct plain *p = malloc(sizeof(*p));

	if (!p)
		return err_nomem(err);
	*p = (struct plain){ .base = { stream_can_skip(inner) ? &plain_skip_ops : &plain_ops },
			     .inner = inner,
			     .left = limits->v[LIMIT_LAYER_SIZE],
			     .limits = *limits };
	*out = &p->base;
	return 0;
}

int codec_open(struct stream **out, enum codec c, struct stream *inner, const struct limits *limits,
	       struct error *err)
{
	if ((unsigned)c >= CODEC_COUNT)
		return err_fail(err, ERR_BUG, 0, "codec %u", (unsigned)c);
	if (!codecs[c].ops)
		return plain_open(out, inner, limits, err);
	return codec_stream_open(out, codecs[c].ops, inner, limits, err);
}

int codec_open_detected(struct stream **out, struct stream *inner, enum codec *found,
			const struct limits *limits, struct error *err)
{
	struct stream *peeked;
	const uint8_t *bytes;
	size_t got;
	int r = stream_open_peeked(&peeked, inner, CODEC_MAGIC_MAX, &bytes, &got, err);

	if (r < 0)
		return r;
	*found = codec_detect(bytes, got);
	r = codec_open(out, *found, peeked, limits, err);
	if (r < 0)
		stream_unpeek(peeked);
	return r;
}
