#include "options.h"

#include <string.h>

#include "base/nearest.h"
#include "base/num.h"

#define HELP_COLUMN 30

const struct option_row common_rows[] = {
	{ "format", 0, "text|json|sarif|junit|github|gitlab|markdown|html",
	  "how to report; behind json: check, explain, lint", OPTION_CHOICE,
	  offsetof(struct common_options, format) },
	{ "quiet", 'q', NULL, "one line an image", OPTION_FLAG,
	  offsetof(struct common_options, quiet) },
	{ "debug", 0, NULL, "say more about errors", OPTION_FLAG,
	  offsetof(struct common_options, debug) },
	{ "no-color", 0, NULL, "no colour, as NO_COLOR=1 does", OPTION_FLAG,
	  offsetof(struct common_options, no_color) },
	{ "progress", 0, "auto|plain|none", "how to tell of long work on standard error",
	  OPTION_CHOICE, offsetof(struct common_options, progress) },
	{ "limit", 0, "NAME=VALUE", "raise or lower a limit, e.g. layer-size=1T", OPTION_LIST,
	  offsetof(struct common_options, limit) },
	{ "help", 'h', NULL, "this text", OPTION_FLAG, offsetof(struct common_options, help) },
	{ "version", 'V', NULL, "the version", OPTION_FLAG,
	  offsetof(struct common_options, version) },
	{ 0 },
};

int word_list_add(struct word_list *l, const char *word)
{
	const char **words = reallocarray(l->words, l->count + 1, sizeof(*words));

	if (!words)
		return -ERR_NOMEM;
	l->words = words;
	l->words[l->count++] = word;
	return 0;
}

const struct option_row *options_row(const struct verb *v, size_t i)
{
	size_t own = 0;

	while (v->rows[own].name)
		own++;
	if (i < own)
		return &v->rows[i];
	return common_rows[i - own].name ? &common_rows[i - own] : NULL;
}

static const struct option_row *find_long(const struct verb *v, const char *name, size_t n,
					  struct error *err)
{
	const struct option_row *row;
	const char *best = NULL;
	unsigned distance = NEAREST_FAR;

	for (size_t i = 0; (row = options_row(v, i)); i++) {
		if (strlen(row->name) == n && strncmp(row->name, name, n) == 0)
			return row;
		nearest_offer(name, n, row->name, &best, &distance);
	}
	err_fail(err, ERR_USAGE, 0, "%s: no option --%.*s%s%s%s", v->name, (int)MIN(n, (size_t)80),
		 name, best ? "; did you mean --" : "", best ? best : "", best ? "?" : "");
	return NULL;
}

static const struct option_row *find_letter(const struct verb *v, char letter, struct error *err)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(v, i)); i++)
		if (row->letter == letter)
			return row;
	err_fail(err, ERR_USAGE, 0, "%s: no option -%c", v->name, letter);
	return NULL;
}

static int choose(const struct option_row *row, const char *value, unsigned *out, struct error *err)
{
	unsigned i = 0;

	for (const char *p = row->arg; *p; i++) {
		size_t n = strcspn(p, "|");

		if (strlen(value) == n && strncmp(p, value, n) == 0) {
			*out = i;
			return 0;
		}
		p += n + (p[n] == '|');
	}
	return err_fail(err, ERR_USAGE, 0, "--%s %s: expected one of %s", row->name, value,
			row->arg);
}

static int store(const struct option_row *row, void *options, const char *value, struct error *err)
{
	char *member = (char *)options + row->offset;
	uint32_t number;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_LIST:
		return word_list_add((struct word_list *)member, value) < 0 ? err_nomem(err) : 0;
	case OPTION_CHOICE:
		return choose(row, value, (unsigned *)member, err);
	case OPTION_NUMBER:
		if (!num_u32(value, strlen(value), &number))
			return err_fail(err, ERR_USAGE, 0, "--%s %s: expected a number", row->name,
					value);
		*(unsigned *)member = number;
		return 0;
	}
	return err_fail(err, ERR_BUG, 0, "option %s has no kind", row->name);
}

/* One --name, --name=value, or --name value at argv[*at]. */
static int parse_long(const struct verb *v, void *options, int argc, char **argv, int *at,
		      struct error *err)
{
	const char *name = argv[*at] + 2, *eq = strchr(name, '='), *value = eq ? eq + 1 : NULL;
	const struct option_row *row =
		find_long(v, name, eq ? (size_t)(eq - name) : strlen(name), err);

	if (!row)
		return -ERR_USAGE;
	if (row->kind == OPTION_FLAG && eq)
		return err_fail(err, ERR_USAGE, 0, "%s: --%s takes no value", v->name, row->name);
	if (row->kind != OPTION_FLAG && !eq) {
		if (*at + 1 >= argc)
			return err_fail(err, ERR_USAGE, 0, "%s: --%s wants %s", v->name, row->name,
					row->arg);
		value = argv[++*at];
	}
	return store(row, options, value, err);
}

static int parse_letters(const struct verb *v, void *options, int argc, char **argv, int *at,
			 struct error *err)
{
	for (const char *p = argv[*at] + 1; *p; p++) {
		const struct option_row *row = find_letter(v, *p, err);
		int r;

		if (!row)
			return -ERR_USAGE;
		if (row->kind == OPTION_FLAG) {
			r = store(row, options, NULL, err);
			if (r < 0)
				return r;
			continue;
		}
		if (p[1])
			return store(row, options, p + 1, err);
		if (*at + 1 >= argc)
			return err_fail(err, ERR_USAGE, 0, "%s: -%c wants %s", v->name, *p,
					row->arg);
		return store(row, options, argv[++*at], err);
	}
	return 0;
}

/* A negative id: no option is a digit. */
static bool is_number(const char *word)
{
	return word[1] >= '0' && word[1] <= '9' && !word[1 + strspn(word + 1, "0123456789:-")];
}

int options_parse(const struct verb *v, void *options, struct word_list *operands, int argc,
		  char **argv, struct error *err)
{
	bool only_operands = false;

	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		int r;

		if (!only_operands && strcmp(word, "--") == 0) {
			only_operands = true;
			continue;
		}
		if (only_operands || word[0] != '-' || !word[1] || is_number(word))
			r = word_list_add(operands, word) < 0 ? err_nomem(err) : 0;
		else if (word[1] == '-')
			r = parse_long(v, options, argc, argv, &i, err);
		else
			r = parse_letters(v, options, argc, argv, &i, err);
		if (r < 0)
			return r;
		only_operands |= v->operands_last && operands->count;
	}
	if (!v->findings && ((struct common_options *)options)->format > REPORT_JSON)
		return err_fail(err, ERR_USAGE, 0,
				"%s: --format is text or json here; check, explain and lint "
				"have findings for other programs",
				v->name);
	return 0;
}

void options_free(const struct verb *v, void *options, struct word_list *operands)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(v, i)); i++)
		if (row->kind == OPTION_LIST)
			free(((struct word_list *)(void *)((char *)options + row->offset))->words);
	free(operands->words);
}

static void help_row(const struct option_row *row, FILE *out)
{
	int n = fprintf(out, "  %c%c%s--%s%s%s", row->letter ? '-' : ' ',
			row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
			row->arg ? " " : "", row->arg ? row->arg : "");

	if (n >= HELP_COLUMN - 1) {
		fputc('\n', out);
		n = 0;
	}
	fprintf(out, "%*s%s\n", HELP_COLUMN - n, "", row->help);
}

void options_help(const struct verb *v, FILE *out)
{
	fprintf(out, "usage: uidfit %s [OPTION]... %s\n\nuidfit %s: %s.\n", v->name, v->operands,
		v->name, v->summary);
	if (v->about[0])
		fprintf(out, "%s\n", v->about);
	fputc('\n', out);
	for (size_t i = 0; v->rows[i].name; i++)
		help_row(&v->rows[i], out);
	if (v->rows[0].name)
		fputc('\n', out);
	for (size_t i = 0; common_rows[i].name; i++)
		help_row(&common_rows[i], out);
	if (v->examples[0])
		fprintf(out, "\nExamples\n%s", v->examples);
}
