/* strconv.Atoi of Go on a 64-bit machine. Private to this folder.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum atoi_result { ATOI_OK, ATOI_SYNTAX, ATOI_RANGE };

/* *out is 0 where s is no number, and the nearest 64-bit number where it is out of range. */
enum atoi_result atoi_go(const char *s, size_t n, int64_t *out);
