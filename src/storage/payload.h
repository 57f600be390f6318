/* The base64 of tar-split's payloads: quick on zero bytes, which most of a header is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* The bytes that n digits (RFC 4648, padded) stand for, into out, which holds n / 4 * 3 bytes.
 * False for anything else: another character, a length that four does not divide, padding but at
 * the end, bits left over that are not zero. */
bool payload_decode(uint8_t *out, size_t *len, const char *digits, size_t n) _must_check_;
