#include "completion.h"

#include <string.h>

#include "target/target.h"

struct completion {
	const struct verb *const *verbs;
	size_t count;
	FILE *out;
};

/* What stands behind an option. */
enum value {
	VALUE_NONE,
	VALUE_WORDS,
	VALUE_TARGETS,
	VALUE_LIMITS,
	VALUE_DIR,
	VALUE_FILE,
	VALUE_ANY
};

static enum value value_of(const struct option_row *row)
{
	static const struct {
		const char *arg;
		enum value value;
	} by_arg[] = { { "FILE", VALUE_FILE },
		       { "DIR", VALUE_DIR },
		       { "NAME=VALUE", VALUE_LIMITS },
		       { "MAP", VALUE_FILE },
		       { "true|false", VALUE_WORDS } };

	if (row->kind == OPTION_FLAG)
		return VALUE_NONE;
	if (row->kind == OPTION_CHOICE)
		return VALUE_WORDS;
	if (strcmp(row->name, "for") == 0)
		return VALUE_TARGETS;
	for (size_t i = 0; i < ARRAY_SIZE(by_arg); i++)
		if (strcmp(row->arg, by_arg[i].arg) == 0)
			return by_arg[i].value;
	return VALUE_ANY;
}

/* "text|json" with blanks. */
static void choices(const char *arg, FILE *out)
{
	for (const char *p = arg; *p; p++)
		fputc(*p == '|' ? ' ' : *p, out);
}

static void targets(FILE *out)
{
	size_t count;
	const struct target *all = target_all(&count);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? " " : "", all[i].name);
}

static void limits(FILE *out)
{
	for (enum limit i = 0; i < LIMIT_COUNT; i++)
		fprintf(out, "%s%s=", i ? " " : "", limit_row(i)->name);
}

/* Within '...' of a POSIX shell or of zsh; each of special has a backslash before it. */
static void quoted(const char *text, const char *special, FILE *out)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			fputs("'\\''", out);
		else if (strchr(special, *p))
			fprintf(out, "\\%c", *p);
		else
			fputc(*p, out);
	}
}

/* fish knows \' and \\ within '...'. */
static void fish_quoted(const char *text, FILE *out)
{
	for (const char *p = text; *p; p++)
		fprintf(out, "%s%c", *p == '\'' || *p == '\\' ? "\\" : "", *p);
}

/* "--for|-f" or "--for -f". */
static void spellings(const struct option_row *row, char between, FILE *out)
{
	fprintf(out, "--%s", row->name);
	if (row->letter)
		fprintf(out, "%c-%c", between, row->letter);
}

static void bash_values(const struct completion *c, const struct verb *v)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(v, i)); i++) {
		enum value value = value_of(row);

		if (value == VALUE_NONE)
			continue;
		fprintf(c->out, "\t\t");
		spellings(row, '|', c->out);
		fputs(") echo '", c->out);
		if (value == VALUE_WORDS)
			choices(row->arg, c->out);
		else
			fputs(value == VALUE_TARGETS  ? "@targets"
			      : value == VALUE_LIMITS ? "@limits"
			      : value == VALUE_DIR    ? "@dir"
			      : value == VALUE_FILE   ? "@file"
						      : "@any",
			      c->out);
		fputs("' ;;\n", c->out);
	}
}

/* What does not depend on the tables. COMP_WORDBREAKS holds = and :, so --format=json is three
 * words and oci:DIR as well. */
static const char bash_body[] =
	"_uidfit() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
	"verb=${COMP_WORDS[1]}\n"
	"\tlocal kind i w bare='' before\n"
	"\tCOMPREPLY=()\n"
	"\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$_uidfit_verbs --help --version\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [ \"$cur\" = = ] || [ \"$cur\" = : ]; then cur=''\n"
	"\telif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tw=${COMP_WORDS[i]}\n"
	"\t\tcase $w in\n"
	"\t\t--) bare=1 ;;\n"
	"\t\t-*) [ -z \"$(_uidfit_value \"$verb\" \"$w\")\" ] || i=$((i + 1))\n"
	"\t\t\t[ \"${COMP_WORDS[i]}\" != = ] || i=$((i + 1)) ;;\n"
	"\t\t*) case \" $_uidfit_operands_last \" in *\" $verb \"*) bare=1 ;; esac ;;\n"
	"\t\tesac\n"
	"\t\t[ -z \"$bare\" ] || break\n"
	"\tdone\n"
	"\tcase $verb in\n"
	"\thelp) mapfile -t COMPREPLY < <(compgen -W \"$_uidfit_verbs limits\" -- \"$cur\"); "
	"return ;;\n"
	"\tcompletion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- \"$cur\"); return "
	";;\n"
	"\tesac\n"
	"\tkind=''\n"
	"\t[ -n \"$bare\" ] || kind=$(_uidfit_value \"$verb\" \"$prev\")\n"
	"\tcase $kind in\n"
	"\t'')\n"
	"\t\tcase $bare$cur in\n"
	"\t\t-*) mapfile -t COMPREPLY < <(compgen -W \"$(_uidfit_options \"$verb\")\" -- \"$cur\") "
	";;\n"
	"\t\t*) case \" $_uidfit_no_operands \" in\n"
	"\t\t\t*\" $verb \"*) ;;\n"
	"\t\t\t*) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\t\t\tesac ;;\n"
	"\t\tesac ;;\n"
	"\t@targets)\n"
	"\t\tbefore=''\n"
	"\t\tcase $cur in *,*) before=${cur%,*}, ;; esac\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$_uidfit_targets\" -- "
	"\"${cur##*,}\") ;;\n"
	"\t@limits)\n"
	"\t\tcompopt -o nospace 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$_uidfit_limits\" -- \"$cur\") ;;\n"
	"\t@dir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\t@file) mapfile -t COMPREPLY < <(compgen -f -- \"${cur#@}\") ;;\n"
	"\t@any) ;;\n"
	"\t*) mapfile -t COMPREPLY < <(compgen -W \"$kind\" -- \"$cur\") ;;\n"
	"\tesac\n"
	"}\n"
	"complete -o filenames -F _uidfit uidfit\n";

static bool takes_none(const struct verb *v)
{
	return !v->operands[0];
}

static bool takes_last(const struct verb *v)
{
	return v->operands_last;
}

static void names(const struct completion *c, const char *variable,
		  bool (*which)(const struct verb *))
{
	fprintf(c->out, "%s='", variable);
	for (size_t i = 0; i < c->count; i++)
		if (!which || which(c->verbs[i]))
			fprintf(c->out, "%s ", c->verbs[i]->name);
	fputs(which ? "'\n" : "help version'\n", c->out);
}

static void print_bash(const struct completion *c)
{
	const struct option_row *row;

	fputs("# bash completion for uidfit, printed by `uidfit completion bash`\n", c->out);
	names(c, "_uidfit_verbs", NULL);
	names(c, "_uidfit_no_operands", takes_none);
	names(c, "_uidfit_operands_last", takes_last);
	fputs("_uidfit_targets='", c->out);
	targets(c->out);
	fputs("'\n_uidfit_limits='", c->out);
	limits(c->out);
	fputs("'\n_uidfit_options() {\n\tcase $1 in\n", c->out);
	for (size_t i = 0; i < c->count; i++) {
		fprintf(c->out, "\t%s) echo '", c->verbs[i]->name);
		for (size_t k = 0; (row = options_row(c->verbs[i], k)); k++) {
			spellings(row, ' ', c->out);
			fputc(' ', c->out);
		}
		fputs("' ;;\n", c->out);
	}
	fputs("\tesac\n}\n_uidfit_value() {\n\tcase $1 in\n", c->out);
	for (size_t i = 0; i < c->count; i++) {
		fprintf(c->out, "\t%s)\n\t\tcase $2 in\n", c->verbs[i]->name);
		bash_values(c, c->verbs[i]);
		fputs("\t\tesac ;;\n", c->out);
	}
	fprintf(c->out, "\tesac\n}\n%s", bash_body);
}

/* One spec of _arguments: '*'{-f+,--for=}'[help]:NAME:action'. */
static void zsh_option(const struct option_row *row, FILE *out)
{
	enum value value = value_of(row);

	fputs("\t\t", out);
	if (row->kind == OPTION_LIST)
		fputs("'*'", out);
	else if (row->letter)
		fprintf(out, "'(-%c --%s)'", row->letter, row->name);
	if (row->letter)
		fprintf(out, "{-%c%s,--%s%s}'[", row->letter, row->arg ? "+" : "", row->name,
			row->arg ? "=" : "");
	else
		fprintf(out, "'--%s%s[", row->name, row->arg ? "=" : "");
	quoted(row->help, "[]:\\", out);
	fputc(']', out);
	if (row->arg) {
		fputc(':', out);
		quoted(row->arg, ":\\", out);
		fputc(':', out);
	}
	if (value == VALUE_WORDS) {
		fputc('(', out);
		choices(row->arg, out);
		fputc(')', out);
	} else if (value != VALUE_NONE && value != VALUE_ANY) {
		fputs(value == VALUE_TARGETS  ? "_uidfit_targets"
		      : value == VALUE_LIMITS ? "_uidfit_limits"
		      : value == VALUE_DIR    ? "_files -/"
					      : "_files",
		      out);
	}
	fputs("' \\\n", out);
}

static void print_zsh(const struct completion *c)
{
	const struct option_row *row;
	FILE *out = c->out;

	fputs("#compdef uidfit\n# zsh completion for uidfit, printed by `uidfit completion zsh`\n"
	      "_uidfit_targets() { _values -s , target ",
	      out);
	targets(out);
	fputs(" }\n_uidfit_limits() { compadd -S '' -- ", out);
	limits(out);
	fputs(" }\n", out);
	for (size_t i = 0; i < c->count; i++) {
		const struct verb *v = c->verbs[i];

		fprintf(out, "_uidfit_verb_%s() {\n\t_arguments -s -S : \\\n", v->name);
		for (size_t k = 0; (row = options_row(v, k)); k++)
			zsh_option(row, out);
		fputs(takes_none(v)   ? "\t\t&& return\n}\n"
		      : takes_last(v) ? "\t\t'(-)1:image:_files' '*:argument:_files'\n}\n"
				      : "\t\t'*:operand:_files'\n}\n",
		      out);
	}
	fputs("_uidfit() {\n\tlocal -a verbs=(\n", out);
	for (size_t i = 0; i < c->count; i++) {
		fprintf(out, "\t\t'%s:", c->verbs[i]->name);
		quoted(c->verbs[i]->summary, ":\\", out);
		fputs("'\n", out);
	}
	fputs("\t\t'help:the options of a verb' 'version:the version'\n\t)\n"
	      "\tif (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
	      "\tlocal verb=$words[2]\n\tshift words; (( CURRENT-- ))\n"
	      "\tcase $verb in\n\thelp) (( CURRENT == 2 )) && _describe verb verbs ;;\n"
	      "\tcompletion) (( CURRENT == 2 )) && compadd bash zsh fish ;;\n"
	      "\t*) (( $+functions[_uidfit_verb_$verb] )) && _uidfit_verb_$verb ;;\n\tesac\n}\n"
	      "if [ \"$funcstack[1]\" = _uidfit ]; then _uidfit \"$@\"; else compdef _uidfit "
	      "uidfit; fi\n",
	      out);
}

static void fish_option(const struct verb *v, const struct option_row *row, FILE *out)
{
	enum value value = value_of(row);

	fprintf(out, "complete -c uidfit -n '__uidfit_verb %s' -l %s", v->name, row->name);
	if (row->letter)
		fprintf(out, " -s %c", row->letter);
	if (value == VALUE_WORDS) {
		fputs(" -x -a '", out);
		choices(row->arg, out);
		fputc('\'', out);
	} else if (value != VALUE_NONE) {
		fputs(value == VALUE_TARGETS  ? " -x -a '(__uidfit_targets)'"
		      : value == VALUE_LIMITS ? " -x -a '(__uidfit_limits)'"
		      : value == VALUE_DIR    ? " -x -a '(__fish_complete_directories)'"
		      : value == VALUE_FILE   ? " -r -F"
					      : " -x",
		      out);
	}
	fputs(" -d '", out);
	fish_quoted(row->help, out);
	fputs("'\n", out);
}

/* A verb alone is looked for in the second word: an operand may have a verb's name. */
static const char fish_body[] =
	"# fish completion for uidfit, printed by `uidfit completion fish`\n"
	"function __uidfit_verb\n\tset -l words (commandline -opc)\n"
	"\ttest (count $words) -ge 2; and test $words[2] = $argv[1]\nend\n"
	"function __uidfit_no_verb\n\ttest (count (commandline -opc)) -eq 1\nend\n"
	"function __uidfit_targets\n"
	"\tset -l before (commandline -ct | string replace -r -- '^-[^=]*=' '' | string match -r "
	"-- '^.*,')\n"
	"\tprintf '%s\\n' \"$before\"$__uidfit_target_names\nend\n"
	"function __uidfit_limits\n\tprintf '%s\\n' $__uidfit_limit_names\nend\n"
	"complete -c uidfit -n __uidfit_no_verb -f\n"
	"complete -c uidfit -n '__uidfit_verb completion' -f -a 'bash zsh fish'\n"
	"complete -c uidfit -n '__uidfit_verb version' -f\n"
	"complete -c uidfit -n '__uidfit_verb help' -f\n";

static void print_fish(const struct completion *c)
{
	const struct option_row *row;

	fputs("set -g __uidfit_target_names ", c->out);
	targets(c->out);
	fputs("\nset -g __uidfit_limit_names ", c->out);
	limits(c->out);
	fprintf(c->out, "\n%s", fish_body);
	for (size_t i = 0; i < c->count; i++) {
		const struct verb *v = c->verbs[i];

		fprintf(c->out, "complete -c uidfit -n __uidfit_no_verb -a %s -d '", v->name);
		fish_quoted(v->summary, c->out);
		fprintf(c->out, "'\ncomplete -c uidfit -n '__uidfit_verb help' -a %s\n", v->name);
		if (takes_none(v))
			fprintf(c->out, "complete -c uidfit -n '__uidfit_verb %s' -f\n", v->name);
		for (size_t k = 0; (row = options_row(v, k)); k++)
			fish_option(v, row, c->out);
	}
	fputs("complete -c uidfit -n __uidfit_no_verb -a help -d 'the options of a verb'\n"
	      "complete -c uidfit -n __uidfit_no_verb -a version -d 'the version'\n",
	      c->out);
}

int completion_print(const char *shell, const struct verb *const *verbs, size_t count, FILE *out,
		     struct error *err)
{
	static const struct {
		const char *name;
		void (*print)(const struct completion *c);
	} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };
	const struct completion c = { .verbs = verbs, .count = count, .out = out };

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(&c);
			return 0;
		}
	return err_fail(err, ERR_USAGE, 0, "completion: bash, zsh or fish");
}
