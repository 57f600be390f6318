/* Compression, recognised by its bytes. A codec is one file (codec-*.c) and one row of the table in
 * codec.c. Every decoder checks the checksums its format carries, accepts concatenated members or
 * frames (zstd: skippable frames too), fails on an early end (ERR_TRUNCATED), on bytes behind the
 * last member that are neither a member nor zero padding (ERR_BAD_INPUT), and proves progress in
 * each step. gzip: RFC 1952; zstd: RFC 8878.
 */
#pragma once

#include "stream/stream.h"

enum codec {
	CODEC_NONE, /* plain bytes */
	CODEC_GZIP,
	CODEC_ZSTD,
	CODEC_BZIP2,
	CODEC_XZ,
	CODEC_COUNT
};

#define CODEC_MAGIC_MAX 6 /* bytes that codec_detect wants to see */

/* CODEC_NONE where no magic fits. A zstd stream may begin with a skippable frame. */
enum codec codec_detect(const uint8_t *bytes, size_t n);

const char *codec_name(enum codec c); /* "gzip", "none" */

/* A decoder over inner, which it owns on success. At most max bytes come out, then ERR_LIMIT
 * (limit layer-size). CODEC_NONE hands inner's blocks on and can skip where inner can. gzip uses
 * ISA-L, or zlib where it is not built in or UIDFIT_CODEC=zlib says so. */
int codec_open(struct stream **out, enum codec c, struct stream *inner, const struct limits *limits,
	       struct error *err) _must_check_;

/* Peeks at inner, picks the codec and opens it; *found tells which. Owns inner on success. */
int codec_open_detected(struct stream **out, struct stream *inner, enum codec *found,
			const struct limits *limits, struct error *err) _must_check_;
