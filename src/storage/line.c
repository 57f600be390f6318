#include "storage/line.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "oci/json-scan.h"
#include "storage/payload.h"

void line_reader_init(struct line_reader *r, struct stream *json)
{
	*r = (struct line_reader){ .json = json };
}

void line_reader_done(struct line_reader *r)
{
	json_decref(r->document);
	buf_free(&r->name);
	buf_free(&r->join);
	block_unref(r->block);
	stream_close(r->json);
}

static bool quick_segment(struct json_scan *at, struct line *out)
{
	out->type = LINE_SEGMENT;
	return json_scan_string(at, &out->payload, &out->payload_len);
}

static bool quick_file(struct json_scan *at, struct line *out)
{
	out->type = LINE_FILE;
	if (!json_scan_string(at, &out->name, &out->name_len) ||
	    !json_scan_is_plain(out->name, out->name_len))
		return false;
	if (JSON_SCAN(at, ",\"size\":") && !json_scan_number(at, &out->size))
		return false;
	if (JSON_SCAN(at, ",\"payload\":null"))
		return true;
	return JSON_SCAN(at, ",\"payload\":\"") &&
	       json_scan_string(at, &out->payload, &out->payload_len);
}

/* The line at p, which may end behind end: then, as for all that Go would not write, false. */
static bool quick_line(const char *p, const char *end, struct line *out, uint64_t *position,
		       size_t *used)
{
	struct json_scan at = { p, end };
	bool ok;

	*out = (struct line){ 0 };
	if (JSON_SCAN(&at, "{\"type\":2,\"payload\":\""))
		ok = quick_segment(&at, out);
	else
		ok = JSON_SCAN(&at, "{\"type\":1,\"name\":\"") && quick_file(&at, out);
	if (!ok || !JSON_SCAN(&at, ",\"position\":") || !json_scan_number(&at, position) ||
	    !JSON_SCAN(&at, "}\n"))
		return false;
	*used = (size_t)(at.p - p);
	return true;
}

static int bad_line(const struct line_reader *r, const char *why, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "line %" PRIu64 ": %s", r->next + 1, why);
}

/* name, or name_raw where the bytes are no UTF-8. */
static int parse_name(struct line_reader *r, struct line *out, struct error *err)
{
	const char *name = NULL, *raw = NULL;
	size_t n;
	int e = oci_json_string(r->document, "name", &name, err);

	if (e >= 0)
		e = oci_json_string(r->document, "name_raw", &raw, err);
	if (e < 0)
		return e;
	if (name && name[0]) {
		out->name = name;
		out->name_len = strlen(name);
		return 0;
	}
	n = raw ? strlen(raw) : 0;
	if (buf_reserve(&r->name, n) < 0)
		return err_nomem(err);
	if (n && !payload_decode(r->name.data, &r->name.len, raw, n))
		return bad_line(r, "name_raw is no base64", err);
	out->name = buf_str(&r->name);
	out->name_len = n ? r->name.len : 0;
	return 0;
}

static int parse_line(struct line_reader *r, const char *text, size_t n, struct line *out,
		      uint64_t *position, struct error *err)
{
	uint64_t type = 0;
	int e;

	*out = (struct line){ 0 };
	*position = UINT64_MAX;
	json_decref(r->document);
	r->document = NULL;
	e = oci_json_parse(&r->document, text, n, "tar-split", err);
	if (e >= 0)
		e = oci_json_u64(r->document, "type", &type, err);
	if (e >= 0)
		e = oci_json_u64(r->document, "size", &out->size, err);
	if (e >= 0)
		e = oci_json_u64(r->document, "position", position, err);
	if (e >= 0)
		e = oci_json_string(r->document, "payload", &out->payload, err);
	if (e < 0)
		return err_wrap(err, "line %" PRIu64, r->next + 1);
	if (type != LINE_FILE && type != LINE_SEGMENT)
		return bad_line(r, "neither a file nor a segment", err);
	out->type = (enum line_type)type;
	out->payload_len = out->payload ? strlen(out->payload) : 0;
	return out->type == LINE_FILE ? parse_name(r, out, err) : 0;
}

/* Joins what is left of the block and what follows, up to the line's end. 1 where nothing is left.
 */
static int join_line(struct line_reader *r, struct error *err)
{
	buf_clear(&r->join);
	for (;;) {
		const char *rest, *newline;
		size_t n;
		int e;

		if (!r->block) {
			e = stream_next(r->json, &r->block, err);
			r->pos = 0;
			if (e > 0)
				return r->join.len ? 0 : 1;
			if (e < 0)
				return e;
		}
		rest = (const char *)r->block->data + r->pos;
		n = r->block->len - r->pos;
		newline = memchr(rest, '\n', n);
		if (newline)
			n = (size_t)(newline - rest) + 1;
		if (n > LINE_MAX_BYTES - r->join.len)
			return err_fail(err, ERR_LIMIT, 0, "line %" PRIu64 ": more than %u bytes",
					r->next + 1, LINE_MAX_BYTES);
		if (buf_append(&r->join, rest, n) < 0)
			return err_nomem(err);
		r->pos += n;
		if (r->pos == r->block->len)
			block_unref(STEAL(r->block));
		if (newline)
			return 0;
	}
}

static int check_line(struct line_reader *r, const struct line *l, uint64_t position,
		      struct error *err)
{
	if (position != r->next)
		return bad_line(r, "not in its place", err);
	if (l->type == LINE_FILE && l->payload_len && l->payload_len != LINE_SUM_DIGITS)
		return bad_line(r, "a file's checksum has eight bytes", err);
	if (l->size > INT64_MAX)
		return bad_line(r, "a size that no file has", err);
	r->next++;
	return 0;
}

int line_next(struct line_reader *r, struct line *out, struct error *err)
{
	uint64_t position;
	const char *text;
	size_t used;
	int e;

	if (r->block && r->pos == r->block->len)
		block_unref(STEAL(r->block));
	if (r->block) {
		text = (const char *)r->block->data;
		if (quick_line(text + r->pos, text + r->block->len, out, &position, &used)) {
			r->pos += used;
			return check_line(r, out, position, err);
		}
	}
	e = join_line(r, err);
	if (e)
		return e;
	text = buf_str(&r->join);
	if (!quick_line(text, text + r->join.len, out, &position, &used))
		e = parse_line(r, text, r->join.len, out, &position, err);
	return e < 0 ? e : check_line(r, out, position, err);
}
