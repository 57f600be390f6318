/* An image of three layers put into a destination, and read back from there. */
#pragma once

#include "../source/make.h"

#include "sink/sink.h"
#include "stream/encode.h"

#define LAYERS 3

struct picture {
	char ref[700];
	struct sink_options opts;
	struct limits limits;
	const char *const *names;
	size_t name_count;
	unsigned salt; /* other layers, other config */
	size_t size;   /* of each layer's file */
	bool manifest; /* given, and of Docker's type */
	unsigned threads;
};

static inline void aim(struct picture *p, const char *ref)
{
	snprintf(p->ref, sizeof(p->ref), "%s", ref);
}

static inline struct picture picture_of(const char *ref)
{
	struct picture p = { .size = 3000, .salt = 1 };

	aim(&p, ref);

	p.limits = limits_default();
	p.opts.stdout_fd = -1;
	return p;
}

static inline struct buf picture_layer(const struct picture *p, unsigned i)
{
	struct buf out = { 0 };
	uint32_t x = p->salt * 31 + i;

	tar_header(&out, text("file-%u-%u", p->salt, i), TAR_REG, "", p->size);
	for (size_t k = 0; k < p->size; k++) {
		x = x * 1664525u + 1013904223u;
		assert_int_equal(buf_append(&out, (char[]){ (char)(x >> 24) }, 1), 0);
	}
	tar_pad(&out);
	tar_end(&out);
	return out;
}

/* The i-th layer: 0 as the source has it, 1 plain and written, 2 compressed and written. */
static inline int put_layer(struct sink *s, const struct picture *p, unsigned i,
			    struct sink_layer *out, struct error *err)
{
	_cleanup_(buf_freep) struct buf tar = picture_layer(p, i);
	int r;

	out->codec = i == 2 ? CODEC_GZIP : CODEC_NONE;
	if (i == 0) {
		_cleanup_(stream_closep) struct stream *in = NULL;

		out->digest = (struct oci_digest){ .algo = DIGEST_SHA256 };
		snprintf(out->digest.text, sizeof(out->digest.text), "sha256:%s",
			 sha(tar.data, tar.len));
		out->size = tar.len;
		assert_int_equal(stream_open_memory(&in, tar.data, tar.len, err), 0);
		return sink_blob_copy(s, in, &out->digest, out->size, err);
	}
	r = sink_blob_begin(s, err);
	if (r == 0) {
		struct encoder_options opts = { out->codec, 0, p->threads, sink_blob_write, s };
		_cleanup_(encoder_freep) struct encoder *e = NULL;

		assert_int_equal(encoder_new(&e, &opts, err), 0);
		r = encoder_write(e, tar.data, tar.len, err);
		if (r == 0)
			r = encoder_finish(e, err);
	}
	return r < 0 ? r : sink_blob_finish(s, &out->digest, &out->size, err);
}

static inline const char *picture_config(const struct picture *p)
{
	const char *diff[LAYERS];

	for (unsigned i = 0; i < LAYERS; i++) {
		struct buf tar = picture_layer(p, i);

		diff[i] = sha(tar.data, tar.len);
		buf_free(&tar);
	}
	/* A key that nobody knows, blanks: the bytes stay. */
	return text(
		"{ \"zzz\":[1 ],\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":"
		"\"layers\",\"diff_ids\":[\"sha256:%s\",\"sha256:%s\",\"sha256:%s\"]}}",
		diff[0], diff[1], diff[2]);
}

static inline const char *picture_manifest(const char *config, const struct sink_layer *layers)
{
	const char *v2 = "application/vnd.docker.", *json;

	json = text("{\"schemaVersion\":2,\"mediaType\":\"%sdistribution.manifest.v2+json\","
		    "\"config\":{\"mediaType\":\"%scontainer.image.v1+json\",\"size\":%zu,"
		    "\"digest\":\"sha256:%s\"},\"other\":1,\"layers\":[",
		    v2, v2, strlen(config), sha(config, strlen(config)));
	for (unsigned i = 0; i < LAYERS; i++)
		json = text("%s%s{\"mediaType\":\"%simage.rootfs.diff.tar%s\",\"size\":%llu,"
			    "\"digest\":\"%s\"}",
			    json, i ? "," : "", v2, layers[i].codec ? ".gzip" : "",
			    (unsigned long long)layers[i].size, layers[i].digest.text);
	return text("%s]}", json);
}

static inline int put_image_of(struct sink *s, const struct picture *p, bool nested,
			       struct sink_document *doc, struct error *err)
{
	struct sink_layer layers[LAYERS];
	const char *config = picture_config(p);
	struct sink_image image = { .names = p->names,
				    .name_count = p->name_count,
				    .config = config,
				    .config_len = strlen(config),
				    .layers = layers,
				    .layer_count = LAYERS,
				    .nested = nested };
	int r = 0;

	for (unsigned i = 0; r == 0 && i < LAYERS; i++)
		r = put_layer(s, p, i, &layers[i], err);
	if (r < 0)
		return r;
	assert_int_equal(platform_parse(&image.platform, "linux/amd64", NULL), 0);
	if (p->manifest) {
		image.manifest = picture_manifest(config, layers);
		image.manifest_len = strlen(image.manifest);
	}
	return sink_add_image(s, &image, doc, err);
}

static inline int open_for(struct sink **s, const struct picture *p, struct error *err)
{
	struct sink_options opts = p->opts;
	struct ref ref;
	int r;

	opts.limits = &p->limits;
	assert_int_equal(ref_parse(&ref, p->ref, err), 0);
	r = sink_open(s, &ref, &opts, err);
	ref_free(&ref);
	return r;
}

/* All of it: 0, or the first error. */
static inline int put_picture(const struct picture *p, struct error *err)
{
	_cleanup_(sink_closep) struct sink *s = NULL;
	int r = open_for(&s, p, err);

	if (r == 0)
		r = put_image_of(s, p, false, NULL, err);
	return r < 0 ? r : sink_commit(s, err);
}

/* 0 where ref holds the picture of that salt, every digest right. */
static inline int read_picture(const char *ref_text, const struct picture *p, size_t images)
{
	struct ask ask = { .all = images > 1 };
	struct outcome o = outcome_new(&ask);
	const char *config;
	struct ref ref;
	int r;

	assert_int_equal(ref_parse(&ref, ref_text, &o.err), 0);
	config = picture_config(p);
	o.r = look_at(&o, &ref, &ask, -1);
	ref_free(&ref);
	r = o.r;
	if (r == 0) {
		const struct source_image *img = &o.images[0];

		assert_int_equal(o.count, images);
		assert_int_equal(img->layer_count, LAYERS);
		r = 1;
		for (unsigned i = 0; i < LAYERS; i++) {
			struct buf tar = picture_layer(p, i);
			struct stream *in, *plain;
			enum codec codec;
			uint8_t *got;
			size_t len;

			assert_int_equal(source_layer_open(o.source, &img->layers[i], &in, &o.err),
					 0);
			assert_int_equal(codec_open_detected(&plain, in, &codec, &o.limits, &o.err),
					 0);
			assert_int_equal(codec, i == 2 ? CODEC_GZIP : CODEC_NONE);
			assert_int_equal(stream_read_all(plain, 1u << 24, &got, &len, &o.err), 0);
			if (len == tar.len && memcmp(got, tar.data, len) == 0)
				r = 0;
			free(got);
			stream_close(plain);
			buf_free(&tar);
		}
		if (r == 0 && !strstr(config, img->config.diff_ids[0].text))
			r = 1;
	}
	outcome_free(&o);
	return r;
}
