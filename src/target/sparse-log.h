/* Logs that login programs index by uid: useradd with a uid of ten digits makes them hundreds of
 * gigabytes of hole, which an engine then writes out (moby#5419, shadow's lastlog and faillog). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "inventory/layer.h"

/* Larger than any uid below 65536 makes them (292 bytes a uid in lastlog: 19 MB), well below what
 * hurts. */
#define SPARSE_LOG_SIZE (256ull << 20)

bool sparse_log_is(const struct inv_entry *e);
