#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "report/print.h"
#include "working.h"

int exit_worse(int a, int b)
{
	static const int rank[] = {
		[EXIT_FITS] = 0, [EXIT_UNFIT] = 1, [EXIT_NO_LOOK] = 2, [EXIT_USAGE] = 3
	};

	return rank[a] >= rank[b] ? a : b;
}

/* True where the message names what; "-" stands in many others. */
static bool says(const char *msg, const char *what)
{
	if (strcmp(what, "-") != 0)
		return strstr(msg, what);
	return strncmp(msg, "-:", 2) == 0 || strstr(msg, ":-:");
}

int cli_error(const struct common_options *o, const char *what, const struct error *err)
{
	const char *hint = err_hint(err->code), *colon;
	char shown[200];
	size_t n;

	fflush(stdout);
	/* `| head` has seen enough: that is no news to whoever typed it. */
	if (err->code == ERR_IO && err->sys == EPIPE)
		return err_exit_status(err->code);
	/* A source names its path, and the reference may be that path behind a transport: once is
	 * enough. */
	colon = strstr(err->msg, ": ");
	n = colon ? (size_t)(colon - err->msg) : 0;
	fputs("uidfit: ", stderr);
	if (what && !says(err->msg, what))
		fprintf(stderr, "%s: ", err_text(shown, sizeof(shown), what, strlen(what)));
	if (what && n && strlen(what) > n && what[strlen(what) - n - 1] == ':' &&
	    !memcmp(what + strlen(what) - n, err->msg, n))
		print_told(stderr, colon + 2);
	else
		print_told(stderr, err->msg);
	fputc('\n', stderr);
	if (hint[0])
		fprintf(stderr, "hint: %s\n", hint);
	if (o && o->debug)
		fprintf(stderr, "debug: code %s, errno %d\n", err_name(err->code), err->sys);
	return err_exit_status(err->code);
}

static bool wants_color(const struct common_options *o)
{
	const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE"),
		   *term = getenv("TERM");

	if (o->no_color || (no && no[0]))
		return false;
	if (force && force[0] && strcmp(force, "0") != 0)
		return true;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

struct report_options cli_report_options(const struct common_options *o)
{
	return (struct report_options){
		.format = (enum report_format)o->format,
		.quiet = o->quiet,
		.color = o->format == REPORT_TEXT && wants_color(o),
		.out = stdout,
	};
}

FILE *cli_summary(const struct report_options *report)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");

	return report->format == REPORT_GITHUB && path && path[0] ? fopen(path, "ae") : NULL;
}

enum level cli_fail_on(unsigned index)
{
	static const enum level levels[] = { LEVEL_WARNING, LEVEL_ERROR, LEVEL_NOTE, LEVEL_ERROR };

	return levels[index];
}

struct cli_run {
	struct cli_images *how;
	struct limits limits;
	struct platform platform;
	struct registry_settings registry;
	bool stdin_used;
	bool cache_told; /* what is wrong with the cache stands in a report already */
	bool stop;	 /* the report cannot be written */
	int status;
};

static void failed(struct cli_run *run, const char *label, const struct error *why)
{
	struct error err = { 0 };

	run->status = exit_worse(run->status, cli_error(run->how->common, label, why));
	if (run->how->failed(run->how->ctx, label, why, &err) < 0)
		run->stop = true;
}

/* Several images of one reference differ in their names, or else in their platforms. */
static void label_of(char *out, size_t size, const struct cli_run *run, const char *text,
		     const struct image_set *set, size_t i)
{
	const struct source_image *s = set->images[i].source;
	char platform[100];

	platform_print(&s->platform, platform);
	if (set->count < 2)
		snprintf(out, size, "%s", text);
	else if (run->how->choice->all_platforms && platform[0])
		snprintf(out, size, "%s (%s)", s->name[0] ? s->name : text, platform);
	else
		snprintf(out, size, "%s", s->name[0] ? s->name : text);
}

static void tell_images(struct cli_run *run, const char *text, struct image_set *set,
			const struct notes *notes)
{
	for (size_t i = 0; i < set->count && !run->stop; i++) {
		struct error err = { 0 };
		char label[4096];
		int r;

		label_of(label, sizeof(label), run, text, set, i);
		r = run->how->image(run->how->ctx, label, &set->images[i], i ? NULL : notes, &err);
		if (r >= 0) {
			run->status = exit_worse(run->status, r);
			continue;
		}
		/* An output that failed is told once, when the report is closed. */
		run->stop = ferror(run->how->out);
		run->status = exit_worse(run->status,
					 run->stop ? EXIT_NO_LOOK
						   : cli_error(run->how->common, label, &err));
	}
}

static int look(struct cli_run *run, const char *text, struct notes *notes, struct error *err)
{
	const struct image_choice *choice = run->how->choice;
	struct registry_options registry = run->registry.options;
	struct source_options opts = {
		.limits = &run->limits,
		.notes = notes,
		.platform = choice->platform ? &run->platform : NULL,
		.all_platforms = choice->all_platforms,
		.stdin_fd = STDIN_FILENO,
		.registry = &registry,
	};
	struct image_options how = { .limits = &run->limits,
				     .notes = notes,
				     .verify = choice->verify,
				     .short_ways = true,
				     .enough = run->how->enough,
				     .enough_at = run->how->enough_at,
				     .enough_ctx = run->how->ctx,
				     .threads = choice->threads };
	_cleanup_(ref_freep) struct ref ref = { 0 };
	_cleanup_(source_closep) struct source *source = NULL;
	_cleanup_(inventory_cache_closep) struct inventory_cache *cache =
		cli_cache(choice->no_cache, &run->limits, run->cache_told ? NULL : notes);
	struct image_set set = { 0 };
	int r = ref_parse(&ref, text, err);

	registry.notes = registry.place.notes = registry.login.notes = notes;
	if (r < 0)
		return r;
	if (ref.transport == TRANSPORT_STDIN && run->stdin_used)
		return err_fail(err, ERR_USAGE, 0, "standard input can be read once only");
	run->stdin_used |= ref.transport == TRANSPORT_STDIN;
	run->cache_told = true;
	how.cache = cache;
	how.progress = cli_working_begin(run->how->common);
	r = source_open(&source, &ref, &opts, err);
	if (r >= 0)
		r = image_set_load(&set, source, &how, err);
	cli_working_end(how.progress);
	if (r >= 0 && run->how->one && set.count > 1) {
		r = err_fail(err, ERR_USAGE, 0, "it holds %zu images: name one of them", set.count);
		image_set_free(&set);
	}
	if (r < 0)
		return r;
	tell_images(run, text, &set, notes);
	image_set_free(&set);
	return 0;
}

static void one(struct cli_run *run, const char *text)
{
	_cleanup_(notes_freep) struct notes *notes = notes_new();
	struct error err = { 0 };

	if (run->stop)
		return;
	if (!notes) {
		err_nomem(&err);
		failed(run, text, &err);
	} else if (look(run, text, notes, &err) < 0) {
		failed(run, text, &err);
	}
}

/* Lines of a file; blank ones and those that begin with # are skipped. */
static int from_file(struct cli_run *run, const char *path, size_t *count, struct error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int r = 0;

	if (!in)
		return err_fail(err, ERR_NOT_FOUND, errno, "--images-from %s", path);
	run->stdin_used |= is_stdin;
	while (!run->stop && (n = getline(&line, &cap, in)) >= 0) {
		char *text = line + strspn(line, " \t");

		while (n > text - line && strchr(" \t\r\n", line[n - 1]))
			line[--n] = '\0';
		if (!*text || *text == '#')
			continue;
		++*count;
		one(run, text);
	}
	if (ferror(in))
		r = err_fail(err, ERR_IO, errno, "--images-from %s", path);
	free(line);
	if (!is_stdin)
		fclose(in);
	return r;
}

int cli_image_beside(struct cli_images *how, const char *text,
		     int (*image)(void *ctx, const char *label, struct image *img,
				  const struct notes *notes, struct error *err))
{
	struct cli_run *run = how->run;
	struct cli_images beside = *how, *outer = run->how;
	int status = run->status;

	beside.image = image;
	run->how = &beside;
	run->status = EXIT_FITS;
	one(run, text);
	run->how = outer;
	outer->run = run;
	status = exit_worse(status, run->status);
	run->status = status;
	return status;
}

int cli_each_image(struct cli_images *how, const struct word_list *operands)
{
	struct cli_run run = { .how = how, .limits = limits_default() };
	size_t count = operands->count;
	struct error err = { 0 };
	int r = 0;

	how->run = &run;
	for (size_t i = 0; i < how->common->limit.count && r >= 0; i++)
		r = limits_set(&run.limits, how->common->limit.words[i], &err);
	if (r >= 0 && how->choice->platform)
		r = platform_parse(&run.platform, how->choice->platform, &err);
	if (r >= 0)
		r = cli_registry(&run.registry, &how->choice->registry, NULL, &run.limits, NULL,
				 &err);
	run.stdin_used = how->choice->registry.password_stdin;
	if (r >= 0 && !count && !how->choice->images_from)
		r = err_fail(&err, ERR_USAGE, 0, "no image was named");
	if (r < 0) {
		registry_settings_free(&run.registry);
		return cli_error(how->common, NULL, &err);
	}
	for (size_t i = 0; i < operands->count; i++)
		one(&run, operands->words[i]);
	if (how->choice->images_from) {
		r = from_file(&run, how->choice->images_from, &count, &err);
		if (r >= 0 && !count)
			r = err_fail(&err, ERR_USAGE, 0, "--images-from %s names no image",
				     how->choice->images_from);
	}
	registry_settings_free(&run.registry);
	return r < 0 ? exit_worse(run.status, cli_error(how->common, NULL, &err)) : run.status;
}
