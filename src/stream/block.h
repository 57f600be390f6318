/* A reference-counted run of bytes. A stream hands blocks out; hashing on another thread and
 * parsing share one block without a copy. The count is atomic; the bytes are never written after
 * the block was handed out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE (256 * 1024) /* what readers and decoders fill at most */

struct block {
	const uint8_t *data;
	size_t len;	 /* never 0 once handed out */
	uint8_t *buffer; /* private to block.c and to the producer that fills it */
	struct block
		*parent; /* the block that a view keeps alive, or the next one on the free list */
	_Atomic unsigned refs;
};

/* A block with one reference and room for BLOCK_SIZE bytes at ->buffer; NULL where memory is short.
 * Freed blocks are kept on a small list shared by all threads, so that a layer allocates a handful.
 */
struct block *block_new(void);

/* A block that borrows bytes which live longer than every reference. */
struct block *block_borrow(const void *bytes, size_t n);

/* n bytes of b from offset (both inside b->len), as a block that keeps b. NULL where memory is
 * short. */
struct block *block_view(struct block *b, size_t offset, size_t n);

struct block *block_ref(struct block *b);
void block_unref(struct block *b); /* NULL does nothing */

static inline void block_unrefp(struct block **b)
{
	block_unref(*b);
}
