/* A whole image archive: sought in as a file, and read once as standard input. Both must tell the
 * same images, or both none. A third look recognises the bytes as a bare path would be.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/source.h"
#include "stream/codec.h"
#include "stream/peek.h"
#include "tar/number.h"
#include "tar/reader.h"

struct look {
	struct source *source;
	const struct source_image *images;
	size_t count;
	struct error err;
	int r;
};

static int drain(void *ctx, const char *blob, uint64_t size, struct stream *raw, struct error *err)
{
	(void)ctx;
	(void)blob;
	(void)size;
	return stream_drain(raw, err);
}

/* What a pass over the archive looks at: may these bytes be a layer? */
static int sniff(struct stream *in, struct error *err)
{
	_cleanup_(stream_closep) struct stream *peeked = NULL;
	const uint8_t *bytes;
	size_t n;
	int r = stream_open_peeked(&peeked, in, TAR_BLOCK, &bytes, &n, err);

	if (r < 0) {
		stream_close(in);
		return r;
	}
	if (n && codec_detect(bytes, n) == CODEC_NONE && (n < TAR_BLOCK || !tar_looks_like(bytes)))
		return err_fail(err, ERR_BAD_INPUT, 0, "no layer");
	return stream_drain(peeked, err);
}

static int open_layers(struct look *l)
{
	for (size_t i = 0; i < l->count; i++)
		for (size_t k = 0; k < l->images[i].layer_count; k++) {
			struct stream *in;
			int r = source_layer_open(l->source, &l->images[i].layers[k], &in, &l->err);

			if (r == 0)
				r = sniff(in, &l->err);
			if (r < 0)
				return r;
		}
	return 0;
}

static void look(struct look *l, enum transport transport, char *path, int in,
		 const struct limits *limits)
{
	struct source_options opts = { .limits = limits, .stdin_fd = in };
	struct ref ref = { transport, path, NULL, -1 };

	l->r = source_open(&l->source, &ref, &opts, &l->err);
	if (l->r == 0 && source_is_one_pass(l->source))
		l->r = source_scan(l->source, drain, NULL, &l->err);
	if (l->r == 0)
		l->r = source_images(l->source, &l->images, &l->count, &l->err);
	if (l->r == 0 && !source_is_one_pass(l->source))
		l->r = open_layers(l);
}

static void differ(const struct look *a, const struct look *b, const char *what)
{
	fprintf(stderr, "%s differ: file %d %s, stream %d %s\n", what, a->r, a->r ? a->err.msg : "",
		b->r, b->r ? b->err.msg : "");
	abort();
}

static void compare(const struct look *a, const struct look *b)
{
	if ((a->r == 0) != (b->r == 0) || a->count != b->count)
		if (a->r == 0 || b->r == 0)
			differ(a, b, "images");
	for (size_t i = 0; a->r == 0 && i < a->count; i++) {
		const struct source_image *x = &a->images[i], *y = &b->images[i];

		if (strcmp(x->digest.text, y->digest.text) || x->layer_count != y->layer_count)
			differ(a, b, "configs");
		for (size_t k = 0; k < x->layer_count; k++)
			if (strcmp(x->layers[k].blob, y->layers[k].blob) ||
			    x->layers[k].size != y->layers[k].size)
				differ(a, b, "layers");
	}
}

/* A fuzzer guesses no sums: the headers that stand where one must stand get theirs, so that what is
 * behind them is tried. */
static void repair(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + TAR_BLOCK <= size;) {
		uint8_t *h = data + at;
		unsigned sum = 0;
		char text[8];
		int64_t body;

		if (memcmp(h + 257, "ustar", 5) != 0)
			return;
		memset(h + 148, ' ', 8);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += h[i];
		snprintf(text, sizeof(text), "%06o", sum & 0777777);
		memcpy(h + 148, text, 7);
		if (!tar_number(h + 124, 12, &body) || body < 0 || (uint64_t)body > size)
			return;
		at += TAR_BLOCK + ((size_t)body + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = limits_default();
	struct look file = { .r = 0 }, stream = { .r = 0 }, path = { .r = 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	_cleanup_(freep) uint8_t *copy = malloc(size + 1);
	char name[64], dash[] = "-";

	if (!copy || fd < 0)
		abort();
	memcpy(copy, data, size);
	repair(copy, size);
	if (write(fd, copy, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	limits.v[LIMIT_JSON_SIZE] = 64 * 1024;
	limits.v[LIMIT_LAYER_SIZE] = 16 * 1024 * 1024;
	limits.v[LIMIT_ARCHIVE_ENTRIES] = 1000;
	look(&file, TRANSPORT_DOCKER_ARCHIVE, name, -1, &limits);
	look(&path, TRANSPORT_PATH, name, -1, &limits);
	look(&stream, TRANSPORT_DOCKER_ARCHIVE, dash, fd, &limits);
	compare(&file, &stream);
	source_close(file.source);
	source_close(path.source);
	source_close(stream.source);
	close(fd);
	return 0;
}
