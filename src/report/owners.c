/* Who owns what: every distinct uid:gid of an image, or every entry of those that are asked for.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "inventory/path.h"
#include "report/json-writer.h"
#include "report/lsmode.h"
#include "report/owner-table.h"
#include "report/print.h"
#include "report/words.h"

struct owners_report {
	struct report_options opts;
	struct owners_filter filter;
	struct jsonw json;
	struct buf under; /* cleaned */
	size_t images;
};

/* One image under way. */
struct owners_image {
	struct owners_report *r;
	struct image *img;
	struct accounts accounts;
	struct owner_except except;
	struct owner_table table;
	uint64_t listed;
};

int owners_report_begin(struct owners_report **out, const struct report_options *opts,
			const struct owners_filter *filter, struct error *err)
{
	struct owners_report *r = calloc(1, sizeof(*r));
	bool escapes;

	if (!r)
		return err_nomem(err);
	r->opts = *opts;
	r->filter = *filter;
	r->json.out = opts->out;
	if (filter->under &&
	    path_clean(&r->under, filter->under, strlen(filter->under), &escapes) < 0) {
		owners_report_free(r);
		return err_nomem(err);
	}
	if (opts->format == REPORT_JSON) {
		jsonw_open(&r->json, NULL, '{');
		jsonw_str(&r->json, "schema", "uidfit/owners/1");
		jsonw_open(&r->json, "results", '[');
	}
	*out = r;
	return 0;
}

static bool is_asked_for(const struct owners_image *o, const struct inv_entry *e)
{
	const struct buf *under = &o->r->under;

	if (e->kind == INV_GLOBAL)
		return false;
	if (under->len &&
	    (e->path_len < under->len || memcmp(e->path, under->data, under->len) != 0 ||
	     (e->path_len > under->len && e->path[under->len] != '/')))
		return false;
	return !owner_is_excepted(&o->except, e->uid, e->gid);
}

static int list_json(struct owners_image *o, size_t layer, const struct inv_entry *e,
		     enum visible visible, long by_layer, struct error *err)
{
	struct jsonw *w = &o->r->json;
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", e->mode & 07777u);
	jsonw_open(w, NULL, '{');
	jsonw_u64(w, "layer", layer);
	if (jsonw_path(w, e->path, e->path_len) < 0)
		return err_nomem(err);
	jsonw_str(w, "type", inv_kind_name(e->kind));
	jsonw_str(w, "mode", mode);
	jsonw_i64(w, "uid", e->uid);
	jsonw_i64(w, "gid", e->gid);
	jsonw_u64(w, "size", e->size);
	jsonw_str(w, "visibility", visible_name(visible));
	if (by_layer >= 0)
		jsonw_i64(w, "by_layer", by_layer);
	else
		jsonw_null(w, "by_layer");
	jsonw_close(w);
	return 0;
}

static int list_text(struct owners_image *o, size_t layer, const struct inv_entry *e,
		     enum visible visible, long by_layer, struct error *err)
{
	_cleanup_(buf_freep) struct buf line = { 0 };
	FILE *out = o->r->opts.out;

	if (ls_line(&line, e) < 0)
		return err_nomem(err);
	fprintf(out, "%3zu  %s", layer, buf_str(&line));
	if (visible != VISIBLE && by_layer != (long)layer)
		fprintf(out, "  (%s by layer %ld)", visible_name(visible), by_layer);
	fputc('\n', out);
	return 0;
}

static int list_one(struct owners_image *o, size_t layer, const struct inv_entry *e,
		    struct error *err)
{
	enum visible visible;
	long by_layer;
	int r = image_visibility(o->img, layer, e, &visible, &by_layer, err);

	if (r < 0)
		return r;
	o->listed++;
	r = o->r->opts.format == REPORT_JSON ? list_json(o, layer, e, visible, by_layer, err)
					     : list_text(o, layer, e, visible, by_layer, err);
	return r < 0 ? r : print_check(o->r->opts.out, err);
}

static int walk_layer(struct owners_image *o, size_t layer, struct error *err)
{
	struct inv_iter it;
	struct inv_entry e;
	int r;

	inv_iter_init(&it, o->img->layers[layer].inventory);
	while ((r = inv_iter_next(&it, &e, err)) == 0) {
		if (!is_asked_for(o, &e))
			continue;
		r = o->r->filter.list ? list_one(o, layer, &e, err)
				      : owner_table_add(&o->table, layer, &e, err);
		if (r < 0)
			break;
	}
	inv_iter_done(&it);
	return r < 0 ? r : 0;
}

static int walk(struct owners_image *o, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < o->img->layer_count && r >= 0; i++)
		r = walk_layer(o, i, err);
	owner_table_sort(&o->table);
	return r;
}

static void name_of(struct jsonw *w, const char *key, const struct account *a)
{
	jsonw_str(w, key, a ? a->name : NULL);
}

/* examples, or, where one of them is not UTF-8, examples_raw: base64 of those, null for the others.
 */
static int examples(struct jsonw *w, const struct owner_row *row, bool raw)
{
	bool any = !raw;

	for (size_t k = 0; k < OWNER_EXAMPLES && row->examples[k]; k++)
		any |= !text_is_utf8(row->examples[k], row->example_len[k]);
	if (!any)
		return 0;
	jsonw_open(w, raw ? "examples_raw" : "examples", '[');
	for (size_t k = 0; k < OWNER_EXAMPLES && row->examples[k]; k++) {
		_cleanup_(buf_freep) struct buf path = { 0 }, base64 = { 0 };

		if (buf_append_str(&path, "/") < 0 ||
		    buf_append(&path, row->examples[k], row->example_len[k]) < 0 ||
		    text_base64(&base64, path.data, path.len) < 0)
			return -ERR_NOMEM;
		if (!raw)
			jsonw_text(w, NULL, path.data, path.len);
		else
			jsonw_str(w, NULL,
				  text_is_utf8(path.data, path.len) ? NULL : buf_str(&base64));
	}
	jsonw_close(w);
	return 0;
}

static int rows_json(struct owners_image *o, struct error *err)
{
	struct jsonw *w = &o->r->json;

	jsonw_open(w, "owners", '[');
	for (size_t i = 0; i < o->table.count; i++) {
		const struct owner_row *row = &o->table.rows[i];

		jsonw_open(w, NULL, '{');
		jsonw_i64(w, "uid", row->uid);
		jsonw_i64(w, "gid", row->gid);
		jsonw_u64(w, "entries", row->entries);
		jsonw_open(w, "layers", '[');
		for (size_t k = 0; k < row->layer_count; k++)
			jsonw_u64(w, NULL, row->layers[k]);
		jsonw_close(w);
		if (examples(w, row, false) < 0 || examples(w, row, true) < 0)
			return err_nomem(err);
		name_of(w, "user", accounts_user_by_id(&o->accounts, row->uid));
		name_of(w, "group", accounts_group_by_id(&o->accounts, row->gid));
		jsonw_close(w);
	}
	jsonw_close(w);
	return 0;
}

static void row_layers(FILE *out, const struct owner_row *row)
{
	for (size_t k = 0; k < row->layer_count; k++) {
		size_t last = k;

		while (last + 1 < row->layer_count &&
		       row->layers[last + 1] == row->layers[last] + 1)
			last++;
		fprintf(out, "%s%" PRIu32, k ? "," : "", row->layers[k]);
		if (last > k)
			fprintf(out, "-%" PRIu32, row->layers[last]);
		k = last;
	}
}

static int row_text(struct owners_image *o, const struct owner_row *row, struct error *err)
{
	const struct account *user = accounts_user_by_id(&o->accounts, row->uid);
	const struct account *group = accounts_group_by_id(&o->accounts, row->gid);
	FILE *out = o->r->opts.out;
	_cleanup_(buf_freep) struct buf names = { 0 };

	fprintf(out, "  %10" PRId64 " %10" PRId64 " %9" PRIu64 "  ", row->uid, row->gid,
		row->entries);
	print_name(out, user ? user->name : "-", user ? strlen(user->name) : 1, 32);
	fputc(':', out);
	print_name(out, group ? group->name : "-", group ? strlen(group->name) : 1, 32);
	fputs("  layer ", out);
	row_layers(out, row);
	for (size_t k = 0; k < OWNER_EXAMPLES && row->examples[k]; k++) {
		if (ls_path(&names, row->examples[k], row->example_len[k]) < 0)
			return err_nomem(err);
		fprintf(out, "%s%s", k ? ", " : "  ", buf_str(&names));
		buf_clear(&names);
	}
	fputc('\n', out);
	return 0;
}

static int rows_text(struct owners_image *o, const char *ref_text, struct error *err)
{
	FILE *out = o->r->opts.out;
	int r = 0;

	print_name(out, ref_text, strlen(ref_text), SIZE_MAX);
	fprintf(out, ": %zu %s of %" PRIu64 " %s in %zu %s\n", o->table.count,
		plural(o->table.count, "owner", "owners"), o->table.entries,
		plural(o->table.entries, "entry", "entries"), o->img->layer_count,
		plural(o->img->layer_count, "layer", "layers"));
	if (o->r->opts.quiet || !o->table.count)
		return 0;
	fprintf(out, "  %10s %10s %9s  %s\n", "uid", "gid", "entries",
		"user:group, layers, examples");
	for (size_t i = 0; i < o->table.count && r >= 0; i++)
		r = row_text(o, &o->table.rows[i], err);
	return r;
}

static int image_json(struct owners_image *o, struct error *err)
{
	struct jsonw *w = &o->r->json;
	const char *name = o->img->source->name;
	int r;

	jsonw_str(w, "name", name && name[0] ? name : NULL);
	if (o->r->filter.list) {
		jsonw_open(w, "entries", '[');
		r = walk(o, err);
		if (r >= 0)
			jsonw_close(w);
		return r;
	}
	r = walk(o, err);
	return r < 0 ? r : rows_json(o, err);
}

static int image_text(struct owners_image *o, const char *ref_text, struct error *err)
{
	FILE *out = o->r->opts.out;
	int r;

	if (o->r->images++)
		fputc('\n', out);
	if (o->r->filter.list) {
		print_name(out, ref_text, strlen(ref_text), SIZE_MAX);
		fputs(": layer, mode, uid, gid, size, path\n", out);
	}
	r = walk(o, err);
	if (r >= 0)
		r = o->r->filter.list ? 0 : rows_text(o, ref_text, err);
	if (r >= 0 && o->except.unknown) {
		fputs("  note: --except ", out);
		print_name(out, o->except.unknown, strlen(o->except.unknown), 80);
		fputs(": no such user or group in the image\n", out);
	}
	for (int groups = 0; groups < 2 && r >= 0; groups++) {
		_cleanup_(buf_freep) struct buf why = { 0 };

		if (words_unread(&why, &o->accounts, groups) < 0)
			return err_nomem(err);
		if (why.len)
			fprintf(out, "  note: %s\n", buf_str(&why));
	}
	return r;
}

int owners_report_image(struct owners_report *r, const char *ref_text, struct image *img,
			struct error *err)
{
	struct owners_image o = { .r = r, .img = img };
	bool json = r->opts.format == REPORT_JSON;
	unsigned depth = r->json.depth;
	int ret;

	if (json) {
		jsonw_open(&r->json, NULL, '{');
		jsonw_str(&r->json, "image", ref_text);
	}
	ret = accounts_load(&o.accounts, img, err);
	if (ret >= 0)
		ret = owner_except_make(&o.except, r->filter.except, r->filter.except_count,
					&o.accounts, err);
	if (ret >= 0)
		ret = json ? image_json(&o, err) : image_text(&o, ref_text, err);
	if (json) {
		jsonw_unwind(&r->json, depth + 1);
		if (ret < 0)
			jsonw_error(&r->json, err);
		jsonw_close(&r->json);
	}
	owner_table_free(&o.table);
	owner_except_free(&o.except);
	accounts_free(&o.accounts);
	return ret < 0 ? ret : print_check(r->opts.out, err);
}

int owners_report_failed(struct owners_report *r, const char *ref_text, const struct error *why,
			 struct error *err)
{
	if (r->opts.format == REPORT_JSON) {
		jsonw_open(&r->json, NULL, '{');
		jsonw_str(&r->json, "image", ref_text);
		jsonw_open(&r->json, "owners", '[');
		jsonw_close(&r->json);
		jsonw_error(&r->json, why);
		jsonw_close(&r->json);
	}
	return print_check(r->opts.out, err);
}

int owners_report_end(struct owners_report *r, struct error *err)
{
	if (r->opts.format == REPORT_JSON) {
		jsonw_unwind(&r->json, 0);
		fputc('\n', r->opts.out);
	}
	fflush(r->opts.out);
	return print_check(r->opts.out, err);
}

void owners_report_free(struct owners_report *r)
{
	if (r)
		buf_free(&r->under);
	free(r);
}
