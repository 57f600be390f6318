/* uidfit fix: an image that fits, made of one that does not.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "fix/apply.h"
#include "fix/like.h"
#include "fix/names.h"
#include "fix/spool.h"
#include "fix/undo.h"
#include "report-place.h"
#include "report/fix.h"
#include "report/progress.h"
#include "targets.h"
#include "working.h"

struct fix_cli {
	struct common_options common;
	struct target_choice target;
	struct word_list owner, group;
	const char *to, *like, *undo, *report, *platform;
	bool keep_setuid, fold, dry_run, no_label, replace, all, all_platforms, no_cache;
	unsigned threads;
	struct registry_choice registry, from, to_registry; /* of both, of SRC, of DEST */
};

static const struct option_row rows[] = {
	TARGET_CHOICE_ROWS(fix_cli, target),
	{ "to", 't', "auto|root|compact|UID[:GID]",
	  "what an id outside the map becomes (default: auto)", OPTION_TEXT,
	  offsetof(struct fix_cli, to) },
	{ "owner", 0, "OLD=NEW", "a user's id or name, wherever it stands", OPTION_LIST,
	  offsetof(struct fix_cli, owner) },
	{ "group", 0, "OLD=NEW", "a group's, likewise", OPTION_LIST,
	  offsetof(struct fix_cli, group) },
	{ "keep-setuid", 0, NULL, "owners of setuid files get an id of their own", OPTION_FLAG,
	  offsetof(struct fix_cli, keep_setuid) },
	{ "fold", 0, NULL, "where the map is too small, ids share one", OPTION_FLAG,
	  offsetof(struct fix_cli, fold) },
	{ "like", 0, "REPORT", "the mapping of an earlier --report, for related images",
	  OPTION_TEXT, offsetof(struct fix_cli, like) },
	{ "dry-run", 'n', NULL, "print the plan, write no image", OPTION_FLAG,
	  offsetof(struct fix_cli, dry_run) },
	{ "report", 0, "FILE", "write the plan, and what --undo needs, as JSON (uidfit/fix/1)",
	  OPTION_TEXT, offsetof(struct fix_cli, report) },
	{ "undo", 0, "REPORT", "SRC is what the run of that report wrote: make it what it was",
	  OPTION_TEXT, offsetof(struct fix_cli, undo) },
	{ "replace", 0, NULL, "overwrite DEST", OPTION_FLAG, offsetof(struct fix_cli, replace) },
	{ "no-label", 0, NULL, "no label that tells what was done", OPTION_FLAG,
	  offsetof(struct fix_cli, no_label) },
	{ "platform", 0, "OS/ARCH", "the image of an index to take, e.g. linux/arm64", OPTION_TEXT,
	  offsetof(struct fix_cli, platform) },
	{ "all-platforms", 0, NULL, "all images of an index", OPTION_FLAG,
	  offsetof(struct fix_cli, all_platforms) },
	{ "no-cache", 0, NULL, "read layers that an earlier run has read", OPTION_FLAG,
	  offsetof(struct fix_cli, no_cache) },
	{ "threads", 0, "N", "layers read, chunks compressed at once (default: one a core)",
	  OPTION_NUMBER, offsetof(struct fix_cli, threads) },
	REGISTRY_CHOICE_ROWS(fix_cli, registry, ""),
	REGISTRY_CHOICE_ROWS(fix_cli, from, "src-"),
	REGISTRY_CHOICE_ROWS(fix_cli, to_registry, "dest-"),
	{ "all", 'a', NULL, "list each id, fold nothing", OPTION_FLAG,
	  offsetof(struct fix_cli, all) },
	{ 0 },
};

struct fix_run {
	const struct fix_cli *o;
	const char *source_text, *dest_text; /* dest_text is NULL where none was named */
	struct limits limits;
	struct platform platform;
	struct notes *notes;
	struct progress *progress;
	struct inventory_cache *cache;
	struct fix_options opts;
	struct fix_pair *pairs;
	int kept; /* descriptor of a source that could be read once only, or -1 */
	struct registry_settings registry, from,
		to; /* of both, of the source, of the destination */
	struct source *source;
	struct image_set set;
	struct sink *sink;
	struct fix_past *past; /* of --undo */
	struct fix_plan *plan;
	bool unfit; /* no plan fits into the map */
};

static int read_pairs(struct fix_run *run, const struct word_list *list, bool is_gid,
		      struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct fix_policy *p = &run->opts.policy;
		struct fix_pair *pairs =
			reallocarray(run->pairs, p->pair_count + 1, sizeof(*pairs));
		int r;

		if (!pairs)
			return err_nomem(err);
		p->pairs = run->pairs = pairs;
		r = fix_pair_parse(&pairs[p->pair_count], list->words[i], is_gid, err);
		if (r < 0)
			return r;
		p->pair_count++;
	}
	return 0;
}

/* --like first: what is named on the command line counts more. */
static int read_policy(struct fix_run *run, struct error *err)
{
	const struct fix_cli *o = run->o;
	struct fix_policy *p = &run->opts.policy;
	int r = o->to ? fix_policy_parse_to(p, o->to, err) : 0;

	p->keep_setuid = o->keep_setuid;
	p->fold = o->fold;
	if (r == 0 && o->like)
		r = fix_like_read(&run->pairs, &p->pair_count, o->like, err);
	p->pairs = run->pairs;
	if (r == 0)
		r = read_pairs(run, &o->owner, false, err);
	return r < 0 ? r : read_pairs(run, &o->group, true, err);
}

/* An undo has no policy: it goes back to what was. */
static int refuse_policy(const struct fix_cli *o, struct error *err)
{
	const struct {
		bool given;
		const char *name;
	} policy[] = {
		{ o->target.targets.count > 0, "for" },
		{ o->target.map.count > 0, "map" },
		{ o->target.uidmap.count > 0, "uidmap" },
		{ o->target.gidmap.count > 0, "gidmap" },
		{ o->to != NULL, "to" },
		{ o->owner.count > 0, "owner" },
		{ o->group.count > 0, "group" },
		{ o->like != NULL, "like" },
		{ o->keep_setuid, "keep-setuid" },
		{ o->fold, "fold" },
		{ o->no_label, "no-label" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(policy); i++)
		if (policy[i].given)
			return err_fail(err, ERR_USAGE, 0,
					"fix: --%s says what becomes of ids, --undo takes it back",
					policy[i].name);
	return 0;
}

static int read_plan_options(struct fix_run *run, struct error *err)
{
	const struct fix_cli *o = run->o;
	struct target_use *uses = NULL;
	int r;

	if (o->undo) {
		r = refuse_policy(o, err);
		return r < 0 ? r : fix_past_read(&run->past, o->undo, &run->limits, err);
	}
	r = cli_targets(&uses, &run->opts.use_count, &o->target, &o->common, err);
	run->opts.uses = uses;
	return r < 0 ? r : read_policy(run, err);
}

static int read_options(struct fix_run *run, const struct word_list *operands, struct error *err)
{
	const struct fix_cli *o = run->o;
	int r = 0;

	if (!operands->count)
		return err_fail(err, ERR_USAGE, 0, "fix: no image was named");
	if (operands->count > 2 || (operands->count < 2 && !o->dry_run))
		return err_fail(err, ERR_USAGE, 0, "fix: takes SRC and DEST%s, not %zu operands",
				o->dry_run ? "" : " (or SRC alone with --dry-run)",
				operands->count);
	run->source_text = operands->words[0];
	run->dest_text = operands->count > 1 ? operands->words[1] : NULL;
	for (size_t i = 0; i < o->common.limit.count && r == 0; i++)
		r = limits_set(&run->limits, o->common.limit.words[i], err);
	if (r == 0 && o->platform)
		r = platform_parse(&run->platform, o->platform, err);
	run->opts.no_label = o->no_label;
	run->opts.notes = run->notes;
	return r < 0 ? r : read_plan_options(run, err);
}

/* What was fixed with its index is undone with it. */
static bool all_platforms(const struct fix_run *run)
{
	return run->o->all_platforms || (run->past && run->past->index_count && !run->o->platform);
}

static int read_registries(struct fix_run *run, struct error *err)
{
	const struct fix_cli *o = run->o;
	int r = cli_registry(&run->registry, &o->registry, NULL, &run->limits, run->notes, err);

	if (r == 0)
		r = cli_registry(&run->from, &o->from, &run->registry, &run->limits, run->notes,
				 err);
	return r < 0 ? r
		     : cli_registry(&run->to, &o->to_registry, &run->registry, &run->limits,
				    run->notes, err);
}

static int open_source(struct fix_run *run, struct error *err)
{
	const struct fix_cli *o = run->o;
	struct source_options opts = {
		.limits = &run->limits,
		.read_twice = true,
		.notes = run->notes,
		.platform = o->platform ? &run->platform : NULL,
		.all_platforms = all_platforms(run),
		.stdin_fd = STDIN_FILENO,
		.registry = &run->from.options,
	};
	struct image_options how = { .limits = &run->limits,
				     .notes = run->notes,
				     .threads = o->threads,
				     .progress = run->progress };
	_cleanup_(ref_freep) struct ref ref = { 0 };
	int r = ref_parse(&ref, run->source_text, err);

	how.cache = run->cache = cli_cache(o->no_cache, &run->limits, run->notes);
	if (r == 0)
		r = fix_spool(&ref, STDIN_FILENO, &run->limits, run->notes, run->progress,
			      &run->kept, err);
	if (r == 0)
		r = source_open(&run->source, &ref, &opts, err);
	if (r == 0)
		r = image_set_load(&run->set, run->source, &how, err);
	for (size_t i = 0; r == 0 && i < run->set.count; i++)
		if (!run->set.images[i].source->has_config)
			r = err_fail(
				err, ERR_UNSUPPORTED, 0,
				"%s is one layer and no image: fix takes an archive or a layout",
				run->source_text);
	return r < 0 ? r
		     : fix_pairs_resolve(run->pairs, run->opts.policy.pair_count, &run->set, err);
}

static int open_sink(struct fix_run *run, struct error *err)
{
	struct sink_options opts = {
		.limits = &run->limits,
		.notes = run->notes,
		.replace = run->o->replace,
		.stdout_fd = STDOUT_FILENO,
		.registry = &run->to.options,
	};
	_cleanup_(ref_freep) struct ref ref = { 0 }, from = { 0 };
	_cleanup_(registry_name_freep) struct registry_name name = { 0 };
	int r = run->dest_text ? ref_parse(&ref, run->dest_text, err) : 0;

	if (r < 0 || !run->dest_text || run->o->dry_run)
		return r;
	r = ref_parse(&from, run->source_text, err);
	if (r == 0 && from.transport == TRANSPORT_DOCKER) {
		r = registry_name_parse(&name, from.path, err);
		opts.from = &name;
	}
	return r < 0 ? r : sink_open(&run->sink, &ref, &opts, err);
}

static bool is_stdout(const char *dest)
{
	return dest && (!strcmp(dest, "-") || !strcmp(dest, "docker-archive:-") ||
			!strcmp(dest, "docker-archive:/dev/stdout"));
}

static int put_report(void *ctx, FILE *out, struct error *err)
{
	const struct report_options opts = { .format = REPORT_JSON, .out = out };

	return fix_report_json(&opts, ctx, err);
}

static int tell(const struct fix_run *run, struct fix_told *told, struct error *err)
{
	struct report_options report = cli_report_options(&run->o->common);

	told->leads_back = false;
	report.all = run->o->all;
	/* Standard output belongs to the image. */
	if (!run->o->dry_run && is_stdout(run->dest_text))
		report.out = stderr;
	return fix_report(&report, told, err);
}

/* An image never stands there fixed without the report that leads back. */
static int finish(struct fix_run *run, struct error *err)
{
	struct fix_told told = {
		.plan = run->plan,
		.source = run->source_text,
		.dest = run->dest_text,
		.dry_run = run->o->dry_run,
		.leads_back = run->sink && !run->past,
		.notes = run->notes,
	};
	int r = run->o->report ? cli_report_place(run->o->report, put_report, &told, err) : 0;

	if (r == 0 && run->sink)
		r = sink_commit(run->sink, err);
	progress_clear(run->progress);
	return r < 0 ? r : tell(run, &told, err);
}

/* The destination is looked at before the source is read, and appears at the very end. */
static int run_all(struct fix_run *run, const struct word_list *operands, struct error *err)
{
	int r = read_options(run, operands, err);

	if (r == 0)
		r = read_registries(run, err);
	if (r == 0)
		r = open_sink(run, err);
	if (r == 0)
		r = open_source(run, err);
	if (r < 0)
		return r;
	const struct fix_apply_options how = { .threads = run->o->threads,
					       .progress = run->progress,
					       .all_platforms = all_platforms(run),
					       .record = run->o->report && !run->past };
	r = run->past ? fix_undo_plan(&run->plan, run->past, &run->set, &run->opts, err)
		      : fix_plan_make(&run->plan, &run->set, &run->opts, err);
	run->unfit = r == -ERR_DENIED && !run->past;
	if (r == 0)
		r = fix_say_signatures(run->plan, run->source, err);
	if (r == 0 && run->sink)
		r = fix_apply(run->plan, run->source, run->sink, &run->limits, &how, err);
	return r < 0 ? r : finish(run, err);
}

static int run_fix(void *options, const struct word_list *operands)
{
	struct fix_run run = {
		.o = options, .limits = limits_default(), .notes = notes_new(), .kept = -1
	};
	struct error err = { 0 };
	int status = EXIT_FITS;

	if (!run.notes)
		err_nomem(&err);
	run.progress = cli_working_begin(&run.o->common);
	if (!run.notes || run_all(&run, operands, &err) < 0) {
		progress_clear(run.progress);
		status = cli_interrupted() ? EXIT_NO_LOOK : cli_error(&run.o->common, NULL, &err);
	}
	if (run.unfit)
		status = EXIT_UNFIT;
	sink_close(run.sink);
	fix_plan_free(run.plan);
	fix_past_free(run.past);
	image_set_free(&run.set);
	source_close(run.source);
	registry_settings_free(&run.registry);
	registry_settings_free(&run.from);
	registry_settings_free(&run.to);
	inventory_cache_close(run.cache);
	closep(&run.kept);
	target_uses_free((struct target_use *)run.opts.uses, run.opts.use_count);
	free(run.pairs);
	notes_free(run.notes);
	cli_working_end(run.progress);
	return status;
}

const struct verb verb_fix = {
	.name = "fix",
	.operands = "SRC DEST",
	.summary = "rewrite owners inside the layers, so that the image fits",
	.about =
		"SRC as uidfit check takes it, but for tar: and rootfs:. DEST is\n"
		"docker-archive:FILE[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR,\n"
		"docker://NAME[:TAG], docker-daemon:NAME[:TAG], containers-storage:NAME[:TAG], or\n"
		"- for a docker-archive on standard output. Layers without findings stay byte\n"
		"for byte.\n"
		"auto: an id that the image names moves into the map, any other becomes root.\n"
		"Exit status: 0 done, 1 the map is too small, 2 usage, 3 could not look or write.",
	.rows = rows,
	.options_size = sizeof(struct fix_cli),
	.examples = "  uidfit fix app.tar docker-archive:fitting.tar\n"
		    "  docker save app | uidfit fix - - | docker load\n"
		    "  uidfit fix --for circleci,kubernetes --dry-run oci:build/app:1.0\n"
		    "  uidfit fix --to compact --map 0-1023 app.tar oci:out:app\n"
		    "  uidfit fix --undo fix.json fitting.tar docker-archive:app.tar\n",
	.run = run_fix,
};
