#include "fix/past.h"

#include <string.h>

#include "oci/json.h"

static int get_digest(json_t *row, const char *key, struct oci_digest *out, struct error *err)
{
	const char *text = NULL;
	int r = oci_json_string(row, key, &text, err);

	if (r == 0 && !text)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no '%s'", key);
	return r < 0 ? r : oci_digest_parse(out, text, err);
}

/* A document of before; *data stays NULL where there is none. want is its digest. */
static int get_document(const struct fix_past *p, json_t *row, const char *key,
			const struct limits *limits, const struct oci_digest *want, uint8_t **data,
			size_t *len, struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	char hex[DIGEST_HEX_MAX + 1];
	const char *text = NULL;
	int r = oci_json_string(row, key, &text, err);

	if (r < 0 || !text)
		return r;
	r = fix_report_file_bytes(&p->file, text, &in, err);
	if (r == 0)
		r = stream_read_all(in, limits->v[LIMIT_JSON_SIZE], data, len, err);
	if (r < 0)
		return err_wrap(err, "%s", key);
	r = digest_hex(want->algo, *data, *len, hex, err);
	if (r == 0 && strcmp(hex, oci_digest_hex(want)) != 0)
		r = err_fail(err, ERR_DIGEST, 0, "%s has not the digest %s", key, want->text);
	return r;
}

static int read_layer(struct fix_past *p, json_t *row, const struct limits *limits,
		      struct error *err)
{
	struct fix_past_layer *l = &p->layers[p->layer_count++];
	int r = get_digest(row, "old_diff_id", &l->old, err);

	if (r == 0)
		r = get_digest(row, "diff_id", &l->new, err);
	if (r == 0)
		r = oci_json_u64(row, "old_size", &l->sizes.old, err);
	if (r == 0)
		r = oci_json_u64(row, "size", &l->sizes.new, err);
	if (r == 0)
		r = oci_json_string(row, "difference", &l->operations, err);
	if (r < 0)
		return r;
	if (!l->operations)
		return err_fail(err, ERR_BAD_INPUT, 0, "no 'difference'");
	return l->sizes.old <= limits->v[LIMIT_LAYER_SIZE]
		       ? 0
		       : limit_passed(limits, LIMIT_LAYER_SIZE, "old_size", err);
}

static int read_image(struct fix_past *p, json_t *row, const struct limits *limits,
		      struct error *err)
{
	struct fix_past_image *img = &p->images[p->image_count++];
	const char *digest = NULL;
	int r = get_digest(row, "config_digest", &img->config, err);

	if (r == 0)
		r = get_digest(row, "old_config_digest", &img->old_config, err);
	if (r == 0)
		r = oci_json_array(row, "names", &img->names, err);
	if (r == 0)
		r = oci_json_string(row, "old_digest", &digest, err);
	if (r == 0 && digest)
		r = oci_digest_parse(&img->old_digest, digest, err);
	if (r == 0)
		r = get_document(p, row, "old_config", limits, &img->old_config, &img->config_bytes,
				 &img->config_len, err);
	if (r == 0 && digest)
		r = get_document(p, row, "old_manifest", limits, &img->old_digest,
				 &img->manifest_bytes, &img->manifest_len, err);
	if (r == 0 && !img->config_bytes)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no 'old_config'");
	return r < 0 ? r
		     : oci_config_parse(&img->parsed, img->config_bytes, img->config_len, limits,
					err);
}

static int read_index(struct fix_past *p, json_t *row, const struct limits *limits,
		      struct error *err)
{
	struct fix_past_index *x = &p->indexes[p->index_count++];
	int r = get_digest(row, "digest", &x->digest, err);

	if (r == 0)
		r = get_digest(row, "old_digest", &x->old_digest, err);
	if (r == 0)
		r = get_document(p, row, "old_index", limits, &x->old_digest, &x->bytes, &x->len,
				 err);
	return r == 0 && !x->bytes ? err_fail(err, ERR_BAD_INPUT, 0, "no 'old_index'") : r;
}

typedef int row_fn(struct fix_past *p, json_t *row, const struct limits *limits, struct error *err);

/* Allocates *rows, of size bytes each, and reads every element into the next one. */
static int read_rows(struct fix_past *p, json_t *undo, const char *key, void *rows, size_t size,
		     row_fn *fn, const struct limits *limits, struct error *err)
{
	json_t *list = NULL;
	int r = oci_json_array(undo, key, &list, err);
	void *made = r < 0 ? NULL : calloc(json_array_size(list) + 1, size);

	if (r < 0)
		return r;
	if (!made)
		return err_nomem(err);
	memcpy(rows, &made, sizeof(made));
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *row = json_array_get(list, i);

		r = json_is_object(row) ? fn(p, row, limits, err)
					: err_fail(err, ERR_BAD_INPUT, 0, "no object");
		if (r < 0)
			return err_wrap(err, "undo.%s[%zu]", key, i);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct fix_past_layer *x = a, *y = b;

	return strcmp(x->old.text, y->old.text);
}

static int read_undo(struct fix_past *p, json_t *undo, const struct limits *limits,
		     struct error *err)
{
	uint64_t version = 0;
	int r = oci_json_u64(undo, "version", &version, err);

	if (r == 0 && version != FIX_PAST_VERSION)
		r = err_fail(err, ERR_UNSUPPORTED, 0,
			     "undo.version is %llu, which a later uidfit reads",
			     (unsigned long long)version);
	if (r == 0)
		r = read_rows(p, undo, "layers", &p->layers, sizeof(*p->layers), read_layer, limits,
			      err);
	if (r == 0)
		r = read_rows(p, undo, "images", &p->images, sizeof(*p->images), read_image, limits,
			      err);
	if (r == 0)
		r = read_rows(p, undo, "indexes", &p->indexes, sizeof(*p->indexes), read_index,
			      limits, err);
	if (r == 0)
		qsort(p->layers, p->layer_count, sizeof(*p->layers), compare);
	return r;
}

/* Why there is nothing to undo, in the words of who asks. */
static int refuse(json_t *doc, struct error *err)
{
	bool dry_run = false, undone = false;
	int r = oci_json_bool(doc, "dry_run", &dry_run, err);

	if (r == 0)
		r = oci_json_bool(doc, "undone", &undone, err);
	if (r < 0)
		return r;
	if (dry_run)
		return err_fail(
			err, ERR_DENIED, 0,
			"the report is of a dry run: nothing was done that could be undone");
	if (undone)
		return err_fail(
			err, ERR_DENIED, 0,
			"the report is of an undo: uidfit fix does again what it took back");
	return err_fail(err, ERR_DENIED, 0,
			"the report holds nothing that leads back: --report of a uidfit that "
			"writes the member 'undo' does");
}

int fix_past_read(struct fix_past **out, const char *path, const struct limits *limits,
		  struct error *err)
{
	_cleanup_(fix_past_freep) struct fix_past *p = calloc(1, sizeof(*p));
	json_t *undo = NULL;
	int r;

	if (!p)
		return err_nomem(err);
	p->file.fd = -1;
	r = fix_report_file_open(&p->file, path, err);
	if (r == 0)
		r = oci_json_object(p->file.doc, "undo", &undo, err);
	if (r == 0)
		r = undo ? read_undo(p, undo, limits, err) : refuse(p->file.doc, err);
	if (r < 0)
		return err_wrap(err, "--undo %s", path);
	*out = STEAL(p);
	return 0;
}

void fix_past_free(struct fix_past *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->image_count; i++) {
		free(p->images[i].config_bytes);
		free(p->images[i].manifest_bytes);
		oci_config_free(&p->images[i].parsed);
	}
	for (size_t i = 0; i < p->index_count; i++)
		free(p->indexes[i].bytes);
	free(p->layers);
	free(p->images);
	free(p->indexes);
	fix_report_file_close(&p->file);
	free(p);
}

const struct fix_past_layer *fix_past_layer(const struct fix_past *p, const struct oci_digest *old)
{
	const struct fix_past_layer key = { .old = *old };

	return bsearch(&key, p->layers, p->layer_count, sizeof(key), compare);
}

int fix_past_open(const struct fix_past *p, const struct fix_past_layer *layer, struct stream *tar,
		  const struct limits *limits, struct stream **out, struct error *err)
{
	struct stream *packed, *operations;
	int r = fix_report_file_bytes(&p->file, layer->operations, &packed, err);

	if (r < 0)
		return r;
	r = codec_open(&operations, CODEC_ZSTD, packed, limits, err);
	if (r < 0) {
		stream_close(packed);
		return r;
	}
	r = fix_difference_open(out, tar, operations, &layer->sizes, err);
	if (r < 0)
		stream_close(operations);
	return r;
}
