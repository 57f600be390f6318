/* uidfit host: which maps this host really has, and what is wrong with them.
 */
#include <string.h>

#include "cli.h"
#include "report/host.h"

struct host_cli {
	struct common_options common;
	const char *user, *root;
};

static const struct option_row rows[] = {
	{ "user", 'u', "USER", "whose rootless engines (default: who calls)", OPTION_TEXT,
	  offsetof(struct host_cli, user) },
	{ "root", 0, "DIR", "look at the files below DIR in place of this host's", OPTION_TEXT,
	  offsetof(struct host_cli, root) },
	{ 0 },
};

static int run_host(void *options, const struct word_list *operands)
{
	struct host_cli *o = options;
	const struct report_options report = cli_report_options(&o->common);
	const struct host_options how = { .root = o->root, .user = o->user };
	struct host_problems problems = { 0 };
	struct host h = { 0 };
	struct error err = { 0 };
	int status = EXIT_FITS, r = 0;

	if (operands->count)
		r = err_fail(&err, ERR_USAGE, 0, "host: takes no operand, but '%s' was given",
			     operands->words[0]);
	if (r >= 0)
		r = host_look(&h, &how, &err);
	if (r >= 0)
		r = host_judge(&problems, &h, &err);
	if (r >= 0)
		r = host_report(&report, &h, &problems, &err);
	if (r < 0)
		status = cli_error(&o->common, NULL, &err);
	else if (problems.any)
		status = EXIT_UNFIT;
	host_problems_free(&problems);
	host_free(&h);
	return status;
}

const struct verb verb_host = {
	.name = "host",
	.operands = "",
	.summary = "the maps that this host gives, and what is wrong with them",
	.about = "Reads /etc/subuid and /etc/subgid (as files, and as libsubid says), dockerd's "
		 "and\n"
		 "podman's settings, newuidmap, sysctls, and the map that this process lives in.\n"
		 "Exit status: 0 no problem, 1 problems, 2 usage, 3 could not look.",
	.rows = rows,
	.options_size = sizeof(struct host_cli),
	.examples = "  uidfit host\n"
		    "  uidfit host --user ci --format json\n"
		    "  uidfit check --map host app.tar\n",
	.run = run_host,
};
