/* Where Go's archive/tar and POSIX disagree, this follows Go: its verdict is what an engine does.
 */
#include "tar/reader.h"

#include <inttypes.h>
#include <string.h>

#include "tar/reader-impl.h"
#include "tar/sparse.h"

/* A piece of an extended header that is read at once. */
#define PIECE (256u * 1024)

/* So much of a name stands in a message. */
#define SAID_MAX 200

int tar_reader_new(struct tar_reader **out, struct stream *in, const struct limits *limits,
		   struct error *err)
{
	struct tar_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	cursor_init(&r->cursor, in);
	r->limits = limits;
	*out = r;
	return 0;
}

void tar_reader_free(struct tar_reader *r)
{
	if (!r)
		return;
	cursor_done(&r->cursor);
	pax_free(&r->pax);
	buf_free(&r->pax_bytes);
	buf_free(&r->long_name);
	buf_free(&r->long_link);
	free(r->sparse.v);
	free(r);
}

void tar_reader_keep_extents(struct tar_reader *r)
{
	r->sparse.keep = true;
}

void tar_reader_leave_rest(struct tar_reader *r)
{
	r->leaves_rest = true;
}

unsigned tar_reader_oddities(const struct tar_reader *r)
{
	return r->oddities;
}

uint64_t tar_reader_offset(const struct tar_reader *r)
{
	return r->cursor.offset;
}

static int wrap_named(struct error *err, const char *what, const char *name, size_t n,
		      uint64_t offset)
{
	char text[SAID_MAX];

	return err_wrap(err, "%s '%s' at %" PRIu64, what, err_text(text, sizeof(text), name, n),
			offset);
}

static int read_failed(struct tar_reader *r, int code)
{
	r->state = STATE_FAILED;
	return code;
}

/* Reads on to the end of the stream, so that a digest sees it all. */
static int drain(struct tar_reader *r, struct error *err)
{
	for (;;) {
		_cleanup_(block_unrefp) struct block *b = NULL;
		int ret = cursor_next_block(&r->cursor, UINT64_MAX, &b, err);

		if (ret)
			return ret;
		/* All zero: the first byte is, and each equals its neighbour. */
		if (b->data[0] || memcmp(b->data, b->data + 1, b->len - 1) != 0)
			r->oddities |= TAR_ODD_TRAILING_DATA;
	}
}

static int end_unmarked(struct tar_reader *r, size_t left)
{
	cursor_advance(&r->cursor, left);
	r->padding = 0;
	r->oddities |= TAR_ODD_NO_END_MARKER;
	return 1;
}

/* Go: a zero block ends an archive if another one follows or nothing does. */
static int end_marker(struct tar_reader *r, struct error *err)
{
	uint64_t at = r->cursor.offset + r->padding;
	const uint8_t *bytes;
	size_t got;
	int ret;

	cursor_advance(&r->cursor, r->padding + TAR_BLOCK);
	r->padding = 0;
	ret = cursor_peek(&r->cursor, TAR_BLOCK, &bytes, &got, err);
	if (ret < 0)
		return ret;
	if (got == 0)
		return end_unmarked(r, 0);
	if (got < TAR_BLOCK)
		return err_fail(err, ERR_TRUNCATED, 0,
				"end marker at %" PRIu64 ": the stream ends at %" PRIu64
				", inside its second block",
				at, at + TAR_BLOCK + got);
	if (tar_block_sum(bytes) != 0)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"end marker at %" PRIu64 ": one zero block, but data behind it",
				at);
	cursor_advance(&r->cursor, TAR_BLOCK);
	return r->leaves_rest ? 1 : drain(r, err);
}

static size_t optional_string(const uint8_t *field, size_t n, char *out)
{
	out[0] = '\0';
	return field[0] ? tar_block_string(field, n, out) : 0;
}

/* Takes from the block what the dialect has. The block is still at the cursor. */
static int take_header(struct tar_reader *r, const uint8_t *block, struct error *err)
{
	const struct tar_field_row *bad;

	r->flag = (char)block[HEADER_FLAG];
	r->dialect = tar_block_dialect(block);
	r->name_len = tar_block_name(block, r->dialect, r->name);
	r->link_len = optional_string(block + HEADER_LINK, HEADER_LINK_LEN, r->link);
	r->uname_len = r->gname_len = 0;
	r->uname[0] = r->gname[0] = '\0';
	if (r->dialect != TAR_V7) {
		r->uname_len = optional_string(block + HEADER_UNAME, HEADER_OWNER_LEN, r->uname);
		r->gname_len = optional_string(block + HEADER_GNAME, HEADER_OWNER_LEN, r->gname);
	}
	if (!tar_block_numbers(block, r->dialect, r->v, &bad)) {
		const char *field = (const char *)block + bad->at;

		return tar_bad_number(err, bad->name, field, strnlen(field, bad->len));
	}
	r->base256_uid = block[tar_fields[FIELD_UID].at] & 0x80;
	r->base256_gid = block[tar_fields[FIELD_GID].at] & 0x80;
	if (r->v[FIELD_SIZE] < 0 && !tar_has_no_body(r->flag))
		return err_fail(err, ERR_BAD_INPUT, 0, "size %" PRId64 " is negative",
				r->v[FIELD_SIZE]);
	if (r->flag == 'S')
		memcpy(r->gnu_sparse, block + HEADER_GNU_SPARSE, HEADER_GNU_SPARSE_LEN);
	return 0;
}

/* Names the header, or its entry by the name that it will have, as far as that is known. */
static int wrap_header(struct tar_reader *r, struct error *err)
{
	struct pax_value own = { r->name, r->name_len },
			 longer = { buf_str(&r->long_name), r->long_name.len };
	const struct pax_value *name = &own;

	if (r->flag == 'x' || r->flag == TAR_PAX_GLOBAL)
		return wrap_named(err, "extended header", own.s, own.n, r->header_offset);
	if (r->flag == 'L' || r->flag == 'K')
		return wrap_named(err, r->flag == 'L' ? "long name" : "long link", own.s, own.n,
				  r->header_offset);
	if (r->has_pax && r->pax.v[PAX_PATH].n)
		name = &r->pax.v[PAX_PATH];
	if (longer.n)
		name = &longer;
	if (r->has_pax && sparse_in_records(&r->pax) && r->pax.v[PAX_SPARSE_NAME].n)
		name = &r->pax.v[PAX_SPARSE_NAME];
	return wrap_named(err, "entry", name->s, name->n, r->header_offset);
}

/* 0 with the header taken and passed, 1 at the end. */
static int next_header(struct tar_reader *r, struct error *err)
{
	size_t want = r->padding + TAR_BLOCK, got;
	const uint8_t *bytes, *block;
	uint32_t sum;
	int ret = cursor_peek(&r->cursor, want, &bytes, &got, err);

	if (ret < 0)
		return ret;
	if (got <= r->padding)
		return end_unmarked(r, got);
	r->header_offset = r->cursor.offset + r->padding;
	if (got < want)
		return err_fail(err, ERR_TRUNCATED, 0,
				"header at %" PRIu64 ": the stream ends at %" PRIu64,
				r->header_offset, r->cursor.offset + got);
	block = bytes + r->padding;
	sum = tar_block_sum(block);
	if (sum == 0)
		return end_marker(r, err);
	if (!tar_block_checks(block, sum))
		return err_fail(err, ERR_BAD_INPUT, 0,
				"header at %" PRIu64 ": its checksum is wrong (no tar, or damaged)",
				r->header_offset);
	ret = take_header(r, block, err);
	if (ret < 0)
		return wrap_header(r, err);
	cursor_advance(&r->cursor, want);
	r->padding = 0;
	return 0;
}

/* Reads the body of an extended header of any kind into out. */
static int read_extended(struct tar_reader *r, struct buf *out, struct error *err)
{
	uint64_t left = (uint64_t)r->v[FIELD_SIZE];

	buf_clear(out);
	if (left >
	    r->limits->v[LIMIT_TAR_PAX] - MIN(r->extended_bytes, r->limits->v[LIMIT_TAR_PAX]))
		return limit_passed(r->limits, LIMIT_TAR_PAX, "extended headers", err);
	r->extended_bytes += left;
	r->padding = tar_padding(left);
	while (left) {
		const uint8_t *bytes;
		size_t got;
		int ret = cursor_peek(&r->cursor, (size_t)MIN(left, (uint64_t)PIECE), &bytes, &got,
				      err);

		if (ret < 0)
			return ret;
		if (got == 0)
			return err_fail(err, ERR_TRUNCATED, 0, "the stream ends at %" PRIu64,
					r->cursor.offset);
		if (buf_append(out, bytes, got) < 0)
			return err_nomem(err);
		cursor_advance(&r->cursor, got);
		left -= got;
	}
	return 0;
}

static int read_records(struct tar_reader *r, struct error *err)
{
	uint64_t offset = r->cursor.offset;
	int ret = read_extended(r, &r->pax_bytes, err);

	if (ret < 0)
		return ret;
	r->has_pax = true;
	return pax_parse(&r->pax, r->pax_bytes.data, r->pax_bytes.len, offset, r->limits, err);
}

static int read_long(struct tar_reader *r, struct buf *out, struct error *err)
{
	int ret = read_extended(r, out, err);

	if (ret < 0)
		return ret;
	out->len = out->data ? strnlen((const char *)out->data, out->len) : 0;
	if (out->data)
		out->data[out->len] = '\0';
	return 0;
}

static void forget_extended(struct tar_reader *r)
{
	r->has_pax = false;
	r->extended_bytes = 0;
	buf_clear(&r->long_name);
	buf_clear(&r->long_link);
}

/* Headers until one makes an entry. */
static int read_entry(struct tar_reader *r, struct tar_entry *e, struct error *err)
{
	bool first = true;

	forget_extended(r);
	for (;;) {
		int ret = next_header(r, err);

		if (ret)
			return ret;
		if (first)
			e->start_offset = r->header_offset;
		first = false;
		switch (r->flag) {
		case 'x':
			ret = read_records(r, err);
			break;
		case 'L':
			ret = read_long(r, &r->long_name, err);
			break;
		case 'K':
			ret = read_long(r, &r->long_link, err);
			break;
		case TAR_PAX_GLOBAL:
			ret = read_records(r, err);
			if (ret == 0)
				ret = tar_finish_global(r, e, err);
			return ret < 0 ? wrap_header(r, err) : 0;
		default:
			ret = tar_finish_entry(r, e, err);
			return ret < 0 ? wrap_header(r, err) : 0;
		}
		if (ret < 0)
			return wrap_header(r, err);
	}
}

static int wrap_body(const struct tar_reader *r, struct error *err)
{
	return wrap_named(err, "entry", r->said_name, r->said_len, r->said_offset);
}

/* Names the body's place and not how far it was read, which depends on how the bytes came. */
static int body_truncated(const struct tar_reader *r, struct error *err)
{
	err_fail(err, ERR_TRUNCATED, 0,
		 "the stream ends inside its body of %" PRIu64 " bytes at %" PRIu64, r->said_size,
		 r->said_body);
	return wrap_body(r, err);
}

static int skip_body(struct tar_reader *r, uint64_t n, struct error *err)
{
	uint64_t passed;
	int ret = cursor_skip(&r->cursor, n, &passed, err);

	if (ret == -ERR_TRUNCATED || (ret == 0 && passed < n))
		return body_truncated(r, err);
	if (ret < 0)
		return wrap_body(r, err);
	r->body_left -= n;
	return 0;
}

int tar_reader_next(struct tar_reader *r, struct tar_entry *entry, struct error *err)
{
	int ret;

	if (r->state == STATE_ENDED)
		return 1;
	if (r->state == STATE_FAILED || r->body.open)
		return err_fail(err, ERR_SEQUENCE, 0, "tar: next entry asked for %s",
				r->body.open ? "while a body is open" : "after an error");
	if (r->body_left) {
		ret = skip_body(r, r->body_left, err);
		if (ret < 0)
			return read_failed(r, ret);
	}
	ret = read_entry(r, entry, err);
	if (ret < 0)
		return read_failed(r, ret);
	if (ret == 1) {
		r->state = STATE_ENDED;
		return 1;
	}
	r->body.taken = false;
	r->said_name = entry->name;
	r->said_len = entry->name_len;
	r->said_offset = entry->header_offset;
	r->said_body = entry->body_offset;
	r->said_size = entry->body_size;
	return 0;
}

/* A file of another user within a store: what may not be read can be passed over. */
static bool can_go_on(const struct tar_reader *r, int code)
{
	return code == -ERR_DENIED && stream_can_skip(r->cursor.stream);
}

static int body_next(struct stream *s, struct block **out, struct error *err)
{
	struct tar_reader *r = ((struct body *)s)->reader;
	int ret;

	if (!r->body_left)
		return 1;
	ret = cursor_next_block(&r->cursor, r->body_left, out, err);
	if (ret == 1)
		ret = body_truncated(r, err);
	if (ret < 0)
		return can_go_on(r, ret) ? ret : read_failed(r, ret);
	r->body_left -= (*out)->len;
	return 0;
}

static int body_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct tar_reader *r = ((struct body *)s)->reader;
	int ret;

	if (n > r->body_left) {
		err_fail(err, ERR_TRUNCATED, 0,
			 "%" PRIu64 " bytes to pass, but %" PRIu64 " are left", n, r->body_left);
		return wrap_body(r, err);
	}
	ret = skip_body(r, n, err);
	if (ret < 0)
		return read_failed(r, ret);
	*skipped = n;
	return 0;
}

static void body_close(struct stream *s)
{
	((struct body *)s)->open = false;
}

int tar_reader_body(struct tar_reader *r, struct stream **out, struct error *err)
{
	static const struct stream_ops ops = { body_next, NULL, body_close };
	static const struct stream_ops skip_ops = { body_next, body_skip, body_close };

	if (r->state != STATE_READING || r->body.taken || !r->said_name)
		return err_fail(err, ERR_SEQUENCE, 0,
				"tar: no entry whose body is still to be read");
	r->body = (struct body){
		.base = { stream_can_skip(r->cursor.stream) ? &skip_ops : &ops },
		.reader = r,
		.open = true,
		.taken = true,
	};
	*out = &r->body.base;
	return 0;
}
