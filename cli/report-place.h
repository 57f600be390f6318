/* A report in a file of its own (--report FILE): whole under its name, or not at all.
 */
#pragma once

#include <stdio.h>

#include "base/error.h"

typedef int report_fn(void *ctx, FILE *out, struct error *err);

/* Lets fn write to NAME.partial-XXXXXXXX, synced, then renamed to path. What is there and no
 * regular file (a pipe, /dev/stderr, a symbolic link) is written as it is. ERR_IO, what
 * place_open gives, or fn. */
int cli_report_place(const char *path, report_fn *fn, void *ctx, struct error *err) _must_check_;
