/* Where the table's JSON comes from. eStargz: the blob's last bytes are an empty gzip member whose
 * extra field tells where a gzip'd tar with stargz.index.json begins (stargz-snapshotter
 * docs/estargz.md, "Footer"). zstd:chunked: a zstd frame at the place that the annotation tells. */
#include <string.h>

#include "tar/reader.h"
#include "toc/internal.h"

#define FOOTER	      51 /* of eStargz; stargz, its forerunner, had 47 */
#define FOOTER_OLD    47
#define FOOTER_PREFIX 16 /* hex digits, then "STARGZ" */

static int no_footer(struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0,
			"its annotation promises an eStargz table of contents, its end holds none");
}

/* The 22 bytes behind the gzip member's extra length; eStargz puts an RFC 1952 subfield "SG" of 22
 * bytes around them. */
static int footer_offset(const uint8_t *f, size_t n, uint64_t *offset)
{
	static const uint8_t head[] = { 0x1f, 0x8b, 8, 4 };
	static const uint8_t sub[] = { 26, 0, 'S', 'G', 22, 0 }, sub_old[] = { 22, 0 };
	bool old = n == FOOTER_OLD;
	const uint8_t *want = old ? sub_old : sub;
	size_t len = old ? sizeof(sub_old) : sizeof(sub);
	const uint8_t *text = f + 10 + len;

	if (memcmp(f, head, sizeof(head)) != 0 || memcmp(f + 10, want, len) != 0 ||
	    memcmp(text + FOOTER_PREFIX, "STARGZ", 6) != 0)
		return -1;
	*offset = 0;
	for (size_t i = 0; i < FOOTER_PREFIX; i++) {
		const char digits[] = "0123456789abcdef";
		const char *at = memchr(digits, text[i], 16);

		if (!at)
			return -1;
		*offset = *offset << 4 | (uint64_t)(at - digits);
	}
	return 0;
}

static int read_footer(uint64_t size, uint64_t *offset, uint64_t *end, toc_read_fn *read, void *ctx,
		       struct error *err)
{
	_cleanup_(stream_closep) struct stream *s = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	size_t len;
	int r;

	if (size < FOOTER)
		return no_footer(err);
	r = read(ctx, size - FOOTER, FOOTER, &s, err);
	if (r == 0)
		r = stream_read_all(s, FOOTER, &bytes, &len, err);
	if (r < 0)
		return r;
	if (len != FOOTER)
		return err_fail(err, ERR_TRUNCATED, 0, "its last %d bytes could not be read",
				FOOTER);
	*end = size - FOOTER;
	if (footer_offset(bytes, FOOTER, offset) < 0) {
		*end = size - FOOTER_OLD;
		if (footer_offset(bytes + FOOTER - FOOTER_OLD, FOOTER_OLD, offset) < 0)
			return no_footer(err);
	}
	if (*offset >= *end || *end - *offset > TOC_SIZE_MAX)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"eStargz footer: a table at byte %llu of %llu",
				(unsigned long long)*offset, (unsigned long long)size);
	return 0;
}

/* stargz.index.json is the small archive's only member. */
static int enter_archive(struct toc_text *t, const struct limits *limits, struct error *err)
{
	static const char name[] = TOC_MEMBER;
	struct tar_entry e;
	int r = tar_reader_new(&t->reader, t->tar, limits, err);

	if (r == 0)
		r = tar_reader_next(t->reader, &e, err);
	if (r < 0)
		return r;
	if (r > 0 || e.type != TAR_REG || e.name_len != sizeof(name) - 1 ||
	    memcmp(e.name, name, e.name_len) != 0)
		return err_fail(err, ERR_BAD_INPUT, 0, "eStargz: no %s at the footer's place",
				name);
	if (e.body_size > TOC_SIZE_MAX)
		return err_fail(err, ERR_LIMIT, 0, "%s: more than %u MiB", name,
				TOC_SIZE_MAX >> 20);
	t->uid = e.uid;
	t->gid = e.gid;
	t->mode = e.mode;
	t->size = e.body_size;
	return tar_reader_body(t->reader, &t->stream, err);
}

static int add_tee(struct toc_text *t, enum digest_algo algo, struct error *err)
{
	struct stream *outer;
	int r = digest_tee_open(&outer, &t->tee, t->stream, algo, err);

	if (r == 0)
		t->stream = outer;
	return r;
}

static int decode(struct stream **s, enum codec codec, const struct limits *limits,
		  struct error *err)
{
	struct stream *plain;
	int r = codec_open(&plain, codec, *s, limits, err);

	if (r == 0)
		*s = plain;
	return r;
}

static int open_estargz(struct toc_text *t, const struct toc_place *toc, uint64_t size,
			toc_read_fn *read, void *ctx, const struct limits *limits,
			struct error *err)
{
	uint64_t end;
	int r = read_footer(size, &t->end, &end, read, ctx, err);

	if (r == 0)
		r = read(ctx, t->end, end - t->end, &t->tar, err);
	if (r == 0)
		r = decode(&t->tar, CODEC_GZIP, limits, err);
	if (r == 0)
		r = enter_archive(t, limits, err);
	return r < 0 ? r : add_tee(t, toc->digest.algo, err);
}

static int open_chunked(struct toc_text *t, const struct toc_place *toc, uint64_t size,
			toc_read_fn *read, void *ctx, const struct limits *limits,
			struct error *err)
{
	int r;

	if (toc->offset > size || toc->len > size - toc->offset)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"zstd:chunked: a table of %llu bytes at byte %llu of %llu",
				(unsigned long long)toc->len, (unsigned long long)toc->offset,
				(unsigned long long)size);
	t->end = toc->offset;
	r = read(ctx, toc->offset, toc->len, &t->stream, err);
	if (r == 0)
		r = add_tee(t, toc->digest.algo, err);
	return r < 0 ? r : decode(&t->stream, CODEC_ZSTD, limits, err);
}

int toc_text_open(struct toc_text *t, const struct toc_place *toc, uint64_t size, toc_read_fn *read,
		  void *ctx, const struct limits *limits, struct error *err)
{
	*t = (struct toc_text){ 0 };
	if (toc->kind == TOC_ESTARGZ)
		return open_estargz(t, toc, size, read, ctx, limits, err);
	return open_chunked(t, toc, size, read, ctx, limits, err);
}

int toc_text_verify(struct toc_text *t, const struct oci_digest *want, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	int r = stream_drain(t->stream, err);

	if (r == 0)
		r = digest_tee_hex(t->tee, hex, err);
	if (r < 0)
		return r;
	if (strcmp(hex, oci_digest_hex(want)) != 0)
		return err_fail(err, ERR_DIGEST, 0,
				"its table of contents has the digest %s, the manifest says %s",
				hex, want->text);
	return 0;
}

void toc_text_close(struct toc_text *t)
{
	stream_close(t->stream);
	tar_reader_free(t->reader);
	stream_close(t->tar);
	*t = (struct toc_text){ 0 };
}
