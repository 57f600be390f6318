/* uidfit diff: what a release gained.
 */
#include "report/diff.h"

#include "cli.h"
#include "targets.h"

struct diff_cli {
	struct common_options common;
	struct image_choice choice;
	struct target_choice target;
	const char *user;
	unsigned fail_on;
	bool all;
};

static const struct option_row rows[] = {
	TARGET_CHOICE_ROWS(diff_cli, target),
	{ "user", 'u', "USER[:GROUP]", "in place of both images' USER, as docker run --user",
	  OPTION_TEXT, offsetof(struct diff_cli, user) },
	{ "fail-on", 0, FAIL_ON_ARG, "which new findings make the exit status 1 (default: warning)",
	  OPTION_CHOICE, offsetof(struct diff_cli, fail_on) },
	{ "all", 'a', NULL, "list each owner and each finding", OPTION_FLAG,
	  offsetof(struct diff_cli, all) },
	IMAGE_CHOICE_ROWS_ONE(diff_cli, choice),
	REGISTRY_CHOICE_ROWS(diff_cli, choice.registry, ""),
	{ 0 },
};

struct diff_run {
	struct cli_images how;
	struct check_options opts;
	struct report_options report;
	const char *names[2];
	struct image *old;
	const struct notes *old_notes;
};

static int new_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct diff_run *run = ctx;
	_cleanup_(diff_freep) struct diff *d = NULL;
	struct diff_told told = {
		.names = { run->names[DIFF_OLD], run->names[DIFF_NEW] },
		.notes = { run->old_notes, notes },
	};
	int r = diff_images(&d, run->old, img, &run->opts, err);

	(void)label;
	if (r < 0) {
		struct error why = *err;

		r = diff_report_failed(&run->report, run->names, &why, err);
		return r < 0 ? r : -(int)why.code;
	}
	told.diff = d;
	r = diff_report(&run->report, &told, err);
	if (r < 0)
		return r;
	return d->worse && !run->opts.fail_never ? EXIT_UNFIT : EXIT_FITS;
}

static int old_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct diff_run *run = ctx;

	(void)label, (void)err;
	run->old = img;
	run->old_notes = notes;
	return cli_image_beside(&run->how, run->names[DIFF_NEW], new_image);
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	struct diff_run *run = ctx;

	(void)label;
	return diff_report_failed(&run->report, run->names, why, err);
}

static int run_diff(void *options, const struct word_list *operands)
{
	struct diff_cli *o = options;
	struct word_list first = { operands->words, 1 };
	struct diff_run run = { .report = cli_report_options(&o->common) };
	struct target_use *uses = NULL;
	size_t count = 0;
	struct error err = { 0 };
	int status = EXIT_FITS, r = cli_targets(&uses, &count, &o->target, &o->common, &err);

	run.report.all = o->all;
	run.opts = (struct check_options){
		.uses = uses,
		.use_count = count,
		.user = o->user,
		.fail_on = cli_fail_on(o->fail_on),
		.fail_never = o->fail_on == FAIL_ON_NEVER,
	};
	run.how = (struct cli_images){
		.common = &o->common,
		.choice = &o->choice,
		.ctx = &run,
		.image = old_image,
		.failed = failed_image,
		.one = true,
		.out = run.report.out,
	};
	if (r >= 0 && operands->count != 2)
		r = err_fail(&err, ERR_USAGE, 0, "diff: expected two images, OLD and NEW");
	if (r < 0) {
		status = cli_error(&o->common, NULL, &err);
	} else {
		run.names[DIFF_OLD] = operands->words[0];
		run.names[DIFF_NEW] = operands->words[1];
		status = cli_each_image(&run.how, &first);
	}
	target_uses_free(uses, count);
	return status;
}

const struct verb verb_diff = {
	.name = "diff",
	.operands = "OLD NEW",
	.summary = "what a release gained: owners, and findings that it did not have",
	.about = "OLD, NEW and MAP as uidfit check takes them. Owners of the merged image and "
		 "those\n"
		 "that are hidden in layers are told apart.\n"
		 "Exit status: 0 NEW has no finding that OLD has not, 1 it has, 2 usage, 3 could\n"
		 "not look.",
	.rows = rows,
	.options_size = sizeof(struct diff_cli),
	.examples = "  uidfit diff app-1.0.tar app-1.1.tar\n"
		    "  uidfit diff --for circleci,kubernetes oci:build/app:1.0 oci:build/app:1.1\n"
		    "  uidfit diff --format json docker://HOST/app:1 docker://HOST/app:2\n",
	.run = run_diff,
};
