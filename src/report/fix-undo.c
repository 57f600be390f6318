/* What an undo did, as text. */
#include "report/fix-undo.h"

#include <string.h>

#include "fix/past.h"
#include "report/print.h"

static void layers(const struct report_options *opts, const struct fix_told *told)
{
	const struct fix_plan *p = told->plan;
	size_t same = 0;

	for (size_t i = 0; i < p->blob_count; i++) {
		const struct fix_blob *b = &p->blobs[i];

		same += !b->changed;
		if (b->changed)
			fprintf(opts->out, "  layer %zu: its diff_id %s %s\n", b->layer,
				told->dry_run ? "would be again" : "is again", b->past->old.text);
	}
	if (same)
		fprintf(opts->out, "  %zu %s, byte for byte\n", same,
			plural(same, "layer stays", "layers stay"));
}

static void manifest(const struct report_options *opts, const struct fix_image *img)
{
	const char *old = img->past->old_digest.text;

	if (!*old)
		return;
	if (strcmp(old, img->manifest.text) == 0)
		fprintf(opts->out, "    its manifest is again %s\n", old);
	else
		fprintf(opts->out,
			"    its manifest is %s, not %s: it names layers that are compressed "
			"anew\n",
			img->manifest.text, old);
}

static void images(const struct report_options *opts, const struct fix_told *told)
{
	for (size_t i = 0; i < told->plan->image_count; i++) {
		const struct fix_image *img = &told->plan->images[i];
		const char *name = img->image->source->name;

		fputs("  ", opts->out);
		print_name(opts->out, name, strlen(name), 200);
		fprintf(opts->out, ": its config (docker's image id) %s %s\n",
			told->dry_run ? "would be again" : "is again", img->past->old_config.text);
		if (!told->dry_run)
			manifest(opts, img);
	}
}

void fix_undo_text(const struct report_options *opts, const struct fix_told *told)
{
	const char *what = told->dry_run ? "would be undone" : "undone";

	print_styled(opts, STYLE_GOOD, "%s",
		     told->plan->changed ? what : "the fix changed nothing, nothing is undone");
	fputc('\n', opts->out);
	if (opts->quiet)
		return;
	layers(opts, told);
	images(opts, told);
}
