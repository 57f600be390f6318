/* Text from strangers: UTF-8 and escaping. Every name, label or command that an image holds passes
 * through here before a terminal, a message or a report sees it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TEXT_ESCAPE_MAX 12 /* longest escape of one code point */

/* Length in bytes (1-4) of the valid UTF-8 code point at p, 0 where the bytes are not valid (RFC
 * 3629: no surrogate, no overlong form, at most U+10FFFF). */
size_t text_utf8_len(const uint8_t *p, size_t n);

bool text_is_utf8(const void *bytes, size_t n);

/* Escapes the code point or byte at p (n > 0 bytes follow) for a terminal into out, which holds
 * TEXT_ESCAPE_MAX + 1 bytes; *step is what was consumed. Printable characters stay; control
 * characters, bidirectional and other invisible format characters, backslash and bytes that are not
 * UTF-8 become \n, \t, \\, \xNN, \u{NNNN}. Returns the length written, without the final NUL. */
size_t text_escape_one(char *out, const uint8_t *p, size_t n, size_t *step);

/* Drops the code point that a cut (snprintf's, say) has left incomplete at the end of s. */
void text_trim_cut(char *s);

/* Appends n escaped bytes to out. Returns 0 or -ERR_NOMEM. */
int text_escape(struct buf *out, const void *bytes, size_t n) _must_check_;

/* Appends n bytes with each byte that is not UTF-8 replaced by U+FFFD. 0 or -ERR_NOMEM. */
int text_replace_invalid(struct buf *out, const void *bytes, size_t n) _must_check_;

/* The four characters of base64 that stand for n (1 to 3) bytes, padded. */
void text_base64_group(char four[4], const uint8_t *bytes, size_t n);

/* Appends the standard base64 (RFC 4648, padded) of n bytes. 0 or -ERR_NOMEM. */
int text_base64(struct buf *out, const void *bytes, size_t n) _must_check_;

/* Appends what n characters of base64 mean, padded or not, ends of lines passed over: 0, 1 where
 * they are no base64 (out is then unchanged). Room is made once, so that a secret leaves no copies
 * behind in freed memory. -ERR_NOMEM. */
int text_unbase64(struct buf *out, const char *text, size_t n) _must_check_;
