/* uidfit report: the text for whoever makes the image.
 */
#include <string.h>

#include "cli.h"
#include "oci/ref.h"
#include "report/maintainer.h"
#include "targets.h"

struct report_cli {
	struct common_options common;
	struct image_choice choice;
	struct target_choice target;
	const char *user, *name;
};

static const struct option_row rows[] = {
	TARGET_CHOICE_ROWS(report_cli, target),
	{ "name", 0, "NAME", "what the image is called where it is published", OPTION_TEXT,
	  offsetof(struct report_cli, name) },
	{ "user", 'u', "USER[:GROUP]", "in place of the image's USER, as docker run --user",
	  OPTION_TEXT, offsetof(struct report_cli, user) },
	IMAGE_CHOICE_ROWS_ONE(report_cli, choice),
	REGISTRY_CHOICE_ROWS(report_cli, choice.registry, ""),
	{ 0 },
};

struct report_run {
	struct check_options opts;
	struct report_options report;
	const char *name;
	struct ref ref;
};

/* What others call the image too: no path of this host. NULL where that is not known. */
static const char *public_name(const struct report_run *run, const struct source_image *s)
{
	const char *path = run->ref.path, *close;

	if (run->name)
		return run->name;
	for (size_t i = 0; i < s->name_count; i++)
		if (strchr(s->names[i], ':') && s->names[i][0] != '/')
			return s->names[i];
	switch ((int)run->ref.transport) {
	case TRANSPORT_DOCKER:
	case TRANSPORT_DOCKER_DAEMON:
		return path;
	case TRANSPORT_CONTAINERS_STORAGE:
	case TRANSPORT_CONTAINERD:
		/* [ROOT]NAME */
		close = path && path[0] == '[' ? strchr(path, ']') : NULL;
		return close ? close + 1 : path && path[0] != '[' ? path : NULL;
	default:
		return NULL;
	}
}

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct report_run *run = ctx;
	_cleanup_(check_freep) struct check *c = NULL;
	struct maintainer_told told = { .name = public_name(run, img->source) };
	int r = check_image(&c, img, &run->opts, err);

	(void)label, (void)notes;
	if (r < 0) {
		struct error why = *err;

		r = maintainer_report_failed(&run->report, &why, err);
		return r < 0 ? r : -(int)why.code;
	}
	told.check = c;
	r = maintainer_report(&run->report, &told, err);
	return r < 0 ? r : c->fits ? EXIT_FITS : EXIT_UNFIT;
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	struct report_run *run = ctx;

	(void)label;
	return maintainer_report_failed(&run->report, why, err);
}

static int run_report(void *options, const struct word_list *operands)
{
	struct report_cli *o = options;
	struct report_run run = { .report = cli_report_options(&o->common), .name = o->name };
	struct cli_images how = {
		.common = &o->common,
		.choice = &o->choice,
		.ctx = &run,
		.image = one_image,
		.failed = failed_image,
		.one = true,
		.out = run.report.out,
	};
	struct target_use *uses = NULL;
	size_t count = 0;
	struct error err = { 0 };
	int status = EXIT_FITS, r = cli_targets(&uses, &count, &o->target, &o->common, &err);

	run.opts = (struct check_options){
		.uses = uses, .use_count = count, .user = o->user, .fail_on = LEVEL_WARNING
	};
	if (r >= 0 && operands->count != 1)
		r = err_fail(&err, ERR_USAGE, 0, "report: expected one image");
	if (r >= 0)
		r = ref_parse(&run.ref, operands->words[0], &err);
	status = r < 0 ? cli_error(&o->common, NULL, &err) : cli_each_image(&how, operands);
	ref_free(&run.ref);
	target_uses_free(uses, count);
	return status;
}

const struct verb verb_report = {
	.name = "report",
	.operands = "IMAGE",
	.summary = "the text for an image's maintainer: what, where, the patch, how to reproduce",
	.about = "Markdown, as an issue tracker takes it. No path of this host stands in it.\n"
		 "IMAGE and MAP as uidfit check takes them.\n"
		 "Exit status: 0 fits, nothing to report, 1 does not fit, 2 usage, 3 could not "
		 "look.",
	.rows = rows,
	.options_size = sizeof(struct report_cli),
	.examples = "  uidfit report docker://HOST/app:1 > issue.md\n"
		    "  uidfit report --for circleci,kubernetes --name HOST/app:1 app.tar\n",
	.run = run_report,
};
