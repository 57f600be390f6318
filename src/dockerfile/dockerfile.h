/* A Dockerfile as BuildKit reads it (frontend/dockerfile/parser/parser.go, .../instructions,
 * .../shell/lex.go): directives, comments, continuation lines, heredocs, flags, shell and JSON
 * form. Nothing is run, nothing is looked up. Every byte of an instruction's text knows where it
 * stands in the file, so that a patch can be made.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "dockerfile/arena.h"

enum docker_kind {
	DOCKER_FROM,
	DOCKER_RUN,
	DOCKER_CMD,
	DOCKER_LABEL,
	DOCKER_MAINTAINER,
	DOCKER_EXPOSE,
	DOCKER_ENV,
	DOCKER_ADD,
	DOCKER_COPY,
	DOCKER_ENTRYPOINT,
	DOCKER_VOLUME,
	DOCKER_USER,
	DOCKER_WORKDIR,
	DOCKER_ARG,
	DOCKER_ONBUILD,
	DOCKER_STOPSIGNAL,
	DOCKER_HEALTHCHECK,
	DOCKER_SHELL,
	DOCKER_KIND_COUNT
};
const char *docker_kind_name(enum docker_kind k); /* "FROM" */

/* From the byte at of a text on, up to the next piece, the file has the same bytes from source on.
 */
struct docker_piece {
	size_t at, source;
};

struct docker_text {
	const char *s; /* NUL behind; may hold none */
	size_t len;
	const struct docker_piece *pieces; /* sorted; the first is at 0 */
	size_t piece_count;
};

/* Where in the file the byte at (up to len, inclusive) of t stands. The byte behind a word ends
 * where the word ends, although a continuation may follow: pass at - 1 and add 1. */
size_t docker_source(const struct docker_text *t, size_t at);

struct docker_word {
	size_t start, end; /* in the instruction's text; 0, 0 for an element of a JSON form */
	const char *raw;   /* as written, quotes and all; of a JSON form the string */
};

struct docker_flag {
	const char *name;  /* "chown", without dashes */
	const char *value; /* raw; "" where there is none */
	size_t start, end; /* in the instruction's text */
};

struct docker_heredoc {
	const char *name;
	bool expand;		 /* its name had no quotes */
	struct docker_text body; /* without the closing line */
};

struct docker_comment {
	size_t line;
	const char *text; /* behind '#', trimmed */
};

struct docker_instruction {
	enum docker_kind kind; /* of ONBUILD what it holds */
	bool onbuild;
	bool json;
	size_t line, end_line; /* from 1, heredocs included */
	struct docker_text text;
	size_t args; /* in text, behind keyword and flags */
	struct docker_flag *flags;
	size_t flag_count;
	struct docker_word *words; /* behind the flags; of RUN in shell form too */
	size_t word_count;
	struct docker_heredoc *heredocs;
	size_t heredoc_count;
	size_t comment, comment_count; /* above it and within */
	size_t stage;		       /* index; SIZE_MAX in front of the first FROM */
};

struct dockerfile {
	struct arena arena;
	const char *bytes; /* a copy */
	size_t len;
	char escape; /* '\\' or '`' */
	struct docker_comment *comments;
	size_t comment_count, comment_cap;
	struct docker_instruction *list;
	size_t count, cap;
	size_t stage_count;
	size_t *line_starts;
	size_t lines;
};

/* Reads n bytes. what names the file in messages. ERR_BAD_INPUT "WHAT:LINE: ...": no FROM, an
 * unknown instruction, an instruction before FROM, a heredoc without an end, a NUL byte; ERR_LIMIT
 * past dockerfile-size. */
int dockerfile_parse(struct dockerfile **out, const char *bytes, size_t n, const char *what,
		     const struct limits *limits, struct error *err) _must_check_;
void dockerfile_free(struct dockerfile *d);
DEFINE_CLEANUP(struct dockerfile, dockerfile_free)

/* The flag's raw value, NULL where it is not given. */
const char *docker_flag(const struct docker_instruction *in, const char *name);

/* Line (from 1) of a byte of the file. */
size_t docker_line_of(const struct dockerfile *d, size_t offset);
