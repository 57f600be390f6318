/* uidfit owners: who owns what in an image?
 */
#include <string.h>

#include "cli.h"

struct owners_cli {
	struct common_options common;
	struct image_choice choice;
	struct word_list except;
	const char *under;
	bool list;
};

static const struct option_row rows[] = {
	{ "except", 'x', "NAME[,NAME]", "owners not to show: names, ids or UID:GID, e.g. root,node",
	  OPTION_LIST, offsetof(struct owners_cli, except) },
	{ "under", 0, "PATH", "only what stands at or below PATH", OPTION_TEXT,
	  offsetof(struct owners_cli, under) },
	{ "list", 'l', NULL, "each entry, as ls -ln shows it", OPTION_FLAG,
	  offsetof(struct owners_cli, list) },
	IMAGE_CHOICE_ROWS(owners_cli, choice),
	REGISTRY_CHOICE_ROWS(owners_cli, choice.registry, ""),
	{ 0 },
};

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	(void)notes;
	return owners_report_image(ctx, label, img, err);
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	return owners_report_failed(ctx, label, why, err);
}

/* "root,node" given once or in pieces becomes a list of words; text owns their bytes. */
static int split_except(struct word_list *out, char **text, const struct word_list *in,
			struct error *err)
{
	_cleanup_(buf_freep) struct buf all = { 0 };

	for (size_t i = 0; i < in->count; i++)
		if (buf_printf(&all, "%s%s", i ? "," : "", in->words[i]) < 0)
			return err_nomem(err);
	*text = strdup(buf_str(&all));
	if (!*text)
		return err_nomem(err);
	for (char *p = *text; *p;) {
		size_t n = strcspn(p, ",");
		char *word = p;

		p += n + (p[n] == ',');
		word[n] = '\0';
		if (n && word_list_add(out, word) < 0)
			return err_nomem(err);
	}
	return 0;
}

static int run_owners(void *options, const struct word_list *operands)
{
	struct owners_cli *o = options;
	const struct report_options report = cli_report_options(&o->common);
	struct cli_images how = {
		.common = &o->common,
		.choice = &o->choice,
		.image = one_image,
		.failed = failed_image,
		.out = report.out,
	};
	struct owners_report *r = NULL;
	struct word_list except = { 0 };
	char *text = NULL;
	struct error err = { 0 };
	int status = EXIT_FITS, ret = split_except(&except, &text, &o->except, &err);
	const struct owners_filter filter = {
		.except = except.words,
		.except_count = except.count,
		.under = o->under,
		.list = o->list,
	};

	if (ret >= 0 && !operands->count && !o->choice.images_from)
		ret = err_fail(&err, ERR_USAGE, 0, "owners: no image was named");
	if (ret >= 0)
		ret = owners_report_begin(&r, &report, &filter, &err);
	if (ret >= 0) {
		how.ctx = r;
		status = cli_each_image(&how, operands);
		ret = owners_report_end(r, &err);
	}
	if (ret < 0)
		status = exit_worse(status, cli_error(&o->common, NULL, &err));
	owners_report_free(r);
	free(except.words);
	free(text);
	return status;
}

const struct verb verb_owners = {
	.name = "owners",
	.operands = "IMAGE...",
	.summary = "every distinct owner: counts, layers, names, examples",
	.about = "For the message that names no id: whoever is neither root nor a user that you\n"
		 "know is the one. An owner is excepted where both its uid and its gid are.",
	.rows = rows,
	.options_size = sizeof(struct owners_cli),
	.examples = "  uidfit owners --except root,node app.tar\n"
		    "  uidfit owners --under /app/node_modules --list oci:build/app:1.0\n",
	.run = run_owners,
};
