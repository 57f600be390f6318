#include "fix/report-file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/num.h"
#include "oci/json.h"
#include "stream/base64.h"

#define LONG_STRING 4096 /* bytes; what is longer stays in the file */
#define PLACE	    '@'	 /* no digit of base64 */

/* The text without its long strings. */
struct slim {
	struct buf text;
	uint64_t offset; /* in the file */
	uint64_t start;	 /* of the string at hand, behind its quote */
	size_t kept;	 /* length of text there */
	bool quoted, escaped, passing;
	bool whole; /* nothing can be read a second time: long strings are kept */
};

static int end_string(struct slim *s)
{
	s->quoted = false;
	if (s->passing && buf_printf(&s->text, "%c%" PRIu64 "+%" PRIu64, PLACE, s->start,
				     s->offset - s->start) < 0)
		return -ERR_NOMEM;
	s->passing = false;
	return buf_append(&s->text, "\"", 1);
}

static int in_string(struct slim *s, uint8_t c)
{
	if (c == '"' && !s->escaped)
		return end_string(s);
	s->escaped = c == '\\' && !s->escaped;
	if (s->passing)
		return 0;
	if (s->whole || s->offset - s->start < LONG_STRING)
		return buf_append(&s->text, &c, 1);
	s->passing = true;
	s->text.len = s->kept;
	return 0;
}

static int outside(struct slim *s, uint8_t c)
{
	int r = buf_append(&s->text, &c, 1);

	if (c == '"') {
		s->quoted = true;
		s->escaped = false;
		s->start = s->offset + 1;
		s->kept = s->text.len;
	}
	return r;
}

/* Bytes of a long string up to what may end it. */
static size_t pass(struct slim *s, const uint8_t *p, size_t n)
{
	const uint8_t *quote;

	if (!s->passing || s->escaped)
		return 0;
	quote = memchr(p, '"', n);
	n = quote ? (size_t)(quote - p) : n;
	quote = memchr(p, '\\', n);
	n = quote ? (size_t)(quote - p) : n;
	s->offset += n;
	return n;
}

static int slim_add(struct slim *s, const uint8_t *p, size_t n, struct error *err)
{
	for (size_t i = pass(s, p, n); i < n; i += pass(s, p + i, n - i)) {
		if ((s->quoted ? in_string(s, p[i]) : outside(s, p[i])) < 0)
			return err_nomem(err);
		s->offset++;
		i++;
	}
	return s->text.len <= FIX_REPORT_MAX
		       ? 0
		       : err_fail(err, ERR_LIMIT, 0, "a report of more than %u MiB",
				  FIX_REPORT_MAX >> 20);
}

static int read_document(struct fix_report_file *f, bool is_file, const char *path,
			 struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	struct slim s = { .whole = !is_file };
	struct block *b;
	int r = is_file ? stream_open_range(&in, f->fd, false, 0, f->size, err)
			: stream_open_fd(&in, f->fd, false, err);

	while (r == 0 && (r = stream_next(in, &b, err)) == 0) {
		r = slim_add(&s, b->data, b->len, err);
		block_unref(b);
	}
	if (r > 0)
		r = oci_json_parse(&f->doc, s.text.data, s.text.len, path, err);
	buf_free(&s.text);
	return r;
}

static int check_schema(const struct fix_report_file *f, struct error *err)
{
	const char *schema = "";
	int r = oci_json_string(f->doc, "schema", &schema, err);

	if (r == 0 && strcmp(schema, "uidfit/fix/1") != 0)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no report of uidfit fix --report");
	return r;
}

int fix_report_file_open(struct fix_report_file *out, const char *path, struct error *err)
{
	struct fix_report_file f = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	bool is_file;
	struct stat st;
	int r;

	if (f.fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "%s", path);
	is_file = fstat(f.fd, &st) == 0 && S_ISREG(st.st_mode);
	f.size = is_file ? (uint64_t)st.st_size : 0;
	r = read_document(&f, is_file, path, err);
	if (r == 0)
		r = check_schema(&f, err);
	if (r < 0)
		fix_report_file_close(&f);
	else
		*out = f;
	return r;
}

void fix_report_file_close(struct fix_report_file *f)
{
	json_decref(f->doc);
	f->doc = NULL;
	closep(&f->fd);
	f->fd = -1;
}

static bool parse_place(const char *text, uint64_t *offset, uint64_t *len)
{
	const char *plus = strchr(text, '+');

	return plus && num_u64(text, (size_t)(plus - text), offset) &&
	       num_u64(plus + 1, strlen(plus + 1), len);
}

int fix_report_file_bytes(const struct fix_report_file *f, const char *text, struct stream **out,
			  struct error *err)
{
	uint64_t offset, len;
	struct stream *in;
	int r;

	if (*text != PLACE)
		r = stream_open_memory(&in, text, strlen(text), err);
	else if (!parse_place(text + 1, &offset, &len) || offset > f->size ||
		 len > f->size - offset)
		return err_fail(err, ERR_BAD_INPUT, 0, "no base64");
	else
		r = stream_open_range(&in, f->fd, false, offset, len, err);
	if (r < 0)
		return r;
	r = base64_open(out, in, err);
	if (r < 0)
		stream_close(in);
	return r;
}
