/* Numbers of tar headers, read exactly as Go's archive/tar reads them, for the engines are Go
 * (archive/tar strconv.go parseOctal, parseNumeric).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A numeric field: octal with NULs and blanks trimmed on both ends (empty is 0), or base-256 in
 * two's complement where the first bit is set. False on junk or overflow of a signed 64-bit number.
 */
bool tar_number(const uint8_t *field, size_t n, int64_t *out);

/* A PAX decimal: strconv.ParseInt(s, 10, 64), so an optional '+' or '-' and digits. */
bool tar_pax_number(const char *s, size_t n, int64_t *out);
