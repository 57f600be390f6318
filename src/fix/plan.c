#include "fix/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "fix/past.h"

#define SPECIAL_BITS 06000u

bool fix_renumber(const void *plan, bool is_gid, int64_t id, uint32_t *to)
{
	const struct fix_plan *p = plan;
	const struct fix_id *row = fix_ids_find(&p->ids, is_gid, id);

	if (!row || row->why == FIX_STAYS)
		return false;
	*to = row->new;
	return true;
}

static bool whiteout_change(const struct fix_plan *p, int64_t uid, int64_t gid,
			    struct fix_change *out)
{
	if (fix_maps_hold(&p->maps, false, uid) && fix_maps_hold(&p->maps, true, gid))
		return false;
	*out = (struct fix_change){ .uid = uid != 0, .gid = gid != 0 };
	return true;
}

bool fix_change_of(const struct fix_plan *p, enum inv_kind kind, unsigned mode, int64_t uid,
		   int64_t gid, struct fix_change *out)
{
	const struct fix_id *u, *g;
	bool file = kind == INV_REG || kind == INV_HARDLINK;

	*out = (struct fix_change){ 0 };
	if (kind == INV_GLOBAL)
		return false;
	if (kind == INV_WHITEOUT || kind == INV_OPAQUE)
		return whiteout_change(p, uid, gid, out);
	out->uid = fix_renumber(p, false, uid, &out->new_uid);
	out->gid = fix_renumber(p, true, gid, &out->new_gid);
	u = out->uid ? fix_ids_find(&p->ids, false, uid) : NULL;
	g = out->gid ? fix_ids_find(&p->ids, true, gid) : NULL;
	/* Whoever gets the file would lend another one's rights with it. */
	if (file && ((u && mode & 04000 && !u->own) || (g && mode & 02000 && !g->own)))
		out->clear_mode = mode & SPECIAL_BITS;
	return out->uid || out->gid;
}

static size_t blob_of(struct fix_plan *p, const struct image_layer *l, size_t layer)
{
	size_t i = 0;

	while (i < p->blob_count && p->blobs[i].inventory != l->inventory)
		i++;
	if (i == p->blob_count)
		p->blobs[p->blob_count++] = (struct fix_blob){ .inventory = l->inventory,
							       .source = l->source,
							       .verified = l->verified,
							       .cached = l->cached,
							       .layer = layer,
							       .codec = l->inventory->codec };
	return i;
}

static int list(struct fix_plan *p, struct error *err)
{
	size_t layers = 0;

	for (size_t i = 0; i < p->set->count; i++)
		layers += p->set->images[i].layer_count;
	p->blobs = calloc(layers + 1, sizeof(*p->blobs));
	p->images = calloc(p->set->count + 1, sizeof(*p->images));
	if (!p->blobs || !p->images)
		return err_nomem(err);
	for (size_t i = 0; i < p->set->count; i++) {
		struct image *img = &p->set->images[i];
		struct fix_image *out = &p->images[p->image_count++];

		out->image = img;
		out->blobs = calloc(img->layer_count + 1, sizeof(*out->blobs));
		if (!out->blobs)
			return err_nomem(err);
		for (size_t k = 0; k < img->layer_count; k++)
			out->blobs[k] = blob_of(p, &img->layers[k], k);
	}
	return 0;
}

static int put_part(struct buf *out, const struct fix_plan *p, bool is_gid, const char *s, size_t n,
		    bool *changed)
{
	uint32_t to;
	int64_t id;

	if (!num_i64(s, n, &id) || !fix_renumber(p, is_gid, id, &to))
		return buf_append(out, s, n);
	*changed = true;
	return buf_printf(out, "%" PRIu32, to);
}

/* A USER by number; names mean by passwd what they meant. */
static int plan_user(const struct fix_plan *p, struct fix_image *img, struct error *err)
{
	const char *user = img->image->source->config.user;
	struct buf out = { 0 };
	bool changed = false;
	size_t n;

	if (!user || !*user)
		return 0;
	n = strcspn(user, ":");
	if (put_part(&out, p, false, user, n, &changed) < 0 ||
	    (user[n] &&
	     (buf_append(&out, ":", 1) < 0 ||
	      put_part(&out, p, true, user + n + 1, strlen(user + n + 1), &changed) < 0))) {
		buf_free(&out);
		return err_nomem(err);
	}
	if (!changed)
		buf_free(&out);
	img->user = (char *)out.data;
	return 0;
}

static int plan_images(struct fix_plan *p, struct error *err)
{
	for (size_t i = 0; i < p->image_count; i++) {
		struct fix_image *img = &p->images[i];
		int r = plan_user(p, img, err);

		if (r < 0)
			return r;
		img->changed = img->user != NULL;
		for (size_t k = 0; k < img->image->layer_count; k++)
			img->changed |= p->blobs[img->blobs[k]].changed;
		p->changed |= img->changed;
	}
	return 0;
}

int fix_plan_make(struct fix_plan **out, struct image_set *set, const struct fix_options *opts,
		  struct error *err)
{
	_cleanup_(fix_plan_freep) struct fix_plan *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_nomem(err);
	p->opts = opts;
	p->set = set;
	r = fix_maps_make(&p->maps, opts->uses, opts->use_count, err);
	if (r == 0)
		r = list(p, err);
	if (r == 0)
		r = fix_gather(p, err);
	if (r == 0)
		r = fix_policy_apply(&opts->policy, &p->maps, &p->ids, err);
	if (r == 0)
		r = fix_layers(p, err);
	if (r == 0)
		r = plan_images(p, err);
	if (r == 0)
		r = fix_remarks(p, err);
	if (r == 0)
		r = fix_mentions(p, err);
	if (r == 0)
		*out = STEAL(p);
	return r;
}

const char *fix_image_user(const struct fix_image *img)
{
	if (img->past)
		return img->past->parsed.user;
	return img->user ? img->user : img->image->source->config.user;
}

void fix_plan_free(struct fix_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->blob_count; i++) {
		for (size_t k = 0; k < p->blobs[i].file_count; k++) {
			free(p->blobs[i].files[k].path);
			free(p->blobs[i].files[k].data);
		}
		free(p->blobs[i].files);
		free(p->blobs[i].links);
		fix_difference_free(p->blobs[i].difference);
	}
	for (size_t i = 0; i < p->image_count; i++) {
		free(p->images[i].blobs);
		free(p->images[i].user);
	}
	for (size_t i = 0; i < p->special_count; i++)
		free(p->specials[i].path);
	for (size_t i = 0; i < p->mention_count; i++)
		free(p->mentions[i].place);
	free(p->blobs);
	free(p->images);
	free(p->indexes);
	fix_ids_free(&p->ids);
	fix_maps_free(&p->maps);
	free(p);
}
