#include "unpack/feed.h"

#include <string.h>
#include <unistd.h>

#include "stream/ahead.h"
#include "stream/codec.h"
#include "stream/digest.h"
#include "stream/watch.h"

struct feed {
	struct source *source;
	const struct source_layer *layers;
	const struct limits *limits;
	struct progress *progress;
	struct ahead *ahead;
	size_t next;
	struct stream *stream; /* the current layer's tar */
	struct digest_tee *tar;
	struct blob {
		struct digest_tee *tee; /* or NULL */
		enum codec codec;
		size_t line; /* of progress */
		bool ended;
	} * blobs;
};

/* A plain blob whose digest is the tar's is hashed once, as the tar. */
static bool is_named_once(const struct source_layer *layer)
{
	return strcmp(layer->digest.text, layer->diff_id.text) == 0;
}

static int open_layer(void *ctx, size_t i, struct stream **out, struct error *err)
{
	struct feed *f = ctx;
	const struct source_layer *layer = &f->layers[i];
	struct blob *b = &f->blobs[i];
	struct stream *s = NULL, *outer;
	int r = source_layer_open(f->source, layer, &s, err);

	if (r == 0) {
		r = stream_open_watched(&outer, s, f->progress, b->line, PROGRESS_EXTRACTING, err);
		if (r == 0)
			s = outer;
	}
	if (r == 0 && layer->digest.text[0] && !is_named_once(layer)) {
		r = digest_tee_open(&outer, &b->tee, s, layer->digest.algo, err);
		if (r == 0)
			s = outer;
	}
	if (r == 0)
		r = codec_open_detected(&outer, s, &b->codec, f->limits, err);
	if (r == 0)
		*out = outer;
	else
		stream_close(s);
	return r;
}

int feed_open(struct feed **out, struct source *s, const struct source_layer *layers, size_t count,
	      const struct limits *limits, struct progress *progress, struct error *err)
{
	_cleanup_(feed_closep) struct feed *f = calloc(1, sizeof(*f));
	int r;

	if (f)
		f->blobs = calloc(count + 1, sizeof(*f->blobs));
	if (!f || !f->blobs)
		return err_nomem(err);
	f->source = s;
	f->layers = layers;
	f->limits = limits;
	f->progress = progress;
	for (size_t i = 0; i < count; i++)
		f->blobs[i].line =
			progress_begin(progress,
				       layers[i].digest.text[0]	   ? layers[i].digest.text
				       : layers[i].diff_id.text[0] ? layers[i].diff_id.text
								   : layers[i].blob,
				       layers[i].size);
	r = ahead_new(&f->ahead, count, open_layer, f, err);
	if (r == 0)
		*out = STEAL(f);
	return r;
}

/* How the current layer has ended, once. */
static void tell_end(struct feed *f, enum progress_step how)
{
	struct blob *b = f->next ? &f->blobs[f->next - 1] : NULL;

	if (!b || b->ended)
		return;
	b->ended = true;
	progress_end(f->progress, b->line, how);
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	tell_end(f, PROGRESS_FAILED);
	stream_close(f->stream);
	ahead_free(f->ahead);
	free(f->blobs);
	free(f);
}

/* With two cores, decoding keeps one busy, and hashing and writing the other: a third thread would
 * push both off. */
static int tee_open(struct feed *f, enum digest_algo algo, struct error *err)
{
	struct stream *outer;
	int r = sysconf(_SC_NPROCESSORS_ONLN) > 2
			? digest_tee_open(&outer, &f->tar, f->stream, algo, err)
			: digest_tee_open_here(&outer, &f->tar, f->stream, algo, err);

	if (r == 0)
		f->stream = outer;
	return r;
}

int feed_next(struct feed *f, struct stream **tar, struct error *err)
{
	const struct source_layer *layer;

	stream_close(STEAL(f->stream));
	f->tar = NULL;
	f->stream = ahead_next(f->ahead);
	if (!f->stream)
		return err_fail(err, ERR_SEQUENCE, 0, "there is no other layer");
	layer = &f->layers[f->next++];
	if (layer->diff_id.text[0]) {
		int r = tee_open(f, layer->diff_id.algo, err);

		if (r < 0)
			return r;
	}
	*tar = f->stream;
	return 0;
}

static int check_digest(struct digest_tee *tee, const struct oci_digest *want, const char *what,
			struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	int r = tee ? digest_tee_hex(tee, hex, err) : 0;

	if (r < 0 || !tee || strcmp(hex, oci_digest_hex(want)) == 0)
		return r;
	return err_fail(err, ERR_DIGEST, 0, "%s has the digest %s, not %s", what, hex, want->text);
}

int feed_verify(struct feed *f, struct error *err)
{
	const struct source_layer *layer = &f->layers[f->next - 1];
	const struct blob *b = &f->blobs[f->next - 1];
	int r = check_digest(b->tee, &layer->digest, "its blob", err);

	if (r == 0)
		r = check_digest(f->tar, &layer->diff_id, "its tar", err);
	if (r == 0 && f->tar && !b->tee && layer->digest.text[0] && b->codec != CODEC_NONE)
		r = err_fail(err, ERR_DIGEST, 0,
			     "its blob has the digest of its tar, but is compressed (%s)",
			     codec_name(b->codec));
	if (r == 0)
		tell_end(f, PROGRESS_DONE);
	return r;
}
