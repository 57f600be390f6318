#include "on-disk.h"

#include <stdio.h>

#include "fix/spool.h"
#include "run/userns.h"
#include "working.h"

static int read_options(struct on_disk *d, struct error *err)
{
	const struct on_disk_choice *o = d->choice;
	int r = 0;

	for (size_t i = 0; i < d->common->limit.count && r == 0; i++)
		r = limits_set(&d->limits, d->common->limit.words[i], err);
	if (r == 0 && o->platform)
		r = platform_parse(&d->platform, o->platform, err);
	if (r == 0)
		r = cli_targets(&d->uses, &d->use_count, &o->target, d->common, err);
	if (r == 0 && d->use_count != 1)
		r = err_fail(err, ERR_USAGE, 0, "one target, not %zu", d->use_count);
	return r < 0 ? r
		     : cli_registry(&d->registry, &o->registry, NULL, &d->limits, d->notes, err);
}

/* Where the way decides about the map, it is the one that counts from here on. */
static int find_way(struct on_disk *d, bool keep, struct error *err)
{
	const struct host_options how = { 0 };
	struct target_use *use = &d->uses[0];
	bool given = use->map.uid.has_host && use->map.gid.has_host, counts;
	int r = host_look(&d->host, &how, err);

	if (r >= 0)
		r = way_find(&d->way, use, &d->host, keep, err);
	if (r < 0)
		return r;
	d->identity = d->way.kind == WAY_HOST && keep && !given;
	/* Owners that are kept beside the file, or not at all, may be any of the target's. */
	counts = !d->identity && (!d->way.single || d->choice->fix);
	if (d->way.narrowed && counts)
		notes_add(d->notes, "the map is what this user has of the target's %s",
			  use->target->range_text);
	r = idmap_identity(&d->range.uid, &use->map.uid, err);
	if (r == 0)
		r = idmap_identity(&d->range.gid, &use->map.gid, err);
	if (r < 0 || !counts)
		return r;
	return target_use_map(use, 1, &d->way.space, err);
}

static int open_source(struct on_disk *d, struct error *err)
{
	const struct source_options opts = {
		.limits = &d->limits,
		.notes = d->notes,
		.platform = d->choice->platform ? &d->platform : NULL,
		.stdin_fd = STDIN_FILENO,
		.registry = &d->registry.options,
	};
	_cleanup_(ref_freep) struct ref ref = { 0 };
	const struct source_image *images;
	size_t count;
	int r = ref_parse(&ref, d->name, err);

	if (r == 0)
		r = fix_spool(&ref, STDIN_FILENO, &d->limits, d->notes, NULL, &d->kept, err);
	if (r == 0)
		r = source_open(&d->source, &ref, &opts, err);
	if (r == 0)
		r = source_images(d->source, &images, &count, err);
	if (r == 0 && count != 1)
		r = err_fail(err, ERR_USAGE, 0, "%s holds %zu images: name one", d->name, count);
	if (r == 0)
		d->image = &images[0];
	return r;
}

static int load_set(struct on_disk *d, struct error *err)
{
	_cleanup_(inventory_cache_closep) struct inventory_cache *cache =
		cli_cache(false, &d->limits, d->notes);
	const struct image_options how = { .limits = &d->limits,
					   .notes = d->notes,
					   .cache = cache,
					   .threads = d->choice->threads };

	return d->set.count ? 0 : image_set_load(&d->set, d->source, &how, err);
}

static int make_plan(struct on_disk *d, struct error *err)
{
	int r = d->choice->fix ? load_set(d, err) : 0;

	if (r < 0 || !d->choice->fix)
		return r;
	d->fix_options = (struct fix_options){
		.uses = d->uses, .use_count = d->use_count, .no_label = true, .notes = d->notes
	};
	r = fix_plan_make(&d->plan, &d->set, &d->fix_options, err);
	d->unfit = r == -ERR_DENIED;
	return r;
}

int on_disk_prepare(struct on_disk *d, const struct on_disk_choice *choice,
		    const struct common_options *common, bool keep, struct error *err)
{
	int r;

	*d = (struct on_disk){ .choice = choice,
			       .common = common,
			       .limits = limits_default(),
			       .notes = notes_new(),
			       .kept = -1 };
	r = d->notes ? read_options(d, err) : err_nomem(err);
	return r < 0 ? r : find_way(d, keep, err);
}

int on_disk_open(struct on_disk *d, const struct on_disk_choice *choice,
		 const struct common_options *common, const char *image, bool keep,
		 struct error *err)
{
	int r = on_disk_prepare(d, choice, common, keep, err);

	d->name = image;
	if (r == 0 && choice->idmapped && d->way.kind != WAY_HOST)
		r = err_fail(
			err, ERR_DENIED, 0,
			"--idmapped: only root of the host writes any owner and makes idmapped "
			"mounts");
	if (r == 0)
		r = open_source(d, err);
	return r < 0 ? r : make_plan(d, err);
}

void on_disk_close(struct on_disk *d)
{
	fix_plan_free(d->plan);
	image_set_free(&d->set);
	source_close(d->source);
	registry_settings_free(&d->registry);
	closep(&d->kept);
	idmap_pair_free(&d->range);
	way_free(&d->way);
	host_free(&d->host);
	target_uses_free(d->uses, d->use_count);
	notes_free(d->notes);
}

/* Container root, as it stands on disk. */
static uint32_t root_of(const struct idmap *m)
{
	uint32_t host;

	return idmap_root_host(m, &host) ? host : 0;
}

int on_disk_owners(struct on_disk *d, enum owners_how how, enum unpack_form form, struct error *err)
{
	bool mapped = how == OWNERS_CHOWN;

	if (how <= OWNERS_KEEP && d->way.single && !d->choice->fix)
		return err_fail(
			err, ERR_DENIED, 0,
			"this user has no subordinate ids, so that files can have one owner "
			"only: --owners override keeps the image's, --owners drop does not "
			"(uidfit host says how to get some)");
	d->owners = (struct owners){
		.how = how,
		.map = mapped ? &d->way.owners : &d->range,
		.fix = d->plan,
		.wraps = d->uses[0].target->engine->compare == COMPARE_WRAP,
		.inside = d->way.kind != WAY_HOST,
		.root_uid = mapped ? root_of(&d->way.owners.uid) : 0,
		.root_gid = mapped ? root_of(&d->way.owners.gid) : 0,
	};
	d->layer = (struct unpack_layer_options){
		.limits = &d->limits,
		.notes = d->notes,
		.form = form == UNPACK_OVERLAY && d->way.kind != WAY_HOST ? UNPACK_OVERLAY_USER
									  : form,
		.owners = &d->owners,
		.engine = d->plan ? NULL : d->uses[0].target->engine,
		.devices = d->choice->devices,
	};
	return 0;
}

const char *on_disk_user(const struct on_disk *d)
{
	return d->plan ? fix_image_user(&d->plan->images[0]) : d->image->config.user;
}

bool on_disk_setgroups(const struct on_disk *d)
{
	return d->way.kind != WAY_ALONE && !d->host.process.setgroups_denied;
}

int on_disk_run(struct on_disk *d, int (*fn)(void *ctx), void *ctx, int *status, struct error *err)
{
	if (d->way.kind == WAY_HELPERS || d->way.kind == WAY_ALONE)
		return userns_run(status, &d->way.space, d->way.kind == WAY_ALONE, fn, ctx, err);
	*status = fn(ctx);
	return 0;
}

/* The engine's own line, the entry, the step and the advice. */
void on_disk_tell_unfit(struct on_disk *d)
{
	const struct check_options opts = { .uses = d->uses,
					    .use_count = d->use_count,
					    .fail_on = LEVEL_WARNING };
	struct report_options report = cli_report_options(d->common);
	_cleanup_(check_freep) struct check *check = NULL;
	struct check_report *told = NULL;
	struct error err;
	int r = load_set(d, &err);

	report.out = stderr;
	report.format = REPORT_TEXT;
	if (r == 0)
		r = check_image(&check, &d->set.images[0], &opts, &err);
	if (r == 0)
		r = check_report_begin(&told, &report, &err);
	if (r == 0)
		r = check_report_image(told, d->name, check, NULL, NULL, &err);
	if (r == 0)
		r = check_report_end(told, &err);
	check_report_free(told);
	if (r < 0)
		cli_error(d->common, d->name, &err);
}
