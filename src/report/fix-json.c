/* uidfit/fix/1.
 */
#include <string.h>

#include "report/fix-past.h"
#include "report/fix.h"
#include "report/json-writer.h"
#include "report/print.h"

static void ids(struct jsonw *w, const char *key, const struct fix_side *s)
{
	jsonw_open(w, key, '[');
	for (size_t i = 0; i < s->count; i++) {
		const struct fix_id *id = &s->ids[i];

		if (id->why == FIX_STAYS)
			continue;
		jsonw_open(w, NULL, '{');
		jsonw_i64(w, "old", id->old);
		jsonw_u64(w, "new", id->new);
		jsonw_str(w, "name", id->name);
		jsonw_str(w, "why", fix_why_name(id->why));
		jsonw_u64(w, "entries", id->entries);
		jsonw_open(w, "layers", '[');
		for (size_t k = 0; k < id->layer_count; k++)
			jsonw_u64(w, NULL, id->layers[k]);
		jsonw_close(w);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static void digest(struct jsonw *w, const char *key, const struct oci_digest *d)
{
	jsonw_str(w, key, d->text[0] ? d->text : NULL);
}

static int layer(struct jsonw *w, size_t index, const struct image_layer *l,
		 const struct fix_blob *b)
{
	int r = 0;

	jsonw_open(w, NULL, '{');
	jsonw_u64(w, "index", index);
	jsonw_bool(w, "changed", b->changed);
	digest(w, "old_digest", &l->source->digest);
	digest(w, "old_diff_id", &l->source->diff_id);
	digest(w, "digest", &b->digest);
	digest(w, "diff_id", &b->diff_id);
	jsonw_u64(w, "entries", b->inventory->entries);
	jsonw_u64(w, "changed_entries", b->entries);
	jsonw_u64(w, "bytes", b->changed ? b->inventory->tar_size : 0);
	jsonw_u64(w, "patched_bytes", b->patched);
	jsonw_open(w, "files", '[');
	for (size_t i = 0; i < b->file_count && r == 0; i++) {
		jsonw_open(w, NULL, '{');
		r = jsonw_path(w, b->files[i].path, strlen(b->files[i].path));
		jsonw_close(w);
	}
	jsonw_close(w);
	jsonw_close(w);
	return r;
}

static int image(struct jsonw *w, const struct fix_plan *p, const struct fix_image *img)
{
	const struct source_image *s = img->image->source;
	char platform[100];
	int r = 0;

	platform_print(&s->platform, platform);
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "image", s->name);
	jsonw_str(w, "platform", platform[0] ? platform : NULL);
	digest(w, "old_digest", &s->digest);
	jsonw_bool(w, "changed", img->changed);
	jsonw_str(w, "old_user", s->config.user);
	jsonw_str(w, "user", fix_image_user(img));
	jsonw_open(w, "layers", '[');
	for (size_t i = 0; i < img->image->layer_count && r == 0; i++)
		r = layer(w, i, &img->image->layers[i], &p->blobs[img->blobs[i]]);
	jsonw_close(w);
	jsonw_close(w);
	return r;
}

static int special(struct jsonw *w, const struct fix_special *s)
{
	int r;

	jsonw_open(w, NULL, '{');
	r = jsonw_path(w, s->path, s->path_len);
	jsonw_u64(w, "mode", s->mode);
	jsonw_i64(w, "uid", s->uid);
	jsonw_i64(w, "gid", s->gid);
	jsonw_u64(w, "new_uid", s->new_uid);
	jsonw_u64(w, "new_gid", s->new_gid);
	jsonw_close(w);
	return r;
}

static int mention(struct jsonw *w, const struct fix_mention *m)
{
	int r = 0;

	jsonw_open(w, NULL, '{');
	if (m->in_config) {
		jsonw_text(w, "config", m->place, m->place_len);
	} else {
		r = jsonw_path(w, m->place, m->place_len);
		jsonw_u64(w, "layer", m->layer);
		jsonw_u64(w, "line", m->line);
	}
	jsonw_str(w, "kind", m->is_gid ? "gid" : "uid");
	jsonw_i64(w, "old", m->old);
	jsonw_u64(w, "new", m->new);
	jsonw_close(w);
	return r;
}

int fix_report_json(const struct report_options *opts, const struct fix_told *told,
		    struct error *err)
{
	const struct fix_plan *p = told->plan;
	struct jsonw w = { .out = opts->out };
	int r = 0;

	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/fix/1");
	jsonw_str(&w, "version", UIDFIT_VERSION);
	jsonw_str(&w, "source", told->source);
	jsonw_str(&w, "dest", told->dest);
	jsonw_bool(&w, "dry_run", told->dry_run);
	jsonw_bool(&w, "changed", p->changed);
	if (p->past)
		jsonw_bool(&w, "undone", !told->dry_run);
	jsonw_open(&w, "mapping", '{');
	ids(&w, "uid", &p->ids.uid);
	ids(&w, "gid", &p->ids.gid);
	jsonw_close(&w);
	jsonw_open(&w, "images", '[');
	for (size_t i = 0; i < p->image_count && r == 0; i++)
		r = image(&w, p, &p->images[i]);
	jsonw_close(&w);
	jsonw_open(&w, "special_bits_dropped", '[');
	for (size_t i = 0; i < p->special_count && r == 0; i++)
		r = special(&w, &p->specials[i]);
	jsonw_close(&w);
	jsonw_open(&w, "mentions", '[');
	for (size_t i = 0; i < p->mention_count && r == 0; i++)
		r = mention(&w, &p->mentions[i]);
	jsonw_close(&w);
	jsonw_open(&w, "notes", '[');
	for (size_t i = 0; told->notes && i < notes_count(told->notes); i++)
		jsonw_str(&w, NULL, notes_get(told->notes, i));
	jsonw_close(&w);
	if (r < 0)
		r = err_nomem(err);
	else if (told->leads_back)
		r = fix_past_json(&w, p, err);
	jsonw_unwind(&w, 0);
	fputc('\n', opts->out);
	return r < 0 ? r : print_check(opts->out, err);
}
