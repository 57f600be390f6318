/* How a patched tar becomes the one that it was: made while it is patched, kept in the report, and
 * carried out by undo.
 *
 * Operations, each three LEB128 numbers and the bytes that the third counts: copy that many bytes
 * of the new tar, pass over that many of it, put these bytes of the old one. They end where both
 * tars do. docs/fix.md has the form as the report holds it: this, as one zstd frame, as base64.
 */
#pragma once

#include "stream/encode.h"
#include "stream/stream.h"

struct fix_difference;

/* NULL where memory is short. Operations move to an unlinked file past a few hundred KiB. */
struct fix_difference *fix_difference_new(void);
void fix_difference_free(struct fix_difference *d);
DEFINE_CLEANUP(struct fix_difference, fix_difference_free)

/* What the patching does, in the order of the tar: bytes handed on, bytes of the new tar that are
 * new, bytes of the old one that go. ERR_IO, ERR_NOMEM. */
int fix_difference_copy(struct fix_difference *d, uint64_t n, struct error *err) _must_check_;
int fix_difference_new_bytes(struct fix_difference *d, uint64_t n, struct error *err) _must_check_;
int fix_difference_old_bytes(struct fix_difference *d, const void *bytes, size_t n,
			     struct error *err) _must_check_;
/* old became new, mostly the same. */
int fix_difference_patch(struct fix_difference *d, const uint8_t *old, size_t old_len,
			 const uint8_t *new, size_t new_len, struct error *err) _must_check_;
int fix_difference_end(struct fix_difference *d, struct error *err) _must_check_;

uint64_t fix_difference_old_size(const struct fix_difference *d);
uint64_t fix_difference_new_size(const struct fix_difference *d);

/* The operations, compressed, into sink; any number of times after the end. */
int fix_difference_pack(const struct fix_difference *d, encoder_sink_fn *sink, void *ctx,
			struct error *err) _must_check_;

struct fix_sizes {
	uint64_t old, new; /* bytes of both tars */
};

/* The old tar, of the new one and operations (unpacked), which it owns on success. ERR_BAD_INPUT
 * for operations that do not make old bytes of new ones: nothing past the sizes is ever made.
 * ERR_DIGEST where the new tar has another size. */
int fix_difference_open(struct stream **out, struct stream *tar, struct stream *operations,
			const struct fix_sizes *sizes, struct error *err) _must_check_;
