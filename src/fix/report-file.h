/* A report of an earlier run (uidfit/fix/1) as a file, which may hold far more base64 than memory
 * should: long strings stay in it.
 */
#pragma once

#include <jansson.h>

#include "stream/stream.h"

#define FIX_REPORT_MAX (64u << 20) /* bytes of it that are no long strings */

struct fix_report_file {
	int fd;
	uint64_t size; /* 0 for a pipe, whose strings are all in doc */
	json_t *doc;   /* a string of a few KiB or more stands in it as "@OFFSET+LENGTH" */
};

/* ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, ERR_BAD_INPUT where it is no such report. */
int fix_report_file_open(struct fix_report_file *out, const char *path,
			 struct error *err) _must_check_;
void fix_report_file_close(struct fix_report_file *f);

/* The bytes that a base64 string of the document stands for. f and text outlive the stream.
 * ERR_BAD_INPUT for a place outside of the file; what is no base64 shows in reading. */
int fix_report_file_bytes(const struct fix_report_file *f, const char *text, struct stream **out,
			  struct error *err) _must_check_;
