/* A growing byte buffer. Zero-initialised is empty; buf_free releases it and leaves it empty.
 * Text appended is always followed by a NUL that len does not count.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct buf {
	uint8_t *data;
	size_t len, cap;
};

void buf_free(struct buf *b);

/* Makes room for n more bytes and a NUL. 0 or -ERR_NOMEM (nothing changed). */
int buf_reserve(struct buf *b, size_t n) _must_check_;

/* 0 or -ERR_NOMEM. */
int buf_append(struct buf *b, const void *bytes, size_t n) _must_check_;
int buf_append_str(struct buf *b, const char *s) _must_check_;
int buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3) _must_check_;

/* Little-endian base-128 (LEB128), as the inventory's serial form uses it. */
int buf_varint(struct buf *b, uint64_t v) _must_check_;

static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

/* The text, "" when empty. Borrowed until the next change. */
static inline const char *buf_str(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

static inline void buf_freep(struct buf *b)
{
	buf_free(b);
}
