/* A body of a layer: the file of the layer's directory that holds it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Opens the regular file of that name (as the tar has it, n bytes) beneath dir, read only, as if
 * dir were the root: symbolic links and ".." lead nowhere else. Where the kernel has no openat2(2)
 * (before 5.6), no link is followed at all. *size is the file's. ERR_NOT_FOUND, ERR_DENIED (EACCES,
 * with the advice), ERR_BAD_INPUT where it is no regular file or the name none. */
int body_open(int dir, const char *name, size_t n, int *fd, uint64_t *size,
	      struct error *err) _must_check_;

/* CRC-64 as Go's hash/crc64 has it for crc64.ISO; 0 to begin with. */
uint64_t body_crc64(uint64_t crc, const uint8_t *bytes, size_t n);
