/* Findings that are accepted: a file of their fingerprints, so that only new ones fail.
 *
 *	{"schema":"uidfit/baseline/1","findings":["HEX",...]}       sorted, one a line
 */
#pragma once

#include "report/finding.h"

struct baseline;

/* An empty one. */
int baseline_new(struct baseline **out, struct error *err) _must_check_;
/* ERR_NOT_FOUND, ERR_IO, ERR_LIMIT past 64 MiB or 300000 findings, ERR_BAD_INPUT where it is none.
 */
int baseline_read(struct baseline **out, const char *path, struct error *err) _must_check_;
void baseline_free(struct baseline *b);
DEFINE_CLEANUP(struct baseline, baseline_free)

/* 1 where it has the finding; of one that was read, not of one that is added to. */
int baseline_has(const struct baseline *b, const struct report_finding *f,
		 struct error *err) _must_check_;
int baseline_add(struct baseline *b, const struct report_finding *f,
		 struct error *err) _must_check_;

/* Sorted, each once; how many. ERR_IO. */
int baseline_write(struct baseline *b, FILE *out, size_t *count, struct error *err) _must_check_;
