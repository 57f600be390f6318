/* uidfit run: an image's program, started as an engine with user namespaces starts it.
 */
#include <stdio.h>
#include <string.h>

#include "on-disk.h"
#include "run/container.h"
#include "working.h"

#define VOLUMES_MAX 128

struct run_cli {
	struct common_options common;
	struct on_disk_choice image;
	struct word_list env, volumes;
	const char *user, *workdir, *entrypoint, *runtime, *hostname;
	bool read_only, rm, tty, interactive, prune;
	unsigned net;
};

enum { NET_NONE, NET_HOST }; /* the words of --net */

static const struct option_row rows[] = {
	{ "user", 'u', "USER[:GROUP]", "who runs it, in place of the image's USER", OPTION_TEXT,
	  offsetof(struct run_cli, user) },
	{ "env", 'e', "NAME[=VALUE]", "a variable; without a value this environment's", OPTION_LIST,
	  offsetof(struct run_cli, env) },
	{ "volume", 'v', "PATH:PATH[:ro]", "a file or directory of the host in the container",
	  OPTION_LIST, offsetof(struct run_cli, volumes) },
	{ "workdir", 'w', "PATH", "where it starts", OPTION_TEXT,
	  offsetof(struct run_cli, workdir) },
	{ "entrypoint", 0, "PROGRAM", "in place of the image's; \"\" for none", OPTION_TEXT,
	  offsetof(struct run_cli, entrypoint) },
	{ "read-only", 0, NULL, "nothing is written into the root file system", OPTION_FLAG,
	  offsetof(struct run_cli, read_only) },
	{ "net", 0, "none|host", "a network of its own with loopback alone, or the host's",
	  OPTION_CHOICE, offsetof(struct run_cli, net) },
	{ "hostname", 0, "NAME", "the container's own name", OPTION_TEXT,
	  offsetof(struct run_cli, hostname) },
	{ "tty", 't', NULL, "a terminal (default: where input and output are one)", OPTION_FLAG,
	  offsetof(struct run_cli, tty) },
	{ "interactive", 'i', NULL, "standard input goes in: it always does", OPTION_FLAG,
	  offsetof(struct run_cli, interactive) },
	{ "rm", 0, NULL, "nothing is kept of the container: nothing ever is", OPTION_FLAG,
	  offsetof(struct run_cli, rm) },
	{ "runtime", 0, "PROGRAM", "the OCI runtime (default: crun, else runc)", OPTION_TEXT,
	  offsetof(struct run_cli, runtime) },
	{ "prune", 0, NULL, "no IMAGE: remove the unpacked layers that no run uses", OPTION_FLAG,
	  offsetof(struct run_cli, prune) },
	ON_DISK_CHOICE_ROWS(run_cli, image),
	REGISTRY_CHOICE_ROWS(run_cli, image.registry, ""),
	{ 0 },
};

struct run {
	const struct run_cli *o;
	const struct word_list *operands;
	struct on_disk disk;
	struct runtime runtime;
	struct unpack_options unpack;
	struct container_options how;
	struct bundle_mount volumes[VOLUMES_MAX];
	char *words; /* the volumes' pieces */
	struct buf policy;
};

/* SOURCE:TARGET[:ro|:rw]; both absolute, but for a source that begins with a dot. */
static int read_volume(struct bundle_mount *out, char *word, struct error *err)
{
	char *target = strchr(word, ':'), *flag = target ? strchr(target + 1, ':') : NULL;

	if (target)
		*target++ = '\0';
	if (flag)
		*flag++ = '\0';
	*out = (struct bundle_mount){ word, target, flag && strcmp(flag, "ro") == 0 };
	if (!target || target[0] != '/' || (flag && strcmp(flag, "ro") && strcmp(flag, "rw")))
		return err_fail(err, ERR_USAGE, 0,
				"-v: '%.200s' is not PATH:PATH[:ro], the second from the "
				"container's root",
				word);
	if (word[0] == '/')
		return 0;
	return err_fail(err, ERR_USAGE, 0,
			"-v: '%.200s' is not an absolute path (named volumes are "
			"an engine's)",
			word);
}

static int read_volumes(struct run *run, struct error *err)
{
	const struct word_list *list = &run->o->volumes;
	_cleanup_(buf_freep) struct buf all = { 0 };
	char *at;
	int r = 0;

	if (list->count > VOLUMES_MAX)
		return err_fail(err, ERR_USAGE, 0, "-v: more than %d", VOLUMES_MAX);
	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = buf_append(&all, list->words[i], strlen(list->words[i]) + 1);
	if (r < 0)
		return err_nomem(err);
	at = run->words = (char *)STEAL(all.data);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		size_t n = strlen(at);

		r = read_volume(&run->volumes[i], at, err);
		at += n + 1;
	}
	return r;
}

static void set_bundle(struct run *run)
{
	const struct run_cli *o = run->o;

	run->how.bundle = (struct bundle_options){
		.args = run->operands->words + 1,
		.arg_count = run->operands->count - 1,
		.env = o->env.words,
		.env_count = o->env.count,
		.entrypoint = o->entrypoint,
		.cwd = o->workdir,
		.mounts = run->volumes,
		.mount_count = o->volumes.count,
		.terminal = o->tty || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)),
		.read_only = o->read_only,
		.host_network = o->net == NET_HOST,
		.hostname = o->hostname,
		.notes = run->disk.notes,
	};
}

/* The layers are there: signals are the container's from here on. Which ids were chosen is told
 * when they are first used. */
static void before_start(void *ctx, bool unpacked)
{
	const struct run *run = ctx;

	cli_working_end(run->unpack.progress);
	if (run->disk.way.chosen && unpacked && !run->o->common.quiet)
		fprintf(stderr,
			"note: container root is %u:%u of the host, behind all that /etc/subuid "
			"and /etc/subgid give away (--map 0:HOST:SIZE says otherwise)\n",
			run->disk.owners.root_uid, run->disk.owners.root_gid);
	for (size_t i = 0; !run->o->common.quiet && i < notes_count(run->disk.notes); i++)
		fprintf(stderr, "note: %s\n", notes_get(run->disk.notes, i));
}

/* What fix does to a layer depends on the whole image. */
static int name_policy(struct run *run, struct error *err)
{
	const struct on_disk *d = &run->disk;

	if (!d->plan || !d->plan->changed)
		return 0;
	for (size_t i = 0; i < d->image->layer_count; i++)
		if (buf_printf(&run->policy, "%s%s", i ? " " : "fix of ",
			       d->image->layers[i].diff_id.text))
			return err_nomem(err);
	run->how.policy = buf_str(&run->policy);
	return 0;
}

static int set_up(struct run *run, struct error *err)
{
	const struct run_cli *o = run->o;
	struct on_disk *d = &run->disk;
	enum owners_how how = OWNERS_CHOWN;
	int r = runtime_find(&run->runtime, o->runtime, err);

	if (r == 0)
		r = on_disk_open(d, &o->image, &o->common, run->operands->words[0], false, err);
	if (r == 0)
		r = read_volumes(run, err);
	if (r < 0)
		return r;
	if (o->image.idmapped)
		how = OWNERS_KEEP;
	else if (d->way.single && !o->image.fix)
		how = OWNERS_DROP;
	if (how == OWNERS_DROP)
		notes_add(d->notes,
			  "this user has no subordinate ids: every file is container root's");
	r = on_disk_owners(d, how, UNPACK_OVERLAY, err);
	run->unpack = (struct unpack_options){ .layer = d->layer, .threads = o->image.threads };
	run->how = (struct container_options){
		.way = &d->way,
		.shown = d->way.kind == WAY_INSIDE ? &d->host.process.map : &d->way.space,
		.runtime = &run->runtime,
		.unpack = &run->unpack,
		.idmapped = o->image.idmapped,
		.setgroups = on_disk_setgroups(d),
		.user = o->user ? o->user : on_disk_user(d),
		.notes = d->notes,
		.starting = before_start,
		.ctx = run,
	};
	set_bundle(run);
	return r < 0 ? r : name_policy(run, err);
}

/* A userns_fn. */
static int run_inside(void *ctx)
{
	struct run *run = ctx;
	struct container_told told;
	struct error err = { 0 };
	int r;

	run->unpack.progress = cli_working_begin(&run->o->common);
	r = container_run(&told, run->disk.source, run->disk.image, &run->how, &err);

	if (r < 0)
		cli_error(&run->o->common, NULL, &err);
	if (told.stop.stopped)
		on_disk_tell_unfit(&run->disk);
	return told.status;
}

static int run_image(struct run *run)
{
	struct error err = { 0 };
	int status = RUN_OWN_ERROR, r = set_up(run, &err);

	if (r == 0)
		r = on_disk_run(&run->disk, run_inside, run, &status, &err);
	if (r < 0) {
		cli_error(&run->o->common, NULL, &err);
		status = RUN_OWN_ERROR;
	}
	return status;
}

/* A userns_fn: layers of an ordinary user's are owned by ids that only a namespace can name. */
static int prune(void *ctx)
{
	const struct run *run = ctx;
	_cleanup_(layer_cache_closep) struct layer_cache *cache = NULL;
	struct error err = { 0 };
	size_t layers = 0;
	uint64_t bytes = 0;
	int r = layer_cache_open(&cache, NULL, run->disk.notes, &err);

	if (r == 0)
		r = layer_cache_prune(cache, &layers, &bytes, &err);
	if (r < 0)
		return cli_error(&run->o->common, NULL, &err);
	printf("removed %zu layers, %.1f MB\n", layers, (double)bytes / 1e6);
	return 0;
}

static int run_prune(struct run *run)
{
	struct error err = { 0 };
	int status = 0,
	    r = on_disk_prepare(&run->disk, &run->o->image, &run->o->common, false, &err);

	if (r == 0)
		r = on_disk_run(&run->disk, prune, run, &status, &err);
	return r < 0 ? cli_error(&run->o->common, NULL, &err) : status;
}

static int run_run(void *options, const struct word_list *operands)
{
	const struct run_cli *o = options;
	struct run run = { .o = o, .operands = operands, .disk = { .kept = -1 } };
	struct error err = { 0 };
	int status;

	if (!operands->count != o->prune) {
		err_fail(&err, ERR_USAGE, 0, "run: takes IMAGE [ARG...], or --prune alone");
		cli_error(&o->common, NULL, &err);
		return RUN_OWN_ERROR;
	}
	status = o->prune ? run_prune(&run) : run_image(&run);
	on_disk_close(&run.disk);
	runtime_free(&run.runtime);
	free(run.words);
	buf_free(&run.policy);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.operands = "IMAGE [ARG...]",
	.operands_last = true,
	.summary = "the image's program, in a container under a map",
	.about = "Unpacks the layers under the map (each once: they are kept), lays an overlay on "
		 "top and\n"
		 "has crun or runc start it. Nothing of the container is kept. What stands behind "
		 "IMAGE is\n"
		 "the program's. Root of the host takes the ids that the map says, or dockerd's "
		 "own, or a\n"
		 "stretch that is nobody's; an ordinary user the subordinate ids of /etc/subuid.\n"
		 "Exit status: the program's; 125 it was not started, 126 it cannot be, 127 it is "
		 "not there.",
	.rows = rows,
	.options_size = sizeof(struct run_cli),
	.usage_status = RUN_OWN_ERROR,
	.examples = "  uidfit run app.tar\n"
		    "  uidfit run --map 0:100000:65536 -u 1000 oci:build/app:1.0 id\n"
		    "  uidfit run --fix --net host -e PORT=8080 docker://ghcr.io/example/app:1\n",
	.run = run_run,
};
