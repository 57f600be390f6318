/* Options as tables: one a verb, from which the parser and --help are made (and completion and
 * manual pages).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/limits.h"
#include "report/report.h"

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *, the last one counts */
	OPTION_LIST,   /* struct word_list, repeatable */
	OPTION_CHOICE, /* unsigned: index into arg, "text|json" */
	OPTION_NUMBER, /* unsigned */
};

struct option_row {
	const char *name; /* without --; NULL ends a table */
	char letter;	  /* or 0 */
	const char *arg;  /* how help writes its argument, NULL for a flag */
	const char *help;
	enum option_kind kind;
	size_t offset; /* of the member, in the verb's own options or in struct common_options */
};

/* Borrowed words of the command line, in their order. */
struct word_list {
	const char **words;
	size_t count;
};

/* What every verb takes; the first member of a verb's own options. */
struct common_options {
	unsigned format; /* enum report_format */
	bool quiet, debug, no_color, help, version;
	unsigned progress;
	struct word_list limit;
};
extern const struct option_row common_rows[];

struct verb {
	const char *name;
	const char *operands; /* "IMAGE..." */
	bool findings;	      /* --format takes the formats of findings too */
	bool operands_last;   /* behind the first operand nothing is an option */
	const char *summary;  /* one line, for uidfit --help */
	const char *about;    /* a few lines, for uidfit VERB --help; may be "" */
	const struct option_row *rows;
	size_t options_size;
	const char *examples;
	int usage_status; /* where the options are not understood; 0: EXIT_USAGE */
	/* options begins with struct common_options. The exit status. */
	int (*run)(void *options, const struct word_list *operands);
};

/* Fills options (zeroed, of v->options_size bytes) and operands. --name=value, --name value,
 * -nvalue, -n value, -- and operands in any place. -ERR_USAGE with the nearest option. */
int options_parse(const struct verb *v, void *options, struct word_list *operands, int argc,
		  char **argv, struct error *err) _must_check_;
/* Releases the lists. */
void options_free(const struct verb *v, void *options, struct word_list *operands);

/* The i-th row of both tables, the verb's own first; NULL behind the last. */
const struct option_row *options_row(const struct verb *v, size_t i);

/* VERB --help. */
void options_help(const struct verb *v, FILE *out);

int word_list_add(struct word_list *l, const char *word) _must_check_;
