/* The rows that data/compile.py makes of data/targets.conf. */
#pragma once

#include "target/target.h"

extern const struct target target_rows[];
extern const size_t target_row_count;
