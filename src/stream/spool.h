/* Bytes appended once and read many times, in order: in memory up to a bound, then in an unlinked
 * file under TMPDIR, so that memory stays flat whatever an image holds. Sealed before it is read;
 * then any number of threads may read it.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

/* memory_max: bytes kept in memory before the file is made. NULL where memory is short. */
struct spool *spool_new(size_t memory_max);
void spool_free(struct spool *s);
DEFINE_CLEANUP(struct spool, spool_free)

/* ERR_IO where the file cannot be made or written: the spool is of no use then. ERR_SEQUENCE after
 * the seal. */
int spool_append(struct spool *s, const void *bytes, size_t n, struct error *err) _must_check_;
int spool_seal(struct spool *s, struct error *err) _must_check_; /* no append after it */
uint64_t spool_size(const struct spool *s);

struct spool_reader {
	const struct spool *spool;
	uint64_t offset; /* of window[0] in the spool */
	const uint8_t *window;
	size_t len, pos;
	uint8_t *buffer; /* for a spool in a file */
	size_t buffer_cap;
};

void spool_reader_init(struct spool_reader *r, const struct spool *s);
void spool_reader_done(struct spool_reader *r);

/* Makes at least n bytes (n <= 1 MiB) visible at *bytes, until the next call; *got, which may be
 * more than n, is less only at the end. Nothing is passed. ERR_SEQUENCE before the seal. */
int spool_peek(struct spool_reader *r, size_t n, const uint8_t **bytes, size_t *got,
	       struct error *err) _must_check_;
void spool_advance(struct spool_reader *r, size_t n);
