/* Numbers as people and files write them: strictly decimal, the whole string or nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_INVALID  UINT32_MAX /* (uid_t)-1: "leave unchanged", never an id (chown(2)) */
#define ID_OVERFLOW 65534u     /* what stat shows for an unmapped id (user_namespaces(7)) */

/* Decimal digits only, no sign, no blank, no leading '+'; false on empty, junk or overflow. */
bool num_u32(const char *s, size_t n, uint32_t *out);
bool num_u64(const char *s, size_t n, uint64_t *out);

/* An optional '-' and decimal digits; false on overflow of a signed 64-bit number. */
bool num_i64(const char *s, size_t n, int64_t *out);
