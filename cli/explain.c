/* uidfit explain: what does this message mean?
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli.h"
#include "report/explain.h"

#define READ_SIZE (64u << 10)

struct explain_cli {
	struct common_options common;
	struct image_choice choice;
	const char *image, *target;
	const char *log; /* the operand that was read as a file */
};

static const struct option_row rows[] = {
	{ "image", 'i', "IMAGE", "the image that the message is about: shows the very entry",
	  OPTION_TEXT, offsetof(struct explain_cli, image) },
	{ "for", 'f', "NAME", "where you are: see uidfit platforms (for the advice)", OPTION_TEXT,
	  offsetof(struct explain_cli, target) },
	{ "platform", 0, "OS/ARCH", "the image of an index to take, e.g. linux/arm64", OPTION_TEXT,
	  offsetof(struct explain_cli, choice.platform) },
	{ "verify", 0, NULL, "read every byte of IMAGE and verify every digest", OPTION_FLAG,
	  offsetof(struct explain_cli, choice.verify) },
	{ "no-cache", 0, NULL, "read layers of IMAGE that an earlier run has read", OPTION_FLAG,
	  offsetof(struct explain_cli, choice.no_cache) },
	REGISTRY_CHOICE_ROWS(explain_cli, choice.registry, ""),
	{ "threads", 0, "N", "layers of IMAGE read at once (default: one a core)", OPTION_NUMBER,
	  offsetof(struct explain_cli, choice.threads) },
	{ 0 },
};

struct joined {
	struct explain *x;
	unsigned images;
};

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct joined *j = ctx;
	int r;

	(void)notes;
	if (j->images++)
		return err_fail(err, ERR_USAGE, 0,
				"it holds several images; only the first was looked at");
	r = explain_join(j->x, img, label, err);
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

static int read_all(struct explain *x, int fd, const char *what, struct error *err)
{
	_cleanup_(freep) char *block = malloc(READ_SIZE);
	ssize_t n;
	int r = 0;

	if (!block)
		return err_nomem(err);
	while (r >= 0 && (n = read(fd, block, READ_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_fail(err, ERR_IO, errno, "%s", what);
		r = explain_feed(x, block, (size_t)n, err);
	}
	return r;
}

/* An operand that is a file's path: 0 and its descriptor, 1 where it is none. */
static int open_file(const char *path, int *fd, struct error *err)
{
	struct stat s;

	if (stat(path, &s) < 0)
		return 1;
	if (S_ISDIR(s.st_mode))
		return err_fail(err, ERR_USAGE, 0,
				"explain: %s is a directory; an image is named with --image", path);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? err_fail(err, ERR_IO, errno, "%s", path) : 0;
}

/* Words that were not quoted are one text. */
static int read_words(struct explain *x, const struct word_list *operands, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < operands->count && r >= 0; i++) {
		r = i ? explain_feed(x, " ", 1, err) : 0;
		if (r >= 0)
			r = explain_feed(x, operands->words[i], strlen(operands->words[i]), err);
	}
	return r;
}

/* *log: the file that was read, if one was. */
static int read_operands(struct explain *x, const struct word_list *operands, const char **log,
			 struct error *err)
{
	const char *first = operands->count ? operands->words[0] : "-";
	_cleanup_(closep) int fd = -1;
	int r;

	if (operands->count > 1)
		return read_words(x, operands, err);
	if (strcmp(first, "-") == 0) {
		if (!operands->count && isatty(STDIN_FILENO))
			return err_fail(err, ERR_USAGE, 0,
					"explain: give a message, a number, a file, or - for "
					"standard input");
		return read_all(x, STDIN_FILENO, "standard input", err);
	}
	r = explain_number(x, first, err);
	if (r == 1)
		r = open_file(first, &fd, err);
	else
		return r;
	if (r < 0)
		return r;
	if (r)
		return read_words(x, operands, err);
	*log = first;
	return read_all(x, fd, first, err);
}

static int find_platform(const struct target **out, const char *name, struct error *err)
{
	struct target_use *uses = NULL;
	size_t count = 0;
	int r;

	if (!name)
		return 0;
	r = target_parse_list(&uses, &count, name, err);
	if (r >= 0 && count > 1)
		r = err_fail(err, ERR_USAGE, 0, "explain: --for takes one target");
	if (r >= 0)
		*out = uses[0].target;
	target_uses_free(uses, count);
	return r;
}

/* What a single word may have been meant as. */
static const char *meant(const struct word_list *operands, char *out, size_t size)
{
	char shown[200];

	if (operands->count != 1 || !operands->words[0][0] || !strcmp(operands->words[0], "-") ||
	    strchr(operands->words[0], ' ') || access(operands->words[0], F_OK) == 0)
		return NULL;
	snprintf(out, size, "There is no file '%s', so it was read as text.",
		 err_text(shown, sizeof(shown), operands->words[0], strlen(operands->words[0])));
	return out;
}

static int look_at_image(const struct explain_cli *o, struct explain *x)
{
	struct joined j = { .x = x };
	struct cli_images how = {
		.common = &o->common,
		.choice = &o->choice,
		.ctx = &j,
		.image = one_image,
		.failed = failed_image,
		.out = stdout,
	};
	const struct word_list images = { (const char **)(void *)&o->image, 1 };

	return o->image ? cli_each_image(&how, &images) : EXIT_FITS;
}

static int run_explain(void *options, const struct word_list *operands)
{
	struct explain_cli *o = options;
	struct report_options report = cli_report_options(&o->common);
	_cleanup_(explain_freep) struct explain *x = NULL;
	struct explain_options how = { .image = o->image };
	struct error err = { 0 };
	char asked[300];
	int status = EXIT_FITS, r = find_platform(&how.platform, o->target, &err);

	report.summary = cli_summary(&report);
	if (r >= 0 && o->image && !strcmp(o->image, "-") &&
	    (!operands->count || !strcmp(operands->words[0], "-")))
		r = err_fail(&err, ERR_USAGE, 0, "standard input can be read once only");
	if (r >= 0)
		r = explain_new(&x, &how, &err);
	if (r >= 0)
		r = read_operands(x, operands, &o->log, &err);
	if (r >= 0)
		r = explain_finish(x, &err);
	/* An image that cannot be looked at leaves the explanation as it is. */
	if (r >= 0 && x->match_count)
		status = look_at_image(o, x);
	if (r >= 0)
		r = explain_advise(x, &err);
	if (r >= 0)
		r = explain_report(&report, x, meant(operands, asked, sizeof(asked)), o->log, &err);
	if (report.summary)
		fclose(report.summary);
	if (r < 0)
		return exit_worse(status, cli_error(&o->common, NULL, &err));
	return x->match_count ? status : exit_worse(status, EXIT_NO_LOOK);
}

const struct verb verb_explain = {
	.name = "explain",
	.operands = "[TEXT | ID | FILE | -]",
	.summary = "what an engine's message means, who is to blame, what to do",
	.about = "TEXT is a message; a log of any length comes from FILE or standard input. ID is\n"
		 "a number or UID:GID: what it may be. With --image: the entry, layer and step\n"
		 "that made this very message.\n"
		 "Exit status: 0 recognised, 2 usage, 3 nothing recognised or could not look.",
	.rows = rows,
	.findings = true,
	.options_size = sizeof(struct explain_cli),
	.examples = "  uidfit explain 'Container ID 1516583083 cannot be mapped to a host ID'\n"
		    "  docker pull app 2>&1 | uidfit explain --for circleci\n"
		    "  uidfit explain --image app.tar build.log\n"
		    "  uidfit explain 501:20\n",
	.run = run_explain,
};
