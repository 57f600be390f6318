/* Variables of a build: what ARG and ENV give, and what a word means with them.
 * Rules: BuildKit's frontend/dockerfile/shell/lex.go; a variable that the base image may set is
 * not known, which is not the same as empty.
 */
#pragma once

#include "base/buf.h"
#include "dockerfile/dockerfile.h"

struct docker_var {
	const char *name, *value; /* value NULL: not known */
	bool env;		  /* of ENV: ARG does not hide it */
};

struct docker_vars {
	struct docker_var *list;
	size_t count, cap;
	const struct docker_vars *parent; /* of the stage that FROM names, or NULL */
};

/* NULL where it is not set at all. */
const struct docker_var *docker_var(const struct docker_vars *v, const char *name, size_t n);

/* ERR_LIMIT past dockerfile-variables; -ERR_NOMEM. */
int docker_var_set(struct arena *a, struct docker_vars *v, const struct docker_var *var,
		   const struct limits *limits, struct error *err) _must_check_;

#define DOCKER_EXPAND_DEPTH 16 /* ${a:-${b:-...}} */

/* Appends what n bytes mean: variables, quotes and escapes taken away. False where that is not
 * known (out then holds what is), or nested too deep; *failed is set where memory is short. */
bool docker_expand(struct buf *out, const struct docker_vars *v, char escape, const char *s,
		   size_t n, bool *failed);

/* The same as a string of the arena; NULL where it is not known. -ERR_NOMEM. */
int docker_word_value(const char **out, struct arena *a, const struct docker_vars *v, char escape,
		      const char *s, size_t n) _must_check_;
