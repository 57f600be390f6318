/* What is between two bodies becomes one block; a body is a file that nobody opens until its bytes
 * are asked for.
 *
 * Whoever skips must agree with the lines on where a body ends: they come from another tar reader,
 * and where the two differ, bytes of a file would be read as headers. That is an error here.
 */
#include "storage/tar-split.h"

#include <inttypes.h>
#include <string.h>

#include "storage/body.h"
#include "storage/line.h"
#include "storage/payload.h"

#define HEADER	    512
#define HEADER_FLAG 156 /* offset of the typeflag */

/* Bodies read one after the other before the next ones are read ahead. */
#define READS_BEFORE_AHEAD 4

struct split {
	struct stream base;
	struct line_reader lines;
	struct tar_split_options how;
	const char *payload; /* of the segment at hand: digits not yet decoded */
	size_t payload_left;
	char flag; /* of the header that the last segment ends with, 0 where there is none */
	bool ended;
	bool skips; /* somebody has passed over a body */
	unsigned reads;

	/* The body at hand. */
	bool in_body, cut; /* cut: passed over in part */
	struct line body;
	uint64_t left;
	int fd;
	uint64_t crc;
};

static int split_wrap(const struct split *s, struct error *err)
{
	char name[200];

	if (s->in_body)
		err_wrap(err, "'%s'", err_text(name, sizeof(name), s->body.name, s->body.name_len));
	return s->how.what ? err_wrap(err, "%s", s->how.what) : -(int)err->code;
}

static int disagree(struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0,
			"tar-split and the header do not agree on the size of the body");
}

/* The typeflag of the header that stands last in a segment. */
static char last_flag(const char *digits, size_t n)
{
	size_t at = (n >= 4 ? n / 4 * 3 - (digits[n - 1] == '=') - (digits[n - 2] == '=') : 0);
	uint8_t group[3];
	size_t len;

	if (at < HEADER)
		return 0;
	at -= HEADER - HEADER_FLAG;
	if (!payload_decode(group, &len, digits + at / 3 * 4, 4) || at % 3 >= len)
		return 0;
	return (char)group[at % 3];
}

/* A size that these types' headers may hold counts for nothing, to any reader. */
static bool has_no_body(char flag)
{
	return flag >= '1' && flag <= '6';
}

/* Takes the next line. 1 at the end. */
static int next_line(struct split *s, struct error *err)
{
	struct line l;
	int r = line_next(&s->lines, &l, err);

	if (r)
		return r;
	if (l.type == LINE_SEGMENT) {
		s->payload = l.payload;
		s->payload_left = l.payload_len;
		s->flag = last_flag(l.payload, l.payload_len);
		return 0;
	}
	if (l.size && !has_no_body(s->flag)) {
		s->in_body = true;
		s->cut = false;
		s->body = l;
		s->left = l.size;
		s->crc = 0;
	}
	s->flag = 0;
	return 0;
}

/* As much of the segment as the block has room for. */
static int decode(struct split *s, struct block *b, struct error *err)
{
	size_t room = (BLOCK_SIZE - b->len) / 3 * 4, n = MIN(room, s->payload_left), len;

	if (!payload_decode(b->buffer + b->len, &len, s->payload, n) ||
	    (n < s->payload_left && len != n / 4 * 3))
		return err_fail(err, ERR_BAD_INPUT, 0, "line %" PRIu64 ": its payload is no base64",
				s->lines.next);
	b->len += len;
	s->payload += n;
	s->payload_left -= n;
	return 0;
}

static void body_end(struct split *s)
{
	s->in_body = false;
	closep(&s->fd);
	s->fd = -1;
}

static int body_begin(struct split *s, struct error *err)
{
	uint64_t size;
	int r;

	if (s->fd >= 0)
		return 0;
	if (s->how.diff < 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "the store keeps no bodies of this layer");
	r = body_open(s->how.diff, s->body.name, s->body.name_len, &s->fd, &size, err);
	if (r < 0)
		return r;
	if (size == s->body.size)
		return 0;
	closep(&s->fd);
	s->fd = -1;
	return err_fail(err, ERR_DIGEST, 0, "the store has %" PRIu64 " bytes, the layer %" PRIu64,
			size, s->body.size);
}

static int check_sum(const struct split *s, struct error *err)
{
	uint8_t bytes[LINE_SUM_DIGITS / 4 * 3];
	uint64_t want = 0;
	size_t len;

	if (!s->body.payload_len)
		return 0;
	if (!payload_decode(bytes, &len, s->body.payload, s->body.payload_len) ||
	    len != sizeof(want))
		return err_fail(err, ERR_BAD_INPUT, 0, "line %" PRIu64 ": no checksum",
				s->lines.next);
	for (size_t i = 0; i < len; i++)
		want = want << 8 | bytes[i];
	if (want == s->crc)
		return 0;
	return err_fail(err, ERR_DIGEST, 0,
			"the file was changed in the store: its checksum is %016" PRIx64
			", the layer's %016" PRIx64,
			s->crc, want);
}

static int body_read(struct split *s, struct block *b, struct error *err)
{
	size_t want = (size_t)MIN(s->left, (uint64_t)(BLOCK_SIZE - b->len));
	ssize_t n;
	int r = body_begin(s, err);

	if (r < 0)
		return r;
	do
		n = pread(s->fd, b->buffer + b->len, want, (off_t)(s->body.size - s->left));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_fail(err, ERR_IO, errno, "read");
	if (n == 0)
		return err_fail(err, ERR_TRUNCATED, 0, "the store's file ends early");
	s->crc = body_crc64(s->crc, b->buffer + b->len, (size_t)n);
	b->len += (size_t)n;
	s->left -= (uint64_t)n;
	if (s->left)
		return 0;
	r = check_sum(s, err);
	if (r == 0)
		body_end(s);
	return r;
}

/* Whether the body at hand goes into the block that others have begun: a small one, to a reader who
 * takes them all. */
static bool reads_ahead(const struct split *s, const struct block *b)
{
	return !s->skips && s->reads >= READS_BEFORE_AHEAD && s->left <= BLOCK_SIZE - b->len;
}

static int fill_body(struct split *s, struct block *b, struct error *err)
{
	struct error ignored;
	size_t before = b->len;

	if (!before) {
		s->reads++;
		return body_read(s, b, err);
	}
	/* What fails is told when it is asked for. */
	while (s->in_body && body_read(s, b, &ignored) == 0)
		;
	if (!s->in_body)
		return 0;
	b->len = before;
	s->left = s->body.size;
	s->crc = 0;
	return 1;
}

/* 1 where the block is to be handed out. */
static int fill(struct split *s, struct block *b, struct error *err)
{
	int r;

	if (BLOCK_SIZE - b->len < 3)
		return 1;
	if (s->payload_left)
		return decode(s, b, err);
	if (s->in_body) {
		if (b->len && !reads_ahead(s, b))
			return 1;
		return fill_body(s, b, err);
	}
	r = next_line(s, err);
	s->ended = r == 1;
	return r;
}

static int split_next(struct stream *stream, struct block **out, struct error *err)
{
	struct split *s = (struct split *)stream;
	_cleanup_(block_unrefp) struct block *b = NULL;
	int r = 0;

	if (s->ended)
		return 1;
	if (s->in_body && s->cut) {
		disagree(err);
		return split_wrap(s, err);
	}
	b = block_new();
	if (!b)
		return err_nomem(err);
	while (r == 0)
		r = fill(s, b, err);
	if (r < 0)
		return split_wrap(s, err);
	if (!b->len)
		return 1;
	*out = STEAL(b);
	return 0;
}

static int split_skip(struct stream *stream, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct split *s = (struct split *)stream;

	if (!s->in_body || s->payload_left)
		return 0;
	if (n > s->left) {
		disagree(err);
		return split_wrap(s, err);
	}
	s->skips = true;
	s->cut = true;
	s->left -= n;
	*skipped = n;
	if (!s->left)
		body_end(s);
	return 0;
}

static void split_close(struct stream *stream)
{
	struct split *s = (struct split *)stream;

	closep(&s->fd);
	if (s->how.own_diff)
		closep(&s->how.diff);
	line_reader_done(&s->lines);
	free(s);
}

int tar_split_open(struct stream **out, struct stream *json, const struct tar_split_options *opts,
		   struct error *err)
{
	static const struct stream_ops ops = { split_next, split_skip, split_close };
	struct split *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(err);
	s->base.ops = &ops;
	s->how = *opts;
	s->fd = -1;
	line_reader_init(&s->lines, json);
	*out = &s->base;
	return 0;
}
