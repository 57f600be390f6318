/* uidfit unpack: an image's root file system under a map.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "fix/spool.h"
#include "report/unpack.h"
#include "targets.h"
#include "working.h"

struct unpack_cli {
	struct common_options common;
	struct target_choice target;
	struct registry_choice registry;
	const char *platform;
	bool layers, fix, devices, keep;
	unsigned threads;
};

static const struct option_row rows[] = {
	TARGET_CHOICE_ROWS(unpack_cli, target),
	{ "layers", 0, NULL, "one directory a layer, in overlay's form", OPTION_FLAG,
	  offsetof(struct unpack_cli, layers) },
	{ "fix", 0, NULL, "owners outside the map move into it, as uidfit fix moves them",
	  OPTION_FLAG, offsetof(struct unpack_cli, fix) },
	{ "keep-owners", 0, NULL, "the image's own numbers, for an idmapped mount", OPTION_FLAG,
	  offsetof(struct unpack_cli, keep) },
	{ "devices", 0, NULL, "make device nodes too", OPTION_FLAG,
	  offsetof(struct unpack_cli, devices) },
	{ "platform", 0, "OS/ARCH", "the image of an index to take, e.g. linux/arm64", OPTION_TEXT,
	  offsetof(struct unpack_cli, platform) },
	{ "threads", 0, "N", "layers side by side with --layers (default: one a core)",
	  OPTION_NUMBER, offsetof(struct unpack_cli, threads) },
	REGISTRY_CHOICE_ROWS(unpack_cli, registry, ""),
	{ 0 },
};

struct unpack_run {
	const struct unpack_cli *o;
	const char *image, *dir;
	struct limits limits;
	struct platform platform;
	struct notes *notes;
	struct registry_settings registry;
	struct target_use *uses;
	size_t use_count;
	struct idmap_pair map;
	bool identity;
	int kept;
	struct source *source;
	struct image_set set; /* for --fix, and for the words about what does not fit */
	struct fix_options fix_options;
	struct fix_plan *plan;
	struct owners owners;
	struct unpack_options opts;
	struct unpack_counts counts;
	struct unpack_stop stop;
	bool unfit;
};

/* A range without a host side is a map of each id to itself. */
static int with_host(struct idmap *out, const struct idmap *m, bool *identity, struct error *err)
{
	if (m->has_host)
		return idmap_copy(out, m, err);
	*identity = true;
	out->has_host = true;
	for (size_t i = 0; i < m->count; i++) {
		struct idmap_extent e = m->extents[i];
		int r;

		e.host = e.container;
		r = idmap_add(out, e, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_options(struct unpack_run *run, const struct word_list *operands, struct error *err)
{
	const struct unpack_cli *o = run->o;
	int r = 0;

	if (operands->count != 2)
		return err_fail(err, ERR_USAGE, 0, "unpack: takes IMAGE and DIR, not %zu operands",
				operands->count);
	run->image = operands->words[0];
	run->dir = operands->words[1];
	for (size_t i = 0; i < o->common.limit.count && r == 0; i++)
		r = limits_set(&run->limits, o->common.limit.words[i], err);
	if (r == 0 && o->platform)
		r = platform_parse(&run->platform, o->platform, err);
	if (r == 0)
		r = cli_targets(&run->uses, &run->use_count, &o->target, &o->common, err);
	if (r == 0 && run->use_count != 1)
		r = err_fail(err, ERR_USAGE, 0, "unpack: one target, not %zu", run->use_count);
	if (r == 0)
		r = with_host(&run->map.uid, &run->uses[0].map.uid, &run->identity, err);
	if (r == 0)
		r = with_host(&run->map.gid, &run->uses[0].map.gid, &run->identity, err);
	return r < 0 ? r
		     : cli_registry(&run->registry, &o->registry, NULL, &run->limits, run->notes,
				    err);
}

static int open_source(struct unpack_run *run, const struct source_image **image, struct error *err)
{
	const struct source_options opts = {
		.limits = &run->limits,
		.notes = run->notes,
		.platform = run->o->platform ? &run->platform : NULL,
		.stdin_fd = STDIN_FILENO,
		.registry = &run->registry.options,
	};
	_cleanup_(ref_freep) struct ref ref = { 0 };
	const struct source_image *images;
	size_t count;
	int r = ref_parse(&ref, run->image, err);

	if (r == 0)
		r = fix_spool(&ref, STDIN_FILENO, &run->limits, run->notes, run->opts.progress,
			      &run->kept, err);
	if (r == 0)
		r = source_open(&run->source, &ref, &opts, err);
	if (r == 0)
		r = source_images(run->source, &images, &count, err);
	if (r == 0 && count != 1)
		r = err_fail(err, ERR_USAGE, 0, "%s holds %zu images: name one", run->image, count);
	if (r == 0)
		*image = &images[0];
	return r;
}

static int load_set(struct unpack_run *run, struct error *err)
{
	const struct image_options how = { .limits = &run->limits,
					   .notes = run->notes,
					   .threads = run->o->threads };

	return run->set.count ? 0 : image_set_load(&run->set, run->source, &how, err);
}

static int make_plan(struct unpack_run *run, struct error *err)
{
	int r = run->o->fix ? load_set(run, err) : 0;

	if (r < 0 || !run->o->fix)
		return r;
	run->fix_options = (struct fix_options){ .uses = run->uses,
						 .use_count = run->use_count,
						 .no_label = true,
						 .notes = run->notes };
	r = fix_plan_make(&run->plan, &run->set, &run->fix_options, err);
	run->unfit = r == -ERR_DENIED;
	return r;
}

/* Container root, as it stands on disk. */
static uint32_t root_of(const struct idmap *m)
{
	uint32_t host;

	return idmap_root_host(m, &host) ? host : 0;
}

static void set_options(struct unpack_run *run)
{
	const struct unpack_cli *o = run->o;

	run->owners = (struct owners){
		.how = o->keep ? OWNERS_KEEP : OWNERS_CHOWN,
		.map = &run->map,
		.fix = run->plan,
		.wraps = run->uses[0].target->engine->compare == COMPARE_WRAP,
		.root_uid = o->keep ? 0 : root_of(&run->map.uid),
		.root_gid = o->keep ? 0 : root_of(&run->map.gid),
	};
	run->opts.layer = (struct unpack_layer_options){
		.limits = &run->limits,
		.notes = run->notes,
		.form = o->layers ? UNPACK_OVERLAY : UNPACK_MERGED,
		.owners = &run->owners,
		.engine = run->plan ? NULL : run->uses[0].target->engine,
		.devices = o->devices,
	};
	run->opts.layers = o->layers;
	run->opts.threads = o->threads;
}

/* The engine's own line, the entry, the step and the advice: what check says of the image. */
static void tell_unfit(struct unpack_run *run)
{
	const struct check_options opts = { .uses = run->uses,
					    .use_count = run->use_count,
					    .fail_on = LEVEL_WARNING };
	struct report_options report = cli_report_options(&run->o->common);
	_cleanup_(check_freep) struct check *check = NULL;
	struct check_report *told = NULL;
	struct error err;
	int r = load_set(run, &err);

	report.out = stderr;
	report.format = REPORT_TEXT;
	if (r == 0)
		r = check_image(&check, &run->set.images[0], &opts, &err);
	if (r == 0)
		r = check_report_begin(&told, &report, &err);
	if (r == 0)
		r = check_report_image(told, run->image, check, NULL, &err);
	if (r == 0)
		r = check_report_end(told, &err);
	check_report_free(told);
	if (r < 0)
		cli_error(&run->o->common, run->image, &err);
}

static int tell(struct unpack_run *run, const struct source_image *image, struct error *err)
{
	const struct report_options report = cli_report_options(&run->o->common);
	const struct unpack_told told = {
		.image = run->image,
		.dir = run->dir,
		.source = image,
		.use = &run->uses[0],
		.identity = run->identity,
		.fix = run->plan,
		.how = run->owners.how,
		.form = run->opts.layer.form,
		.counts = &run->counts,
		.notes = run->notes,
	};

	return unpack_report(&report, &told, err);
}

static int run_all(struct unpack_run *run, const struct source_image **image, struct error *err)
{
	_cleanup_(unpack_endp) struct unpack *u = NULL;
	size_t layer;
	int r;

	r = open_source(run, image, err);
	if (r == 0)
		r = make_plan(run, err);
	if (r < 0)
		return r;
	set_options(run);
	r = unpack_begin(&u, run->dir, &run->opts, err);
	if (r == 0)
		r = unpack_layers(u, run->source, *image, &run->counts, &run->stop, &layer, err);
	run->unfit = r < 0 && run->stop.stopped;
	return r < 0 ? r : unpack_commit(u, err);
}

static int run_unpack(void *options, const struct word_list *operands)
{
	struct unpack_run run = {
		.o = options, .limits = limits_default(), .notes = notes_new(), .kept = -1
	};
	const struct source_image *image = NULL;
	struct error err = { 0 };
	int status = EXIT_FITS,
	    r = run.notes ? read_options(&run, operands, &err) : err_nomem(&err);

	if (r == 0) {
		run.opts.progress = cli_working_begin(&run.o->common);
		r = run_all(&run, &image, &err);
		cli_working_end(run.opts.progress);
	}
	if (r == 0)
		r = tell(&run, image, &err);
	if (r < 0)
		status = cli_error(&run.o->common, NULL, &err);
	if (run.unfit) {
		status = EXIT_UNFIT;
		if (run.stop.stopped)
			tell_unfit(&run);
	}
	fix_plan_free(run.plan);
	image_set_free(&run.set);
	source_close(run.source);
	registry_settings_free(&run.registry);
	closep(&run.kept);
	idmap_pair_free(&run.map);
	target_uses_free(run.uses, run.use_count);
	notes_free(run.notes);
	return status;
}

const struct verb verb_unpack = {
	.name = "unpack",
	.operands = "IMAGE DIR",
	.summary = "the image's root file system, its owners under a map",
	.about = "DIR appears when all of it stands and every digest has held. An owner outside "
		 "the\n"
		 "map stops it, as it stops the engine. MAP with a host side (0:100000:65536, "
		 "host)\n"
		 "says which ids stand on disk; a range alone leaves the image's own.\n"
		 "Exit status: 0 done, 1 does not fit, 2 usage, 3 could not look or write.",
	.rows = rows,
	.options_size = sizeof(struct unpack_cli),
	.examples = "  uidfit unpack --map 0:100000:65536 app.tar rootfs\n"
		    "  uidfit unpack --for azure-app-service oci:build/app:1.0 rootfs\n"
		    "  uidfit unpack --fix --map 0:100000:65536 --layers app.tar layers\n",
	.run = run_unpack,
};
