/* Bounds and names of the serial form (docs/formats/inventory.md), for its writer and its reader.
 * Private to this folder.
 */
#pragma once

#include <stdint.h>

#define FORM_MAGIC     "UIDFINV\x02" /* seven letters and the version */
#define FORM_MAGIC_LEN 8
#define FORM_SUM_LEN   8
#define FORM_KNOWN     1u		   /* bodies were read for what they mention */
#define FORM_CUT       2u		   /* limit mentions was passed */
#define FORM_SUM_INIT  0xcbf29ce484222325u /* FNV-1a, 64 bits */

static inline uint64_t form_sum(uint64_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ p[i]) * 0x100000001b3u;
	return sum;
}

/* 0, -1, 1, -2 ... as 0, 1, 2, 3: small numbers of either sign stay short. */
static inline uint64_t form_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t form_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}
