/* uidfit check: does an image fit?
 */
#include <string.h>

#include "check-kubernetes.h"
#include "cli.h"
#include "report-place.h"
#include "report/baseline.h"
#include "report/check-findings.h"
#include "target/check.h"
#include "targets.h"

struct check_cli {
	struct common_options common;
	struct image_choice choice;
	struct target_choice target;
	struct kube_choice kubernetes;
	struct word_list group_add;
	const char *user;
	unsigned fail_on;
	bool all, fail_fast;
	const char *baseline, *write_baseline;
};

static const struct option_row rows[] = {
	TARGET_CHOICE_ROWS(check_cli, target),
	{ "user", 'u', "USER[:GROUP]", "in place of the image's USER, as docker run --user",
	  OPTION_TEXT, offsetof(struct check_cli, user) },
	{ "group-add", 0, "GROUP", "a further group, as docker run --group-add", OPTION_LIST,
	  offsetof(struct check_cli, group_add) },
	{ "fail-on", 0, FAIL_ON_ARG, "what makes the exit status 1 (default: warning)",
	  OPTION_CHOICE, offsetof(struct check_cli, fail_on) },
	{ "fail-fast", 0, NULL,
	  "read no more once something does not fit; not with --verify, which reads all",
	  OPTION_FLAG, offsetof(struct check_cli, fail_fast) },
	{ "baseline", 0, "FILE", "findings that stand in FILE are accepted: new ones alone fail",
	  OPTION_TEXT, offsetof(struct check_cli, baseline) },
	{ "write-baseline", 0, "FILE", "today's findings, for --baseline", OPTION_TEXT,
	  offsetof(struct check_cli, write_baseline) },
	{ "all", 'a', NULL, "list each entry, fold nothing", OPTION_FLAG,
	  offsetof(struct check_cli, all) },
	{ "images", 0, "DIR|PREFIX",
	  "where a Kubernetes file's images are: a folder of archives, or docker-daemon: and the "
	  "like",
	  OPTION_TEXT, offsetof(struct check_cli, kubernetes.images) },
	{ "no-images", 0, NULL, "look at the Kubernetes file alone", OPTION_FLAG,
	  offsetof(struct check_cli, kubernetes.no_images) },
	IMAGE_CHOICE_ROWS(check_cli, choice),
	REGISTRY_CHOICE_ROWS(check_cli, choice.registry, ""),
	{ 0 },
};

struct check_run {
	struct check_options opts;
	struct check_report *report;
	struct baseline *accepted, *written; /* or NULL */
};

/* A check_findings_fn. */
static int remember(void *ctx, const struct report_finding *f, struct error *err)
{
	return baseline_add(ctx, f, err);
}

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct check_run *run = ctx;
	_cleanup_(check_freep) struct check *c = NULL;
	int r = check_image(&c, img, &run->opts, err);

	if (r < 0) {
		struct error why = *err;

		r = check_report_failed(run->report, label, &why, err);
		return r < 0 ? r : -(int)err->code;
	}
	r = check_report_image(run->report, label, c, notes, run->accepted, err);
	if (r >= 0 && run->written) {
		int e = check_findings_each(c, label, remember, run->written, err);

		r = e < 0 ? e : r;
	}
	return r < 0 ? r : r || c->fits || run->opts.fail_never ? EXIT_FITS : EXIT_UNFIT;
}

static bool enough(void *ctx, const struct source_image *image, const struct source_layer *layer,
		   const struct layer_inventory *inventory)
{
	const struct check_run *run = ctx;

	return check_is_decided(&run->opts, image, layer, inventory);
}

static bool enough_at(void *ctx, const struct source_image *image, const struct inv_entry *entry)
{
	const struct check_run *run = ctx;

	return check_is_decided_at(&run->opts, image, entry);
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	struct check_run *run = ctx;

	return check_report_failed(run->report, label, why, err);
}

/* A report_fn. */
static int put_baseline(void *ctx, FILE *out, struct error *err)
{
	size_t count;

	return baseline_write(ctx, out, &count, err);
}

/* 0, or -ERR_USAGE where the operands are not of one sort, or an option is of the other. */
static int sort_operands(const struct check_cli *o, const struct word_list *operands,
			 bool *kubernetes, struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < operands->count; i++)
		count += cli_is_kubernetes(operands->words[i]);
	*kubernetes = count;
	if (count && (count != operands->count || o->choice.images_from))
		return err_fail(err, ERR_USAGE, 0,
				"check: Kubernetes files and images, each in a check of their own");
	if (count && (o->user || o->group_add.count || o->fail_fast || o->choice.all_platforms))
		return err_fail(
			err, ERR_USAGE, 0,
			"check: --user, --group-add, --fail-fast and --all-platforms are not "
			"for Kubernetes files");
	if (count && (o->baseline || o->write_baseline || o->common.format > REPORT_JSON))
		return err_fail(err, ERR_USAGE, 0,
				"check: baselines and formats of findings are not for Kubernetes "
				"files: text or json");
	if (!count && (o->kubernetes.images || o->kubernetes.no_images))
		return err_fail(err, ERR_USAGE, 0,
				"check: --images and --no-images want a Kubernetes file");
	return 0;
}

static int run_kubernetes(const struct check_cli *o, const struct word_list *operands)
{
	const struct kube_cli how = {
		.common = &o->common,
		.choice = &o->choice,
		.target = &o->target,
		.kubernetes = &o->kubernetes,
		.report = cli_report_options(&o->common),
		.fail_on = cli_fail_on(o->fail_on),
		.fail_never = o->fail_on == FAIL_ON_NEVER,
	};

	return cli_check_kubernetes(&how, operands);
}

static int run_check(void *options, const struct word_list *operands)
{
	struct check_cli *o = options;
	struct report_options report = cli_report_options(&o->common);
	struct check_run run = { 0 };
	struct cli_images how = {
		.common = &o->common,
		.choice = &o->choice,
		.ctx = &run,
		.image = one_image,
		.failed = failed_image,
		.enough = o->fail_fast ? enough : NULL,
		.enough_at = o->fail_fast ? enough_at : NULL,
		.out = report.out,
	};
	struct target_use *uses = NULL;
	size_t count = 0;
	struct error err = { 0 };
	bool kubernetes = false;
	int status = EXIT_FITS, r = sort_operands(o, operands, &kubernetes, &err);

	if (r >= 0 && kubernetes)
		return run_kubernetes(o, operands);
	if (r >= 0)
		r = cli_targets(&uses, &count, &o->target, &o->common, &err);
	report.all = o->all;
	report.summary = cli_summary(&report);
	run.opts = (struct check_options){
		.uses = uses,
		.use_count = count,
		.user = o->user,
		.group_add = o->group_add.words,
		.group_add_count = o->group_add.count,
		.fail_on = cli_fail_on(o->fail_on),
		.fail_never = o->fail_on == FAIL_ON_NEVER,
	};
	if (r >= 0 && !operands->count && !o->choice.images_from)
		r = err_fail(&err, ERR_USAGE, 0, "check: no image was named");
	if (r >= 0 && o->fail_fast && (o->choice.verify || run.opts.fail_never))
		r = err_fail(&err, ERR_USAGE, 0, "check: --fail-fast with %s",
			     o->choice.verify ? "--verify, which reads every layer"
					      : "--fail-on never: nothing would end it");
	if (r >= 0 && o->baseline)
		r = baseline_read(&run.accepted, o->baseline, &err);
	if (r >= 0 && o->write_baseline)
		r = baseline_new(&run.written, &err);
	if (r >= 0)
		r = check_report_begin(&run.report, &report, &err);
	if (r >= 0) {
		status = cli_each_image(&how, operands);
		r = check_report_end(run.report, &err);
	}
	/* Of images that could not be looked at nothing is known: what is there stays. */
	if (r >= 0 && run.written && status <= EXIT_UNFIT)
		r = cli_report_place(o->write_baseline, put_baseline, run.written, &err);
	if (r < 0)
		status = exit_worse(status, cli_error(&o->common, NULL, &err));
	check_report_free(run.report);
	baseline_free(run.accepted);
	baseline_free(run.written);
	if (report.summary)
		fclose(report.summary);
	target_uses_free(uses, count);
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.operands = "IMAGE...",
	.summary = "does an image fit? each entry, layer and step that does not",
	.about = "IMAGE is docker-archive:FILE[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG],\n"
		 "dir:DIR, tar:FILE, rootfs:DIR, docker://NAME, docker-daemon:NAME,\n"
		 "containers-storage:NAME, containerd:NAME, a path recognised by its content,\n"
		 "- for an archive on standard input, or a bare NAME: the docker daemon's, else\n"
		 "containers-storage's, else a registry's.\n"
		 "MAP is 0-65535, 0:100000:65536, lines of /proc/PID/uid_map or /etc/subuid,\n"
		 "@FILE, or host.\n"
		 "A Kubernetes file (pod.yaml, kubernetes:FILE, kubernetes:- for standard input)\n"
		 "in place of images: which pods can run with hostUsers: false.\n"
		 "Exit status: 0 fits, 1 does not fit, 2 usage, 3 could not look.",
	.rows = rows,
	.findings = true,
	.options_size = sizeof(struct check_cli),
	.examples = "  docker save app | uidfit check -\n"
		    "  uidfit check --for circleci,kubernetes,podman app.tar\n"
		    "  uidfit check --map 0:100000:65536 --all oci:build/app:1.0\n"
		    "  uidfit check --images docker-daemon: deploy/*.yaml\n"
		    "  uidfit check --format json --fail-on error images/*.tar\n",
	.run = run_check,
};
