/* SHA-256 and SHA-512 of what flows through a stream, on a thread of their own (OpenSSL EVP; the
 * only user of it).
 */
#pragma once

#include "stream/stream.h"

#define DIGEST_HEX_MAX 128

enum digest_algo { DIGEST_SHA256, DIGEST_SHA512 };

/* A tee: a stream that hands inner's blocks on and hashes them on another thread through a bounded
 * queue. */
struct digest_tee;

/* *out is the stream to read (it owns inner, and the tee, on success); *tee stays valid until that
 * stream is closed. */
int digest_tee_open(struct stream **out, struct digest_tee **tee, struct stream *inner,
		    enum digest_algo algo, struct error *err) _must_check_;

/* The same, but whoever reads the stream hashes: where each core has a thread already. */
int digest_tee_open_here(struct stream **out, struct digest_tee **tee, struct stream *inner,
			 enum digest_algo algo, struct error *err) _must_check_;

/* Bytes that have passed. */
uint64_t digest_tee_bytes(const struct digest_tee *tee);

/* True where every byte passed the hash: nothing was skipped. */
bool digest_tee_complete(const struct digest_tee *tee);

/* Waits for the hashing thread and writes the hex digest with a NUL. The stream must have ended,
 * with nothing skipped (ERR_SEQUENCE otherwise). */
int digest_tee_hex(struct digest_tee *tee, char hex[DIGEST_HEX_MAX + 1],
		   struct error *err) _must_check_;

/* One-shot, for manifests and configs. */
int digest_hex(enum digest_algo algo, const void *bytes, size_t n, char hex[DIGEST_HEX_MAX + 1],
	       struct error *err) _must_check_;

/* Push: for bytes that are written rather than read. Hashes on the calling thread. */
struct digest;
int digest_new(struct digest **out, enum digest_algo algo, struct error *err) _must_check_;
void digest_free(struct digest *d);
DEFINE_CLEANUP(struct digest, digest_free)

/* ERR_SEQUENCE after digest_final_hex. */
int digest_update(struct digest *d, const void *bytes, size_t n, struct error *err) _must_check_;

/* The hex digest with a NUL; may be called again. */
int digest_final_hex(struct digest *d, char hex[DIGEST_HEX_MAX + 1],
		     struct error *err) _must_check_;
