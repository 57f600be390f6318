/* uidfit unpack: an image's root file system under a map.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bundle/bundle.h"
#include "on-disk.h"
#include "report/unpack.h"
#include "run/mount.h"
#include "run/user.h"
#include "run/userns.h"
#include "working.h"

enum { AS_MAP, AS_CHOWN, AS_KEEP, AS_OVERRIDE, AS_DROP }; /* the words of --owners */

struct unpack_cli {
	struct common_options common;
	struct on_disk_choice image;
	bool layers, bundle, keep;
	unsigned owners;
};

static const struct option_row rows[] = {
	ON_DISK_CHOICE_ROWS(unpack_cli, image),
	{ "bundle", 0, NULL, "an OCI runtime bundle: DIR/config.json and DIR/rootfs", OPTION_FLAG,
	  offsetof(struct unpack_cli, bundle) },
	{ "layers", 0, NULL, "one directory a layer, in overlay's form", OPTION_FLAG,
	  offsetof(struct unpack_cli, layers) },
	{ "owners", 0, "auto|chown|keep|override|drop",
	  "how owners stand on disk: by chown, the image's own, in the xattr "
	  "user.containers.override_stat, or not at all",
	  OPTION_CHOICE, offsetof(struct unpack_cli, owners) },
	{ "keep-owners", 0, NULL, "--owners keep", OPTION_FLAG, offsetof(struct unpack_cli, keep) },
	REGISTRY_CHOICE_ROWS(unpack_cli, image.registry, ""),
	{ 0 },
};

struct unpack_run {
	const struct unpack_cli *o;
	const char *dir;
	struct on_disk disk;
	struct unpack_options opts;
	struct unpack_counts counts;
	struct unpack_stop stop;
};

static int read_options(const struct unpack_cli *o, const struct word_list *operands,
			struct error *err)
{
	if (operands->count != 2)
		return err_fail(err, ERR_USAGE, 0, "unpack: takes IMAGE and DIR, not %zu operands",
				operands->count);
	if (o->bundle && (o->layers || o->image.idmapped || o->keep || o->owners >= AS_KEEP))
		return err_fail(err, ERR_USAGE, 0,
				"--bundle: a runtime takes one root file system whose owners are "
				"mapped (uidfit run joins layers and idmapped mounts by itself)");
	return 0;
}

static int owners_of_choice(struct unpack_run *run, struct error *err)
{
	const struct unpack_cli *o = run->o;
	enum owners_how how = OWNERS_CHOWN;

	if (o->owners > AS_CHOWN)
		how = (enum owners_how)(o->owners - AS_CHOWN);
	else if (o->keep || o->image.idmapped)
		how = OWNERS_KEEP;
	else if (o->owners == AS_MAP && run->disk.way.single)
		how = o->bundle ? OWNERS_DROP : OWNERS_OVERRIDE;
	if (run->disk.way.single && o->owners == AS_MAP)
		notes_add(
			run->disk.notes,
			"this user has no subordinate ids: every file is the "
			"user's own%s",
			how == OWNERS_OVERRIDE
				? ", and the image's owner stands in user.containers.override_stat"
				: "");
	if (how == OWNERS_KEEP && run->disk.way.kind != WAY_HOST)
		return err_fail(err, ERR_DENIED, 0,
				"only root of the host keeps the image's own numbers");
	return on_disk_owners(&run->disk, how, o->layers ? UNPACK_OVERLAY : UNPACK_MERGED, err);
}

static int tell(struct unpack_run *run, struct error *err)
{
	const struct report_options report = cli_report_options(&run->o->common);
	const struct unpack_told told = {
		.image = run->disk.name,
		.dir = run->dir,
		.source = run->disk.image,
		.use = &run->disk.uses[0],
		.identity = run->disk.identity,
		.fix = run->disk.plan,
		.how = run->disk.owners.how,
		.form = run->opts.layer.form,
		.counts = &run->counts,
		.notes = run->disk.notes,
	};

	return unpack_report(&report, &told, err);
}

static int write_config(struct unpack_run *run, int dir, struct error *err)
{
	struct on_disk *d = &run->disk;
	const struct idmap_pair *inside = &d->way.space;
	_cleanup_(run_user_free) struct run_user user = { 0 };
	_cleanup_(buf_freep) struct buf json = { 0 };
	_cleanup_(closep) int root =
		openat(dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(closep) int fd = -1;
	struct bundle_options how = { .inside = inside,
				      .terminal = true,
				      .cgroups = d->way.kind == WAY_HOST };
	int r = root < 0 ? err_fail(err, ERR_IO, errno, "open the bundle's rootfs") : 0;

	if (r == 0)
		r = run_user_find(&user, root, on_disk_user(d), inside, on_disk_setgroups(d),
				  d->notes, err);
	if (d->identity)
		notes_add(d->notes,
			  "config.json makes no user namespace: the map has no host side");
	else if (d->way.kind != WAY_INSIDE)
		how.map = inside;
	/* Its runtime will have newuidmap write the map. */
	if (r == 0 && how.map && d->way.kind != WAY_HOST)
		r = userns_fit(how.map, USERNS_EXTENTS_RUNC, "runc of an ordinary user", err);
	how.user = &user.who;
	how.home = user.home;
	how.notes = d->notes;
	if (r == 0)
		r = bundle_config(&json, &d->image->config, &how, err);
	if (r < 0)
		return r;
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, json.data, json.len) != (ssize_t)json.len)
		return err_fail(err, ERR_IO, errno, "write config.json");
	return 0;
}

static int put(struct unpack_run *run, struct error *err)
{
	_cleanup_(unpack_endp) struct unpack *u = NULL;
	size_t layer;
	int r = unpack_begin(&u, run->dir, &run->opts, err);

	if (r == 0 && run->o->image.idmapped)
		r = mount_can_idmap(unpack_dir(u), &run->disk.way.space, err);
	if (r == 0)
		r = unpack_layers(u, run->disk.source, run->disk.image, &run->counts, &run->stop,
				  &layer, err);
	run->disk.unfit = r < 0 && run->stop.stopped;
	/* A tree goes by a system call a file. */
	if (r < 0)
		cli_working_cleans_up();
	if (r == 0 && run->o->bundle)
		r = write_config(run, unpack_dir(u), err);
	return r < 0 ? r : unpack_commit(u, err);
}

/* A userns_fn. */
static int put_and_tell(void *ctx)
{
	struct unpack_run *run = ctx;
	struct error err = { 0 };
	int status = EXIT_FITS, r;

	run->opts.progress = cli_working_begin(&run->o->common);
	r = put(run, &err);
	cli_working_end(run->opts.progress);
	if (r == 0)
		r = tell(run, &err);
	if (r < 0)
		status = cli_error(&run->o->common, NULL, &err);
	if (!run->disk.unfit)
		return status;
	on_disk_tell_unfit(&run->disk);
	return EXIT_UNFIT;
}

static int run_unpack(void *options, const struct word_list *operands)
{
	const struct unpack_cli *o = options;
	struct unpack_run run = { .o = o };
	struct error err = { 0 };
	int status = EXIT_FITS, r = read_options(o, operands, &err);

	if (r < 0)
		return cli_error(&o->common, NULL, &err);
	run.dir = operands->words[1];
	r = on_disk_open(&run.disk, &o->image, &o->common, operands->words[0], true, &err);
	if (r == 0)
		r = owners_of_choice(&run, &err);
	run.opts = (struct unpack_options){ .layer = run.disk.layer,
					    .bundle = o->bundle,
					    .layers = o->layers,
					    .threads = o->image.threads };
	if (r == 0)
		r = on_disk_run(&run.disk, put_and_tell, &run, &status, &err);
	if (r < 0)
		status = cli_error(&o->common, NULL, &err);
	if (r < 0 && run.disk.unfit)
		status = EXIT_UNFIT;
	on_disk_close(&run.disk);
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
		 "says which ids stand on disk; a range alone leaves root of the host the image's "
		 "own.\n"
		 "An ordinary user unpacks in a namespace of the subordinate ids that /etc/subuid "
		 "gives;\n"
		 "without any, all files are the user's own (--owners).\n"
		 "Exit status: 0 done, 1 does not fit, 2 usage, 3 could not look or write.",
	.rows = rows,
	.options_size = sizeof(struct unpack_cli),
	.examples =
		"  uidfit unpack --map 0:100000:65536 app.tar rootfs\n"
		"  uidfit unpack --for azure-app-service oci:build/app:1.0 rootfs\n"
		"  uidfit unpack --fix --map 0:100000:65536 --layers app.tar layers\n"
		"  uidfit unpack --bundle --map host app.tar bundle && runc run -b bundle app\n",
	.run = run_unpack,
};
