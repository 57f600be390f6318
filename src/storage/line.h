/* The lines of tar-split's JSON (vbatts/tar-split tar/storage/entry.go), one after the other.
 *
 * Each line that stands exactly as Go writes it is read where it lies; any other one goes through
 * the JSON parser, with the same result but for escapes in base64, which are damage.
 */
#pragma once

#include "base/buf.h"
#include "oci/json.h"
#include "stream/stream.h"

/* Bytes of one line: a segment holds what stands between two bodies, extended headers among it, and
 * old writers put all padding behind the end into one. */
#define LINE_MAX_BYTES (64u << 20)

#define LINE_SUM_DIGITS 12 /* of a checksum: 8 bytes */

enum line_type { LINE_FILE = 1, LINE_SEGMENT = 2 };

/* Valid until the next line is read. */
struct line {
	enum line_type type;
	const char *name; /* of a file */
	size_t name_len;
	uint64_t size; /* of its body */
	/* Base64: of a segment its bytes, of a file the CRC-64 of its body (may be empty). */
	const char *payload;
	size_t payload_len;
};

struct line_reader {
	struct stream *json; /* owned */
	struct block *block;
	size_t pos;	  /* in block */
	struct buf join;  /* a line across blocks */
	uint64_t next;	  /* position of the next line, from 0 */
	json_t *document; /* of a line that the parser has read */
	struct buf name;  /* decoded name_raw */
};

/* Owns json. */
void line_reader_init(struct line_reader *r, struct stream *json);
void line_reader_done(struct line_reader *r);

/* 0, 1 at the end. ERR_BAD_INPUT for a line that is none, or stands elsewhere than its position
 * says; ERR_LIMIT past LINE_MAX_BYTES. The message names the line. */
int line_next(struct line_reader *r, struct line *out, struct error *err) _must_check_;
