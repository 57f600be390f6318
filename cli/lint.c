/* uidfit lint: which line of a Dockerfile will make an owner outside the map?
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "lint/lint.h"
#include "report-place.h"
#include "report/lint.h"
#include "targets.h"

struct lint_cli {
	struct common_options common;
	struct image_choice choice;
	struct target_choice target;
	struct word_list build_arg;
	const char *context, *stage, *image;
	unsigned fail_on;
	bool patch, fix;
};

static const struct option_row rows[] = {
	TARGET_CHOICE_ROWS(lint_cli, target),
	{ "build-arg", 0, "ARG=VALUE", "as docker build takes it", OPTION_LIST,
	  offsetof(struct lint_cli, build_arg) },
	{ "context", 0, "DIR", "the build context (default: the Dockerfile's directory)",
	  OPTION_TEXT, offsetof(struct lint_cli, context) },
	{ "target", 0, "STAGE", "the stage that is built (default: the last)", OPTION_TEXT,
	  offsetof(struct lint_cli, stage) },
	{ "image", 'i', "IMAGE", "what was built from it: findings on the lines that made them",
	  OPTION_TEXT, offsetof(struct lint_cli, image) },
	{ "patch", 0, NULL, "print what is certain to help, as a unified diff", OPTION_FLAG,
	  offsetof(struct lint_cli, patch) },
	{ "fix", 0, NULL, "put it into the file", OPTION_FLAG, offsetof(struct lint_cli, fix) },
	{ "fail-on", 0, FAIL_ON_ARG, "what makes the exit status 1 (default: warning)",
	  OPTION_CHOICE, offsetof(struct lint_cli, fail_on) },
	{ "platform", 0, "OS/ARCH", "the image of an index to take, e.g. linux/arm64", OPTION_TEXT,
	  offsetof(struct lint_cli, choice.platform) },
	{ "no-cache", 0, NULL, "read layers of IMAGE that an earlier run has read", OPTION_FLAG,
	  offsetof(struct lint_cli, choice.no_cache) },
	REGISTRY_CHOICE_ROWS(lint_cli, choice.registry, ""),
	{ 0 },
};

struct lint_job {
	const struct lint_cli *o;
	struct lint_options opts;
	struct lint_report *report;
	struct lint *lint; /* of the file at hand */
	uint64_t untied;
	unsigned images;
};

static int read_whole(struct buf *out, int fd, const char *what, uint64_t max, struct error *err)
{
	ssize_t n;

	do {
		if (buf_reserve(out, 64 << 10) < 0)
			return err_nomem(err);
		n = read(fd, out->data + out->len, 64 << 10);
		if (n < 0 && errno != EINTR)
			return err_fail(err, ERR_IO, errno, "%s", what);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n && out->len <= max);
	return 0;
}

static int read_file(struct buf *out, const char *path, uint64_t max, struct error *err)
{
	_cleanup_(closep) int fd = -1;
	struct stat s;

	if (strcmp(path, "-") == 0)
		return read_whole(out, STDIN_FILENO, "standard input", max, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "%s", path);
	if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode))
		return err_fail(err, ERR_USAGE, 0, "lint: %s is a directory; name its Dockerfile",
				path);
	return read_whole(out, fd, path, max, err);
}

static int write_mended(void *ctx, FILE *out, struct error *err)
{
	const struct buf *text = ctx;

	(void)err;
	fwrite(buf_str(text), 1, text->len, out);
	return 0;
}

/* By rename, under the mode that the file had. */
static int fix_file(const char *path, struct buf *text, struct error *err)
{
	struct stat s;
	int r;

	if (stat(path, &s) < 0)
		return err_fail(err, ERR_IO, errno, "%s", path);
	r = cli_report_place(path, write_mended, text, err);
	if (r >= 0 && chmod(path, s.st_mode & 07777) < 0)
		return err_fail(err, ERR_IO, errno, "%s", path);
	return r;
}

static int mend(struct lint_job *job, const char *path, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 }, diff = { 0 };
	bool changed = false;
	int r = lint_mend(&text, job->lint, &changed, err);

	if (r < 0 || !changed)
		return r;
	if (job->o->patch) {
		r = lint_diff(&diff, job->lint, &text, err);
		if (r >= 0)
			fwrite(buf_str(&diff), 1, diff.len, stdout);
	}
	return r < 0 || !job->o->fix ? r : fix_file(path, &text, err);
}

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct lint_job *job = ctx;
	_cleanup_(check_freep) struct check *c = NULL;
	struct check_options opts = { .uses = job->opts.uses,
				      .use_count = job->opts.use_count,
				      .fail_on = LEVEL_WARNING };
	int r;

	(void)label;
	(void)notes;
	if (job->images++)
		return err_fail(err, ERR_USAGE, 0, "it holds several images: name one of them");
	r = check_image(&c, img, &opts, err);
	if (r >= 0)
		r = lint_confirm(job->lint, c, &job->untied, err);
	if (r >= 0 && job->untied)
		return EXIT_UNFIT;
	return r < 0 ? r : EXIT_FITS;
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	(void)ctx;
	(void)label;
	(void)why;
	(void)err;
	return 0;
}

static int confirm(struct lint_job *job)
{
	struct cli_images how = { .common = &job->o->common,
				  .choice = &job->o->choice,
				  .ctx = job,
				  .image = one_image,
				  .failed = failed_image,
				  .out = stdout,
				  .one = true };
	const struct word_list images = { (const char **)(void *)&job->o->image, 1 };

	return job->o->image ? cli_each_image(&how, &images) : EXIT_FITS;
}

static int verdict(const struct lint_job *job)
{
	if (job->o->fail_on != FAIL_ON_NEVER)
		for (size_t i = 0; i < job->lint->count; i++)
			if (job->lint->list[i].level >= cli_fail_on(job->o->fail_on))
				return EXIT_UNFIT;
	return EXIT_FITS;
}

/* The Dockerfile's directory; NULL for standard input, which has none. */
static const char *context_of(const struct lint_cli *o, const char *path, struct buf *out)
{
	const char *slash = strrchr(path, '/');

	if (o->context)
		return o->context;
	if (strcmp(path, "-") == 0)
		return NULL;
	if (!slash)
		return ".";
	return buf_append(out, path, (size_t)(slash - path) + (slash == path)) < 0 ? NULL
										   : buf_str(out);
}

static int look(struct lint_job *job, const char *path, int *status, struct error *err)
{
	_cleanup_(buf_freep) struct buf bytes = { 0 }, context = { 0 };
	int r = read_file(&bytes, path, job->opts.limits->v[LIMIT_DOCKERFILE_SIZE], err);

	job->opts.context = context_of(job->o, path, &context);
	if (r >= 0)
		r = lint_run(&job->lint, path, buf_str(&bytes), bytes.len, &job->opts, err);
	if (r < 0)
		return r;
	*status = exit_worse(*status, confirm(job));
	if (job->o->fail_on == FAIL_ON_NEVER && *status == EXIT_UNFIT)
		*status = EXIT_FITS;
	*status = exit_worse(*status, verdict(job));
	if (job->o->patch || job->o->fix)
		r = mend(job, path, err);
	if (r >= 0 && !job->o->patch)
		r = lint_report_file(job->report, job->lint, job->o->image, job->untied, err);
	return r;
}

static int each(struct lint_job *job, const struct word_list *files)
{
	int status = EXIT_FITS;

	for (size_t i = 0; i < files->count; i++) {
		struct error err = { 0 }, second = { 0 };

		job->untied = 0;
		if (look(job, files->words[i], &status, &err) < 0) {
			status = exit_worse(status,
					    cli_error(&job->o->common, files->words[i], &err));
			if (!job->o->patch &&
			    lint_report_failed(job->report, files->words[i], &err, &second) < 0)
				return status;
		}
		lint_free(STEAL(job->lint));
	}
	return status;
}

static int usage(const struct lint_cli *o, const struct word_list *files, struct error *err)
{
	if (o->image && files->count > 1)
		return err_fail(err, ERR_USAGE, 0, "lint: --image is of one Dockerfile");
	if (o->patch && o->common.format != REPORT_TEXT)
		return err_fail(err, ERR_USAGE, 0, "lint: --patch has a format of its own");
	for (size_t i = 0; o->fix && i < files->count; i++)
		if (strcmp(files->words[i], "-") == 0)
			return err_fail(err, ERR_USAGE, 0,
					"lint: --fix cannot write to standard input; --patch "
					"prints");
	return 0;
}

static int run_lint(void *options, const struct word_list *operands)
{
	struct lint_cli *o = options;
	struct report_options report = cli_report_options(&o->common);
	const char *usual = "Dockerfile";
	const struct word_list one = { &usual, 1 }, *files = operands->count ? operands : &one;
	struct limits limits = limits_default();
	struct lint_job job = { .o = o };
	struct target_use *uses = NULL;
	struct error err = { 0 };
	size_t count = 0;
	int status = EXIT_FITS, r = usage(o, files, &err);

	for (size_t i = 0; i < o->common.limit.count && r >= 0; i++)
		r = limits_set(&limits, o->common.limit.words[i], &err);
	if (r >= 0)
		r = cli_targets(&uses, &count, &o->target, &o->common, &err);
	job.opts = (struct lint_options){ .uses = uses,
					  .use_count = count,
					  .limits = &limits,
					  .target = o->stage,
					  .build_args = o->build_arg.words,
					  .build_arg_count = o->build_arg.count };
	report.summary = cli_summary(&report);
	if (r >= 0 && !o->patch)
		r = lint_report_begin(&job.report, &report, &err);
	if (r >= 0) {
		status = each(&job, files);
		r = o->patch ? 0 : lint_report_end(job.report, &err);
	}
	if (r < 0)
		status = exit_worse(status, cli_error(&o->common, NULL, &err));
	lint_report_free(job.report);
	if (report.summary)
		fclose(report.summary);
	target_uses_free(uses, count);
	return status;
}

const struct verb verb_lint = {
	.name = "lint",
	.operands = "[DOCKERFILE...]",
	.summary = "the line of a Dockerfile that will make a bad owner, and the patch",
	.about = "DOCKERFILE is a file, or - for standard input; without one, ./Dockerfile.\n"
		 "docs/lint.md tells each rule. A comment above a line silences one:\n"
		 "  # uidfit: ignore=tar-same-owner\n"
		 "and # uidfit: ignore-file=RULE does so for the whole file.\n"
		 "Exit status: 0 nothing, 1 findings, 2 usage, 3 could not look.",
	.rows = rows,
	.findings = true,
	.options_size = sizeof(struct lint_cli),
	.examples = "  uidfit lint\n"
		    "  uidfit lint --for circleci,kubernetes --build-arg UID=1000 app/Dockerfile\n"
		    "  uidfit lint --patch Dockerfile | patch -p1\n"
		    "  uidfit lint --image app.tar Dockerfile\n",
	.run = run_lint,
};
