#include "report/fix-past.h"

#include "fix/past.h"

static int pack(void *ctx, const void *bytes, size_t n, _unused_ struct error *err)
{
	jsonw_base64(ctx, bytes, n);
	return 0;
}

static int layer(struct jsonw *w, const struct fix_blob *b, struct error *err)
{
	int r;

	jsonw_open(w, NULL, '{');
	jsonw_str(w, "diff_id", b->diff_id.text);
	jsonw_u64(w, "size", fix_difference_new_size(b->difference));
	jsonw_str(w, "old_diff_id", b->source->diff_id.text);
	jsonw_u64(w, "old_size", fix_difference_old_size(b->difference));
	jsonw_base64_open(w, "difference");
	r = fix_difference_pack(b->difference, pack, w, err);
	jsonw_base64_close(w);
	jsonw_close(w);
	return r;
}

static void document(struct jsonw *w, const char *key, const void *bytes, size_t n)
{
	if (!bytes) {
		jsonw_null(w, key);
		return;
	}
	jsonw_base64_open(w, key);
	jsonw_base64(w, bytes, n);
	jsonw_base64_close(w);
}

static int image(struct jsonw *w, const struct fix_image *img, struct error *err)
{
	const struct source_image *s = img->image->source;
	char hex[DIGEST_HEX_MAX + 1], old[sizeof(hex) + 8];
	int r = digest_hex(DIGEST_SHA256, s->config_bytes, s->config_len, hex, err);

	if (r < 0)
		return r;
	snprintf(old, sizeof(old), "sha256:%s", hex);
	jsonw_open(w, NULL, '{');
	jsonw_open(w, "names", '[');
	for (size_t i = 0; i < s->name_count; i++)
		jsonw_str(w, NULL, s->names[i]);
	jsonw_close(w);
	jsonw_str(w, "config_digest", img->config.text);
	jsonw_str(w, "old_config_digest", old);
	document(w, "old_config", s->config_bytes, s->config_len);
	/* Without a manifest the source's digest is another document's. */
	jsonw_str(w, "old_digest", s->manifest_bytes ? s->digest.text : NULL);
	document(w, "old_manifest", s->manifest_bytes, s->manifest_len);
	jsonw_close(w);
	return 0;
}

static void index_row(struct jsonw *w, const struct fix_new_index *x)
{
	jsonw_open(w, NULL, '{');
	jsonw_str(w, "digest", x->digest.text);
	jsonw_str(w, "old_digest", x->source->digest.text);
	document(w, "old_index", x->source->bytes, x->source->len);
	jsonw_close(w);
}

int fix_past_json(struct jsonw *w, const struct fix_plan *p, struct error *err)
{
	unsigned depth = w->depth;
	int r = 0;

	jsonw_open(w, "undo", '{');
	jsonw_u64(w, "version", FIX_PAST_VERSION);
	jsonw_open(w, "layers", '[');
	for (size_t i = 0; i < p->blob_count && r == 0; i++)
		if (p->blobs[i].difference)
			r = layer(w, &p->blobs[i], err);
	jsonw_close(w);
	jsonw_open(w, "images", '[');
	for (size_t i = 0; i < p->image_count && r == 0; i++)
		r = image(w, &p->images[i], err);
	jsonw_close(w);
	jsonw_open(w, "indexes", '[');
	for (size_t i = 0; i < p->index_count; i++)
		index_row(w, &p->indexes[i]);
	jsonw_unwind(w, depth);
	return r;
}
