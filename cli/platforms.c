/* uidfit platforms: the targets.
 */
#include "cli.h"

static const struct option_row rows[] = { { 0 } };

static int run_platforms(void *options, const struct word_list *operands)
{
	const struct common_options *o = options;
	const struct report_options report = cli_report_options(o);
	struct error err = { 0 };

	if (operands->count)
		err_fail(&err, ERR_USAGE, 0, "platforms: takes no operand, but '%s' was given",
			 operands->words[0]);
	else if (platforms_report(&report, &err) >= 0)
		return EXIT_FITS;
	return cli_error(o, NULL, &err);
}

const struct verb verb_platforms = {
	.name = "platforms",
	.operands = "",
	.summary = "the targets of --for: range, effects, how we know",
	.about = "",
	.rows = rows,
	.options_size = sizeof(struct common_options),
	.examples = "  uidfit platforms --quiet\n",
	.run = run_platforms,
};
