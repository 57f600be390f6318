/* Findings of a layer as text, folded: what check, diff and the rest show alike.
 */
#pragma once

#include "report/fold.h"
#include "report/print.h"

enum style fold_text_style(enum level l);

/* A blank line, then "  layer 4  a942a27663c4  19 kB  RUN npm install". */
int fold_text_layer(const struct report_options *opts, const struct image *img, size_t i,
		    struct error *err) _must_check_;

/* One line a group or entry, errors first; c names the targets. */
int fold_text(const struct report_options *opts, const struct check *c, const struct fold *fold,
	      const char *indent, struct error *err) _must_check_;

/* A check_finding_fn: each finding a line, under its layer's heading. */
struct fold_text_lines {
	const struct report_options *opts;
	struct check *c;
	long layer; /* whose heading was printed last; -1 at first */
};
int fold_text_line(void *ctx, const struct finding *f, struct error *err) _must_check_;
