/* uidfit check: does an image fit?
 */
#include <string.h>

#include "cli.h"
#include "map.h"
#include "target/check.h"

struct check_cli {
	struct common_options common;
	struct image_choice choice;
	struct word_list targets, map, uidmap, gidmap, group_add;
	const char *user;
	unsigned fail_on;
	bool all;
};

/* fail_on is 0 where it was not given: the order of the words puts the default first. */
static const enum level fail_levels[] = { LEVEL_WARNING, LEVEL_ERROR, LEVEL_NOTE, LEVEL_ERROR };
enum { FAIL_NEVER = 3 };

static const struct option_row rows[] = {
	{ "for", 'f', "NAME[,NAME]", "targets: see uidfit platforms (default: docker)", OPTION_LIST,
	  offsetof(struct check_cli, targets) },
	{ "map", 'm', "MAP", "a range or map in place of the target's own", OPTION_LIST,
	  offsetof(struct check_cli, map) },
	{ "uidmap", 0, "MAP", "likewise, for users alone", OPTION_LIST,
	  offsetof(struct check_cli, uidmap) },
	{ "gidmap", 0, "MAP", "likewise, for groups alone", OPTION_LIST,
	  offsetof(struct check_cli, gidmap) },
	{ "user", 'u', "USER[:GROUP]", "in place of the image's USER, as docker run --user",
	  OPTION_TEXT, offsetof(struct check_cli, user) },
	{ "group-add", 0, "GROUP", "a further group, as docker run --group-add", OPTION_LIST,
	  offsetof(struct check_cli, group_add) },
	{ "fail-on", 0, "warning|error|note|never",
	  "what makes the exit status 1 (default: warning)", OPTION_CHOICE,
	  offsetof(struct check_cli, fail_on) },
	{ "all", 'a', NULL, "list each entry, fold nothing", OPTION_FLAG,
	  offsetof(struct check_cli, all) },
	IMAGE_CHOICE_ROWS(check_cli, choice),
	{ 0 },
};

struct check_run {
	struct check_options opts;
	struct check_report *report;
};

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
	r = check_report_image(run->report, label, c, notes, err);
	return r < 0 ? r : c->fits || run->opts.fail_never ? EXIT_FITS : EXIT_UNFIT;
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	struct check_run *run = ctx;

	return check_report_failed(run->report, label, why, err);
}

static int parse_maps(struct idmap_pair *out, const struct word_list *list, enum idmap_which which,
		      const struct common_options *common, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		int r = cli_map_option(out, list->words[i], which, common, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --map, --uidmap, --gidmap into one pair. Where only users or only groups were named, the other is
 * the same, as podman has it. */
static int read_maps(struct idmap_pair *out, const struct check_cli *o, struct error *err)
{
	int r = parse_maps(out, &o->map, IDMAP_BOTH, &o->common, err);

	if (r >= 0)
		r = parse_maps(out, &o->uidmap, IDMAP_UID, &o->common, err);
	if (r >= 0)
		r = parse_maps(out, &o->gidmap, IDMAP_GID, &o->common, err);
	if (r < 0)
		return r;
	if (!out->uid.count)
		return idmap_copy(&out->uid, &out->gid, err);
	return out->gid.count ? 0 : idmap_copy(&out->gid, &out->uid, err);
}

static int read_targets(struct target_use **uses, size_t *count, const struct check_cli *o,
			struct error *err)
{
	_cleanup_(idmap_pair_freep) struct idmap_pair map = { 0 };
	_cleanup_(buf_freep) struct buf names = { 0 };
	int r;

	for (size_t i = 0; i < o->targets.count; i++)
		if (buf_printf(&names, "%s%s", i ? "," : "", o->targets.words[i]) < 0)
			return err_nomem(err);
	r = target_parse_list(uses, count, o->targets.count ? buf_str(&names) : "docker", err);
	if (r >= 0 && *count > CHECK_TARGETS_MAX)
		r = err_fail(err, ERR_USAGE, 0, "--for: more than %d targets", CHECK_TARGETS_MAX);
	if (r < 0 || !(o->map.count + o->uidmap.count + o->gidmap.count))
		return r;
	r = read_maps(&map, o, err);
	return r < 0 ? r : target_use_map(*uses, *count, &map, err);
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
		.out = report.out,
	};
	struct target_use *uses = NULL;
	size_t count = 0;
	struct error err = { 0 };
	int status = EXIT_FITS, r = read_targets(&uses, &count, o, &err);

	report.all = o->all;
	run.opts = (struct check_options){
		.uses = uses,
		.use_count = count,
		.user = o->user,
		.group_add = o->group_add.words,
		.group_add_count = o->group_add.count,
		.fail_on = fail_levels[o->fail_on],
		.fail_never = o->fail_on == FAIL_NEVER,
	};
	if (r >= 0 && !operands->count && !o->choice.images_from)
		r = err_fail(&err, ERR_USAGE, 0, "check: no image was named");
	if (r >= 0)
		r = check_report_begin(&run.report, &report, &err);
	if (r >= 0) {
		status = cli_each_image(&how, operands);
		r = check_report_end(run.report, &err);
	}
	if (r < 0)
		status = exit_worse(status, cli_error(&o->common, NULL, &err));
	check_report_free(run.report);
	target_uses_free(uses, count);
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.operands = "IMAGE...",
	.summary = "does an image fit? each entry, layer and step that does not",
	.about = "IMAGE is docker-archive:FILE[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG],\n"
		 "dir:DIR, tar:FILE, rootfs:DIR, a path recognised by its content, or - for an\n"
		 "archive on standard input. MAP is 0-65535, 0:100000:65536, lines of\n"
		 "/proc/PID/uid_map or /etc/subuid, @FILE, or host.\n"
		 "Exit status: 0 fits, 1 does not fit, 2 usage, 3 could not look.",
	.rows = rows,
	.options_size = sizeof(struct check_cli),
	.examples = "  docker save app | uidfit check -\n"
		    "  uidfit check --for circleci,kubernetes,podman app.tar\n"
		    "  uidfit check --map 0:100000:65536 --all oci:build/app:1.0\n"
		    "  uidfit check --format json --fail-on error images/*.tar\n",
	.run = run_check,
};
