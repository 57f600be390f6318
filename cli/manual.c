#include <string.h>

#include "completion.h"

/* Text for scdoc: none of it is markup. */
static void plain(const char *text, FILE *out)
{
	for (const char *p = text; *p; p++) {
		if (strchr("\\*_#+`[]|<>", *p) || (p == text && *p == '-'))
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void option(const struct option_row *row, FILE *out)
{
	if (row->letter)
		fprintf(out, "*-%c*, ", row->letter);
	fprintf(out, "*--%s*", row->name);
	if (row->arg) {
		fputs(" _", out);
		plain(row->arg, out);
		fputc('_', out);
	}
	fputs("\n\t", out);
	plain(row->help, out);
	fputs("\n\n", out);
}

static void literal(const char *text, FILE *out)
{
	fprintf(out, "```\n%s%s```\n\n", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

void manual_verb(const struct verb *v, FILE *out)
{
	const struct option_row *row;

	fprintf(out, "uidfit-%s(1)\n\n# NAME\n\nuidfit-%s - ", v->name, v->name);
	plain(v->summary, out);
	fprintf(out, "\n\n# SYNOPSIS\n\n*uidfit %s* [_OPTION_]... ", v->name);
	plain(v->operands, out);
	fputs("\n\n# DESCRIPTION\n\n" MANUAL_TEXT "\n\n", out);
	if (v->about[0])
		literal(v->about, out);
	fputs("# OPTIONS\n\n", out);
	for (size_t i = 0; (row = options_row(v, i)); i++)
		option(row, out);
	if (v->examples[0]) {
		fputs("# EXAMPLES\n\n", out);
		literal(v->examples, out);
	}
	fputs("# SEE ALSO\n\n*uidfit*(1), *uidfit-platforms*(5), *uidfit-report*(5)\n", out);
}

void manual_verbs(const struct verb *const *verbs, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "*uidfit-%s*(1)\n\t", verbs[i]->name);
		plain(verbs[i]->summary, out);
		fputs("\n\n", out);
	}
}
