/* A RUN's script as simple commands, each word with its place: enough of POSIX sh and bash (2.2 to
 * 2.10) to know which program is called with which words. Nothing is run. What cannot be decided
 * (a variable that nobody set, a command's output) is told as not known.
 *
 * inventory/mention-shell.c reads scripts too; it looks for numbers, keeps no places and has no
 * memory but one word, so that it can pass over every script of an image.
 */
#pragma once

#include "dockerfile/vars.h"

#define SHELL_VARS_MAX	 512 /* that a script itself sets */
#define SHELL_NESTED_MAX 4   /* sh -c within sh -c */

struct shell_word {
	size_t start, end; /* in the script's text */
	const char *text;  /* without quotes, variables put in */
	bool known;
	bool plain; /* written without quotes or variables */
};

struct shell_command {
	struct shell_word *words; /* the program first; assignments and redirections are left out */
	size_t count;
	size_t start, end; /* in the script's text, redirections included */
	bool piped_in, piped_out;
	bool background;
	bool nested;	    /* of sh -c: its places are those of the word that holds it */
	bool other_user;    /* behind su, gosu, su-exec, sudo -u: not root's */
	bool sudo;	    /* behind a plain sudo or doas: root's */
	const char *output; /* the file behind > or >>, or NULL */
	size_t pipeline;    /* equal for the commands of one pipeline */
};

struct shell_script {
	struct shell_command *list;
	size_t count, cap;
};

/* -ERR_NOMEM. */
int shell_split(struct shell_script *out, struct arena *a, const struct docker_vars *vars,
		const char *s, size_t n) _must_check_;

/* One command of an exec form: words without places; sh -c's script is split. */
int shell_exec_form(struct shell_script *out, struct arena *a, const struct docker_vars *vars,
		    const char *const *words, size_t count) _must_check_;

/* The program's name without its folder; "" where it is not known. */
const char *shell_program(const struct shell_command *c);
