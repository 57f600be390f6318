/* Writes JSON (RFC 8259) to a FILE as it becomes known: no document in memory, so that a million
 * findings cost none. A failed write stays in ferror(out); the caller looks there when it is
 * convenient.
 *
 * Each call takes the member's key, or NULL inside an array. Objects in arrays begin a line of
 * their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSONW_DEPTH 16

struct jsonw {
	FILE *out;
	unsigned depth;
	bool comma;		   /* something stands before, at this depth */
	char closing[JSONW_DEPTH]; /* what closes each open bracket */
	uint8_t rest[3];	   /* of base64, until three are together */
	size_t rest_len;
};

/* bracket is '{' or '['; at most JSONW_DEPTH stand open. */
void jsonw_open(struct jsonw *w, const char *key, char bracket);
void jsonw_close(struct jsonw *w);
/* Closes until depth is left: the document stays whole where a part of it failed. */
void jsonw_unwind(struct jsonw *w, unsigned depth);

/* Bytes that are not UTF-8 become U+FFFD; control characters and invisible ones are escaped. */
void jsonw_text(struct jsonw *w, const char *key, const void *bytes, size_t n);
/* As jsonw_text of a string; NULL gives null. */
void jsonw_str(struct jsonw *w, const char *key, const char *s);
/* A path of an image, stored without its leading slash: "path", and "path_raw" (base64) beside it
 * where it is not UTF-8. 0 or -ERR_NOMEM. */
int jsonw_path(struct jsonw *w, const char *path, size_t n);
/* A string of base64, padded, as its bytes become known. Nothing else between open and close. */
void jsonw_base64_open(struct jsonw *w, const char *key);
void jsonw_base64(struct jsonw *w, const void *bytes, size_t n);
void jsonw_base64_close(struct jsonw *w);
void jsonw_i64(struct jsonw *w, const char *key, int64_t v);
void jsonw_u64(struct jsonw *w, const char *key, uint64_t v);
void jsonw_bool(struct jsonw *w, const char *key, bool v);
void jsonw_null(struct jsonw *w, const char *key);

/* A map as OCI's runtime-spec has it: [{"containerID","hostID","size"}] (config-linux.md, "User
 * namespace mappings"). */
struct idmap;
void jsonw_map(struct jsonw *w, const char *key, const struct idmap *m);

/* "error": {"code", "message"}, as every report tells of an image that could not be looked at. */
struct error;
void jsonw_error(struct jsonw *w, const struct error *why);
