/* What uidfit unpack did: text, or uidfit/unpack/1.
 */
#pragma once

#include "report/report.h"
#include "unpack/image.h"

struct unpack_told {
	const char *image, *dir;
	const struct source_image *source;
	const struct target_use *use;
	bool identity; /* the map has no host side: owners stand as the image has them */
	const struct fix_plan *fix; /* or NULL */
	enum owners_how how;
	enum unpack_form form;
	const struct unpack_counts *counts;
	const struct notes *notes;
};

/* 0, or ERR_IO where out cannot be written. */
int unpack_report(const struct report_options *opts, const struct unpack_told *told,
		  struct error *err) _must_check_;
