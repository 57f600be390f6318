#include <inttypes.h>
#include <string.h>

#include "report/fix-undo.h"
#include "report/fix.h"
#include "report/print.h"

#define LAYERS_SHOWN 6
#define IDS_SHOWN    40 /* of each side; --all shows the rest */

static const char *const why_words[FIX_WHY_COUNT] = {
	[FIX_STAYS] = "",
	[FIX_WHY_NAMED] = "the image names it: a user of its own",
	[FIX_WHY_UNNAMED] = "nobody's name: root",
	[FIX_WHY_SETUID] = "owns a setuid or setgid file: an id of its own",
	[FIX_WHY_COMPACT] = "the next free id",
	[FIX_WHY_TO] = "as --to says",
	[FIX_WHY_ASKED] = "as --owner or --group says",
	[FIX_WHY_LIKE] = "as in the earlier report",
	[FIX_WHY_FOLDED] = "no id is left: shared",
};

static void layers_of(FILE *out, const struct fix_id *id)
{
	fprintf(out, " in %s ", plural(id->layer_count, "layer", "layers"));
	for (size_t i = 0; i < MIN(id->layer_count, (size_t)LAYERS_SHOWN); i++)
		fprintf(out, "%s%" PRIu32, i ? ", " : "", id->layers[i]);
	if (id->layer_count > LAYERS_SHOWN)
		fputs(", ...", out);
}

static void one_id(const struct report_options *opts, const struct fix_id *id, const char *kind)
{
	FILE *out = opts->out;

	fprintf(out, "  %s %" PRId64, kind, id->old);
	if (id->name) {
		fputs(" (", out);
		print_name(out, id->name, strlen(id->name), 40);
		fputc(')', out);
	}
	fputs(" -> ", out);
	print_styled(opts, STYLE_BOLD, "%" PRIu32, id->new);
	fprintf(out, "  %" PRIu64 " %s", id->entries, plural(id->entries, "entry", "entries"));
	if (id->layer_count)
		layers_of(out, id);
	fprintf(out, "; %s\n", why_words[id->why]);
}

/* Only in layers that stay, where no target looks at it. */
static bool is_idle(const struct fix_id *id)
{
	return !id->entries && !(id->uses & (FIX_USE_ACCOUNT | FIX_USE_PROCESS));
}

static void side(const struct report_options *opts, const struct fix_side *s, const char *kind)
{
	size_t shown = 0, more = 0, left = 0;

	for (size_t i = 0; i < s->count; i++) {
		left += s->ids[i].left;
		if (s->ids[i].why == FIX_STAYS || is_idle(&s->ids[i]))
			continue;
		if (!opts->all && shown == IDS_SHOWN) {
			more++;
			continue;
		}
		one_id(opts, &s->ids[i], kind);
		shown++;
	}
	if (more)
		fprintf(opts->out, "  ... and %zu further %ss (--all shows them)\n", more, kind);
	if (left)
		fprintf(opts->out,
			"  %zu %ss of accounts that own nothing stay outside: the map has no "
			"room\n",
			left, kind);
}

static void blobs(const struct report_options *opts, const struct fix_plan *p)
{
	FILE *out = opts->out;
	size_t same = 0;
	char size[16];

	for (size_t i = 0; i < p->blob_count; i++) {
		const struct fix_blob *b = &p->blobs[i];

		if (!b->changed) {
			same++;
			continue;
		}
		print_size(size, b->inventory->tar_size);
		fprintf(out, "  layer %zu: %" PRIu64 " of %" PRIu64 " entries", b->layer,
			b->entries, b->inventory->entries);
		for (size_t k = 0; k < b->file_count; k++) {
			fputs(", /", out);
			print_name(out, b->files[k].path, strlen(b->files[k].path), 60);
		}
		fprintf(out, "; %s%s%s written anew\n", size,
			b->inventory->codec != CODEC_NONE ? ", " : "",
			b->inventory->codec != CODEC_NONE ? codec_name(b->codec) : "");
	}
	if (same)
		fprintf(out, "  %zu %s, byte for byte\n", same,
			plural(same, "layer stays", "layers stay"));
}

static void specials(const struct report_options *opts, const struct fix_plan *p)
{
	uint64_t all = 0;

	for (size_t i = 0; i < p->blob_count; i++)
		all += p->blobs[i].changed ? p->blobs[i].specials : 0;
	for (size_t i = 0; i < p->special_count; i++) {
		const struct fix_special *s = &p->specials[i];

		print_styled(opts, STYLE_WARN, "  special bits dropped:");
		fputs(" /", opts->out);
		print_name(opts->out, s->path, s->path_len, 120);
		fprintf(opts->out,
			" was %04o of %" PRId64 ":%" PRId64 ", now of %" PRIu32 ":%" PRIu32
			" (--keep-setuid gives it an id of its own)\n",
			s->mode, s->uid, s->gid, s->new_uid, s->new_gid);
	}
	if (all > p->special_count)
		fprintf(opts->out, "  special bits dropped: %" PRIu64 " further files\n",
			all - p->special_count);
}

static void mentions(const struct report_options *opts, const struct fix_plan *p)
{
	size_t shown = opts->all ? p->mention_count : MIN(p->mention_count, (size_t)IDS_SHOWN);

	for (size_t i = 0; i < shown; i++) {
		const struct fix_mention *m = &p->mentions[i];

		print_styled(opts, STYLE_WARN, "  stays as it is:");
		fputs(m->in_config ? " " : " /", opts->out);
		print_name(opts->out, m->place, m->place_len, 120);
		if (!m->in_config)
			fprintf(opts->out, " line %" PRIu32, m->line);
		fprintf(opts->out, " has %s%" PRId64 ", which is %" PRIu32 " now\n",
			m->in_config ? ""
			: m->is_gid  ? "gid "
				     : "uid ",
			m->old, m->new);
	}
	if (p->mention_count > shown || p->mentions_more)
		fprintf(opts->out, "  stays as it is: %zu further%s\n", p->mention_count - shown,
			p->mentions_more ? " and more" : "");
}

static void users(const struct report_options *opts, const struct fix_plan *p)
{
	for (size_t i = 0; i < p->image_count; i++) {
		const char *user = p->images[i].image->source->config.user;

		if (!p->images[i].user)
			continue;
		fputs("  USER ", opts->out);
		print_name(opts->out, user, strlen(user), 60);
		fprintf(opts->out, " -> %s\n", p->images[i].user);
	}
}

static void fixed(const struct report_options *opts, const struct fix_told *told)
{
	const struct fix_plan *p = told->plan;

	if (p->changed)
		print_styled(opts, STYLE_GOOD, told->dry_run ? "would be fixed" : "fixed");
	else
		print_styled(opts, STYLE_GOOD, "fits already, nothing changes");
	fputc('\n', opts->out);
	if (opts->quiet || !p->changed)
		return;
	side(opts, &p->ids.uid, "uid");
	side(opts, &p->ids.gid, "gid");
	users(opts, p);
	blobs(opts, p);
	specials(opts, p);
	mentions(opts, p);
}

int fix_report(const struct report_options *opts, const struct fix_told *told, struct error *err)
{
	FILE *out = opts->out;

	if (opts->format == REPORT_JSON)
		return fix_report_json(opts, told, err);
	print_name(out, told->source, strlen(told->source), 400);
	if (told->dest) {
		fputs(" -> ", out);
		print_name(out, told->dest, strlen(told->dest), 400);
	}
	fputs(": ", out);
	if (told->plan->past)
		fix_undo_text(opts, told);
	else
		fixed(opts, told);
	for (size_t i = 0; !opts->quiet && told->notes && i < notes_count(told->notes); i++)
		fprintf(out, "  note: %s\n", notes_get(told->notes, i));
	return print_check(out, err);
}
