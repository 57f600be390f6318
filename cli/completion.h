/* What other programs are told of the command line: completion for shells and the manual's pages,
 * from the same tables as the parser, so that they cannot differ from it.
 */
#pragma once

#include <stdio.h>

#include "options.h"

/* The script for "bash", "zsh" or "fish". -ERR_USAGE for another shell. */
int completion_print(const char *shell, const struct verb *const *verbs, size_t count, FILE *out,
		     struct error *err) _must_check_;

/* uidfit-VERB(1) for scdoc(1), with the line MANUAL_TEXT where docs/man/uidfit-VERB.scd belongs. */
#define MANUAL_TEXT "@TEXT@"
void manual_verb(const struct verb *v, FILE *out);
/* The verbs with their summaries, as uidfit(1) lists them. */
void manual_verbs(const struct verb *const *verbs, size_t count, FILE *out);
