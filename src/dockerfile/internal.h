/* The reader of lines, shared by the files of this folder.
 */
#pragma once

#include "dockerfile/vars.h"

struct docker_reader {
	struct dockerfile *d;
	const char *what;
	const struct limits *limits;
	struct error *err;
	size_t at;   /* first byte that is not read */
	size_t line; /* lines read */
};

/* # escape=` and its like, which stand above everything else. */
void docker_read_directives(struct docker_reader *r);

/* The next instruction's text and lines: continuations joined, comments taken out and kept. 0, 1 at
 * the end, -ERR_NOMEM. */
int docker_read_instruction(struct docker_reader *r, struct docker_instruction *in) _must_check_;

/* The body of a heredoc, and its closing line passed over. 1 where there is none. */
int docker_read_heredoc(struct docker_reader *r, struct docker_heredoc *h, bool chomp) _must_check_;
