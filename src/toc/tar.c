/* The table as a tar stream: a header an entry, and in place of a body as many zero bytes, which
 * can be skipped. A body that is read all the same comes from the blob, by ranged reads of its
 * chunks, each verified.
 *
 * It gives up what no verb asks: times, names of users, xattrs without ids.
 */
#include <inttypes.h>
#include <string.h>

#include "tar/reader.h"
#include "tar/write.h"
#include "toc/internal.h"

#define CHUNKS_MAX  1024 /* of one file that are kept, for its body */
#define CHUNK_SLACK 4096 /* bytes by which a chunk may be larger compressed than not */

struct toc_stream {
	struct stream base;
	const struct limits *limits;
	struct oci_digest digest;
	uint64_t size;
	toc_read_fn *read;
	void *ctx;
	toc_done_fn *done;
	struct toc_text text;
	struct toc_elements elements;
	struct toc_entry entry, ahead; /* ahead is read and not yet told, where has_ahead */
	bool has_ahead;
	struct buf out;	    /* headers not handed on yet, */
	size_t out_pos;	    /* from here */
	uint64_t body, pad; /* bytes of entry's body and padding left */
	bool body_whole;    /* none of the body was passed */
	struct toc_chunk *chunks;
	size_t chunk_count;
	bool chunks_more, started, verified, ended;
};

static uint64_t pad_of(uint64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

static int read_element(struct toc_stream *s, struct toc_entry *e, struct error *err)
{
	const uint8_t *bytes;
	size_t n;
	int r = toc_elements_next(&s->elements, &bytes, &n, err);

	return r ? r : toc_entry_read(e, bytes, n, err);
}

static int next_element(struct toc_stream *s, struct error *err)
{
	struct toc_entry told = s->entry;

	if (!s->has_ahead)
		return read_element(s, &s->entry, err);
	s->entry = s->ahead;
	s->ahead = told; /* for its buffer */
	s->has_ahead = false;
	return 0;
}

/* "chunk" entries follow the file that they are of. */
static int take_chunks(struct toc_stream *s, const struct toc_entry *file, struct error *err)
{
	struct toc_chunk *first = &s->chunks[0];

	*first = file->first;
	if (!first->size || first->size > file->size)
		first->size = file->size;
	if (!first->digest.text[0] && first->size == file->size)
		first->digest = file->digest;
	s->chunk_count = 1;
	s->chunks_more = false;
	for (;;) {
		int r = read_element(s, &s->ahead, err);

		if (r)
			return r < 0 ? r : 0;
		s->has_ahead = strcmp(s->ahead.type, "chunk") != 0;
		if (s->has_ahead)
			return 0;
		if (s->chunk_count == CHUNKS_MAX)
			s->chunks_more = true;
		else
			s->chunks[s->chunk_count++] = s->ahead.first;
	}
}

static char type_of(const char *type)
{
	static const struct {
		const char *name;
		char type;
	} types[] = {
		{ "reg", TAR_REG },   { "dir", TAR_DIR },   { "symlink", TAR_SYMLINK },
		{ "char", TAR_CHR },  { "block", TAR_BLK }, { "hardlink", TAR_HARDLINK },
		{ "fifo", TAR_FIFO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].type;
	return 0;
}

static int write_header(struct toc_stream *s, const struct toc_entry *e, char type,
			struct error *err)
{
	_cleanup_(buf_freep) struct buf records = { 0 }, name = { 0 };
	size_t n = strlen(e->name);
	struct tar_new h = {
		.name = e->name,
		.type = type,
		.link = e->link,
		.mode = (unsigned)(e->mode & 07777),
		.uid = e->uid,
		.gid = e->gid,
		.size = type == TAR_REG ? e->size : 0,
		.devmajor = (unsigned)(e->devmajor & 07777777),
		.devminor = (unsigned)(e->devminor & 07777777),
		.records = &records,
	};
	int r;

	if (!n)
		return err_fail(err, ERR_BAD_INPUT, 0, "an entry without a name");
	if (h.size > INT64_MAX)
		return err_fail(err, ERR_BAD_INPUT, 0, "a size of %" PRIu64, h.size);
	if (type == TAR_DIR && e->name[n - 1] != '/') {
		if (buf_append(&name, e->name, n) || buf_append_str(&name, "/"))
			return err_nomem(err);
		h.name = buf_str(&name);
	}
	r = toc_entry_xattrs(&records, e, err);
	return r < 0 ? r : tar_write_header(&s->out, &h, err);
}

static int next_entry(struct toc_stream *s, struct error *err)
{
	struct toc_entry *e = &s->entry;
	char type;
	int r = next_element(s, err);

	if (r)
		return r;
	if (strcmp(e->type, "chunk") == 0)
		return 0; /* of a file that has no body */
	type = type_of(e->type);
	if (!type) {
		char text[40];

		err_fail(err, ERR_BAD_INPUT, 0, "type '%s'",
			 err_text(text, sizeof(text), e->type, strlen(e->type)));
		return toc_entry_fail(e, err);
	}
	r = write_header(s, e, type, err);
	if (r == 0 && type == TAR_REG && e->size) {
		r = take_chunks(s, e, err);
		s->body = e->size;
		s->body_whole = true;
		s->pad = pad_of(e->size);
	}
	return r < 0 ? toc_entry_fail(e, err) : 0;
}

/* Every engine that knows no eStargz unpacks the table too: it is the layer's last entry. */
static int write_member(struct toc_stream *s, struct error *err)
{
	const struct tar_new h = {
		.name = TOC_MEMBER,
		.type = TAR_REG,
		.link = "",
		.mode = s->text.mode,
		.uid = s->text.uid,
		.gid = s->text.gid,
		.size = s->text.size,
	};

	toc_entry_done(&s->entry);
	s->entry.name = TOC_MEMBER;
	s->body = h.size;
	s->pad = pad_of(h.size);
	return tar_write_header(&s->out, &h, err);
}

static int finish(struct toc_stream *s, struct error *err)
{
	static const uint8_t end[2 * TAR_BLOCK];

	if (!s->verified) {
		int r = toc_text_verify(&s->text, &s->digest, err);

		s->verified = true;
		if (r < 0 || s->text.reader)
			return r < 0 ? r : write_member(s, err);
	}
	s->ended = true;
	return buf_append(&s->out, end, sizeof(end)) ? err_nomem(err) : 0;
}

/* A chunk's bytes, decoded and verified, behind out. */
static int read_chunk(struct toc_stream *s, const struct toc_chunk *c, uint8_t *to,
		      struct error *err)
{
	_cleanup_(stream_closep) struct stream *raw = NULL, *plain = NULL;
	uint64_t room = s->text.end > c->offset ? s->text.end - c->offset : 0, done = 0;
	uint64_t want = c->len ? c->len : c->inner + c->size + c->size / 8 + CHUNK_SLACK;
	char hex[DIGEST_HEX_MAX + 1];
	enum codec codec;
	int r;

	if (!room || c->inner > s->limits->v[LIMIT_SMALL_FILES] || !c->digest.text[0])
		return err_fail(err, ERR_BAD_INPUT, 0, "a chunk without a place or a digest");
	r = s->read(s->ctx, c->offset, MIN(room, want), &raw, err);
	if (r == 0)
		r = codec_open_detected(&plain, raw, &codec, s->limits, err);
	if (r < 0)
		return r;
	raw = NULL; /* plain owns it */
	while (done < c->inner + c->size) {
		_cleanup_(block_unrefp) struct block *b = NULL;
		uint64_t from, take;

		r = stream_next(plain, &b, err);
		if (r)
			return r < 0 ? r : err_fail(err, ERR_TRUNCATED, 0, "a chunk is too short");
		from = done < c->inner ? MIN(c->inner - done, (uint64_t)b->len) : 0;
		take = MIN((uint64_t)b->len - from, c->inner + c->size - done - from);
		if (done + from >= c->inner)
			memcpy(to + (done + from - c->inner), b->data + from, (size_t)take);
		done += from + take;
	}
	r = digest_hex(c->digest.algo, to, (size_t)c->size, hex, err);
	if (r == 0 && strcmp(hex, oci_digest_hex(&c->digest)) != 0)
		return err_fail(err, ERR_DIGEST, 0, "a chunk has the digest %s, the table says %s",
				hex, c->digest.text);
	return r;
}

/* The whole body into out. */
static int read_body(struct toc_stream *s, struct error *err)
{
	struct toc_entry *e = &s->entry;
	uint64_t at = 0;
	int r;

	if (!s->body_whole || s->chunks_more || e->size > s->limits->v[LIMIT_SMALL_FILES])
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"only small files are read through a table of contents");
	if (buf_reserve(&s->out, (size_t)e->size))
		return err_nomem(err);
	for (size_t i = 0; i < s->chunk_count; i++) {
		struct toc_chunk *c = &s->chunks[i];

		if (c->at != at || c->size > e->size - at)
			return err_fail(err, ERR_BAD_INPUT, 0, "its chunks do not join");
		if (!c->size)
			c->size = e->size - at;
		r = read_chunk(s, c, s->out.data + s->out.len, err);
		if (r < 0)
			return r;
		s->out.len += (size_t)c->size;
		at += c->size;
	}
	if (at != e->size)
		return err_fail(err, ERR_BAD_INPUT, 0, "its chunks are %" PRIu64 " of %" PRIu64, at,
				e->size);
	s->body = 0;
	return 0;
}

static int hand_on(struct toc_stream *s, struct block **out, struct error *err)
{
	struct block *b = block_new();
	size_t n = MIN(s->out.len - s->out_pos, (size_t)BLOCK_SIZE);

	if (!b)
		return err_nomem(err);
	memcpy(b->buffer, s->out.data + s->out_pos, n);
	b->data = b->buffer;
	b->len = n;
	s->out_pos += n;
	if (s->out_pos == s->out.len) {
		buf_clear(&s->out);
		s->out_pos = 0;
	}
	*out = b;
	return 0;
}

static int toc_next(struct stream *base, struct block **out, struct error *err)
{
	static const uint8_t zeros[TAR_BLOCK];
	struct toc_stream *s = (struct toc_stream *)base;
	int r = 0;

	while (r == 0 && s->out_pos == s->out.len) {
		if (s->body && s->verified) {
			/* The table itself: no script, whatever it is made of. */
			*out = block_borrow(zeros, (size_t)MIN(s->body, sizeof(zeros)));
			s->body -= MIN(s->body, sizeof(zeros));
			return *out ? 0 : err_nomem(err);
		} else if (s->body) {
			r = read_body(s, err);
			if (r < 0)
				return toc_entry_fail(&s->entry, err);
		} else if (s->pad) {
			*out = block_borrow(zeros, (size_t)s->pad);
			s->pad = 0;
			return *out ? 0 : err_nomem(err);
		} else if (s->ended) {
			return 1;
		} else {
			r = next_entry(s, err);
			if (r > 0)
				r = finish(s, err);
		}
	}
	return r < 0 ? r : hand_on(s, out, err);
}

static int toc_skip(struct stream *base, uint64_t n, uint64_t *skipped, _unused_ struct error *err)
{
	struct toc_stream *s = (struct toc_stream *)base;
	uint64_t part = MIN(n, (uint64_t)(s->out.len - s->out_pos));

	s->out_pos += (size_t)part;
	*skipped = part;
	if (s->out_pos < s->out.len)
		return 0;
	buf_clear(&s->out);
	s->out_pos = 0;
	part = MIN(n - *skipped, s->body);
	if (part)
		s->body_whole = false;
	s->body -= part;
	*skipped += part;
	part = MIN(n - *skipped, s->pad);
	s->pad -= part;
	*skipped += part;
	return 0;
}

static void toc_close(struct stream *base)
{
	struct toc_stream *s = (struct toc_stream *)base;

	toc_entry_done(&s->entry);
	toc_entry_done(&s->ahead);
	if (s->started)
		toc_elements_done(&s->elements);
	toc_text_close(&s->text);
	if (s->done)
		s->done(s->ctx);
	buf_free(&s->out);
	free(s->chunks);
	free(s);
}

int toc_open(struct stream **out, const struct toc_place *toc, uint64_t size, toc_read_fn *read,
	     void *ctx, toc_done_fn *done, const struct limits *limits, struct error *err)
{
	static const struct stream_ops ops = { toc_next, toc_skip, toc_close };
	struct toc_stream *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		if (done)
			done(ctx);
		return err_nomem(err);
	}
	s->base.ops = &ops;
	s->limits = limits;
	s->digest = toc->digest;
	s->size = size;
	s->read = read;
	s->ctx = ctx;
	s->done = done;
	s->chunks = calloc(CHUNKS_MAX, sizeof(*s->chunks));
	r = s->chunks ? toc_text_open(&s->text, toc, size, read, ctx, limits, err) : err_nomem(err);
	if (r < 0) {
		toc_close(&s->base);
		return r;
	}
	toc_elements_init(&s->elements, s->text.stream);
	s->started = true;
	*out = &s->base;
	return 0;
}
