/* Base64 (RFC 4648 section 4, padded, nothing between its digits) as a stream of the bytes it
 * stands for.
 */
#pragma once

#include "stream/stream.h"

/* Owns inner on success. Reading gives ERR_BAD_INPUT, with the offset, for anything that is no
 * base64, an end within a group of four among it. */
int base64_open(struct stream **out, struct stream *inner, struct error *err) _must_check_;
