/* One walk over one Dockerfile, shared by the rules. Private to this folder.
 */
#pragma once

#include "dockerfile/shell.h"
#include "lint/data.h"

/* Who a name is, as the Dockerfile has made it. */
struct lint_account {
	const char *name;
	size_t stage;
	int64_t id; /* -1: not known */
	bool group;
};

/* A step that may have planted owners beneath a path. */
struct lint_planted {
	size_t instruction, stage;
	const char *path;
};

#define LINT_KEPT_MAX 1024 /* accounts, and planted paths: beyond, later rules know less */

struct lint_work {
	struct lint *l;
	struct arena *arena; /* the Dockerfile's */
	struct error *err;
	struct docker_scope *scope;
	const struct docker_instruction *in;
	size_t index;
	const struct docker_stage *stage;
	const char **npm; /* per stage: the version that keeps owners, or NULL */
	struct lint_account *accounts;
	size_t account_count, account_cap;
	struct lint_planted *planted;
	size_t planted_count, planted_cap;
	bool context_told;
	/* Of a RUN: */
	struct shell_script script;
	const struct docker_text *text; /* where its words stand */
	const char *cwd;		/* at the command at hand, "" not known */
	bool failed;			/* memory */
};

/* Where a finding is about a whole instruction c is NULL. Returns the finding, or NULL where memory
 * is short or a comment silences it. */
struct lint_finding *lint_add(struct lint_work *w, enum lint_rule_id rule,
			      const struct shell_command *c, const char *help, const char *fmt, ...)
	_printf_(5, 6);
/* Puts text in place of start to end of w->text. */
void lint_edit(struct lint_work *w, struct lint_finding *f, const struct docker_text *t,
	       size_t start, size_t end, const char *text);
/* Behind a word of t. */
void lint_insert_behind(struct lint_work *w, struct lint_finding *f, const struct docker_text *t,
			size_t end, const char *text);

/* Targets whose map has no such id. */
uint32_t lint_outside(const struct lint_work *w, int64_t id, bool group);
/* "docker's map (0-65535)": the first of mask; of the arena. */
const char *lint_map_words(struct lint_work *w, uint32_t mask, bool group);
const char *lint_shown(struct lint_work *w, const char *s);

/* Whether the command runs as root, as far as can be told. */
bool lint_is_root(const struct lint_work *w, const struct shell_command *c);

/* OWNER[:GROUP] as numbers, -1 where it is no number and no name that this stage has made. */
void lint_owner(const struct lint_work *w, const char *text, int64_t *uid, int64_t *gid);
void lint_account_add(struct lint_work *w, const char *name, int64_t id, bool group);
bool lint_account_is_made(const struct lint_work *w, const char *name);
void lint_planted_add(struct lint_work *w, const char *path);

/* True where the command is safe to append to or to edit: its words stand in the file. */
static inline bool lint_editable(const struct shell_command *c)
{
	return !c->nested;
}

/* Options as getopt_long(3) reads them. */
struct lint_opt {
	const struct shell_command *c;
	const char *letters; /* those that take a value */
	const char *longs;   /* likewise, blank between */
	size_t i, at;
	bool ended;
	/* What was found: */
	char letter;	   /* 0 for a long one */
	const char *name;  /* of a long one, may go on behind '=' */
	const char *value; /* NULL where it has none or it is not known */
	bool operand;	   /* a word, in value (NULL: not known) */
	size_t word;
};
bool lint_opt_next(struct lint_opt *o);
bool lint_opt_is(const struct lint_opt *o, char letter, const char *name);

void lint_accounts(struct lint_work *w, const struct shell_command *c);
void lint_chown(struct lint_work *w, size_t command);
void lint_copy(struct lint_work *w);
void lint_user(struct lint_work *w);
void lint_tar(struct lint_work *w, size_t command);
void lint_npm_from(struct lint_work *w);
void lint_npm(struct lint_work *w, size_t command);
int lint_add_archive(struct lint_work *w);
void lint_context(struct lint_work *w);
