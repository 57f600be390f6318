/* What holds at an instruction: variables, user, directory and shell of its stage. One walk, from
 * the first instruction to the last.
 */
#pragma once

#include "dockerfile/vars.h"

struct docker_stage {
	const char *name; /* AS, or "" */
	const char *base; /* of FROM, variables put in; NULL: not known */
	long from;	  /* stage that FROM names, or -1 */
	size_t first;	  /* index of its FROM */
	struct docker_vars vars;
	const char *user; /* as last said; "" the base image's, NULL: not known */
	const char *cwd;  /* absolute; "" not known */
	bool posix;	  /* the shell form is read by a POSIX shell */
	bool lineage;	  /* the target stage or one that it is built on */
	bool reached;	  /* the target stage needs it in some way */
};

struct docker_scope {
	const struct dockerfile *d;
	const struct limits *limits;
	struct arena *arena;
	struct docker_stage *stages;
	size_t stage_count;
	struct docker_vars global;     /* ARG in front of FROM */
	const char *const *build_args; /* NAME=VALUE */
	size_t build_arg_count;
};

/* Fills s->stages: names, bases, what the target (a name or a number, NULL: the last) needs.
 * d, limits, arena and build_args are set by the caller. ERR_NOT_FOUND for a target that is not
 * there. */
int docker_scope_begin(struct docker_scope *s, const char *target, struct error *err) _must_check_;

/* To be called of each instruction, in order. enter: before it is looked at (a stage begins);
 * leave: what it says holds from now on. */
int docker_scope_enter(struct docker_scope *s, size_t index, struct error *err) _must_check_;
int docker_scope_leave(struct docker_scope *s, size_t index, struct error *err) _must_check_;

/* The stage that COPY --from, FROM or --mount=from names, below the given one; -1 for none. */
long docker_stage_find(const struct docker_scope *s, const char *name, size_t below);

/* path (absolute or not) beneath cwd, "." and ".." resolved, no slash at the end; NULL where memory
 * is short or cwd is not known. */
const char *docker_path(struct arena *a, const char *cwd, const char *path);
