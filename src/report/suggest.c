#include "report/suggest.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "idmap/notation.h"
#include "report/print.h"

#define WHERE_COLUMN 15
#define LINES_SHOWN  24 /* of one proposal; --all shows the rest */
#define LINE_SHOWN   600

static const char *const origin_words[NEED_ORIGIN_COUNT] = {
	[NEED_ROOT] = "every container's root",
	[NEED_OWNER] = "owner of",
	[NEED_ACL] = "in the ACL of",
	[NEED_CAPABILITY] = "root of the capability of",
	[NEED_USER] = "USER",
	[NEED_GROUP] = "a group of USER",
	[NEED_ACCOUNT] = "account",
};

static void place(const struct report_options *opts, const struct suggest_result *result,
		  const struct need *n)
{
	FILE *out = opts->out;

	fputs(origin_words[n->origin], out);
	if (n->path) {
		fputs(" /", out);
		print_name(out, n->path, n->path_len, 120);
	} else if (n->subject) {
		fputc(' ', out);
		print_name(out, n->subject, strlen(n->subject), 80);
	}
	if (n->origin == NEED_ROOT)
		return;
	if (n->layer >= 0)
		fprintf(out, ", layer %ld", n->layer);
	if (result->needs->images > 1) {
		fputs(" of ", out);
		print_name(out, n->image, strlen(n->image), 120);
	}
}

static void side(const struct report_options *opts, const struct suggest_result *result,
		 const struct need_side *s, const char *one, const char *many)
{
	FILE *out = opts->out;
	uint64_t ids = idset_size(&s->ids);

	fprintf(out, "  %" PRIu64 " %s, the highest %" PRId64 ": ", ids, plural(ids, one, many),
		s->highest.id);
	place(opts, result, &s->highest);
	fputc('\n', out);
	for (size_t i = 0; i < s->beyond_count; i++) {
		print_styled(opts, STYLE_BAD, "  %s %" PRId64, one, s->beyond[i].id);
		fputs(" is in no map at all, the image must change: ", out);
		place(opts, result, &s->beyond[i]);
		fputc('\n', out);
	}
	if (s->beyond_more)
		fprintf(out, "  ... and further %s that are in no map\n", many);
}

static void needs(const struct report_options *opts, const struct suggest_result *result)
{
	FILE *out = opts->out;
	const char *comma = "";

	for (size_t i = 0; i < result->image_count; i++) {
		const char *label = result->images[i].label;

		if (result->images[i].failed)
			continue;
		fputs(comma, out);
		print_name(out, label, strlen(label), 200);
		comma = ", ";
	}
	fputs(result->needs->images > 1 ? " need in one map\n" : " needs\n", out);
	side(opts, result, &result->needs->uid, "uid", "uids");
	side(opts, result, &result->needs->gid, "gid", "gids");
	if (result->needs->no_user) {
		fputs("  note: the ids of USER are not known: ", out);
		print_name(out, result->needs->no_user, strlen(result->needs->no_user), 200);
		fputc('\n', out);
	}
}

struct shown {
	const struct report_options *opts;
	size_t lines, left;
};

static int line(void *ctx, const char *where, const char *text, struct error *err)
{
	struct shown *s = ctx;
	FILE *out = s->opts->out;

	if (!s->opts->all && s->lines == LINES_SHOWN) {
		s->left++;
		return 0;
	}
	s->lines++;
	fprintf(out, "    %-*s", WHERE_COLUMN, where);
	if (s->opts->all || strlen(text) <= LINE_SHOWN)
		fputs(text, out);
	else
		fprintf(out, "%.*s... (--all shows it whole)", LINE_SHOWN, text);
	fputc('\n', out);
	return print_check(out, err);
}

static void row(FILE *out, const char *name, const char *text)
{
	if (text[0])
		fprintf(out, "    %-*s%s\n", WHERE_COLUMN, name, text);
}

static void sizes(FILE *out, const struct suggestion *s)
{
	bool sparse = s->row->extents_max > 2;

	fprintf(out, "%" PRIu64 " %s", s->uids, plural(s->uids, "uid", "uids"));
	if (sparse && s->map.uid.count > 1)
		fprintf(out, " in %zu extents", s->map.uid.count);
	if (s->row->same) {
		fputs(" and as many gids", out);
		return;
	}
	fprintf(out, ", %" PRIu64 " %s", s->gids, plural(s->gids, "gid", "gids"));
	if (sparse && s->map.gid.count > 1)
		fprintf(out, " in %zu extents", s->map.gid.count);
}

static int possible(const struct report_options *opts, const struct suggestion *s,
		    struct error *err)
{
	FILE *out = opts->out;
	struct shown shown = { .opts = opts };
	int r;

	sizes(out, s);
	fputs(s->usual ? "; its usual range holds them: nothing to change\n" : "\n", out);
	r = suggest_lines(s, line, &shown, err);
	if (r < 0)
		return r;
	if (shown.left)
		fprintf(out, "    %-*s%zu more lines (--all shows them)\n", WHERE_COLUMN, "...",
			shown.left);
	if (s->usual)
		return 0;
	row(out, "then", s->row->then);
	row(out, "limit", s->row->limit);
	if (s->vast)
		row(out, "beware",
		    "host ids above 600100000, which useradd gives to nobody and directories "
		    "(AD, LDAP)\n                   give to people: rather change the image");
	/* runc's and crun's own template of a config.json mounts devpts with gid=5. */
	if ((s->row->form == SUGGEST_OCI || s->row->form == SUGGEST_OCI_SUBID) &&
	    !idmap_lookup(&s->map.gid, 5, NULL))
		row(out, "beware", "take gid=5 out of the devpts mount, or map it too (--also 5)");
	return 0;
}

static int suggestion(const struct report_options *opts, const struct suggestion *s,
		      struct error *err)
{
	FILE *out = opts->out;

	fputc('\n', out);
	print_styled(opts, STYLE_BOLD, "%s", s->row->name);
	fprintf(out, "  %s: ", s->row->title);
	if (s->why == SUGGEST_POSSIBLE)
		return possible(opts, s, err);
	print_styled(opts, STYLE_BAD, "cannot hold them, the image must change");
	fprintf(out, ": %s\n", suggest_why_text(s));
	row(out, "limit", s->row->limit);
	return 0;
}

static bool range_holds(const char *range, const struct idset *ids)
{
	_cleanup_(idmap_pair_freep) struct idmap_pair map = { 0 };
	struct error err;

	if (idmap_parse(&map, range, IDMAP_UID, &err) < 0)
		return false;
	for (size_t i = 0; i < ids->count; i++)
		if (!idmap_lookup(&map.uid, ids->ranges[i].first, NULL) ||
		    !idmap_lookup(&map.uid, ids->ranges[i].last, NULL))
			return false;
	return true;
}

bool suggest_target_holds(const struct target *t, const struct suggest_result *result)
{
	const char *gid = t->gid_range && t->gid_range[0] ? t->gid_range : t->uid_range;

	return range_holds(t->uid_range, &result->needs->uid.ids) &&
	       range_holds(gid, &result->needs->gid.ids);
}

static void fixed(const struct report_options *opts, const struct suggest_result *result)
{
	size_t count, told = 0;
	const struct target *all = target_all(&count);

	for (size_t i = 0; i < count; i++) {
		if (all[i].range_changeable || suggest_target_holds(&all[i], result))
			continue;
		fprintf(opts->out, "%s%s",
			told++ ? ", "
			       : "\nNobody can change the range of these, and it is too small, so "
				 "the image must "
				 "change:\n    ",
			all[i].name);
	}
	if (told)
		fputc('\n', opts->out);
}

static int report_text(const struct report_options *opts, const struct suggest_result *result,
		       struct error *err)
{
	int r = 0;

	if (!result->needs->images)
		return 0;
	needs(opts, result);
	if (opts->quiet)
		return print_check(opts->out, err);
	if (!idset_has(result->uid, ID_OVERFLOW) || !idset_has(result->gid, ID_OVERFLOW))
		fputs("  These maps hold that and no more; --also 0-65535 keeps what programs may "
		      "want later.\n",
		      opts->out);
	for (size_t i = 0; i < result->suggestion_count && r >= 0; i++)
		r = suggestion(opts, &result->suggestions[i], err);
	if (r >= 0 && !result->chosen)
		fixed(opts, result);
	fflush(opts->out);
	return r < 0 ? r : print_check(opts->out, err);
}

int suggest_report(const struct report_options *opts, const struct suggest_result *result,
		   struct error *err)
{
	return opts->format == REPORT_JSON ? suggest_report_json(opts, result, err)
					   : report_text(opts, result, err);
}
