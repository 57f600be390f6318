#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli.h"
#include "completion.h"

static const struct verb *const verbs[] = { &verb_check,  &verb_diff,	&verb_explain,
					    &verb_fix,	  &verb_lint,	&verb_suggest,
					    &verb_owners, &verb_unpack, &verb_run,
					    &verb_report, &verb_host,	&verb_platforms };

/* A descriptor 0, 1 or 2 that is closed would be given to the first file that is opened. A closed
 * standard output gets one that refuses to be written, so that the report fails as it should. */
static void fill_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDONLY) < 0)
			_exit(EXIT_NO_LOOK);
}

static void short_help(FILE *out)
{
	fputs("uidfit tells whether a container image fits a user namespace.\n\nusage: uidfit VERB "
	      "[OPTION]...\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("  help VERB  the options of a verb; help limits: the figures of --limit\n"
	      "  version    the version\n\n"
	      "Begin with\n"
	      "  docker save IMAGE | uidfit check -\n"
	      "  uidfit check --for circleci,kubernetes,podman app.tar\n\n"
	      "Exit status: 0 fits, 1 does not fit, 2 usage, 3 could not look.\n",
	      out);
}

static const struct verb *find_verb(const char *name, struct error *err)
{
	static const char *const more[] = { "help", "version" };
	const char *best = NULL;
	unsigned distance = NEAREST_FAR;
	char shown[80];

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
		nearest_offer(name, strlen(name), verbs[i]->name, &best, &distance);
	}
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		nearest_offer(name, strlen(name), more[i], &best, &distance);
	err_fail(err, ERR_USAGE, 0, "no verb '%s'%s%s%s",
		 err_text(shown, sizeof(shown), name, strlen(name)), best ? "; did you mean " : "",
		 best ? best : "", best ? "?" : "");
	return NULL;
}

/* What was meant for standard output and only standard output: 0, or 3 where it cannot be written.
 */
static int finish(int status)
{
	struct error err = { 0 };

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (status == EXIT_NO_LOOK)
		return status;
	err_fail(&err, ERR_IO, errno, "standard output");
	return exit_worse(status, cli_error(NULL, NULL, &err));
}

static int version(void)
{
#ifndef WITHOUT_HTTP
	printf("uidfit %s\n", UIDFIT_VERSION);
#else
	printf("uidfit %s (without registries)\n", UIDFIT_VERSION);
#endif
	return finish(EXIT_FITS);
}

static int exit_for(const struct verb *v, int status)
{
	return v->usage_status ? v->usage_status : status;
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
	struct common_options *options = calloc(1, v->options_size);
	struct word_list operands = { 0 };
	struct error err = { 0 };
	int status;

	if (!options) {
		err_nomem(&err);
		return cli_error(NULL, NULL, &err);
	}
	if (options_parse(v, options, &operands, argc, argv, &err) < 0)
		status = exit_for(v, cli_error(options, NULL, &err));
	else if (options->help)
		options_help(v, stdout), status = EXIT_FITS;
	else if (options->version)
		status = version();
	else
		status = v->run(options, &operands);
	options_free(v, options, &operands);
	free(options);
	return finish(status);
}

/* The table as docs/limits.md holds it. */
static int help_limits(void)
{
	puts("| limit | figure | why |\n|---|---|---|");
	for (enum limit i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *row = limit_row(i);

		printf("| `%s` | %" PRIu64 " %s | %s |\n", row->name, row->figure, row->unit,
		       row->reason);
	}
	return finish(EXIT_FITS);
}

/* help --scdoc [VERB], for docs/man/page.py. */
static int help_scdoc(int argc, char **argv)
{
	struct error err = { 0 };
	const struct verb *v;

	if (argc < 1) {
		manual_verbs(verbs, ARRAY_SIZE(verbs), stdout);
		return finish(EXIT_FITS);
	}
	v = find_verb(argv[0], &err);
	if (!v)
		return cli_error(NULL, NULL, &err);
	manual_verb(v, stdout);
	return finish(EXIT_FITS);
}

/* completion SHELL: for packages and for whoever installs by hand; not in the help. */
static int completion(int argc, char **argv)
{
	struct error err = { 0 };

	if (completion_print(argc ? argv[0] : "", verbs, ARRAY_SIZE(verbs), stdout, &err) < 0)
		return cli_error(NULL, NULL, &err);
	return finish(EXIT_FITS);
}

static int help(int argc, char **argv)
{
	struct error err = { 0 };
	const struct verb *v;

	if (argc < 1) {
		short_help(stdout);
		return finish(EXIT_FITS);
	}
	if (strcmp(argv[0], "limits") == 0)
		return help_limits();
	if (strcmp(argv[0], "--scdoc") == 0)
		return help_scdoc(argc - 1, argv + 1);
	v = find_verb(argv[0], &err);
	if (!v)
		return cli_error(NULL, NULL, &err);
	options_help(v, stdout);
	return finish(EXIT_FITS);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	const struct verb *v;

	fill_descriptors();
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		short_help(stdout);
		return finish(EXIT_USAGE);
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help(argc - 2, argv + 2);
	if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "-V") == 0)
		return version();
	if (strcmp(argv[1], "completion") == 0)
		return completion(argc - 2, argv + 2);
	v = find_verb(argv[1], &err);
	if (!v)
		return cli_error(NULL, NULL, &err);
	return run_verb(v, argc - 2, argv + 2);
}
