#include "fix/apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fix/documents.h"
#include "fix/past.h"
#include "fix/rewrite.h"
#include "stream/digest.h"
#include "stream/encode.h"
#include "stream/watch.h"

struct apply {
	struct fix_plan *plan;
	struct source *source;
	struct sink *sink;
	const struct limits *limits;
	unsigned threads;
	bool record;
	bool plain; /* a layer is not compressed as its manifest says */
	struct progress *progress;
	size_t line;			    /* of the blob in work, */
	bool exists;			    /* which the destination had */
	const struct source_index *indexes; /* that are made anew */
	size_t index_count;
	const struct source_index *root; /* index.json of the source, or NULL */
	struct oci_index listed;	 /* the same */
	struct fix_moved *moved;	 /* manifests, then indexes from the innermost out */
	size_t moved_count;
};

static void set_digest(struct oci_digest *out, const char *hex)
{
	*out = (struct oci_digest){ .algo = DIGEST_SHA256 };
	snprintf(out->text, sizeof(out->text), "sha256:%s", hex);
}

/* The blob's bytes, with progress told as they pass. */
static int open_told(struct apply *a, struct fix_blob *b, enum progress_step step,
		     struct stream **out, struct error *err)
{
	_cleanup_(stream_closep) struct stream *raw = NULL;
	int r = source_layer_open(a->source, b->source, &raw, err);

	if (r == 0)
		r = stream_open_watched(out, raw, a->progress, a->line, step, err);
	if (r == 0)
		raw = NULL;
	return r;
}

static int open_blob(struct apply *a, struct fix_blob *b, struct stream **out, struct error *err)
{
	return open_told(a, b, PROGRESS_WRITING, out, err);
}

/* Bytes that no digest names: those of a docker-archive. A plain tar's digest is its diff_id. */
static const struct oci_digest *digest_of(const struct fix_blob *b)
{
	return b->inventory->blob_digest.text[0] ? &b->inventory->blob_digest
	       : b->codec == CODEC_NONE		 ? &b->source->diff_id
						 : NULL;
}

static int copy_unnamed(struct apply *a, struct fix_blob *b, struct stream *from,
			const struct oci_digest *want, struct error *err)
{
	struct block *block;
	int r = sink_blob_begin(a->sink, err);

	while (r == 0 && (r = stream_next(from, &block, err)) == 0) {
		r = sink_blob_write(a->sink, block->data, block->len, err);
		block_unref(block);
	}
	r = r < 0 ? r : sink_blob_finish(a->sink, &b->digest, &b->size, err);
	if (r == 0 && want && want->algo == DIGEST_SHA256 && want->text[0] &&
	    strcmp(want->text, b->digest.text) != 0)
		return err_fail(err, ERR_DIGEST, 0,
				"layer %zu: its bytes have the digest %s, not %s", b->layer,
				b->digest.text, want->text);
	return r;
}

/* The destination does not read what the layer is compressed by: it gets the plain tar. */
static bool is_refused(struct apply *a, struct fix_blob *b, enum codec codec)
{
	const char *who = sink_refuses(a->sink, codec);

	if (who)
		notes_add(a->plan->opts->notes,
			  "layer %zu is compressed by %s, which %s does not read: it is sent plain",
			  b->layer, codec_name(codec), who);
	a->plain |= who != NULL;
	return who != NULL;
}

static int copy_plain(struct apply *a, struct fix_blob *b, struct error *err)
{
	_cleanup_(stream_closep) struct stream *plain = NULL;
	struct stream *raw = NULL;
	enum codec found;
	int r = open_blob(a, b, &raw, err);

	if (r == 0)
		r = codec_open_detected(&plain, raw, &found, a->limits, err);
	if (r < 0) {
		stream_close(raw);
		return r;
	}
	b->codec = CODEC_NONE;
	return copy_unnamed(a, b, plain, b->source->diff_id.text[0] ? &b->source->diff_id : NULL,
			    err);
}

#define COPIES 3 /* of one layer, where a server gives up what it has of it */

static int copy_named(struct apply *a, struct fix_blob *b, struct error *err)
{
	/* A whole chunk of an upload is read before any of it goes out. */
	enum progress_step step =
		sink_watch(a->sink, a->progress, a->line) ? PROGRESS_WAITING : PROGRESS_WRITING;

	for (unsigned n = 1;; n++) {
		_cleanup_(stream_closep) struct stream *from = NULL;
		int r = open_told(a, b, step, &from, err);

		if (r == 0)
			r = sink_blob_copy(a->sink, from, &b->digest, b->size, err);
		if (r != -ERR_NET || n == COPIES || !sink_is_usable(a->sink))
			return r;
		notes_add(a->plan->opts->notes, "layer %zu is copied again: %s", b->layer,
			  err->msg);
	}
}

static int copy(struct apply *a, struct fix_blob *b, struct error *err)
{
	_cleanup_(stream_closep) struct stream *from = NULL;
	int r;

	b->diff_id = b->source->diff_id;
	if (is_refused(a, b, b->codec))
		return copy_plain(a, b, err);
	b->digest = b->source->digest;
	b->size =
		b->source->size != SOURCE_SIZE_UNKNOWN ? b->source->size : b->inventory->blob_size;
	if (b->digest.text[0]) {
		r = sink_blob_take(a->sink, &b->digest, err);
		a->exists = r == 0;
		if (r > 0)
			r = copy_named(a, b, err);
		sink_watch(a->sink, NULL, 0);
		return r;
	}
	r = open_blob(a, b, &from, err);
	return r < 0 ? r : copy_unnamed(a, b, from, digest_of(b), err);
}

/* What flows from the blob to the sink. */
struct pipe {
	struct stream *stream; /* the patched tar; owns all below it */
	struct stream *rewrite;
	struct digest_tee *old, *new;
	struct encoder *encoder;
};

static void pipe_done(struct pipe *p)
{
	stream_close(p->stream);
	encoder_free(p->encoder);
}

static int wrap(struct stream **s, struct stream *outer, int r)
{
	if (r == 0)
		*s = outer;
	return r;
}

/* What makes the new tar of the old one, or of an undo the old one of the new. */
static int open_patch(struct apply *a, struct fix_blob *b, struct pipe *p, struct stream **outer,
		      struct error *err)
{
	int r;

	if (b->past)
		return fix_past_open(a->plan->past, b->past, p->stream, a->limits, outer, err);
	if (a->record && !(b->difference = fix_difference_new()))
		return err_nomem(err);
	r = fix_rewrite_open(outer, p->stream, a->plan, b, a->limits, err);
	if (r < 0)
		return r;
	p->rewrite = *outer;
	fix_rewrite_record(p->rewrite, b->difference);
	return 0;
}

/* The layer's digest is made once more where its bodies were skipped before, or not read at all. */
static int open_pipe(struct apply *a, struct fix_blob *b, struct pipe *p, struct error *err)
{
	struct stream *outer = NULL;
	enum codec found;
	int r = open_blob(a, b, &p->stream, err);

	if (r == 0)
		r = codec_open_detected(&outer, p->stream, &found, a->limits, err);
	r = wrap(&p->stream, outer, r);
	if (r == 0 && found != b->inventory->codec)
		return err_fail(err, ERR_DIGEST, 0,
				"layer %zu is not what it was when it was checked", b->layer);
	if (r == 0 && (b->verified != INV_VERIFIED_FULL || b->cached) &&
	    b->source->diff_id.text[0]) {
		r = digest_tee_open(&outer, &p->old, p->stream, b->source->diff_id.algo, err);
		r = wrap(&p->stream, outer, r);
	}
	if (r == 0) {
		r = open_patch(a, b, p, &outer, err);
		r = wrap(&p->stream, outer, r);
	}
	if (r == 0) {
		r = digest_tee_open(&outer, &p->new, p->stream,
				    b->past ? b->past->old.algo : DIGEST_SHA256, err);
		r = wrap(&p->stream, outer, r);
	}
	return r;
}

static int open_encoder(struct apply *a, struct fix_blob *b, struct pipe *p, struct error *err)
{
	struct encoder_options how = {
		.codec = b->inventory->codec,
		.threads = a->threads,
		.sink = sink_blob_write,
		.ctx = a->sink,
	};
	struct stream *stored = NULL;
	int r = 0;

	if (!encoder_has(how.codec)) {
		notes_add(
			a->plan->opts->notes,
			"layer %zu was compressed with %s, which nothing here writes: it is gzip's "
			"now",
			b->layer, codec_name(how.codec));
		how.codec = CODEC_GZIP;
	} else if (is_refused(a, b, how.codec)) {
		how.codec = CODEC_NONE;
	} else if (how.codec != CODEC_NONE) {
		r = source_layer_open(a->source, b->source, &stored, err);
		if (r == 0)
			r = encoder_level_like(&how.level, stored, a->limits, err);
	}
	b->codec = how.codec;
	return r < 0 ? r : encoder_new(&p->encoder, &how, err);
}

static int check_old(const struct fix_blob *b, struct pipe *p, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	int r = p->old ? digest_tee_hex(p->old, hex, err) : 0;

	if (r == 0 && p->old && strcmp(hex, oci_digest_hex(&b->source->diff_id)) != 0)
		return err_fail(err, ERR_DIGEST, 0,
				"layer %zu: its tar has the digest %s, the config says %s",
				b->layer, hex, b->source->diff_id.text);
	return r;
}

/* The new diff_id; of an undo, the one that it has to be. */
static int take_diff_id(struct fix_blob *b, const char *hex, struct error *err)
{
	if (!b->past)
		set_digest(&b->diff_id, hex);
	else if (strcmp(hex, oci_digest_hex(&b->past->old)) != 0)
		return err_fail(
			err, ERR_DIGEST, 0,
			"layer %zu does not come back: its tar has the digest %s, it was %s",
			b->layer, hex, b->past->old.text);
	else
		b->diff_id = b->past->old;
	return 0;
}

static int pump(struct apply *a, struct fix_blob *b, struct pipe *p, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	struct block *block;
	int r;

	while ((r = stream_next(p->stream, &block, err)) == 0) {
		r = encoder_write(p->encoder, block->data, block->len, err);
		block_unref(block);
		if (r < 0)
			return r;
	}
	if (r > 0)
		r = check_old(b, p, err);
	if (r == 0)
		r = encoder_finish(p->encoder, err);
	if (r == 0)
		r = digest_tee_hex(p->new, hex, err);
	if (r == 0)
		r = take_diff_id(b, hex, err);
	if (r < 0)
		return r;
	b->patched = p->rewrite ? fix_rewrite_bytes(p->rewrite) : 0;
	return sink_blob_finish(a->sink, &b->digest, &b->size, err);
}

static int rewrite(struct apply *a, struct fix_blob *b, struct error *err)
{
	_cleanup_(pipe_done) struct pipe p = { 0 };
	int r = open_encoder(a, b, &p, err);

	if (r == 0)
		r = open_pipe(a, b, &p, err);
	if (r == 0)
		r = sink_blob_begin(a->sink, err);
	return r < 0 ? r : pump(a, b, &p, err);
}

static int put_layers(const struct apply *a, const struct fix_image *img, struct sink_layer **out,
		      struct error *err)
{
	size_t n = img->image->layer_count;

	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct fix_blob *b = &a->plan->blobs[img->blobs[i]];

		(*out)[i] = (struct sink_layer){ b->digest, b->size, b->codec };
	}
	return 0;
}

/* The config and the manifest that the new ones are made of. */
static void past_documents(const struct fix_image *img, struct sink_image *out)
{
	const struct source_image *s = img->image->source;
	const struct fix_past_image *past = img->past;

	out->config = past ? past->config_bytes : s->config_bytes;
	out->config_len = past ? past->config_len : s->config_len;
	out->manifest = past ? past->manifest_bytes : s->manifest_bytes;
	out->manifest_len = past ? past->manifest_len : s->manifest_len;
}

/* New documents for a changed image, the source's own for any other. Of an undo the report's: only
 * a manifest that names layers which are compressed anew is another. */
static int documents(const struct apply *a, struct fix_image *img, struct sink_image *out,
		     struct buf *config, struct buf *manifest, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	int r = 0;

	past_documents(img, out);
	if (img->changed && !img->past) {
		r = fix_config(config, a->plan, img, err);
		out->config = config->data;
		out->config_len = config->len;
	}
	if (r == 0)
		r = digest_hex(DIGEST_SHA256, out->config, out->config_len, hex, err);
	if (r < 0)
		return r;
	set_digest(&img->config, hex);
	/* A manifest's media types tell of compression: the destination's own is made. */
	if (a->plain) {
		out->manifest = NULL;
		out->manifest_len = 0;
	}
	if (!out->manifest || (!img->changed && !img->past))
		return 0;
	r = fix_manifest(manifest, a->plan, img, out, &img->config, err);
	out->manifest = manifest->data;
	out->manifest_len = manifest->len;
	return r;
}

/* An image that an index lists is not listed beside it. */
static bool is_nested(const struct apply *a, const struct source_image *s)
{
	for (size_t i = 0; i < a->index_count; i++)
		if (memmem(a->indexes[i].bytes, a->indexes[i].len, s->digest.text,
			   strlen(s->digest.text)))
			return true;
	return false;
}

/* was: how the documents that an undo brings back call it, or NULL. */
static void add_moved(struct apply *a, const struct oci_digest *old, const struct oci_digest *was,
		      const struct sink_document *doc)
{
	struct fix_moved m = { *old, doc->digest, doc->size, doc->media_type, false };

	a->moved[a->moved_count++] = m;
	if (!was || !was->text[0])
		return;
	m.old = *was;
	a->moved[a->moved_count++] = m;
}

/* The index that an undo makes of the source's. */
static int past_index(const struct fix_past *past, const struct source_index *index,
		      const struct oci_digest **was, const uint8_t **bytes, size_t *len,
		      struct error *err)
{
	for (size_t i = 0; i < past->index_count; i++) {
		const struct fix_past_index *x = &past->indexes[i];

		if (strcmp(x->digest.text, index->digest.text) != 0)
			continue;
		*was = &x->old_digest;
		*bytes = x->bytes;
		*len = x->len;
		return 0;
	}
	return err_fail(err, ERR_DENIED, 0, "the index %s is none that the report's run wrote",
			index->digest.text);
}

/* What index.json itself calls an image, beside the index that has it. */
static int own_names(const struct apply *a, const struct source_image *s, const char ***out,
		     size_t *count, struct error *err)
{
	*out = calloc(a->listed.count + 1, sizeof(**out));
	if (!*out)
		return err_nomem(err);
	for (size_t i = 0; i < a->listed.count; i++) {
		const struct descriptor *d = &a->listed.manifests[i];
		const char *name = d->image_name ? d->image_name : d->ref_name;

		if (name && strcmp(d->digest.text, s->digest.text) == 0)
			(*out)[(*count)++] = name;
	}
	return 0;
}

static int put_index(struct apply *a, const struct source_index *index, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	const char *const names[] = { index->name };
	struct sink_document doc;
	const uint8_t *bytes = index->bytes;
	const struct oci_digest *was = NULL;
	size_t len = index->len;
	int r = a->plan->past ? past_index(a->plan->past, index, &was, &bytes, &len, err) : 0;

	if (r == 0)
		r = fix_index(&text, bytes, len, a->moved, a->moved_count, err);
	if (r == 0)
		r = sink_add_index(a->sink, text.data, text.len, names, index->name ? 1 : 0,
				   index->nested, &doc, err);
	if (r < 0)
		return r;
	add_moved(a, &index->digest, was, &doc);
	a->plan->indexes[a->plan->index_count++] = (struct fix_new_index){ index, doc.digest };
	return 0;
}

static int put_image(struct apply *a, struct fix_image *img, struct error *err)
{
	const struct source_image *s = img->image->source;
	struct sink_document doc;
	_cleanup_(buf_freep) struct buf config = { 0 }, manifest = { 0 };
	_cleanup_(freep) struct sink_layer *layers = NULL;
	_cleanup_(freep) const char **listed = NULL;
	struct sink_image out = {
		.names = (const char *const *)s->names,
		.name_count = s->name_count,
		.platform = s->platform,
		.layer_count = img->image->layer_count,
		.nested = is_nested(a, s),
	};
	int r = put_layers(a, img, &layers, err);

	if (r == 0)
		r = documents(a, img, &out, &config, &manifest, err);
	if (r == 0 && out.nested)
		r = own_names(a, s, &listed, &out.listed_count, err);
	out.layers = layers;
	out.listed = listed;
	if (r == 0)
		r = sink_add_image(a->sink, &out, &doc, err);
	if (r < 0)
		return r;
	img->manifest = doc.digest;
	add_moved(a, &s->digest, img->past ? &img->past->old_digest : NULL, &doc);
	return 0;
}

/* Where one image of an index was taken alone, it stands in the index's place. */
static void replace_index(struct apply *a, const struct source_index *index)
{
	for (size_t i = 0; i < a->moved_count; i++) {
		struct fix_moved m = a->moved[i];

		if (!memmem(index->bytes, index->len, m.old.text, strlen(m.old.text)))
			continue;
		m.old = index->digest;
		m.replaced = true;
		a->moved[a->moved_count++] = m;
		return;
	}
}

/* The source's own index.json, so that its keys and annotations stay. */
static int put_root(struct apply *a, const struct source_index *indexes, size_t count,
		    struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r;

	for (size_t i = a->index_count ? 0 : count; i > 0; i--)
		replace_index(a, &indexes[i - 1]);
	r = fix_index(&text, a->root->bytes, a->root->len, a->moved, a->moved_count, err);
	return r < 0 ? r : sink_set_root_index(a->sink, text.data, text.len, err);
}

/* One platform alone needs no index above it. */
static int put_all(struct apply *a, bool all_platforms, struct error *err)
{
	size_t count;
	const struct source_index *indexes = source_indexes(a->source, &count);
	int r = 0;

	if (count && indexes[count - 1].root) {
		a->root = &indexes[--count];
		r = oci_index_parse(&a->listed, a->root->bytes, a->root->len, a->limits, err);
	}
	if (all_platforms) {
		a->indexes = indexes;
		a->index_count = count;
	}
	a->moved = calloc(2 * (a->plan->image_count + count) + 1, sizeof(*a->moved));
	a->plan->indexes = calloc(a->index_count + 1, sizeof(*a->plan->indexes));
	if (r == 0 && (!a->moved || !a->plan->indexes))
		r = err_nomem(err);
	for (size_t i = 0; i < a->plan->image_count && r == 0; i++)
		r = put_image(a, &a->plan->images[i], err);
	for (size_t i = a->index_count; i > 0 && r == 0; i--)
		r = put_index(a, &a->indexes[i - 1], err);
	if (r == 0 && a->root)
		r = put_root(a, indexes, count, err);
	sink_set_repositories(a->sink, source_has_repositories(a->source));
	free(a->moved);
	oci_index_free(&a->listed);
	return r;
}

static void begin_line(struct apply *a, const struct fix_blob *b)
{
	const struct source_layer *s = b->source;

	a->exists = false;
	a->line = progress_begin(a->progress,
				 s->digest.text[0]    ? s->digest.text
				 : s->diff_id.text[0] ? s->diff_id.text
						      : s->blob,
				 s->size);
}

int fix_apply(struct fix_plan *p, struct source *source, struct sink *sink,
	      const struct limits *limits, const struct fix_apply_options *how, struct error *err)
{
	struct apply a = { .plan = p,
			   .source = source,
			   .sink = sink,
			   .limits = limits,
			   .threads = how->threads,
			   .record = how->record,
			   .progress = how->progress };
	int r = 0;

	for (size_t i = 0; i < p->blob_count && r == 0; i++) {
		struct fix_blob *b = &p->blobs[i];

		begin_line(&a, b);
		r = b->changed ? rewrite(&a, b, err) : copy(&a, b, err);
		progress_end(a.progress, a.line,
			     r < 0	? PROGRESS_FAILED
			     : a.exists ? PROGRESS_EXISTS
					: PROGRESS_DONE);
		if (r < 0)
			return strncmp(err->msg, "layer ", 6) == 0
				       ? r
				       : err_wrap(err, "layer %zu", b->layer);
		b->done = true;
	}
	return r < 0 ? r : put_all(&a, how->all_platforms, err);
}
