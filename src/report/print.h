/* Small pieces of a text report: escaped names, counts, sizes, colour.
 */
#pragma once

#include "report/report.h"

enum style { STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_DIM, STYLE_BOLD };

/* Coloured only where opts->color. */
void print_styled(const struct report_options *opts, enum style style, const char *fmt, ...)
	_printf_(3, 4);

/* n bytes escaped for a terminal, cut with "..." behind about max bytes. */
void print_name(FILE *out, const void *bytes, size_t n, size_t max);

/* A message or a note: what an image holds is escaped in it already, the path that a user gave is
 * not. Backslashes stay, so that nothing is escaped twice. */
void print_told(FILE *out, const char *text);

/* "1 entry", "5 entries". */
const char *plural(uint64_t n, const char *one, const char *many);

/* "1.5 MB" (powers of 1000), into a text that belongs to the caller. */
void print_size(char out[16], uint64_t bytes);

/* The short form of a digest, 12 digits; "" where it has none. */
void print_digest(char out[16], const struct oci_digest *d);

/* The layer's digest as people know it: the blob's, else the diff_id. */
const struct oci_digest *layer_digest(const struct image_layer *layer);

/* "0-65535", or "uid 0-65535, gid 0-999" where they differ; in the platform's own words where it is
 * the platform's own range. 0 or -ERR_NOMEM. */
int print_range(struct buf *out, const struct target_use *use) _must_check_;

/* The step of a layer as a Dockerfile's line, escaped and cut; "" where there is none. 0 or
 * -ERR_NOMEM. */
int print_step(struct buf *out, const char *created_by, size_t max) _must_check_;

/* 0, or ERR_IO where out has failed. */
int print_check(FILE *out, struct error *err) _must_check_;
