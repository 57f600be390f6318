/* What in a Dockerfile will make an owner outside a map, and what mends it in the same step.
 * The rules' words and levels are data/lint.conf; docs/lint.md has a section each.
 */
#pragma once

#include "base/buf.h"
#include "dockerfile/scope.h"
#include "target/check.h"

enum lint_rule_id {
	LINT_HIGH_ID,
	LINT_SPARSE_LASTLOG,
	LINT_USER_OUTSIDE_MAP,
	LINT_CHOWN_OUTSIDE_MAP,
	LINT_COPY_CHOWN_OUTSIDE_MAP,
	LINT_TAR_SAME_OWNER,
	LINT_ADD_ARCHIVE,
	LINT_NPM_ROOT,
	LINT_KNOWN_ARCHIVE,
	LINT_LATE_CHOWN,
	LINT_CONTEXT_OWNER,
	LINT_RULE_COUNT
};

struct lint_rule {
	const char *name;
	enum level level;
	const char *summary, *source;
};
extern const struct lint_rule lint_rules[LINT_RULE_COUNT];

/* Bytes start to end of the file give way to text. */
struct lint_edit {
	size_t start, end;
	const char *text;
};

struct lint_finding {
	enum lint_rule_id rule;
	enum level level;
	size_t instruction;    /* index */
	size_t line, end_line; /* of what it is about */
	const char *message;   /* one sentence without a full stop; what a file holds is escaped */
	const char *help;      /* what to do; "" for nothing more */
	uint32_t targets;      /* bit per target that it concerns; 0: any */
	int64_t uid, gid;      /* -1 where none is known */
	struct lint_edit *edits; /* what mends it for certain */
	size_t edit_count;
	long layer;	  /* of --image: made by this step and holding what was guessed; or -1 */
	uint64_t entries; /* of that layer, with findings */
};

struct lint_options {
	const struct target_use *uses;
	size_t use_count;
	const struct limits *limits;
	const char *context; /* a directory, or NULL: nothing is looked into */
	const char *target;  /* a stage, or NULL for the last */
	const char *const *build_args;
	size_t build_arg_count;
};

struct lint {
	struct dockerfile *d;
	struct docker_scope scope;
	const char *name; /* as given; borrowed */
	struct lint_finding *list;
	size_t count, cap;
	size_t silenced; /* left out for a comment that says so */
	struct lint_options opts;
};

/* n bytes of a Dockerfile called name. Errors as of dockerfile_parse, or ERR_NOT_FOUND for a target
 * stage that is not there. Files of the context that cannot be read are passed over. */
int lint_run(struct lint **out, const char *name, const char *bytes, size_t n,
	     const struct lint_options *opts, struct error *err) _must_check_;
void lint_free(struct lint *l);
DEFINE_CLEANUP(struct lint, lint_free)

/* The file with all edits made; *changed is false where there is none. -ERR_NOMEM. */
int lint_mend(struct buf *out, const struct lint *l, bool *changed, struct error *err) _must_check_;

/* A unified diff from the file to text, three lines of context, "a/NAME" and "b/NAME"; nothing
 * where they are equal. -ERR_NOMEM. */
int lint_diff(struct buf *out, const struct lint *l, const struct buf *text,
	      struct error *err) _must_check_;

/* What stands behind a finding's edits as whole lines: first and last line (from 1) and the text in
 * their place. 1 where it has no edits. -ERR_NOMEM. */
int lint_lines(const struct lint_finding *f, const struct lint *l, size_t *first, size_t *last,
	       struct buf *text, struct error *err) _must_check_;

/* Findings of an image that this Dockerfile made: guesses become facts, and each layer whose step
 * stands here and that no guess explains gives a finding of its own. *untied counts findings of
 * layers (of a base image, say) whose step is not here. */
int lint_confirm(struct lint *l, struct check *c, uint64_t *untied, struct error *err) _must_check_;
