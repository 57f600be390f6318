/* uidfit suggest: the smallest map for an image, or one for several.
 */
#include <string.h>

#include "base/num.h"
#include "cli.h"
#include "idmap/notation.h"
#include "report/suggest.h"

#define HOST_FIRST 100000u /* what useradd begins with */
#define OWN_ID	   1000u

struct suggest_cli {
	struct common_options common;
	struct image_choice choice;
	struct word_list engines, also, group_add;
	const char *user, *base, *own;
	bool accounts, all;
};

static const struct option_row rows[] = {
	{ "for", 'f', "NAME[,NAME]", "engines: docker, podman, ... (default: all)", OPTION_LIST,
	  offsetof(struct suggest_cli, engines) },
	{ "accounts", 0, NULL, "the ids of passwd and group entries too", OPTION_FLAG,
	  offsetof(struct suggest_cli, accounts) },
	{ "also", 0, "RANGE", "further ids for the map to hold, e.g. 0-65535", OPTION_LIST,
	  offsetof(struct suggest_cli, also) },
	{ "user", 'u', "USER[:GROUP]", "in place of the image's USER, as docker run --user",
	  OPTION_TEXT, offsetof(struct suggest_cli, user) },
	{ "group-add", 0, "GROUP", "a further group, as docker run --group-add", OPTION_LIST,
	  offsetof(struct suggest_cli, group_add) },
	{ "base", 0, "ID", "the first host id that may be used (default: 100000)", OPTION_TEXT,
	  offsetof(struct suggest_cli, base) },
	{ "own", 0, "UID[:GID]", "who runs the rootless engines (default: 1000)", OPTION_TEXT,
	  offsetof(struct suggest_cli, own) },
	{ "all", 'a', NULL, "show long proposals whole", OPTION_FLAG,
	  offsetof(struct suggest_cli, all) },
	IMAGE_CHOICE_ROWS(suggest_cli, choice),
	REGISTRY_CHOICE_ROWS(suggest_cli, choice.registry, ""),
	{ 0 },
};

struct suggest_run {
	struct need_options need;
	struct id_needs needs;
	struct suggest_image *images;
	size_t image_count;
	struct idset uid, gid;
	struct suggest_params params;
	const struct suggest_row **rows;
	size_t row_count;
	bool chosen; /* by --for */
};

static int add_image(struct suggest_run *run, const char *label, const struct error *why,
		     struct error *err)
{
	struct suggest_image *images =
		reallocarray(run->images, run->image_count + 1, sizeof(*images));
	char *copy = strdup(label);

	if (images)
		run->images = images;
	if (!images || !copy) {
		free(copy);
		return err_nomem(err);
	}
	images[run->image_count++] = (struct suggest_image){ .label = copy, .failed = why };
	if (why)
		images[run->image_count - 1].why = *why;
	return 0;
}

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct suggest_run *run = ctx;
	int r = id_needs_add(&run->needs, label, img, &run->need, err);

	(void)notes;
	if (r < 0) {
		struct error why = *err;

		r = add_image(run, label, &why, err);
		return r < 0 ? r : -(int)err->code;
	}
	return add_image(run, label, NULL, err);
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	return add_image(ctx, label, why, err);
}

static int choose_engine(struct suggest_run *run, const char *word, size_t n, struct error *err)
{
	const struct suggest_row *row = suggest_find(word, n);
	_cleanup_(buf_freep) struct buf names = { 0 };
	const struct suggest_row *all;
	size_t count;

	for (size_t i = 0; i < run->row_count; i++)
		if (run->rows[i] == row)
			return 0;
	if (row) {
		run->rows[run->row_count++] = row;
		return 0;
	}
	all = suggest_rows(&count);
	for (size_t i = 0; i < count; i++)
		if (buf_printf(&names, "%s%s", i ? ", " : "", all[i].name) < 0)
			return err_nomem(err);
	return err_fail(err, ERR_USAGE, 0, "--for %.*s: expected some of %s",
			(int)MIN(n, (size_t)80), word, buf_str(&names));
}

static int choose_engines(struct suggest_run *run, const struct word_list *words, struct error *err)
{
	size_t count;
	const struct suggest_row *all = suggest_rows(&count);
	int r = 0;

	run->rows = calloc(count, sizeof(const struct suggest_row *));
	if (!run->rows)
		return err_nomem(err);
	run->chosen = words->count;
	for (size_t i = 0; i < words->count && r >= 0; i++)
		for (const char *p = words->words[i]; *p && r >= 0; p += *p == ',') {
			size_t n = strcspn(p, ",");

			r = n ? choose_engine(run, p, n, err) : 0;
			p += n;
		}
	if (!words->count)
		for (size_t i = 0; i < count; i++)
			run->rows[run->row_count++] = &all[i];
	if (r >= 0 && !run->row_count)
		r = err_fail(err, ERR_USAGE, 0, "--for names no engine");
	return r;
}

static int read_also(struct suggest_run *run, const struct word_list *words, struct error *err)
{
	_cleanup_(idmap_pair_freep) struct idmap_pair map = { 0 };

	for (size_t i = 0; i < words->count; i++) {
		int r = idmap_parse(&map, words->words[i], IDMAP_BOTH, err);

		if (r < 0)
			return err_wrap(err, "--also");
	}
	for (int gid = 0; gid < 2; gid++) {
		const struct idmap *m = gid ? &map.gid : &map.uid;

		for (size_t i = 0; i < m->count; i++) {
			const struct idmap_extent *e = &m->extents[i];
			int r = idset_add(gid ? &run->gid : &run->uid, e->container,
					  e->container + (e->count - 1), err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int read_ids(struct suggest_run *run, const struct suggest_cli *o, struct error *err)
{
	struct suggest_params *p = &run->params;
	size_t n = o->own ? strcspn(o->own, ":") : 0;

	*p = (struct suggest_params){ HOST_FIRST, OWN_ID, OWN_ID };
	if (o->base &&
	    (!num_u32(o->base, strlen(o->base), &p->first_host) || p->first_host == ID_INVALID))
		return err_fail(err, ERR_USAGE, 0, "--base %s: expected an id", o->base);
	if (o->own && num_u32(o->own, n, &p->own_uid) && p->own_uid != ID_INVALID) {
		p->own_gid = p->own_uid;
		if (!o->own[n] || (num_u32(o->own + n + 1, strlen(o->own + n + 1), &p->own_gid) &&
				   p->own_gid != ID_INVALID))
			return 0;
	}
	return o->own ? err_fail(err, ERR_USAGE, 0, "--own %s: expected UID or UID:GID", o->own)
		      : 0;
}

/* 0, 1 where an id is in no map, or an engine that was asked for cannot hold them all. */
static int tell(struct suggest_run *run, const struct report_options *report, struct error *err)
{
	struct suggestion *list = calloc(run->row_count, sizeof(*list));
	struct suggest_result result = {
		.images = run->images,
		.image_count = run->image_count,
		.needs = &run->needs,
		.uid = &run->uid,
		.gid = &run->gid,
		.suggestions = list,
		.suggestion_count = run->needs.images ? run->row_count : 0,
		.chosen = run->chosen,
	};
	bool unfit = run->needs.uid.beyond_count || run->needs.gid.beyond_count;
	int r = list ? idset_add_set(&run->uid, &run->needs.uid.ids, err) : err_nomem(err);

	if (r >= 0)
		r = idset_add_set(&run->gid, &run->needs.gid.ids, err);
	idset_tidy(&run->uid);
	idset_tidy(&run->gid);
	for (size_t i = 0; i < result.suggestion_count && r >= 0; i++) {
		r = suggest_make(&list[i], run->rows[i], &run->uid, &run->gid, &run->params, err);
		unfit |= run->chosen && list[i].why != SUGGEST_POSSIBLE;
	}
	if (r >= 0)
		r = suggest_report(report, &result, err);
	for (size_t i = 0; list && i < result.suggestion_count; i++)
		suggestion_free(&list[i]);
	free(list);
	return r < 0 ? r : unfit;
}

static void run_free(struct suggest_run *run)
{
	for (size_t i = 0; i < run->image_count; i++)
		free(run->images[i].label);
	free(run->images);
	free(run->rows);
	id_needs_free(&run->needs);
	idset_free(&run->uid);
	idset_free(&run->gid);
}

static int run_suggest(void *options, const struct word_list *operands)
{
	struct suggest_cli *o = options;
	struct report_options report = cli_report_options(&o->common);
	struct suggest_run run = { .need = { .accounts = o->accounts,
					     .user = o->user,
					     .group_add = o->group_add.words,
					     .group_add_count = o->group_add.count } };
	struct cli_images how = {
		.common = &o->common,
		.choice = &o->choice,
		.ctx = &run,
		.image = one_image,
		.failed = failed_image,
		.out = report.out,
	};
	struct error err = { 0 };
	int status = EXIT_FITS, r = read_ids(&run, o, &err);

	report.all = o->all;
	if (r >= 0)
		r = read_also(&run, &o->also, &err);
	if (r >= 0)
		r = choose_engines(&run, &o->engines, &err);
	if (r >= 0 && !operands->count && !o->choice.images_from)
		r = err_fail(&err, ERR_USAGE, 0, "suggest: no image was named");
	if (r >= 0) {
		status = cli_each_image(&how, operands);
		r = tell(&run, &report, &err);
	}
	if (r < 0)
		status = exit_worse(status, cli_error(&o->common, NULL, &err));
	else
		status = exit_worse(status, r ? EXIT_UNFIT : EXIT_FITS);
	run_free(&run);
	return status;
}

const struct verb verb_suggest = {
	.name = "suggest",
	.operands = "IMAGE...",
	.summary = "the smallest map that an image needs, in each engine's notation",
	.about = "Of several images, one map for all. RANGE and IMAGE as uidfit check takes them.\n"
		 "Exit status: 0 there is one, 1 an id is in no map or an engine of --for cannot\n"
		 "have one, 2 usage, 3 could not look.",
	.rows = rows,
	.options_size = sizeof(struct suggest_cli),
	.examples = "  uidfit suggest app.tar\n"
		    "  uidfit suggest --for docker,podman --also 0-65535 app.tar db.tar\n"
		    "  uidfit suggest --accounts --format json oci:build/app:1.0\n",
	.run = run_suggest,
};
